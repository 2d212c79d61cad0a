"""AMI captures and ARI recordings -> events, by the live triggers' own mapping. One pass.

An AMI capture is the bytes as the socket gave them (`sosbridge record ami`), or an event a line in JSON: here
it is cut into events, `ami_calls` reads them. An ARI recording is an event a line in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from bridge.calls import CallTracker, facts
from bridge.errors import ProtocolError
from bridge.protocols.ami import BANNER, MAX_MESSAGE, Message
from bridge.protocols.ari.events import parse
from bridge.replay.ami_calls import AmiCalls
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.records import text_of
from bridge.replay.trouble import Troubles, excerpt
from bridge.triggers.ari import mapping as ari

_KNOWN: Final = (b"Event: ", b"Response: ", b"Action: ")
"""How the messages of a capture begin."""
_HEADER: Final = re.compile(r"[A-Za-z][\w-]*")


class Spoken:
    """What one PBX says, whatever files it is in. source: its name in events, as live (`asterisk/pbx1`)."""

    def __init__(self, outlet: Outlet, interest: Interest, troubles: Troubles, *, source: str) -> None:
        self._outlet = outlet
        self._troubles = troubles
        self._calls = AmiCalls(outlet, interest, source=source)
        self._tracker = CallTracker(source, via="ari")
        self._newest = 0.0

    def end(self) -> None:
        """The log is over: tell of the calls that live."""
        self._calls.end()

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
                raw = _as_raw(line)
            except ValueError as error:
                bad += 1
                self._troubles.note(file, number, str(error), excerpt(line))
            else:
                self._ami(raw)
        return len(lines) - bad

    def _messages(self, file: str, line: int, messages: Sequence[bytes]) -> int:
        takers, bad = self._calls.takers, 0
        for position, raw in enumerate(messages):
            if taker := takers.get(raw[: raw.find(b"\n")]):
                taker(raw)
            elif not raw.startswith(_KNOWN):
                stripped = raw.lstrip(b"\n")
                number = line + sum(part.count(b"\n") + 2 for part in messages[:position])
                bad += not self._odd(file, number + len(raw) - len(stripped), stripped)
        return len(messages) - bad

    def _odd(self, file: str, line: int, raw: bytes) -> bool:
        """Read what does not begin as Asterisk's messages do; return whether it is one."""
        if not raw or raw.startswith(_KNOWN) or (b"\nEvent: " in raw and b":" in raw.partition(b"\n")[0]):
            self._ami(raw)  # behind blank lines, or a hand-made order of headers
            return True
        self._troubles.note(file, line, "no message of AMI", excerpt(raw))
        return False

    def _ami(self, raw: bytes) -> None:
        """Take an event, wherever its name stands."""
        if taker := self._calls.takers.get(b"Event: %b" % Message(raw).event.encode()):
            taker(raw)

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
