"""The alarm states of one XProtect: a site defines its own. Called by `alarms.py` and `alarm_watch.py`."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.drivers.milestone.settings import Config
from bridge.errors import Permanent
from bridge.model import Clock
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_values import Alarm, AlarmState


class AlarmStates:
    """The states, asked for at most every `remember` seconds. Each method raises DeliveryError."""

    def __init__(self, api: MilestoneApi, config: Config, clock: Clock, name: str) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._known: list[AlarmState] = []
        self._asked_at = float("-inf")

    async def all(self, limits: Limits = NO_LIMITS, *, fresh: bool = False) -> list[AlarmState]:
        now = self._clock.monotonic()
        if fresh or now - self._asked_at > self._config.remember:
            self._known = await self._api.alarm_states(limits)
            self._asked_at = now
        return self._known

    async def named(self, wanted: str, limits: Limits) -> AlarmState:
        """Return the state with this name or level. Raises Permanent if there is none."""
        for fresh in (False, True):
            if state := called(await self.all(limits, fresh=fresh), wanted):
                return state
        there = ", ".join(state.name for state in self._known[:10]) or "none"
        raise Permanent(f"{self._name}: there is no alarm state {wanted!r}; there is {there}")

    async def is_taken(self, alarm: Alarm) -> bool:
        """Whether somebody has it: it stands at the acknowledged or the closed state."""
        return _at_one(alarm, self._taken(await self.all()))

    async def is_untouched(self, alarm: Alarm) -> bool:
        """Whether it stands at any other state, as far as its state can be read."""
        known = await self.all()
        taken = self._taken(known)
        return _at_one(alarm, [state for state in known if state not in taken])

    def _taken(self, states: Iterable[AlarmState]) -> list[AlarmState]:
        wanted = (self._config.acknowledged_state, self._config.closed_state)
        return [state for state in states if any(state.called(each) for each in wanted)]


def called(states: Iterable[AlarmState], wanted: str) -> AlarmState | None:
    """Return the state with this name or level."""
    return next((state for state in states if state.called(wanted)), None)


def _at_one(alarm: Alarm, states: Iterable[AlarmState]) -> bool:
    return any(alarm.stands_at(state) for state in states)
