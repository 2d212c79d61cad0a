"""CDR rows -> calls: who called whom, when, and how it came out. One pass; what it holds are recent calls.

A CDR tells when the PBX picked up and whether a person answered, but never when: that stays unknown. Of a
call that nobody answered it tells who ended it only where the dialplan did: a caller who gives up and a
console that declines (603) leave the same row. Its `dst` is where the dialplan stood last: of a call that was
led elsewhere (a transfer, a redirect) what was dialled is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.calls.channels import endpoint_of, is_device
from bridge.replay.calls import ANSWERED, UNANSWERED, CallRow, events_of
from bridge.replay.cdr_layout import DISPOSITIONS, CdrLayout
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.records import Broken, text_of, values_of
from bridge.replay.times import second_of
from bridge.replay.trouble import Troubles, read_each

TOGETHER: Final = 3600.0
"""Seconds within which all rows of a call are written."""
MOST_HELD: Final = 20_000
_REFUSED: Final = frozenset({"BUSY", "FAILED", "CONGESTION"})
_GIVES_UP: Final = frozenset({"hangup", "busy", "congestion"})
"""Applications by which the dialplan itself ends a call."""
_DIALLED_BY_PBX: Final = "appdial"
"""What CDR calls the application of a channel that Asterisk has dialled itself."""
_NUMBER: Final = re.compile(r"<([^<>]*)>\s*$")


@dataclass(slots=True)
class Leg:
    """One row."""

    channel: str
    dstchannel: str
    app: str
    data: str
    start: float
    answer: float | None
    end: float
    disposition: str
    dst: str
    caller: str

    @property
    def answered(self) -> bool:
        return self.disposition == "ANSWERED"


@dataclass(slots=True)
class _Held:
    """The rows of one call so far."""

    id: str
    legs: list[Leg] = field(default_factory=list)
    own: list[Leg] = field(default_factory=list)
    """Those of the phone's own channel."""
    halves: list[str] = field(default_factory=list)
    """Local channels whose own row is still to come."""
    seen: float = 0.0
    """Latest end."""


class CdrCalls:
    """Reads CDR files of one layout. time_of: text and the second the uniqueid tells -> UTC epoch seconds."""

    def __init__(
        self,
        layout: CdrLayout,
        outlet: Outlet,
        interest: Interest,
        troubles: Troubles,
        *,
        source: str,
        time_of: Callable[[bytes, float | None], float],
    ) -> None:
        self._layout = layout
        self._outlet = outlet
        self._interest = interest
        self._troubles = troubles
        self._source = source
        self._time_of = time_of
        self._held: dict[str, _Held] = {}
        self._waiting: dict[str, _Held] = {}
        """By the Local channel whose row belongs to it."""
        self._newest = 0.0

    def feed(self, file: str, first: int, lines: Sequence[bytes]) -> int:
        """Read lines, which have no LF any more; return how many were records. first: number of the first."""
        return read_each(file, first, lines, self._take, self._troubles)

    def end(self) -> None:
        for held in self._held.values():
            self._finish(held)
        self._held.clear()

    def _take(self, line: bytes) -> None:
        raw = values_of(line)
        if len(raw) != self._layout.columns:
            raise Broken(f"{len(raw)} columns, not {self._layout.columns}")
        values = {name: raw[position] for name, position in self._layout.where.items()}
        leg, uniqueid = self._leg(values)
        name = text_of(values.get("linkedid", b"")) or uniqueid or leg.channel
        held = self._held.get(name) or self._waiting.get(leg.channel)
        if held is None:
            held = self._held[name] = _Held(name)
        held.legs.append(leg)
        if uniqueid in ("", name) and is_device(leg.channel) and not leg.app.startswith(_DIALLED_BY_PBX):
            held.own.append(leg)
        if other := _other_half(leg.dstchannel):
            self._join(held, other)
        if leg.channel.startswith("Local/"):
            self._waiting[leg.channel] = held
            held.halves.append(leg.channel)
        held.seen = max(held.seen, leg.end)
        self._newest = max(self._newest, leg.end)
        self._let_go()

    def _join(self, held: _Held, half: str) -> None:
        """What was dialled through a Local channel is this call's, whichever row comes first."""
        other = self._waiting.get(half)
        if other is not None and other is not held:
            held.legs += other.legs
            self._held.pop(other.id, None)
        self._waiting[half] = held
        held.halves.append(half)

    def _leg(self, values: Mapping[str, bytes]) -> tuple[Leg, str]:
        text = {name: text_of(value).strip() for name, value in values.items()}
        if text["disposition"].upper() not in DISPOSITIONS:
            raise Broken("no disposition of a CDR")
        uniqueid = text.get("uniqueid", "")
        born = second_of(uniqueid)
        start = self._time_of(values["start"], born)
        ended = start + _seconds(text.get("duration", ""))
        answered = ended - _seconds(text.get("billsec", ""))
        found = _NUMBER.search(text.get("clid", ""))
        leg = Leg(
            channel=text["channel"],
            dstchannel=text["dstchannel"],
            app=text["lastapp"].lower(),
            data=text.get("lastdata", ""),
            start=start,
            answer=self._time_of(values["answer"], answered) if text.get("answer") else None,
            end=self._time_of(values["end"], ended) if text.get("end") else ended,
            disposition=text["disposition"].upper(),
            dst=text["dst"],
            caller=text["src"] or (found[1] if found else ""),
        )
        return leg, uniqueid

    def _let_go(self) -> None:
        """Finish the calls whose rows are all there."""
        while self._held:
            oldest = next(iter(self._held.values()))
            if len(self._held) <= MOST_HELD and oldest.seen > self._newest - TOGETHER:
                return
            del self._held[oldest.id]
            self._finish(oldest)

    def _finish(self, held: _Held) -> None:
        for half in held.halves:
            self._waiting.pop(half, None)
        if not held.own:
            return
        first = min(held.own, key=lambda leg: leg.start)
        picked_up = min((leg.answer for leg in held.own if leg.answer is not None), default=None)
        answered = _by_a_person(held)
        outcome = ANSWERED if answered else _in_vain(held.own)
        row = CallRow(
            id=held.id,
            phone=endpoint_of(first.channel),
            dialled=first.dst,
            alarm=self._interest.is_alarm(first.dst),
            dialing_at=first.start,
            picked_up_at=picked_up,
            ended_at=max(leg.end for leg in held.own),
            outcome=outcome,
            unknown=tuple(_unknown(held.own, answered=answered, outcome=outcome)),
        )
        if row.alarm or self._interest.of_endpoint(row.phone):
            self._outlet.call(row, events_of(row, self._source, via="cdr", caller=first.caller))
        else:
            self._outlet.call(row)


def _by_a_person(held: _Held) -> bool:
    """Whether a device that was dialled answered, and the phone's own call with it."""
    reached = any(leg.answered and is_device(leg.dstchannel) for leg in held.legs)
    return reached and any(leg.answered and leg.dstchannel for leg in held.own)


def _in_vain(own: Sequence[Leg]) -> str | None:
    """Return who ended a call that no person answered; None where the rows cannot tell."""
    if any(leg.answered and leg.dstchannel for leg in own):
        return None  # by something that may have been a person
    # Of rows that end in the same second the later one stands lower in the file.
    last = max(reversed(own), key=lambda leg: leg.end)
    # A row of the dialplan's own hangup is only there where the phone was still on.
    if last.disposition in _REFUSED or any(leg.app in _GIVES_UP for leg in own):
        return UNANSWERED
    return None


def _unknown(own: Sequence[Leg], *, answered: bool, outcome: str | None) -> Iterator[str]:
    """Yield what the rows do not tell of the call."""
    if len({leg.data for leg in own if leg.answered and leg.dstchannel}) > 1:
        yield "dialled"
    if answered:
        yield "answered_at"
    if outcome is None:
        yield "outcome"


def _other_half(channel: str) -> str:
    """Return the name of the half of a Local channel that runs the dialplan; '' for other channels."""
    return f"{channel[:-1]}2" if channel.startswith("Local/") and channel.endswith(";1") else ""


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
