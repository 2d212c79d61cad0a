"""The deciding core: `fold(events, state, plan, now) -> [Decision]`. Pure; the same for live and replay.

`table` holds every transition of an incident, `state` what a decision reads and writes, `needs` what has to
be loaded for it, `turn` the vocabulary a decision is written in, `fold` the kinds of event, `effects` what
the rows of the table do, `wanted` what a step asks for, `steps` the deliveries, `holds` who gets a shared
camera or screen, `passing_on` who gets it next, `stops` how it ends, `cameras` what stands in for a camera
that is missing, `more` who else must acknowledge, `segments` which phones' faults are one, `missed` what a
call of the past is owed.
"""

from bridge.engine.fold import fold
from bridge.engine.needs import further_needs, needs_of
from bridge.engine.pictures import UNPROVEN
from bridge.engine.state import Decision, Needs, Reason, State

__all__ = ["UNPROVEN", "Decision", "Needs", "Reason", "State", "fold", "further_needs", "needs_of"]
