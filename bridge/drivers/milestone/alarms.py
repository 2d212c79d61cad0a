"""Alarms in XProtect's Alarm Manager: raised, moved on, closed, and watched. Called by the driver.

One incident has one alarm, however many consoles it is for: every operator with the right sees it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakValueDictionary

from bridge.drivers.milestone.acts import (
    Actions,
    Recent,
    accepted,
    description_of,
    guid,
    made,
    repeated,
    title_of,
    verified,
)
from bridge.drivers.milestone.settings import Config
from bridge.errors import DeliveryError, Permanent, Retryable
from bridge.model import Accept, Clock, Delivery, Event, Kind, Operation, Receipt
from bridge.protocols.http import Refused
from bridge.protocols.milestone import GUID, MilestoneApi
from bridge.protocols.milestone_gateway import NO_LIMITS, Limits
from bridge.protocols.milestone_values import Alarm, AlarmState
from bridge.protocols.template import escape_line

ASK_EVERY: Final = 0.25
PAGES: Final = 5
"""Pages of alarms that are looked through for ours."""
LONGEST_PAUSE: Final = 5.0
REFUSED_PAUSE: Final = 60.0
"""Seconds until a gateway that refuses us is asked again: nothing changes there by itself."""
GONE_AFTER: Final = 60.0
"""Seconds after which an alarm that cannot be found is not waited for: it was accepted, and comes later."""
_INCIDENT: Final = re.compile(rf"\bincident ({GUID.pattern})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """An alarm of ours that nobody has, as far as we know."""

    incident: str
    since: float
    """Monotonic seconds."""


class Alarms:
    """The alarms of one XProtect."""

    def __init__(self, api: MilestoneApi, config: Config, clock: Clock, name: str) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._of_incident: Recent[str, str] = Recent()
        self._open: Recent[str, _Open] = Recent()
        """alarm -> what `watch` waits for."""
        self._moved: Recent[str, bool] = Recent()
        """Alarms that we have given a state ourselves."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._states: list[AlarmState] = []
        self._states_asked_at = float("-inf")

    @property
    def actions(self) -> Actions:
        return {
            Operation.POPUP: self.popup,
            Operation.UPDATE_POPUP: self.update,
            Operation.CLOSE_POPUP: self.close,
        }

    async def popup(self, delivery: Delivery, limits: Limits) -> Receipt:
        async with self._locks.setdefault(delivery.incident, asyncio.Lock()):
            number = await self._known(delivery, limits)
            if number is None:
                number = made(await self._api.raise_alarm(self._body(delivery), limits), "alarm")
                self._of_incident.note(delivery.incident, number)
                self._open.note(number, _Open(incident=delivery.incident, since=self._clock.monotonic()))
            return await self._read_back(number, delivery, limits)

    async def update(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Write what is new into the alarm; once somebody has it, its state says so."""
        number = await self._named(delivery, limits)
        who = escape_line(delivery.params.get("acknowledged_by", ""))
        closed_by = escape_line(delivery.params.get("closed_by", ""))
        if closed_by or not who:
            comment = f"closed by {closed_by}" if closed_by else title_of(delivery)
            await self._api.change_alarm(number, {"comment": comment}, limits)
            return accepted(f"alarm {number}: comment written", f"alarm:{number}")
        state = await self._state(self._config.acknowledged_state, limits)
        return await self._move(number, state, f"acknowledged by {who}", limits)

    async def close(self, delivery: Delivery, limits: Limits) -> Receipt:
        number = await self._named(delivery, limits)
        who = escape_line(delivery.params.get("closed_by", "")) or "sosbridge"
        why = escape_line(delivery.params.get("close_reason", ""))
        state = await self._state(self._config.closed_state, limits)
        receipt = await self._move(number, state, f"closed by {who}{f': {why}' if why else ''}", limits)
        self._of_incident.forget(delivery.incident)
        return receipt

    # --- which alarm --------------------------------------------------------------------------------

    async def _known(self, delivery: Delivery, limits: Limits) -> str | None:
        """Return the incident's alarm, if it has one: by memory, or after a doubt by looking through them."""
        number = self._of_incident.get(delivery.incident)
        if number is not None and (not repeated(delivery) or await self._is_there(number, limits)):
            return number
        self._of_incident.forget(delivery.incident)
        return await self._find(delivery.incident, limits) if repeated(delivery) else None

    async def _is_there(self, number: str, limits: Limits) -> bool:
        try:
            return await self._api.alarm(number, limits) is not None
        except Refused:
            return True  # raised, and not ours to read

    async def _find(self, incident: str, limits: Limits) -> str | None:
        for alarm in await self._api.alarms(limits, pages=PAGES):
            if _incident_in(alarm) == incident and GUID.fullmatch(alarm.id):
                self._of_incident.note(incident, alarm.id)
                return alarm.id
        return None

    async def _named(self, delivery: Delivery, limits: Limits) -> str:
        """Return the alarm that the reference names, or that is the incident's."""
        kind, _, number = delivery.params.get("reference", "").partition(":")
        if kind == "alarm":
            return guid(number, "alarm")
        found = self._of_incident.get(delivery.incident) or await self._find(delivery.incident, limits)
        if found is None:
            raise Permanent(f"{self._name}: there is no alarm of incident {delivery.incident}")
        return found

    def _body(self, delivery: Delivery) -> dict[str, Any]:
        alarm = {"name": title_of(delivery), "message": description_of(delivery)}
        cameras = [each for each in delivery.params.get("cameras", "").split(",") if each]
        if cameras:
            camera = guid(cameras[0], "camera")
            alarm["source"] = f"cameras/{camera}" if self._config.alarm_source == "path" else camera
        return alarm

    # --- reading back -------------------------------------------------------------------------------

    async def _read_back(self, number: str, delivery: Delivery, limits: Limits) -> Receipt:
        reference = f"alarm:{number}"
        try:
            alarm = await self._once(number, limits, lambda found: found is not None)
        except Refused as error:
            return accepted(f"alarm {number} raised; it cannot be read back: {error}", reference)
        if alarm is None:
            raise Retryable(f"{self._name}: alarm {number} was accepted, and is not there")
        if _incident_in(alarm) != delivery.incident:
            return accepted(f"alarm {number} is there; its message cannot be read", reference)
        return verified(f"alarm {number} reads {alarm.name[:120]!r}", reference)

    async def _move(self, number: str, state: AlarmState, comment: str, limits: Limits) -> Receipt:
        """Give the alarm a state and a comment, and read the state back."""
        self._moved.note(number, True)  # what changes from now on is our doing
        self._open.forget(number)
        await self._api.change_alarm(number, {"state": state.id, "comment": comment}, limits)
        reference = f"alarm:{number}"
        try:
            alarm = await self._once(number, limits, lambda found: found is None or found.stands_at(state))
        except Refused as error:
            return accepted(f"alarm {number}: {state.name}; it cannot be read back: {error}", reference)
        if alarm is None or not alarm.state:
            return accepted(f"alarm {number}: {state.name}; its state cannot be read", reference)
        if not alarm.stands_at(state):
            raise Retryable(
                f"{self._name}: alarm {number}: {state.name} was accepted; it reads {alarm.state}"
            )
        return verified(f"alarm {number} is {state.name}: {comment}", reference)

    async def _once(self, number: str, limits: Limits, good: Any) -> Alarm | None:
        """Read the alarm until it is good or `alarm_wait` is over: 202 says accepted, not done."""
        end = self._clock.monotonic() + self._config.alarm_wait
        while True:
            alarm = await self._api.alarm(number, limits)
            if good(alarm) or self._clock.monotonic() >= end:
                return alarm
            await self._clock.sleep(ASK_EVERY)

    # --- states -------------------------------------------------------------------------------------

    async def states(self, limits: Limits = NO_LIMITS, *, fresh: bool = False) -> list[AlarmState]:
        """The site's alarm states, asked for at most every `remember` seconds."""
        now = self._clock.monotonic()
        if fresh or now - self._states_asked_at > self._config.remember:
            self._states = await self._api.alarm_states(limits)
            self._states_asked_at = now
        return self._states

    async def _state(self, wanted: str, limits: Limits) -> AlarmState:
        for fresh in (False, True):
            if state := called(await self.states(limits, fresh=fresh), wanted):
                return state
        there = ", ".join(state.name for state in self._states[:10]) or "none"
        raise Permanent(f"{self._name}: there is no alarm state {wanted!r}; there is {there}")

    # --- watching -----------------------------------------------------------------------------------

    async def watch(self, accept: Accept) -> None:
        """Report each alarm of ours that an operator takes or closes, once; until cancelled.

        Nothing is asked while no alarm of ours is open. What was open before a restart is found again first.
        """
        recovered, pause = False, self._config.watch_every
        while True:
            try:
                if not recovered:
                    await self._recover()
                    recovered = True
                for number, item in self._open.items():
                    await self._look(number, item, accept)
                pause = self._config.watch_every
            except Permanent:
                pause = REFUSED_PAUSE
            except DeliveryError:
                pause = max(self._config.watch_every, min(pause * 2, LONGEST_PAUSE))
            await self._clock.sleep(pause)

    async def _recover(self) -> None:
        new = await self._untouched()
        for alarm in await self._api.alarms(pages=PAGES):
            incident = _incident_in(alarm)
            if not incident or not GUID.fullmatch(alarm.id) or self._moved.get(alarm.id):
                continue
            if any(alarm.stands_at(state) for state in new):
                self._of_incident.note(incident, alarm.id)
                self._open.note(alarm.id, _Open(incident=incident, since=self._clock.monotonic()))

    async def _untouched(self) -> list[AlarmState]:
        """The states of alarms that nobody has: all but the acknowledged and the closed one."""
        taken = self._taken(await self.states())
        return [state for state in self._states if state not in taken]

    def _taken(self, states: Iterable[AlarmState]) -> list[AlarmState]:
        wanted = (self._config.acknowledged_state, self._config.closed_state)
        return [state for state in states if any(state.called(each) for each in wanted)]

    async def _look(self, number: str, item: _Open, accept: Accept) -> None:
        alarm = await self._api.alarm(number)
        if self._open.get(number) is None:
            return  # we moved it ourselves while we asked
        if alarm is None:
            if self._clock.monotonic() - item.since > GONE_AFTER:
                self._open.forget(number)
            return
        if not any(alarm.stands_at(state) for state in self._taken(await self.states())):
            return
        await accept(
            Event(
                kind=Kind.ACKNOWLEDGED,
                source=f"vms/{self._name}",
                key=f"alarm/{number}/acknowledged",
                occurred_at=self._clock.now(),
                incident=item.incident,
                attributes={
                    "by": escape_line(alarm.assigned_to) or f"operator at {self._name}",
                    "how": self._name,
                },
            )
        )
        self._open.forget(number)


def called(states: Iterable[AlarmState], wanted: str) -> AlarmState | None:
    """Return the state with this name or level."""
    return next((state for state in states if state.called(wanted)), None)


def _incident_in(alarm: Alarm) -> str:
    match = _INCIDENT.search(alarm.message)
    return match[1] if match else ""
