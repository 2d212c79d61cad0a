"""A phone that is tampered with: a fault, and where the site wants it cameras look. Called by `fold`.

Its incident is cleared from the beginning: nobody has to answer it, it takes nothing from a living one, no
call ever joins it, and it closes by itself when its post-roll is over.
"""

from __future__ import annotations

from bridge.engine.calls import is_exercise
from bridge.engine.effects import apply_signal
from bridge.engine.table import Signal
from bridge.engine.turn import Turn
from bridge.model import Incident, IncidentState, Tier, derive_id
from bridge.response import TAMPERED, Step


def look_at_tamper(turn: Turn) -> None:
    """Open the incident, or let the open one last longer; without rules, or of an unknown phone, nothing."""
    event = turn.event
    if event.phone not in turn.plan.by_id or not turn.plan.rules_of[Step.TAMPER]:
        return
    phone = f"{TAMPERED}{event.phone}"
    incident = turn.state.live_incident(phone, exercise=is_exercise(event))
    apply_signal(turn, incident or _opened(turn, phone), Signal.TAMPER, "tampered with", new=incident is None)


def _opened(turn: Turn, phone: str) -> Incident:
    event = turn.event
    return Incident(
        id=derive_id("incident", turn.event_id),
        tier=Tier.ROUTINE,
        state=IncidentState.OPEN,
        phone=phone,
        location=event.location,
        opened_at=event.occurred_at,
        pressed=0,
        clearing_at=event.occurred_at,
        close_reason="tamper",
        exercise=is_exercise(event),
    )
