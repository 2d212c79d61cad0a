"""AMI captures and ARI recordings -> events, by the live triggers' own mapping. One pass.

An AMI capture is the bytes as the socket gave them (`sosbridge record ami`), or an event a line in JSON; an
ARI recording is an event a line in JSON. Where the PBX writes no time (`timestampevents` is off) an event
counts as happening with the latest one that tells its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from bridge.calls import CallTracker, facts
from bridge.errors import ProtocolError
from bridge.protocols.ami import BANNER, MAX_MESSAGE, Message
from bridge.protocols.ari.events import parse
from bridge.replay.outlet import Outlet
from bridge.replay.records import text_of
from bridge.replay.trouble import Troubles, excerpt
from bridge.triggers.ami import mapping as ami
from bridge.triggers.ari import mapping as ari

_WANTED: Final = {name.encode(): name for name in ami.EVENTS}
_EVENT: Final = b"Event: "
_STATE: Final = b"\nState: "
_STATES: Final = (b"\nState: NOT_INUSE", b"\nState: UNAVAILABLE")
_BORN: Final = re.compile(rb"^Uniqueid: (?:[\w.-]+-)?(\d{9,10})\.\d+$", re.MULTILINE | re.IGNORECASE)
_HEADER: Final = re.compile(r"[A-Za-z][\w-]*")


class _Heard(Message):
    """An event whose headers are spelt as Asterisk spells them: no look at the others is needed."""

    __slots__ = ("_event",)

    def __init__(self, raw: bytes, event: str) -> None:
        super().__init__(raw)
        self._event = event

    @property
    def event(self) -> str:
        return self._event

    def get(self, name: str, default: str = "") -> str:
        raw = self.raw
        start = raw.find(_spelt(name))
        if start < 0:
            return super().get(name, default)
        start += len(name) + 3
        end = raw.find(b"\n", start)
        value = raw[start:] if end < 0 else raw[start:end]
        return text_of(value).replace("\0", "\\x00")

    def __contains__(self, name: str) -> bool:
        return _spelt(name) in self.raw or super().__contains__(name)


def _says_nothing(raw: bytes) -> bool:
    """Whether it is a device's state of which the mapping makes nothing: every fifth event is one."""
    return _STATE in raw and not any(state in raw for state in _STATES)


@cache
def _spelt(name: str) -> bytes:
    return b"\n%b: " % name.encode()


class Spoken:
    """What one PBX says, whatever files it is in. source: its name in events, as live (`asterisk/pbx1`)."""

    def __init__(self, outlet: Outlet, troubles: Troubles, *, source: str, via: str) -> None:
        self._outlet = outlet
        self._troubles = troubles
        self._tracker = CallTracker(source, via=via)
        self._newest = 0.0

    # --- AMI ----------------------------------------------------------------------------------------

    def ami_bytes(self, file: str, blocks: Iterable[bytes]) -> int:
        """Read a raw capture; return how many messages it holds."""
        good, line, rest, cr = 0, 1, b"", b""
        for block in blocks:
            data = cr + block
            cr = b"\r" if data.endswith(b"\r") else b""
            text = rest + data.removesuffix(cr).replace(b"\r\n", b"\n")
            if line == 1:
                text = _without_banner(text)
            *messages, rest = text.split(b"\n\n")
            good += self._messages(file, line, messages)
            line += text.count(b"\n") - rest.count(b"\n")
            if len(rest) > MAX_MESSAGE:
                self._troubles.note(file, line, "a message without an end", excerpt(rest))
                line += rest.count(b"\n")
                rest = b""
        if rest.strip(b"\n"):
            if rest.endswith(b"\n"):
                good += self._messages(file, line, [rest])
            else:
                self._troubles.note(file, line, "half a message at the end", excerpt(rest))
        return good

    def ami_lines(self, file: str, first: int, lines: Sequence[bytes]) -> int:
        """Read events a line in JSON; return how many. first: number of the first line."""
        bad = 0
        for number, line in enumerate(lines, first):
            try:
                message = Message(_as_raw(line))
            except ValueError as error:
                bad += 1
                self._troubles.note(file, number, str(error), excerpt(line))
            else:
                if message.event in ami.EVENTS:
                    self._ami(message)
        return len(lines) - bad

    def _messages(self, file: str, line: int, messages: Sequence[bytes]) -> int:
        good = 0
        for position, raw in enumerate(messages):
            if raw.startswith(_EVENT):
                good += 1
                event = _WANTED.get(raw[7 : raw.find(b"\n")])
                if event and not (event == "DeviceStateChange" and _says_nothing(raw)):
                    self._ami(_Heard(raw, event))
            elif raw.startswith((b"Response: ", b"Action: ", b"\n")) or not raw:
                stripped = raw.lstrip(b"\n")
                good += self._messages(file, line, [stripped]) if stripped != raw else 1
            else:
                number = line + sum(part.count(b"\n") + 2 for part in messages[:position])
                if b"\nEvent: " in raw and b":" in raw.partition(b"\n")[0]:
                    good += 1  # a hand-made order of headers
                    self._ami(Message(raw))
                else:
                    self._troubles.note(file, number, "no message of AMI", excerpt(raw))
        return good

    def _ami(self, message: Message) -> None:
        fact = ami.fact_of(message, self._newest)
        if fact is None:
            return
        if fact.at == self._newest and (born := _BORN.search(message.raw)):
            self._newest = max(self._newest, float(born[1]))
        self._feed(fact)

    # --- ARI ----------------------------------------------------------------------------------------

    def ari_lines(self, file: str, first: int, lines: Sequence[bytes]) -> int:
        """Read events a line in JSON; return how many. first: number of the first line."""
        bad = 0
        for number, line in enumerate(lines, first):
            try:
                message = parse(text_of(line))
            except ProtocolError as error:
                bad += 1
                self._troubles.note(file, number, "no event of ARI", str(error))
            else:
                if fact := ari.fact_of(message, self._newest):
                    self._feed(fact)
        return len(lines) - bad

    def _feed(self, fact: facts.Fact) -> None:
        self._newest = max(self._newest, fact.at)
        for event in self._tracker.feed(fact):
            self._outlet.event(event)


def _without_banner(text: bytes) -> bytes:
    return text.partition(b"\n")[2] if text.startswith(BANNER) else text


def _as_raw(line: bytes) -> bytes:
    """Return a message of AMI of its JSON. Raises ValueError."""
    try:
        headers = json.loads(line)
    except RecursionError:
        raise ValueError("no JSON") from None
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(headers, dict) or "Event" not in headers:
        raise ValueError("no event of AMI: it has no Event")
    named = {"Event": headers["Event"], **headers}
    return "\n".join(
        f"{name}: {_one_line(part)}"
        for name, value in named.items()
        if _HEADER.fullmatch(name)
        for part in (value if isinstance(value, list) else [value])
    ).encode("utf-8", "backslashreplace")


def _one_line(value: object) -> str:
    return str("" if value is None else value).replace("\r", "\\r").replace("\n", "\\n")
