"""When an incident opened, and what an earlier attempt of a delivery may have caused. Pure."""

from __future__ import annotations

from bridge.model import Delivery
from bridge.protocols.genetec_text import LAST_MOMENT
from bridge.protocols.genetec_values import AlarmInstance


def opened_at(delivery: Delivery) -> float:
    """When the incident opened (UTC epoch seconds), or when the delivery was made if that is not said."""
    try:
        opened = float(delivery.params.get("opened_ts", ""))
    except ValueError:
        return delivery.created_at
    return opened if 0 <= opened <= LAST_MOMENT else delivery.created_at


def may_have_caused(delivery: Delivery, instance: AlarmInstance, now: float) -> bool:
    """Whether an earlier attempt of this delivery could be why the instance is there: it began since.

    By two clocks, so never a proof. No slack: one that began before is another incident's for all we know,
    and an alarm raised twice is better than one that is never raised. now: UTC epoch seconds.
    """
    # After a crash in the midst of the first attempt only the time of the decision is known.
    known = delivery.started_at if delivery.attempts > 1 else None
    first = delivery.created_at if known is None else known
    at = instance.triggered_at
    return delivery.doubtful and at is not None and first < at <= now
