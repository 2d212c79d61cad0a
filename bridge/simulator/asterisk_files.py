"""The configuration of a private Asterisk: its modules, its files beside the pack, its endpoints. Pure.

Called by `asterisk` only, which fills in the {words}.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

HOST: Final = "127.0.0.1"
MODULES: Final = (
    *("app_bridgeaddchan", "app_dial", "app_directed_pickup", "app_exec", "app_mixmonitor", "app_originate"),
    *("app_playback", "app_playtones", "app_read", "app_stack", "app_userevent", "bridge_simple"),
    *("bridge_softmix", "chan_pjsip", "codec_alaw", "codec_ulaw", "format_pcm", "format_wav"),
    *("func_callerid", "func_cdr", "func_channel", "func_config", "func_cut", "func_env", "func_global"),
    *("func_groupcount", "func_lock", "func_logic", "func_strings", "pbx_config", "res_musiconhold"),
    *("res_pjproject", "res_pjsip", "res_pjsip_authenticator_digest", "res_pjsip_caller_id"),
    *("res_pjsip_endpoint_identifier_user", "res_pjsip_header_funcs", "res_pjsip_pubsub"),
    *(
        "res_pjsip_registrar",
        "res_pjsip_rfc3326",
        "res_pjsip_sdp_rtp",
        "res_pjsip_session",
        "res_rtp_asterisk",
    ),
    *("res_sorcery_astdb", "res_sorcery_config"),
    *("res_sorcery_memory", "res_timing_timerfd"),
)
"""What the pack and simulated telephones need (docs/asterisk/install.md)."""

FILES: Final[Mapping[str, str]] = {
    "logger.conf": "[general]\n[logfiles]\n{folder}/full.log => notice,warning,error,verbose(3)\n",
    "manager.conf": """\
[general]
enabled = yes
bindaddr = {host}
port = {ami_port}
webenabled = no
#include "sosbridge/manager.conf"
""",
    "http.conf": "[general]\nenabled = no\n",
    "rtp.conf": "[general]\nrtpstart = {rtp_start}\nrtpend = {rtp_end}\n",
    "musiconhold.conf": '#include "sosbridge/musiconhold.conf"\n',
    "extensions.conf": """\
[general]
static = yes
writeprotect = yes
clearglobalvars = no
[globals]
#include "sosbridge/globals.conf"
[help-points]
include => sos-alarm
[others]
#include "sosbridge/alarm.conf"
#include "sosbridge/dispatch.conf"
#include "sosbridge/notify.conf"
#include "sosbridge/heartbeat.conf"
""",
    "pjsip.conf": """\
[udp]
type = transport
protocol = udp
bind = {host}:{sip_port}
#include "sosbridge/pjsip.conf"
""",
    # Asterisk complains where one of these is missing.
    **dict.fromkeys(("acl.conf", "ccss.conf", "features.conf", "pjproject.conf", "udptl.conf"), ""),
    "cdr.conf": "[general]\nenable = no\n",
    "cel.conf": "[general]\nenable = no\n",
    "indications.conf": """\
[general]
country = us
[us]
description = United States
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
""",
}


def endpoints(help_points: Iterable[str], others: Iterable[str]) -> str:
    """Return their sections of pjsip.conf, by the templates of the pack."""
    return "".join((*_sections(help_points, "help-points"), *_sections(others, "others")))


def _sections(names: Iterable[str], context: str) -> Iterator[str]:
    for name in names:
        yield f"""
[{name}](sos-phone)
context = {context}
aors = {name}
media_address = {HOST}
bind_rtp_to_media_address = yes
[{name}]
type = aor
max_contacts = 1
remove_existing = yes
"""
