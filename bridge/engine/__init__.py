"""The deciding core: `fold(events, state, plan, now) -> [Decision]`. Pure; the same for live and replay.

`table` holds every transition of an incident, `state` what a decision reads and writes, `turn` the
vocabulary a decision is written in, `fold` the kinds of event, `steps` actions, holds and stops.
"""

from bridge.engine.fold import fold
from bridge.engine.state import Decision, Needs, Reason, State, needs_of

__all__ = ["Decision", "Needs", "Reason", "State", "fold", "needs_of"]
