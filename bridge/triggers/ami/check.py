"""Proves an AMI account before it is needed: `sosbridge check`. Asks only what changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from bridge.errors import ConfigError, DeliveryError, ProtocolError
from bridge.model import Clock, Finding, Say
from bridge.protocols.ami_link import Account, Refused, Session, connect

_TOO_MUCH: Final = {
    "Originate": "originate",
    "Command": "command",
    "UpdateConfig": "config",
    "Hangup": "call",
    "ModuleLoad": "system",
}
"""Actions a watcher never needs, and the manager.conf `write` class that lets it have them."""
_HEAD: Final = 64 * 1024
"""Bytes of a log's beginning that are looked at."""
_ECHO: Final = 1.0
"""Seconds to wait for the events that our own logins cause."""


async def check_account(subject: str, account: Account, clock: Clock) -> list[Finding]:
    """Return what is good and what is wrong with the account, for a person."""
    try:
        session = await connect(account, clock=clock)
    except (DeliveryError, ProtocolError, ConfigError) as error:
        return [Finding(level="error", subject=subject, text=str(error))]
    try:
        return [
            Finding(level=level, subject=subject, text=text)
            for level, text in [
                await _version(session),
                *_transport(account),
                await _snapshot(session),
                *await _excess(session),
                *await _events(session, account, clock),
            ]
        ]
    except (DeliveryError, ProtocolError) as error:
        return [Finding(level="error", subject=subject, text=f"logged in, then: {error}")]
    finally:
        await session.close()


_Line = tuple[str, str]
"""Level and text."""


async def _version(session: Session) -> _Line:
    try:
        [answer] = await session.action("CoreSettings")
    except Refused:
        return "ok", f"logged in, AMI {session.version}"
    return "ok", f"logged in, Asterisk {answer.get('AsteriskVersion')}, AMI {session.version}"


def _transport(account: Account) -> list[_Line]:
    if account.tls is None and account.host not in ("localhost", "127.0.0.1", "::1"):
        return [("warning", "no TLS: names and numbers cross the network readable (set `tls`)")]
    if account.tls is not None and not account.tls.check_hostname:
        return [("warning", "TLS believes any certificate (`tls.verify` is off)")]
    return []


async def _snapshot(session: Session) -> _Line:
    try:
        rows = await session.action("CoreShowChannels")
    except Refused as error:
        return "error", f"may not list channels ({error.text}): set `write = reporting` in manager.conf"
    return "ok", f"may list channels ({len(rows) - 2} now)"


async def _excess(session: Session) -> list[_Line]:
    """ListCommands tells every action the account may use."""
    [answer] = await session.action("ListCommands")
    classes = sorted({_TOO_MUCH[name] for name, _ in answer.headers if name in _TOO_MUCH})
    if not classes:
        return [("ok", "has no rights beyond watching")]
    return [("warning", f"has more rights than a watcher needs, take `{', '.join(classes)}` off `write`")]


async def _events(session: Session, account: Account, clock: Clock) -> list[_Line]:
    """A second login makes Asterisk report it (class `security`) to the first."""
    try:
        second = await connect(account, clock=clock)
    except DeliveryError as error:
        return [("warning", f"a second login fails, set `allowmultiplelogin = yes`: {error}")]
    await second.close()
    deadline = clock.monotonic() + _ECHO
    while clock.monotonic() < deadline:
        seen = session.waiting()
        if any(message.event == "SuccessfulAuth" for message in seen):
            break
        await asyncio.sleep(0.02)
    seen = session.waiting()
    # Calls are shown only while there are some, so these rights cannot be proven on a quiet PBX.
    lines: list[_Line] = [("ok", "`read = call,user` is proven by the first call only: make one and look")]
    if not any(message.event == "SuccessfulAuth" for message in seen):
        lines.append(
            ("warning", "no events of class `security`: refused phones go unseen (add it to `read`)")
        )
    if seen and not any("Timestamp" in message for message in seen):
        lines.append(("warning", "events have no time of their own: set `timestampevents = yes`"))
    return lines


def check_log(subject: str, file: Path) -> Finding:
    """Report whether the PBX's CEL file can be read, and holds anything. Blocks."""
    say = Say(subject)
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError as error:
        return say.error(f"cel_file: {file} cannot be read: {error.strerror or error}")
    if head and not any(kind in head for kind in (b"CHAN_START", b"CHAN_END", b"LINKEDID_END")):
        return say.error(f"cel_file: {file} is no CEL file")
    return say.ok(f"cel_file: {file} can be read" + ("" if head else ", and is empty so far"))
