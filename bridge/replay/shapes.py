"""What the mapping makes of a call's rows, worked out once for all calls of the same shape. Pure.

The tracker decides by who does what to whom, never by names or times. So two calls whose rows are the same
but for these have the same outcome, taken from the same rows. A log of ten million rows has a few hundred
shapes. Used by `gathering` for calls that matter to no site; the others go through the tracker row by row.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from bridge.calls import CallTracker
from bridge.calls.facts import Fact
from bridge.model import Event, Kind
from bridge.replay.calls import outcome_of

MOST: Final = 10_000
"""Shapes remembered at most."""

R_contra = TypeVar("R_contra", contravariant=True)
R = TypeVar("R")


class FactsOf(Protocol[R_contra]):
    """What a row states. names: Uniqueid by name of the channels that live; the callee keeps it."""

    def __call__(self, row: R_contra, names: dict[str, str]) -> Sequence[Fact]: ...


class Outcome(NamedTuple):
    """One phone's call: positions of the rows that tell its times, -1 where it did not happen."""

    dialing: int
    picked_up: int
    answered: int
    ended: int
    outcome: str | None


class Shapes(Generic[R]):
    """Of one kind of log."""

    def __init__(self, facts_of: FactsOf[R]) -> None:
        self._facts_of = facts_of
        self._known: dict[tuple[Hashable, ...], tuple[Outcome, ...]] = {}

    def outcomes(self, shape: tuple[Hashable, ...], rows: Sequence[R]) -> tuple[Outcome, ...]:
        """Return the calls that phones made in these rows.

        shape: the rows with every name replaced by its number: equal for what the mapping takes alike.
        """
        known = self._known.get(shape)
        if known is None:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[shape] = self._worked_out(rows)
        return known

    def _worked_out(self, rows: Sequence[R]) -> tuple[Outcome, ...]:
        """Let the tracker decide, with the rows' numbers for times."""
        tracker = CallTracker("")
        names: dict[str, str] = {}
        events: dict[str, list[Event]] = {}
        for position, row in enumerate(rows):
            for fact in self._facts_of(row, names):
                for event in tracker.feed(replace(fact, at=float(position))):
                    if event.attributes["direction"] == "out":
                        events.setdefault(event.key, []).append(event)
        return tuple(_outcome(story) for story in events.values())


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
