"""Alarms in XProtect's Alarm Manager: raised, moved on, and closed. Called by the driver.

One incident has one alarm, however many consoles it is for: every operator with the right sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from bridge.drivers.milestone.acts import (
    Actions,
    accepted,
    description_of,
    guid,
    made,
    repeated,
    title_of,
    verified,
)
from bridge.drivers.milestone.alarm_states import AlarmStates, called
from bridge.drivers.milestone.alarm_watch import AlarmWatch, incident_in
from bridge.drivers.milestone.settings import Config
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain, Unsent
from bridge.model import Accept, Clock, Delivery, Operation, Receipt
from bridge.protocols.http import Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.milestone import GUID, MilestoneApi
from bridge.protocols.milestone_gateway import READ_BACK_SPARE
from bridge.protocols.milestone_values import Alarm, AlarmState
from bridge.protocols.recent import Recent
from bridge.protocols.template import escape_line

ASK_EVERY: Final = 0.25


class Alarms:
    """The alarms of one XProtect."""

    def __init__(self, api: MilestoneApi, config: Config, clock: Clock, name: str) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._name = name
        self._of_incident: Recent[str, str] = Recent()
        self._unanswered: Recent[str, bool] = Recent()
        """Incidents whose alarm was sent, and no answer came."""
        self._unlisted: Recent[str, bool] = Recent()
        """Alarms that were accepted and, once already, not there in time."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.states = AlarmStates(api, config, clock, name)
        self._watch = AlarmWatch(api, config, clock, name, states=self.states, of_incident=self._of_incident)

    @property
    def actions(self) -> Actions:
        return {
            Operation.POPUP: self.popup,
            Operation.UPDATE_POPUP: self.update,
            Operation.CLOSE_POPUP: self.close,
        }

    async def watch(self, accept: Accept) -> None:
        """Report each alarm of ours that an operator takes or closes, once; until cancelled."""
        await self._watch.watch(accept)

    async def popup(self, delivery: Delivery, limits: Limits) -> Receipt:
        async with self._locks.setdefault(delivery.incident, asyncio.Lock()):
            number = self._of_incident.get(delivery.incident)
            if number is None and repeated(delivery):
                number = await self._raised_before(delivery, limits)
            if number is not None and delivery.params.get("news"):
                return await self._call_anew(number, delivery, limits)
            if number is None:
                number = await self._raise(delivery, limits)
            self._watch.note(number, delivery.incident)
            return await self._read_back(number, delivery, limits.earlier(READ_BACK_SPARE))

    async def _call_anew(self, number: str, delivery: Delivery, limits: Limits) -> Receipt:
        """Say what is new in an alarm that is there already: pressed again, not acknowledged, unresolved.

        It becomes a new one again, as nobody has it now.
        """
        state = await self.states.named(self._config.new_state, limits)
        receipt = await self._move(number, state, title_of(delivery), limits)
        self._watch.opened_anew(number, delivery.incident, delivery.id)
        return receipt

    async def update(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Write what is new into the alarm; once somebody has it, its state says so.

        An alarm that an operator has closed stays closed, and so does one whose state cannot be read.
        """
        number = await self._named(delivery, limits)
        who = escape_line(delivery.params.get("acknowledged_by", ""))
        closed_by = escape_line(delivery.params.get("closed_by", ""))
        if closed_by or not who:
            comment = f"closed by {closed_by}" if closed_by else title_of(delivery)
            return await self._comment(number, comment, "comment written", limits)
        comment = f"acknowledged by {who}"
        kept = await self._state_to_keep(number, limits)
        if kept:
            return await self._comment(number, comment, f"comment written; {kept}", limits)
        state = await self.states.named(self._config.acknowledged_state, limits)
        return await self._move(number, state, comment, limits)

    async def close(self, delivery: Delivery, limits: Limits) -> Receipt:
        number = await self._named(delivery, limits)
        who = escape_line(delivery.params.get("closed_by", "")) or "sosbridge"
        why = escape_line(delivery.params.get("close_reason", ""))
        state = await self.states.named(self._config.closed_state, limits)
        receipt = await self._move(number, state, f"closed by {who}{f': {why}' if why else ''}", limits)
        self._of_incident.forget(delivery.incident)
        return receipt

    # --- which alarm --------------------------------------------------------------------------------

    async def _raise(self, delivery: Delivery, limits: Limits) -> str:
        """Raise the incident's alarm, and remember it: it is never raised again for not being listed yet."""
        try:
            said = await self._api.raise_alarm(self._body(delivery), limits)
            number = made(said, "alarm")
        except Uncertain:
            self._unanswered.note(delivery.incident, True)
            raise
        self._of_incident.note(delivery.incident, number)
        return number

    async def _raised_before(self, delivery: Delivery, limits: Limits) -> str | None:
        """Return the alarm of an earlier attempt. One whose answer was lost is waited for: it may come late.

        Raises Unsent if such an alarm cannot be looked for; what else cannot be is raised again, once.
        """
        unanswered = self._unanswered.get(delivery.incident) or False
        asking = limits.earlier(READ_BACK_SPARE)
        end = asking.wait(self._clock, self._config.alarm_wait if unanswered else 0.0)
        while True:
            try:
                number = await self._find(delivery.incident, asking)
            except Refused as error:
                if not unanswered:
                    return None
                raise Unsent(
                    f"{self._name}: the alarm may be there; it is not raised again, and cannot be looked for:"
                    f" {error}"
                ) from error
            if number is not None or self._clock.monotonic() >= end:
                return number
            await self._clock.sleep(ASK_EVERY)

    async def _find(self, incident: str, limits: Limits) -> str | None:
        """Look through all alarms. In which order the gateway lists them is in no document."""
        async for alarm in self._api.alarms(limits):
            if incident_in(alarm) == incident and GUID.fullmatch(alarm.id):
                self._of_incident.note(incident, alarm.id)
                self._watch.note(alarm.id, incident)
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
        except DeliveryError as error:
            return accepted(f"alarm {number} accepted; it cannot be read back: {error}", reference)
        if alarm is None:
            if self._unlisted.get(number):
                return accepted(f"alarm {number} accepted; it is still not to be seen", reference)
            self._unlisted.note(number, True)
            raise Uncertain(f"{self._name}: alarm {number} was accepted, and is not there yet")
        if incident_in(alarm) != delivery.incident:
            return accepted(f"alarm {number} is there; its message cannot be read", reference)
        return verified(f"alarm {number} reads {alarm.name[:120]!r}", reference)

    async def _state_to_keep(self, number: str, limits: Limits) -> str:
        """Return why this alarm's state is not for us to change; nothing if it is.

        One that is not there yet can have been closed by nobody.
        """
        try:
            alarm = await self._api.alarm(number, limits)
        except Refused as error:
            return f"its state is left alone, because it cannot be read: {error}"
        if alarm is None:
            return ""
        if not alarm.state:
            return "its state is left alone, because it cannot be read"
        closed = called(await self.states.all(limits), self._config.closed_state)
        return f"it is {closed.name} already, and stays so" if closed and alarm.stands_at(closed) else ""

    async def _comment(self, number: str, comment: str, said: str, limits: Limits) -> Receipt:
        await self._api.change_alarm(number, {"comment": comment}, limits)
        return accepted(f"alarm {number}: {said}", f"alarm:{number}")

    async def _move(self, number: str, state: AlarmState, comment: str, limits: Limits) -> Receipt:
        """Give the alarm a state and a comment, and read the state back."""
        self._watch.moved(number)
        await self._api.change_alarm(number, {"state": state.id, "comment": comment}, limits)
        reference = f"alarm:{number}"
        asking = limits.earlier(READ_BACK_SPARE)
        try:
            alarm = await self._once(number, asking, lambda found: found is None or found.stands_at(state))
        except DeliveryError as error:
            return accepted(f"alarm {number}: {state.name}; it cannot be read back: {error}", reference)
        if alarm is None or not alarm.state:
            return accepted(f"alarm {number}: {state.name}; its state cannot be read", reference)
        if not alarm.stands_at(state):
            raise Retryable(
                f"{self._name}: alarm {number}: {state.name} was accepted; it reads {alarm.state}"
            )
        return verified(f"alarm {number} is {state.name}: {comment}", reference)

    async def _once(self, number: str, limits: Limits, good: Callable[[Alarm | None], bool]) -> Alarm | None:
        """Read the alarm until it is good or `alarm_wait` is over: 202 says accepted, not done."""
        end = limits.wait(self._clock, self._config.alarm_wait)
        while True:
            alarm = await self._api.alarm(number, limits)
            if good(alarm) or self._clock.monotonic() >= end:
                return alarm
            await self._clock.sleep(ASK_EVERY)
