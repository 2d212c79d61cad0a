"""What the driver's parts share: the shape of an action, ids, times, texts. Called by them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from bridge.errors import Permanent, Uncertain
from bridge.model import Delivery, DeliveryState, Operation, Receipt
from bridge.protocols.http_limits import Limits
from bridge.protocols.incident_note import facts_of
from bridge.protocols.milestone import GUID
from bridge.protocols.template import encodable, escape_line

Action = Callable[[Delivery, Limits], Awaitable[Receipt]]
Actions = Mapping[Operation, Action]
"""operation -> what performs it."""


def repeated(delivery: Delivery) -> bool:
    """Whether an earlier attempt may have done it."""
    return delivery.doubtful or delivery.attempts > 1


def guid(text: str, what: str) -> str:
    """Return the id. Raises Permanent if it is none: it becomes a part of the path."""
    if not GUID.fullmatch(text):
        raise Permanent(f"{text!r} is not the id of a {what} (a GUID such as XProtect shows with Ctrl+click)")
    return text


def made(number: str, what: str) -> str:
    """Return the id that the gateway gave to what we made. Raises Uncertain if it could not be asked for."""
    if not GUID.fullmatch(number):
        raise Uncertain(f"the gateway made the {what}, and calls it {number[:60]!r}, which is no GUID")
    return number


def timestamp(at: float) -> str:
    """UTC epoch seconds as ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def opened_at(delivery: Delivery, now: float) -> float:
    """When the incident opened; now, where that is not said."""
    return _time(delivery, "opened_ts", now)


def ended_at(delivery: Delivery, now: float) -> float:
    """When a call of the past ended; now, where that is not said."""
    return _time(delivery, "ended_ts", now)


def _time(delivery: Delivery, name: str, now: float) -> float:
    try:
        at = float(delivery.params.get(name, ""))
    except ValueError:
        return now
    return at if 0.0 <= at <= now else now


def title_of(delivery: Delivery) -> str:
    return escape_line(delivery.params.get("title", ""))[:120] or "SOS"


def description_of(delivery: Delivery) -> str:
    """The facts, with the ids by which a repeat finds its own work again."""
    facts = [f"incident {delivery.incident}", f"delivery {delivery.id}"]
    return "\n".join([*facts, *facts_of(delivery)])


def values_of(delivery: Delivery) -> dict[str, str]:
    """What a template of the site may hold."""
    own = {"target": delivery.target, "delivery": delivery.id, "driver": delivery.driver}
    words = {name: encodable(text) for name, text in delivery.params.items()}
    return {**words, "incident": delivery.incident, "tier": delivery.tier.value, **own}


def accepted(proof: str, reference: str = "") -> Receipt:
    return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=reference)


def verified(proof: str, reference: str = "") -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=reference)
