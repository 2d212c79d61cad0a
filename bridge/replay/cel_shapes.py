"""What the mapping makes of a call's CEL rows, worked out once for all calls of the same shape. Pure.

The tracker decides by who does what to whom, never by names or times. So two calls whose rows are the same
but for these have the same outcome, taken from the same rows. A log of ten million rows has a few hundred
shapes. Used by `cel_calls` for calls that matter to no site; the others go through the tracker row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bridge.calls import CallTracker
from bridge.model import Event, Kind
from bridge.replay.calls import outcome_of
from bridge.replay.cel import OWN, Row, bridge_in, end_in, facts_of
from bridge.replay.cel_layout import Layout
from bridge.replay.records import Values, text_of

MOST: Final = 10_000
"""Shapes remembered at most."""
_CODES: Final[Mapping[bytes, int]] = {
    kind: number
    for number, kind in enumerate(
        (b"CHAN_START", b"APP_START", b"ANSWER", b"BRIDGE_ENTER", b"BRIDGE_EXIT", b"HANGUP", b"CHAN_END")
    )
}
_BRIDGES: Final = frozenset({b"BRIDGE_ENTER", b"BRIDGE_EXIT"})
_OWN: Final = frozenset(exten.encode() for exten in OWN)


class Outcome(NamedTuple):
    """One phone's call: positions of the rows that tell its times, -1 where it did not happen."""

    dialing: int
    picked_up: int
    answered: int
    ended: int
    outcome: str | None


class Shapes:
    """Of files of one layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: dict[tuple[object, ...], tuple[Outcome, ...]] = {}

    def outcomes(self, linkedid: bytes, rows: Sequence[Values]) -> tuple[Outcome, ...]:
        """Return the calls that phones made in these rows, which are all those of one linkedid."""
        shape = self._shape(linkedid, rows)
        known = self._known.get(shape)
        if known is None:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[shape] = self._worked_out(linkedid, rows)
        return known

    def _shape(self, linkedid: bytes, rows: Sequence[Values]) -> tuple[object, ...]:
        """Return the rows with every name replaced by its number: equal for what the mapping takes alike.

        Each row begins with one number, of its kind and its channel; what follows depends on the kind.
        """
        layout = self._layout
        kind_at, uniqueid_at, extra_at = layout.kind, layout.uniqueid, layout.extra
        numbers: dict[bytes, int] = {}
        names: dict[bytes, int] = {}
        bridges: dict[bytes, int] = {}
        shape: list[object] = []
        for row in rows:
            kind, uniqueid = row[kind_at], row[uniqueid_at]
            number = numbers.get(uniqueid)
            if number is None:
                number = numbers[uniqueid] = len(numbers)
            shape.append(_CODES[kind] + number * len(_CODES))
            if kind in _BRIDGES:
                bridge, mixing = bridge_in(row[extra_at])
                shape.append(bridges.setdefault(bridge, len(bridges)))
                shape.append(mixing)
            elif kind == b"HANGUP":
                by, how = end_in(row[extra_at])
                shape.append(names.get(by, -1))
                shape.append(how)
            elif kind == b"CHAN_START":
                name = row[layout.channel]
                names[name] = number
                shape += (_kin(name, names), row[layout.exten] in _OWN, uniqueid == linkedid)
        return tuple(shape)

    def _worked_out(self, linkedid: bytes, rows: Sequence[Values]) -> tuple[Outcome, ...]:
        """Let the tracker decide, with the rows' numbers for times."""
        layout, linked = self._layout, text_of(linkedid)
        tracker = CallTracker("")
        names: dict[str, str] = {}
        events: dict[str, list[Event]] = {}
        for position, raw in enumerate(rows):
            row = Row(
                raw[layout.kind],
                float(position),
                text_of(raw[layout.uniqueid]),
                linked,
                text_of(raw[layout.channel]),
                text_of(raw[layout.exten]),
                "",
                raw[layout.extra],
            )
            if row.kind == b"APP_START":
                continue
            if row.kind == b"CHAN_START":
                names[row.channel] = row.uniqueid
            for fact in facts_of(row, names):
                for event in tracker.feed(fact):
                    if event.attributes["direction"] == "out":
                        events.setdefault(event.key, []).append(event)
        return tuple(_outcome(story) for story in events.values())


def _kin(name: bytes, names: dict[bytes, int]) -> object:
    """What the mapping sees in a name: its technology, and of a Local channel which half it is of what."""
    technology, _, rest = name.partition(b"/")
    if technology != b"Local":
        return technology if rest else None
    twin = name[:-1] + (b"2" if name.endswith(b"1") else b"1")
    return (technology, name[-1:], names.get(twin, -1))


def _outcome(story: Sequence[Event]) -> Outcome:
    at = {event.kind: int(event.occurred_at) for event in story}
    over = next((event for event in story if event.kind in (Kind.CALL_ENDED, Kind.CALL_FAILED)), None)
    connected = at.get(Kind.CALL_CONNECTED, -1)
    return Outcome(
        dialing=at[Kind.CALL_DIALING],
        picked_up=at.get(Kind.CALL_ANSWERED, -1),
        answered=connected,
        ended=int(over.occurred_at) if over else -1,
        outcome=outcome_of(over, connected=connected >= 0) if over else None,
    )
