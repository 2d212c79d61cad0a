"""The configuration files of a test Asterisk: the base set, and pjsip.conf made from `Endpoint`s.

Only `tests/parts/asterisk.py` calls this. Words like @SIP_PORT@ are replaced when the files are written
(`fill`); Asterisk's own ${...} stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MODULES: Final = (
    *("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject", "res_timing_timerfd"),
    *("res_rtp_asterisk", "res_crypto", "res_http_websocket", "res_security_log", "res_websocket_client"),
    *("pbx_config", "res_pjsip", "res_pjsip_acl", "res_pjsip_authenticator_digest", "res_pjsip_caller_id"),
    *("res_pjsip_outbound_authenticator_digest", "res_pjsip_dtmf_info", "res_pjsip_endpoint_identifier_user"),
    *("res_pjsip_endpoint_identifier_ip", "res_pjsip_endpoint_identifier_anonymous", "res_pjsip_nat"),
    *("res_pjsip_header_funcs", "res_pjsip_logger", "res_pjsip_pubsub", "res_pjsip_registrar"),
    *("res_pjsip_refer", "res_pjsip_rfc3326", "res_pjsip_sdp_rtp", "res_pjsip_session", "res_pjsip_mwi"),
    *("res_pjsip_dlg_options", "chan_pjsip"),
    *("func_pjsip_endpoint", "func_pjsip_aor", "func_pjsip_contact", "func_channel", "func_callerid"),
    *("func_cdr", "func_hangupcause", "func_logic", "func_strings", "func_db", "func_global"),
    *("func_groupcount", "func_timeout", "func_math", "func_uuid", "func_dialplan", "func_module"),
    *("func_devstate", "func_env", "func_cut", "func_lock", "func_periodic_hook", "func_sprintf"),
    *("func_base64", "func_version", "func_sysinfo", "func_rand", "func_uri", "func_curl", "res_curl"),
    *("app_dial", "app_playback", "app_stack", "app_read", "app_userevent", "app_queue", "app_confbridge"),
    *("app_originate", "app_verbose", "app_exec", "app_bridgewait", "app_bridgeaddchan", "app_transfer"),
    *("app_senddtmf", "app_cdr", "app_while", "app_echo", "app_chanisavail", "app_db", "app_mixmonitor"),
    *("app_record", "app_sayunixtime", "app_playtones", "app_softhangup", "app_channelredirect"),
    *("app_waitforsilence", "app_milliwatt", "app_page", "app_chanspy", "app_stasis", "app_if"),
    *("bridge_simple", "bridge_native_rtp", "bridge_holding", "bridge_softmix", "bridge_builtin_features"),
    *("bridge_builtin_interval_features", "codec_alaw", "codec_ulaw", "codec_gsm", "codec_resample"),
    *("codec_a_mu", "codec_g722", "format_pcm", "format_wav", "format_gsm", "format_sln"),
    # Not res_stasis_device_state: it may block ARI for good when a WebSocket closes (docs/triggers/ari.md).
    *("res_stasis", "res_stasis_answer"),
    *("res_stasis_playback", "res_stasis_recording", "res_stasis_snoop", "res_ari_model", "res_ari"),
    *("res_ari_applications", "res_ari_asterisk", "res_ari_bridges", "res_ari_channels"),
    *("res_ari_endpoints", "res_ari_events", "res_ari_playbacks"),
    *("res_ari_recordings", "res_ari_sounds", "res_manager_devicestate", "res_mutestream"),
    *("cdr_manager", "cdr_custom", "cel_manager", "cel_custom", "res_cdrel_custom"),
)
"""Modules loaded where the version has them (some came after 16). Anything else: `Asterisk(modules=...)`."""

BASE_FILES: Final[Mapping[str, str]] = {
    "asterisk.conf": """\
[directories]
astcachedir => @FOLDER@/db
astetcdir => @ETC@
astmoddir => @MODULES@
astvarlibdir => @FOLDER@/varlib
astdbdir => @FOLDER@/db
astkeydir => @FOLDER@/db
astdatadir => @FOLDER@/data
astagidir => @FOLDER@/db
astspooldir => @SPOOL@
astrundir => @FOLDER@/run
astlogdir => @LOG@
astsbindir => @FOLDER@
[options]
live_dangerously = no
documentation_language = en_US
""",
    "logger.conf": """\
[general]
dateformat=%F %T.%3q
[logfiles]
full.log => notice,warning,error,verbose(3),security
""",
    "manager.conf": """\
[general]
enabled = yes
bindaddr = 127.0.0.1
port = @AMI_PORT@
webenabled = no
allowmultiplelogin = yes
displayconnects = yes
timestampevents = yes
authtimeout = 10
authlimit = 20

[lab]
secret = lab-secret
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = all
write = all
writetimeout = 5000
""",
    "http.conf": """\
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = @HTTP_PORT@
enable_status = no
""",
    "ari.conf": """\
[general]
enabled = yes
channelvars = CHANNEL(linkedid),SOS_KIND,SOS_EXTEN
[lab]
type = user
read_only = no
password = lab-secret
[watch]
type = user
read_only = yes
password = watch-secret
""",
    "rtp.conf": """\
[general]
rtpstart=@RTP_START@
rtpend=@RTP_END@
""",
    "extensions.conf": """\
[general]
static=yes
writeprotect=yes
autofallthrough=yes
clearglobalvars=no

[globals]

[phones]
exten => _X.,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
""",
    "cdr.conf": "[general]\nenable=yes\nunanswered=yes\ncongestion=yes\n",
    "cdr_manager.conf": "[general]\nenabled = yes\n[mappings]\nlinkedid => Linkedid\n",
    "cdr_custom.conf": """\
[mappings]
Master.csv => ${CSV_QUOTE(${CDR(clid)})},${CSV_QUOTE(${CDR(src)})},${CSV_QUOTE(${CDR(dst)})},\
${CSV_QUOTE(${CDR(start)})},${CSV_QUOTE(${CDR(answer)})},${CSV_QUOTE(${CDR(end)})},\
${CSV_QUOTE(${CDR(disposition)})},${CSV_QUOTE(${CDR(uniqueid)})},${CSV_QUOTE(${CDR(linkedid)})},\
${CSV_QUOTE(${CDR(sequence)})},${CSV_QUOTE(${CDR(userfield)})}
""",
    "cel.conf": """\
[general]
enable=yes
apps=dial,queue,stasis
events=ALL
dateformat = %s.%6q
[manager]
enabled=yes
""",
    "cel_custom.conf": """\
[mappings]
Master.csv => ${CSV_QUOTE(${eventtype})},${CSV_QUOTE(${eventtime})},${CSV_QUOTE(${CALLERID(num)})},\
${CSV_QUOTE(${CHANNEL(exten)})},${CSV_QUOTE(${CHANNEL(channame)})},${CSV_QUOTE(${CHANNEL(uniqueid)})},\
${CSV_QUOTE(${CHANNEL(linkedid)})},${CSV_QUOTE(${BRIDGEPEER})},${CSV_QUOTE(${eventextra})}
""",
    # Empty, because Asterisk logs an error where one is missing, and tests look for errors in its log.
    **dict.fromkeys(("acl.conf", "ccss.conf", "pjproject.conf", "udptl.conf", "websocket_client.conf"), ""),
    "features.conf": "[general]\n[featuremap]\nblindxfer => #1\natxfer => *2\n",
    "queues.conf": "[general]\npersistentmembers=no\n",
    "confbridge.conf": "[general]\n[default_user]\ntype=user\n[default_bridge]\ntype=bridge\n",
    "indications.conf": """\
[general]
country=us
[us]
description = United States / North America
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
""",
    "pjsip.conf": """\
[global]
type=global
endpoint_identifier_order=auth_username,username,ip,anonymous
[system]
type=system
[udp]
type=transport
protocol=udp
bind=127.0.0.1:@SIP_PORT@
""",
}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One PJSIP endpoint of the test PBX, with its AOR and, with a password, its auth section.

    name: endpoint, AOR and auth user. Calls from it enter `context`.
    port: where a static contact listens (a sipp or baresip answerer); 0 = it must register, or only calls.
        -1 = allocate one at start: `Asterisk.port_of(name)`.
    password: digest password; empty = no authentication. With one, the phone is found by the digest user,
        so its From may be anonymous (withheld caller ID).
    dtmf: `rfc4733` (baresip), `info` (sipp scenarios), `auto_info`.
    caller_id: forced caller ID; empty = what the phone says.
    settings: further lines of the endpoint section. aor_settings: of the AOR section.
    """

    name: str
    context: str = "phones"
    port: int = 0
    password: str = ""
    dtmf: str = "rfc4733"
    caller_id: str = ""
    settings: Mapping[str, str] | None = None
    aor_settings: Mapping[str, str] | None = None


def pjsip_sections(endpoints: Iterable[Endpoint]) -> str:
    """Return the pjsip.conf sections of the endpoints."""
    return "".join(_endpoint_sections(endpoint) for endpoint in endpoints)


def _endpoint_sections(endpoint: Endpoint) -> str:
    main = {
        "type": "endpoint",
        "context": endpoint.context,
        "disallow": "all",
        "allow": "alaw,ulaw",
        "direct_media": "no",
        "rtp_symmetric": "yes",
        "dtmf_mode": endpoint.dtmf,
        "transport": "udp",
        "aors": endpoint.name,
        **(endpoint.settings or {}),
    }
    if endpoint.caller_id:
        main["callerid"] = endpoint.caller_id
    sections = [main]
    if endpoint.password:
        main.setdefault("identify_by", "auth_username,username")
        main["auth"] = endpoint.name
        sections.append(
            {
                "type": "auth",
                "auth_type": "userpass",
                "username": endpoint.name,
                "password": endpoint.password,
            }
        )
    aor = {"type": "aor", "max_contacts": "1", "remove_existing": "yes", **(endpoint.aor_settings or {})}
    if endpoint.port:
        aor["contact"] = f"sip:{endpoint.name}@127.0.0.1:{endpoint.port}"
    sections.append(aor)
    return "\n" + "".join(_section(endpoint.name, lines) for lines in sections)


def _section(name: str, lines: Mapping[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in lines.items())


def modules_conf(available: Iterable[str], extra: Iterable[str]) -> str:
    """Return modules.conf: the base modules that this version has, and all of `extra`.

    Raises ValueError when the version has no module of `extra`.
    """
    there = set(available)
    if absent := [name for name in extra if name not in there]:
        raise ValueError(f"this Asterisk has no module {', '.join(absent)}")
    wanted = dict.fromkeys((*(name for name in MODULES if name in there), *extra))
    return "[modules]\nautoload=no\n" + "".join(f"load = {name}.so\n" for name in wanted)


def fill(text: str, words: Mapping[str, str]) -> str:
    """Replace every @WORD@. Raises ValueError for a word that is not known."""

    def value(match: re.Match[str]) -> str:
        word = match[1]
        if word not in words:
            raise ValueError(f"unknown word @{word}@; known: {', '.join(sorted(words))}")
        return words[word]

    return re.sub(r"@([A-Z][A-Z_0-9]*)@", value, text)
