"""Compares the pack with the PBX that should run it, as the watching user, who can change nothing.

`asking` knows how each question is put over AMI and ARI. What cannot be asked is said as a warning, not
passed over. Called by `sosbridge asterisk check`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from bridge.model import Finding
from bridge.pack import prompts
from bridge.pack.asking import Dialplan, Pbx
from bridge.pack.facts import PackFacts, Person, PhoneFacts
from bridge.pack.render import caller_class, pack_hash, render_texts

DIALPLAN: Final = ("alarm.conf", "dispatch.conf", "notify.conf", "heartbeat.conf")
"""The files whose sections are contexts."""
ALARM_CONTEXT: Final = "sos-alarm"
MODULES: Final = (
    *("app_bridgeaddchan", "app_dial", "app_directed_pickup", "app_exec", "app_mixmonitor", "app_originate"),
    *("app_playback", "app_playtones", "app_read", "app_stack", "app_userevent", "bridge_softmix"),
    *("func_callerid", "func_cdr", "func_channel", "func_config", "func_cut", "func_env", "func_global"),
    *(
        "func_groupcount",
        "func_lock",
        "func_logic",
        "func_strings",
        "res_musiconhold",
        "res_pjsip_header_funcs",
    ),
)
"""What the dialplan uses, in Asterisk 16 and 22 alike."""
SHORTEST_RTP_TIMEOUT: Final = 60
FORWARDS: Final = ("CF", "CFU", "CFB", "DND")
"""AstDB families in which FreePBX keeps call forwarding and do-not-disturb."""


async def check_pack(facts: PackFacts, pbx: Pbx) -> list[Finding]:
    """Return what is good and what is wrong with the pack on the PBX.

    Raises DeliveryError when the connection fails meanwhile.
    """
    dialplan = pbx.dialplan
    return [
        await _loaded(facts, pbx),
        *([await _contexts(facts, dialplan)] if dialplan else []),
        await _modules(pbx),
        await _heartbeat(facts, pbx),
        *await _phones(facts, pbx),
        *[await _reachable(person, "console", pbx) for person in facts.all_consoles],
        *[await _reachable(person, "dispatcher", pbx) for person in facts.dispatchers],
        *[await _caller_hears(facts, each, dialplan) for each in facts.caller_languages if dialplan],
        _prompt_files(facts),
        *pbx.untold(),
    ]


async def _loaded(facts: PackFacts, pbx: Pbx) -> Finding:
    expected, loaded = pack_hash(facts), await pbx.global_value("SOS_PACK_HASH")
    if loaded == expected:
        return Finding(level="ok", subject="pack", text=f"this site's pack is loaded ({loaded[:8]})")
    if not loaded:
        text = "is not loaded: `sosbridge asterisk render` says what to include; then `dialplan reload`"
    else:
        text = (
            f"another one is loaded ({loaded[:8]}, not {expected[:8]}): render again, then `dialplan reload`"
        )
    return Finding(level="error", subject="pack", text=text)


async def _contexts(facts: PackFacts, dialplan: Dialplan) -> Finding:
    texts = render_texts(facts)
    wanted = [name for file in DIALPLAN for name in re.findall(r"^\[(.+)\]$", texts[file], re.MULTILINE)]
    absent = [name for name in wanted if await dialplan.first_match(name) is None]
    if absent:
        text = f"contexts are missing: {', '.join(absent)}; is every file included?"
        return Finding(level="error", subject="dialplan", text=text)
    return Finding(level="ok", subject="dialplan", text=f"all {len(wanted)} contexts are there")


async def _modules(pbx: Pbx) -> Finding:
    absent = await pbx.missing_modules(MODULES)
    if absent is None:
        text = f"cannot tell which modules are loaded (func_module is not); needed: {', '.join(MODULES)}"
        return Finding(level="warning", subject="modules", text=text)
    if absent:
        text = f"not loaded: {', '.join(absent)}; `module load` them, and see modules.conf"
        return Finding(level="error", subject="modules", text=text)
    return Finding(level="ok", subject="modules", text="every module that the pack uses is loaded")


async def _heartbeat(facts: PackFacts, pbx: Pbx) -> Finding:
    """Whether the PBX counts the bridge as alive, judged as its dialplan does: by its own clock alone."""
    noted, now = await pbx.global_value("SOS_BEAT_AT"), await pbx.global_value("EPOCH")
    if not noted.isdigit() or not now.isdigit() or int(noted) == 0:
        text = "the PBX has noted none: does `sosbridge run` run? Until then dispatch rings at once"
        return Finding(level="warning", subject="heartbeat", text=text)
    age, stale = int(now) - int(noted), facts.times.heartbeat_stale
    if 0 <= age <= stale:
        return Finding(level="ok", subject="heartbeat", text=f"fresh: {age} s old by the PBX's clock")
    by_clock = f"{age} s old by the PBX's clock, {stale} s at most"
    why = by_clock if age > 0 else "noted before the PBX's clock was set back"
    return Finding(level="warning", subject="heartbeat", text=f"stale: {why}; dispatch rings at once")


# --- phones -----------------------------------------------------------------------------------------


async def _phones(facts: PackFacts, pbx: Pbx) -> list[Finding]:
    """One line for each phone that has something wrong, one for all that have not."""
    wrong = {phone.id: [text async for text in _phone(phone, facts, pbx)] for phone in facts.phones}
    findings = [
        Finding(level=level, subject=f"phone/{phone_id}", text=text)
        for phone_id, found in wrong.items()
        for level, text in found
    ]
    good = sum(not found for found in wrong.values())
    if good:
        reach = "reach the alarm extensions, " if pbx.dialplan else ""
        text = f"{good} of {len(wrong)} {reach}are watched and time out as they should"
        findings.append(Finding(level="ok", subject="phones", text=text))
    return findings


async def _phone(phone: PhoneFacts, facts: PackFacts, pbx: Pbx) -> AsyncIterator[tuple[str, str]]:
    """Yield level and text of each thing that is wrong."""
    context = await pbx.endpoint(phone.endpoint, "context")
    if not context:
        yield (
            "error",
            f"the PBX has no PJSIP endpoint {phone.endpoint} (or, over AMI, no func_pjsip_endpoint)",
        )
        return
    if pbx.dialplan:
        for extension in filter(_is_number, facts.alarm_extensions):
            runs = await pbx.dialplan.first_match(context, extension)
            if runs != ALARM_CONTEXT:
                yield "error", _leads_elsewhere(extension, context, runs)
    timeout = await pbx.endpoint(phone.endpoint, "rtp_timeout")
    if timeout == "0":
        yield "warning", "rtp_timeout is 0: when it vanishes in a call, that is seen after minutes"
    elif timeout.isdigit() and int(timeout) < SHORTEST_RTP_TIMEOUT:
        yield "warning", f"rtp_timeout is {timeout} s: a dropped handset ends the call; 60 or more"
    aor = (await pbx.endpoint(phone.endpoint, "aors")).partition(",")[0]
    if aor and await pbx.aor(aor, "qualify_frequency") == "0":
        yield "warning", "qualify_frequency is 0: nobody sees that it is gone"


def _leads_elsewhere(extension: str, context: str, runs: str | None) -> str:
    instead = f"runs context {runs}" if runs else "is not there"
    return (
        f"{extension} in its context {context} {instead}: `include => {ALARM_CONTEXT}` there, and move the"
        " context's own patterns into an included one, for they come first"
    )


def _is_number(extension: str) -> bool:
    return not extension.startswith("_")


# --- people -----------------------------------------------------------------------------------------


async def _reachable(person: Person, what: str, pbx: Pbx) -> Finding:
    subject = f"{what}/{person.endpoint}"
    if "@" in person.endpoint:
        text = "a number outside: whether it is reached, and by whom it is answered, cannot be checked"
        return Finding(level="warning", subject=subject, text=text)
    state = await pbx.device_state(person.dial)
    if state == "INVALID":
        text = f"the PBX has no PJSIP endpoint {person.endpoint}"
        return Finding(level="error", subject=subject, text=text)
    if state == "UNAVAILABLE":
        return Finding(level="error", subject=subject, text="its phone is not there (not registered)")
    forwards = await pbx.dialplan.settings_of_person(FORWARDS, person.endpoint) if pbx.dialplan else []
    if forwards:
        text = f"{', '.join(forwards)} is set in the PBX; the pack dials the phone itself, whatever that says"
        return Finding(level="warning", subject=subject, text=text)
    text = f"its phone is there ({state}); forwarding set in the phone is ignored (Dial option i)"
    return Finding(level="ok", subject=subject, text=text)


# --- sounds -----------------------------------------------------------------------------------------


async def _caller_hears(facts: PackFacts, language: str, dialplan: Dialplan) -> Finding:
    """What callers hear who are spoken to in that language."""
    music = caller_class(facts, language)
    found = await dialplan.music_folder(music)
    if found == f"{facts.sounds}/{language}/caller":
        return Finding(level="ok", subject="musiconhold.conf", text=f"has the class {music}")
    text = f"has {'another' if found else 'no'} class {music}: callers hear plain ringback"
    return Finding(level="warning", subject="musiconhold.conf", text=text)


def _prompt_files(facts: PackFacts) -> Finding:
    folder = Path(facts.sounds)
    if not folder.is_dir():
        text = "cannot be seen from this machine: `sosbridge prompts build`, and copy them to the PBX"
        return Finding(level="warning", subject=facts.sounds, text=text)
    if wrong := prompts.missing(facts, folder):
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Finding(level="error", subject=facts.sounds, text="; ".join(wrong[:3]) + more)
    return Finding(level="ok", subject=facts.sounds, text="every prompt is there and can be played")
