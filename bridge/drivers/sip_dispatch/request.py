"""A delivery -> what the exchange is asked to do. Pure.

The same steps as `drivers.dispatch` has for the dialplan pack, in the exchange's own words.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from bridge.b2bua.inputs import Cleared, Notify, Recall, Taken
from bridge.model import Delivery

RECALL: Final = "unanswered"
"""The step after which all tiers are rung in a loop, and the phone is called back."""
TAKEN: Final = "acknowledged"
"""The step that tells the exchange to ring nobody any more."""
OVER: Final = "cleared"
"""The step that tells it so because the incident is cleared."""
SECOND_TIER: Final = "escalate_2"
ALERT_AGAIN: Final = "unresolved"
"""The step that rings although somebody has the alarm."""
MORE: Final = "more_wanted"
"""The step that rings because one person who has it is not enough."""
MISSED: Final = "missed"
"""The step that tells of an SOS of the past."""
PICTURES: Final = MappingProxyType({"not confirmed": "unconfirmed", "none": "none"})


def command_of(delivery: Delivery) -> Notify | Recall | Taken:
    """Return what a NOTIFY delivery asks of the exchange."""
    step, _, press = delivery.step.partition("/")
    if step in (TAKEN, MORE):  # each round of them is about the same press
        press = press.partition("-")[0]
    params = delivery.params
    about: dict[str, Any] = {
        "delivery": delivery.id,
        "incident": delivery.incident,
        # What an acknowledgement counts for, where the phone has no call of its own: this press.
        "mark": delivery.id if step == ALERT_AGAIN else f"{delivery.incident}.{press}",
        "phone": params.get("phone", ""),
        "endpoint": params.get("endpoint", ""),
        "number": params.get("extension", "") or params.get("caller", ""),
        "picture": PICTURES.get(params.get("picture", ""), ""),
    }
    exercise, call = bool(params.get("exercise")), params.get("call_key", "")
    if step == TAKEN:
        by, more = params.get("acknowledged_by", ""), bool(params.get("more"))
        return Taken(**about, exercise=exercise, by=by, call=call, more=more)
    if step == OVER:
        return Cleared(**about, exercise=exercise, by=params.get("closed_by", ""), call=call)
    if step == RECALL:
        return Recall(**about, exercise=exercise)
    tier = 2 if step == SECOND_TIER else int(params.get("ring_tier", "1"))
    return Notify(
        **about,
        exercise=exercise,
        group=delivery.target,
        tier=tier,
        more=step == MORE,
        alert=step == ALERT_AGAIN,
        missed=params.get("missed", "") if step == MISSED else "",
        done=tuple(params.get("acknowledgers", "").splitlines()),
    )
