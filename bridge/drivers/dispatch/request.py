"""A delivery -> the call that starts the dialplan pack's sos-notify, sos-recall or sos-taken. Pure.

Whatever a value holds, it can neither leave its AMI line nor mean anything to the dialplan: what does not
fit its narrow alphabet is refused here, and filtered once more by the dialplan itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bridge.drivers.dispatch.settings import Config
from bridge.errors import Permanent
from bridge.model import NOTHING, Delivery
from bridge.response import UNKNOWN_PHONE

RECALL: Final = "unanswered"
"""The step after which all tiers are rung in a loop, and the phone is called back."""
TAKEN: Final = "acknowledged"
"""The step that tells the PBX to ring nobody any more."""
OVER: Final = "cleared"
"""The step that tells it so because the incident is cleared."""
SECOND_TIER: Final = "escalate_2"
ALERT_AGAIN: Final = "unresolved"
"""The step that rings although somebody has the alarm."""
MORE: Final = "more_wanted"
"""The step that rings because one person who has it is not enough."""
MISSED: Final = "missed"
"""The step that tells of an SOS of the past, once; nobody is connected with anybody."""

NOWHERE: Final = ("sos-heartbeat", "noted")
"""Where the near end of a call goes that connects nobody: it is hung up there."""
LISTENING: Final = 120.0
"""Seconds beyond the ringing that a dispatcher may need to listen and press 1."""
VIDEO: Final = MappingProxyType({"not confirmed": "unconfirmed", "none": "none"})

_PHONE: Final = re.compile(r"[0-9A-Za-z_.+-]{1,80}")
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}")
_ENDPOINT: Final = re.compile(r"[0-9A-Za-z_.@+-]{1,80}")
_MOST_DONE: Final = 20
"""An Asterisk variable has room for some more of them."""
_CLOCK: Final = re.compile(r"[0-2][0-9][0-5][0-9]")
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_NOT_IN_PHONE: Final = re.compile(r"[^0-9A-Za-z_.+-]")
_NOT_IN_CALL: Final = re.compile(r"[^0-9A-Za-z._-]")
_NOT_IN_PERSON: Final = re.compile(r"[^0-9A-Za-z_.@-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What the PBX is asked to start: a Local channel into the pack, and where its near end goes then."""

    id: str
    channel: str
    context: str
    exten: str
    seconds: float
    """How long it may take until somebody presses 1."""
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Inherited by every leg: their names begin with `__`."""
    once: bool = True
    """`id` is the channel's own, so that two of this call cannot live at a time."""


def call_of(delivery: Delivery, config: Config) -> Call:
    """Return the call that a delivery asks for.

    Raises Permanent for a phone, group or id that the dialplan could not take.
    """
    step, _, press = delivery.step.partition("/")
    if step in (TAKEN, MORE):  # each round of them is about the same press
        press = press.partition("-")[0]
    phone = phone_key(delivery.params.get("phone", ""), delivery.params.get("endpoint", ""))
    incident = _checked("incident", delivery.incident, _ID)
    delivery_id = _checked("delivery", delivery.id, _ID)
    variables = {
        "INCIDENT": incident,
        "DELIVERY": delivery_id,
        # What an acknowledgement counts for, where the phone has no call of its own: this press.
        "MARK": delivery_id if step == ALERT_AGAIN else f"{incident}.{_checked('step', press, _ID)}",
        "EXERCISE": "yes" if delivery.params.get("exercise") else "no",
    }
    # It may have to wait for a dispatcher who is talking about another SOS; the dialplan ends it by itself.
    context, near_end, seconds = "sos-notify", "sos-connect", config.hunt + config.ring + LISTENING
    if step in (TAKEN, OVER):
        context, near_end, seconds = "sos-taken", "sos-tell", LISTENING
        by = delivery.params.get("acknowledged_by" if step == TAKEN else "closed_by", "")
        variables["NAME"] = _NOT_IN_PERSON.sub("_", by)[:40]
        variables["CALL"] = _NOT_IN_CALL.sub("", delivery.params.get("call_key", ""))
    elif step == RECALL:
        context, seconds = "sos-recall", config.hunt
        variables["ENDED"] = _NOT_IN_CALL.sub("", delivery.params.get("call_key", ""))
    else:
        variables["GROUP"] = _checked("group", delivery.target, _NAME)
        rung = "2" if step == SECOND_TIER else delivery.params.get("ring_tier", "1")
        variables["TIER"] = _checked("tier", rung, _ID)
    if step == MISSED:
        variables["MISSED"] = _checked("time", delivery.params.get("missed", "").replace(":", ""), _CLOCK)
    if step == ALERT_AGAIN:
        variables["ALERT"] = "yes"
    if step == MORE or (step == TAKEN and delivery.params.get("more")):
        variables["MORE"] = "yes"
    if step == MORE:
        variables["DONE"] = _endpoints(delivery.params.get("acknowledgers", "").splitlines())
    if video := VIDEO.get(delivery.params.get("picture", "")):
        variables["VIDEO"] = video
    return Call(
        id=delivery_id,
        channel=f"Local/*{phone}@{context}/n",
        context=NOWHERE[0] if step == MISSED else near_end,
        exten=NOWHERE[1] if step == MISSED else f"*{phone}",
        seconds=seconds,
        variables={f"__SOS_{name}": value for name, value in variables.items()},
    )


def question_of(delivery_id: str) -> Call:
    """Return the call that makes the dialplan say whether it knows this delivery (UserEvent SOSAsked)."""
    delivery_id = _checked("delivery", delivery_id, _ID)
    return Call(
        id=f"{delivery_id}-asked",
        channel=f"Local/*{delivery_id}@sos-asked/n",
        context=NOWHERE[0],
        exten=NOWHERE[1],
        seconds=3.0,
        once=False,
    )


def phone_key(phone: str, endpoint: str = "") -> str:
    """Return the phone's name in the dialplan: its id.

    One of no configuration is called after its endpoint there, and behind a gateway after its number as well
    (`sos-identify`; `response.identify` calls it `unknown/<endpoint>/<number>`).
    """
    if phone.startswith(UNKNOWN_PHONE):
        name = phone.removeprefix(UNKNOWN_PHONE)
        if endpoint and name.startswith(f"{endpoint}/"):
            parts: tuple[str, ...] = (endpoint, name.removeprefix(f"{endpoint}/"))
        else:
            parts = (name,)
        phone = "unknown-" + "-".join(_NOT_IN_PHONE.sub("", part) for part in parts)[:60]
    return _checked("phone", phone, _PHONE)


def _endpoints(names: Iterable[str]) -> str:
    """Return `*name*name*`: those of the names that an endpoint may have. Who clicked has none of them."""
    endpoints = [name for name in names if _ENDPOINT.fullmatch(name)][:_MOST_DONE]
    return "".join(f"*{name}" for name in endpoints) + "*"


def _checked(what: str, value: str, allowed: re.Pattern[str]) -> str:
    if not allowed.fullmatch(value):
        # The value itself may be anybody's text: it is not repeated.
        raise Permanent(
            f"the {what} of this delivery cannot stand in a dialplan: it is empty or holds"
            f" other characters than {allowed.pattern}"
        )
    return value
