"""Values of the model for the store's tests: by hand with sensible defaults, or any at all (hypothesis)."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from typing import Any, TypeVar

from hypothesis import strategies as st

from bridge.engine import Decision, Needs, Reason
from bridge.model import (
    Call,
    Delivery,
    DeliveryState,
    Event,
    Fault,
    Hold,
    Incident,
    IncidentState,
    Kind,
    Operation,
    Tier,
    TimelineEntry,
    Timer,
)

T = TypeVar("T")

NOW = 1_767_225_600.0
CLASSES = (Event, Incident, Call, Delivery, Timer, Hold, Fault, TimelineEntry)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
"""With NUL and lone surrogates: nobody may rely on a PBX to send neither."""

_STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    str: ANY_TEXT,
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(-(2**31), 2**31 - 1),
    bool: st.booleans(),
}


def any_of(cls: type[T], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Return a strategy for instances of a dataclass of the model; `given` replaces some fields."""
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(typing.cast("Any", cls))
    return st.builds(cls, **{field.name: _of(hints[field.name]) for field in fields} | given)


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if isinstance(hint, types.UnionType):
        return st.one_of([_of(part) for part in typing.get_args(hint)])
    if hint is types.NoneType:
        return st.none()
    if typing.get_origin(hint) is not None:
        return st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3)
    if issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    return _STRATEGIES[hint]


def event(key: str = "1.1", kind: Kind = Kind.CALL_DIALING, **changes: Any) -> Event:
    return dataclasses.replace(
        Event(kind=kind, source="asterisk/pbx1", key=key, endpoint="1003", occurred_at=NOW), **changes
    )


def incident(name: str = "i1", phone: str = "P-1", **changes: Any) -> Incident:
    plain = Incident(
        id=name,
        tier=Tier.EMERGENCY,
        state=IncidentState.OPEN,
        phone=phone,
        location="POST-03",
        opened_at=NOW,
    )
    return dataclasses.replace(plain, **changes)


def closed(name: str, phone: str = "P-1") -> Incident:
    return incident(name, phone, state=IncidentState.CLOSED, closed_at=NOW + 60)


def call(name: str = "c1", of: str = "i1", key: str = "1.1", **changes: Any) -> Call:
    plain = Call(
        id=name,
        source="asterisk/pbx1",
        key=key,
        endpoint="1003",
        dialled="9110",
        phone="P-1",
        location="POST-03",
        tier=Tier.EMERGENCY,
        incident=of,
        dialing_at=NOW,
    )
    return dataclasses.replace(plain, **changes)


def delivery(name: str = "d1", of: str = "i1", **changes: Any) -> Delivery:
    plain = Delivery(
        id=name,
        incident=of,
        step="sos/1",
        driver="zm",
        operation=Operation.START_RECORDING,
        target="1",
        tier=Tier.EMERGENCY,
        order=0,
        state=DeliveryState.PENDING,
        created_at=NOW,
        deadline=NOW + 300,
    )
    return dataclasses.replace(plain, **changes)


def hold(resource: str = "ptz/1", of: str = "i1", **changes: Any) -> Hold:
    return dataclasses.replace(
        Hold(resource=resource, incident=of, tier=Tier.EMERGENCY, since=NOW), **changes
    )


def fault(subject: str = "ami/pbx1", what: str = "blind", opened_at: float = NOW, **changes: Any) -> Fault:
    plain = Fault(subject=subject, what=what, text="link lost", opened_at=opened_at)
    return dataclasses.replace(plain, **changes)


def decision(*values: Any, caused_by: Event | None = None, reason: Reason = Reason.OPENED) -> Decision:
    """Return a decision that writes these values; (Timer or Hold key, None) is not among them."""
    made = Decision(event=caused_by or event(key=f"cause of {values!r}"), reason=reason)
    for value in values:
        match value:
            case Incident():
                made.incidents[value.id] = value
            case Call():
                made.calls[value.id] = value
            case Delivery():
                made.deliveries[value.id] = value
            case Timer():
                made.timers[value.incident, value.name] = value
            case Hold():
                made.holds[value.resource, value.incident] = value
            case Fault():
                made.faults[value.subject, value.what] = value
            case TimelineEntry():
                made.timeline.append(value)
            case _:
                raise TypeError(value)
    return made


NOTHING_NEEDED = Needs(
    event_keys=frozenset(),
    call_keys=frozenset(),
    phones=frozenset(),
    incidents=frozenset(),
    deliveries=frozenset(),
    resources=frozenset(),
    subjects=frozenset(),
)


def needs(**what: frozenset[Any] | set[Any]) -> Needs:
    return dataclasses.replace(NOTHING_NEEDED, **{name: frozenset(value) for name, value in what.items()})
