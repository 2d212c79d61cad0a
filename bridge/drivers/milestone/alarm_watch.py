"""Hears which of our alarms an operator takes or closes in XProtect. Called by `alarms.py`.

Alarms are asked for one by one: the gateway's WebSocket tells nothing of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bridge.drivers.milestone.alarm_states import AlarmStates
from bridge.drivers.milestone.settings import Config
from bridge.errors import DeliveryError, Permanent, Unreachable
from bridge.model import Accept, Clock, Event, Kind
from bridge.protocols.milestone import GUID, MilestoneApi
from bridge.protocols.milestone_values import Alarm
from bridge.protocols.recent import Recent
from bridge.protocols.template import escape_line

LONGEST_PAUSE: Final = 5.0
REFUSED_PAUSE: Final = 60.0
"""Seconds until what refuses us is asked again: nothing changes there by itself."""
MOST_RECOVERED: Final = 5000
"""Alarms that are looked through for what was open before a restart."""
GONE_AFTER: Final = 60.0
"""Seconds after which an alarm that cannot be found is not waited for: it was accepted, and comes later."""
_INCIDENT: Final = re.compile(rf"\bincident ({GUID.pattern})\b")


@dataclass(slots=True, kw_only=True)
class _Open:
    """An alarm of ours that nobody has, as far as we know. Times are monotonic seconds."""

    incident: str
    since: float
    not_before: float = 0.0
    """When it is asked for again; later than the others where it was refused."""
    again: str = ""
    """The delivery that made it new again, if one did."""


class AlarmWatch:
    """of_incident: incident -> its alarm; what is found again after a restart is noted there."""

    def __init__(
        self,
        api: MilestoneApi,
        config: Config,
        clock: Clock,
        name: str,
        *,
        states: AlarmStates,
        of_incident: Recent[str, str],
    ) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._states = states
        self._of_incident = of_incident
        self._open: Recent[str, _Open] = Recent()
        self._moved: Recent[str, bool] = Recent()
        """Alarms that we have given a state ourselves, or whose taking was told."""
        self._recover_at: float | None = 0.0
        """When to look for what was open before a restart (monotonic seconds); None: that is done."""

    def note(self, number: str, incident: str) -> None:
        """Look at this alarm of ours from now on, unless its state is our own doing already."""
        if not self._moved.get(number) and self._open.get(number) is None:
            self._open.note(number, _Open(incident=incident, since=self._clock.monotonic()))

    def opened_anew(self, number: str, incident: str, why: str) -> None:
        """Whoever takes it now takes it again: `why` tells this acknowledgement from the one before."""
        self._moved.forget(number)
        self._open.note(number, _Open(incident=incident, since=self._clock.monotonic(), again=why))

    def moved(self, number: str) -> None:
        """What changes at this alarm from now on is our doing."""
        self._moved.note(number, True)
        self._open.forget(number)

    async def watch(self, accept: Accept) -> None:
        """Report each alarm of ours that an operator takes or closes, once; until cancelled.

        Nothing is asked while no alarm of ours is open. What was open before a restart is found again first.
        """
        pause = self._config.watch_every
        while True:
            try:
                failed = await self._recovery_fails()
                failed = await self._looks_fail(accept) or failed
            except Unreachable:  # the whole system is away: the other alarms are not asked for either
                failed = True
            longer = max(self._config.watch_every, min(pause * 2, LONGEST_PAUSE))
            pause = longer if failed else self._config.watch_every
            await self._clock.sleep(pause)

    # --- what was open before -----------------------------------------------------------------------

    async def _recovery_fails(self) -> bool:
        """Find what was open before a restart, if that has not succeeded yet."""
        if self._recover_at is None or self._clock.monotonic() < self._recover_at:
            return False
        try:
            await self._recover()
        except Unreachable:
            raise
        except Permanent:
            self._recover_at = self._clock.monotonic() + REFUSED_PAUSE
            return False
        except DeliveryError:
            return True
        self._recover_at = None
        return False

    async def _recover(self) -> None:
        looked_at = 0
        async for alarm in self._api.alarms():
            looked_at += 1
            if looked_at > MOST_RECOVERED:
                return
            incident = incident_in(alarm)
            if incident and GUID.fullmatch(alarm.id) and await self._states.is_untouched(alarm):
                self._of_incident.note(incident, alarm.id)
                self.note(alarm.id, incident)

    # --- looking ------------------------------------------------------------------------------------

    async def _looks_fail(self, accept: Accept) -> bool:
        """Look at every open alarm; one that cannot be asked for keeps nobody from hearing of the others."""
        failed = False
        for number, item in self._open.items():
            if self._clock.monotonic() < item.not_before:
                continue
            try:
                await self._look(number, item, accept)
            except Unreachable:
                raise
            except Permanent:
                item.not_before = self._clock.monotonic() + REFUSED_PAUSE
            except DeliveryError:
                failed = True
        return failed

    async def _look(self, number: str, item: _Open, accept: Accept) -> None:
        alarm = await self._api.alarm(number)
        if self._open.get(number) is None:
            return  # we moved it ourselves while we asked
        if alarm is None:
            if self._clock.monotonic() - item.since > GONE_AFTER:
                self._open.forget(number)
            return
        if not await self._states.is_taken(alarm):
            return
        await accept(
            Event(
                kind=Kind.ACKNOWLEDGED,
                source=f"vms/{self._name}",
                key="/".join(filter(None, ("alarm", number, "acknowledged", item.again))),
                occurred_at=self._clock.now(),
                incident=item.incident,
                attributes={
                    "by": escape_line(alarm.assigned_to) or f"operator at {self._name}",
                    "how": self._name,
                },
            )
        )
        self.moved(number)


def incident_in(alarm: Alarm) -> str:
    """Return the incident that the alarm's message names; nothing if it is none of ours."""
    match = _INCIDENT.search(alarm.message)
    return match[1] if match else ""
