"""Which phone an event is about, and how urgent it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.model import OF_CALLS, Event, Kind, Tier
from bridge.response.bounds import bounded, cut
from bridge.response.plan import Plan

UNKNOWN_PHONE: Final = "unknown/"
"""Prefix of the phone id of a caller that no configuration names."""
TAMPERED: Final = "tamper/"
"""Prefix of the phone id of an incident that is about the phone, not about who calls with it."""
_TRIGGERS: Final = OF_CALLS | {Kind.SOS, Kind.OFF_HOOK}
"""Kinds that may open an incident."""


def identify(event: Event, plan: Plan) -> Event | None:
    """Name the phone and location of `event`; None if it concerns no phone or alarm of this site.

    An SOS always concerns it: from a phone that no configuration names, or that says nothing of itself.
    What is too long or no time at all is put right first (`bounds`).
    """
    event = bounded(event)
    phone = plan.phone_of(event)
    if phone is not None:
        return replace(event, phone=phone.id, location=phone.location)
    if event.kind in _TRIGGERS:
        return (
            replace(event, phone=_stranger(event, plan)) if tier_of(event, plan) is Tier.EMERGENCY else None
        )
    name = event.endpoint or event.caller or event.attributes.get("phone", "")
    return replace(event, phone=cut(f"{UNKNOWN_PHONE}{name}")) if name else event


def _stranger(event: Event, plan: Plan) -> str:
    """Name an unknown phone so that its redial is known again.

    An endpoint is one phone, unless the configuration marks it shared. There the caller ID tells phones
    apart, and where it is withheld nothing does: no two people may be taken for one, so each call counts
    as a phone of its own.
    """
    name = event.caller or event.attributes.get("phone", "") or event.key
    if event.endpoint in plan.shared_endpoints:
        return cut(f"{UNKNOWN_PHONE}{event.endpoint}/{name}")
    return cut(f"{UNKNOWN_PHONE}{event.endpoint or name}")


def _is_outgoing_alarm(event: Event, plan: Plan) -> bool:
    return event.attributes.get("direction", "out") == "out" and plan.is_alarm(event.dialled)


def tier_of(event: Event, plan: Plan) -> Tier:
    """An alarm extension or an `sos` is an emergency, everything else is routine."""
    if event.kind is Kind.SOS or (event.kind in OF_CALLS and _is_outgoing_alarm(event, plan)):
        return Tier.EMERGENCY
    return Tier.ROUTINE
