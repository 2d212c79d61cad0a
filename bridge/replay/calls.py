"""The phones' calls of a log, one row each: what `replay` prints as `"type":"call"`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bridge.model import CALL_KINDS, Event, Kind

ANSWERED: Final = "answered"
"""A person took it."""
ABANDONED: Final = "abandoned"
"""The caller ended it first."""
UNANSWERED: Final = "unanswered"
"""The PBX gave up."""
_ENDED_BY: Final[Mapping[str, str]] = {ABANDONED: "caller", UNANSWERED: "pbx"}
"""Of a talk a log that has it in one piece does not tell."""


@dataclass(slots=True)
class CallRow:
    """One call of a phone. All times are UTC epoch seconds; None = did not happen (yet)."""

    id: str
    """Uniqueid of the phone's own channel."""
    phone: str
    """As the PBX names it: the endpoint."""
    dialled: str
    alarm: bool
    dialing_at: float
    picked_up_at: float | None = None
    """By the PBX."""
    answered_at: float | None = None
    """By a person."""
    ended_at: float | None = None
    outcome: str | None = None
    """`ANSWERED`, `ABANDONED` or `UNANSWERED`; None while the log does not show its end."""
    unknown: tuple[str, ...] = ()
    """Names of what the log cannot tell: None there says nothing, and `dialled` may be where it was led."""


class CallBook:
    """Follows the events of calls, and gives each call as it ends. Holds those that live."""

    def __init__(self, is_alarm: Callable[[str], bool]) -> None:
        self._is_alarm = is_alarm
        self._live: dict[str, CallRow] = {}

    def feed(self, event: Event) -> CallRow | None:
        """Return the call that ends with this event."""
        if event.kind not in CALL_KINDS or event.attributes.get("direction", "out") != "out":
            return None
        if event.kind is Kind.CALL_DIALING:
            self._dialing(event)
            return None
        row = self._live.get(event.key)
        if row is None:
            return None
        if event.kind is Kind.CALL_ANSWERED:
            row.picked_up_at = row.picked_up_at or event.occurred_at
        elif event.kind is Kind.CALL_CONNECTED:
            row.answered_at = event.occurred_at
        elif event.attributes.get("outcome") != "redirected":
            del self._live[event.key]
            row.ended_at = event.occurred_at
            row.outcome = outcome_of(event, connected=row.answered_at is not None)
            return row
        return None

    def live(self) -> Iterator[CallRow]:
        """Yield the calls whose end the log does not show."""
        yield from (replace(row) for row in self._live.values())

    def _dialing(self, event: Event) -> None:
        """A second one of the same call says where the PBX led it."""
        alarm = self._is_alarm(event.dialled)
        if row := self._live.get(event.key):
            row.dialled, row.alarm = event.dialled, alarm
        else:
            self._live[event.key] = CallRow(
                event.key, event.endpoint, event.dialled, alarm, event.occurred_at
            )


def outcome_of(ended: Event, *, connected: bool) -> str:
    """Return how the call came out. ended: its last event."""
    if connected:
        return ANSWERED
    return ABANDONED if ended.attributes.get("ended_by") == "caller" else UNANSWERED


def events_of(row: CallRow, source: str, *, via: str, caller: str) -> Iterator[Event]:
    """Yield what the tracker would say of the call, from a log that has a call in one piece.

    A person's answer whose time the log does not tell counts from when the PBX picked up, and the other way
    round.
    """
    answered = row.answered_at or (row.picked_up_at if row.outcome == ANSWERED else None)
    how = {"ended_by": _ENDED_BY.get(row.outcome or "", ""), "outcome": row.outcome or "unknown"}
    moments: tuple[tuple[Kind, float | None, Mapping[str, str]], ...] = (
        (Kind.CALL_DIALING, row.dialing_at, {}),
        (Kind.CALL_ANSWERED, row.picked_up_at or answered, {}),
        (Kind.CALL_CONNECTED, answered, {}),
        (Kind.CALL_ENDED, row.ended_at, how),
    )
    for kind, at, said in moments:
        if at is not None:
            yield Event(
                kind=kind,
                source=source,
                key=row.id,
                occurred_at=at,
                endpoint=row.phone,
                caller=caller,
                dialled=row.dialled,
                via=via,
                attributes={name: value for name, value in {"direction": "out", **said}.items() if value},
            )
