"""The pop-up as Security Center has it: an instance of an alarm entity. Called by the driver.

Triggering has no field for the incident, and every trigger makes another instance. So the active instances
are asked for before and after; which incident each instance is for is kept by `open_alarms`. An instance that
is not known to be ours is never called verified, and one that could be anybody's is not taken: then the alarm
is triggered again, since an alarm that is up twice is better than one that never was.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from bridge.drivers.genetec.moments import may_have_caused, opened_at
from bridge.drivers.genetec.open_alarms import FORGOTTEN_AFTER, OpenAlarm, OpenAlarms, instance_in
from bridge.drivers.genetec.settings import Config, alarm_of
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt, Tier
from bridge.protocols.genetec import WebSdk
from bridge.protocols.genetec_text import guid
from bridge.protocols.genetec_values import AlarmInstance
from bridge.protocols.http_limits import Limits

ASK_EVERY: Final = 0.25
"""Seconds between two questions which instances are active."""
LISTENED_AFTERWARDS: Final = 60.0
"""Seconds that an instance which somebody else closed is asked about: who it was may be told late."""
TRIES_KEPT: Final = 100


class Alarms:
    """Triggers and acknowledges."""

    def __init__(self, name: str, sdk: WebSdk, config: Config, clock: Clock) -> None:
        self.open = OpenAlarms()
        self._name = name
        self._sdk = sdk
        self._config = config
        self._clock = clock
        # One trigger of an alarm at a time: otherwise two new instances could not be told apart.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tried: dict[str, frozenset[str]] = {}
        """Delivery -> the instances that were there before we first triggered for it."""

    def note(self, delivery: Delivery) -> None:
        """Take in whose the instance is that the delivery's reference names: a restart forgot it."""
        if found := instance_in(delivery.params.get("reference", "")):
            self.open.note(self._opened(delivery, *found, opened_at(delivery)))

    async def popup(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Trigger the console's alarm, unless it is up for this incident already."""
        alarm = alarm_of(self._config, delivery.target, delivery.tier)
        if alarm is None:
            raise Permanent(f"{self._name}: no alarm is configured for console {delivery.target}")
        async with self._turns[alarm]:
            before = await self._sdk.active_instances(alarm, limits)
            for instance in before:
                if self.open.owner(alarm, instance.id) == delivery.incident:
                    return self._up(delivery, alarm, instance, "is active already")
            likely = self._likely(delivery, alarm, before)
            if likely is not None:
                how = "is active: taken for what an earlier attempt triggered, which nothing can prove"
                return self._up(delivery, alarm, likely, how, DeliveryState.ACCEPTED)
            return await self._trigger(delivery, alarm, before, limits)

    async def close(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Acknowledge the incident's instance, so that it leaves the operators' screens."""
        alarm, instance = self._to_close(delivery)
        self.note(delivery)
        said = f"instance {instance} of alarm {alarm}"
        if instance not in _ids(await self._sdk.active_instances(alarm, limits)):
            self._listen_on(delivery, alarm, instance)
            return Receipt(outcome=DeliveryState.VERIFIED, proof=f"{said} is not active")
        # What we acknowledge ourselves is no operator's act.
        self.open.end(alarm, instance)
        lost: Uncertain | None = None
        try:
            await self._sdk.acknowledge_alarm(int(instance), alarm, limits)
        except Uncertain as error:
            lost = error
        left = await self._until(alarm, lambda active: instance not in _ids(active), limits, lost)
        if instance in _ids(left):
            raise lost or Retryable(f"{self._name}: {said} was acknowledged, but is still active")
        return Receipt(outcome=DeliveryState.VERIFIED, proof=f"{said} is acknowledged: not active any more")

    # --- triggering ---------------------------------------------------------------------------------

    def _likely(self, delivery: Delivery, alarm: str, active: list[AlarmInstance]) -> AlarmInstance | None:
        """The one instance that an earlier attempt of this very delivery may have triggered.

        None if there are several: taking another incident's would leave this one without an alarm.
        """
        free = [instance for instance in active if not self.open.owner(alarm, instance.id)]
        before = self._tried.get(delivery.id)
        now = self._clock.now()
        possible = [
            instance
            for instance in free
            if (may_have_caused(delivery, instance, now) if before is None else instance.id not in before)
        ]
        return possible[0] if len(possible) == 1 else None

    async def _trigger(
        self, delivery: Delivery, alarm: str, before: list[AlarmInstance], limits: Limits
    ) -> Receipt:
        known = _ids(before)
        lost: Uncertain | None = None
        try:
            await self._sdk.trigger_alarm(alarm, self._source(delivery), limits)
        except Uncertain as error:
            lost = error
        self._remember(delivery, known)
        active = await self._until(alarm, lambda now: bool(_ids(now) - known), limits, lost)
        new = [instance for instance in active if instance.id not in known]
        if len(new) == 1:
            how = "is active" if lost is None else "is active after all"
            return self._up(delivery, alarm, new[0], how)
        if lost is not None:
            raise lost
        if not new:
            raise Retryable(
                f"{self._name}: alarm {alarm} was triggered, but no new instance of it is active: is it in"
                " its schedule, and past its reactivation threshold?"
            )
        return Receipt(
            outcome=DeliveryState.ACCEPTED,
            proof=f"alarm {alarm} is triggered; which of {len(new)} new instances is ours cannot be told",
        )

    def _remember(self, delivery: Delivery, before: frozenset[str]) -> None:
        """A repeat must find what this attempt may have triggered."""
        self._tried.setdefault(delivery.id, before)
        while len(self._tried) > TRIES_KEPT:
            del self._tried[next(iter(self._tried))]

    def _source(self, delivery: Delivery) -> str:
        if not self._config.alarm_names_camera:
            return ""
        cameras = delivery.params.get("cameras", "")
        return guid(cameras.split(",")[0]) if cameras else ""

    def _up(
        self,
        delivery: Delivery,
        alarm: str,
        instance: AlarmInstance,
        how: str,
        outcome: DeliveryState = DeliveryState.VERIFIED,
    ) -> Receipt:
        opened = self._opened(delivery, alarm, instance.id, self._clock.now())
        self.open.add(opened)
        self._tried.pop(delivery.id, None)
        proof = f"instance {instance.id} of alarm {alarm} {how}"
        return Receipt(outcome=outcome, proof=proof, reference=opened.reference)

    # --- closing ------------------------------------------------------------------------------------

    def _to_close(self, delivery: Delivery) -> tuple[str, str]:
        if found := instance_in(delivery.params.get("reference", "")):
            return found
        alarms = {alarm_of(self._config, delivery.target, tier) for tier in Tier}
        for opened in self.open:
            if opened.incident == delivery.incident and opened.alarm in alarms:
                return opened.alarm, opened.instance
        raise Permanent(
            f"{self._name}: which instance of the alarm is this incident's is not known: acknowledge it in"
            " Security Desk"
        )

    def _listen_on(self, delivery: Delivery, alarm: str, instance: str) -> None:
        """Somebody else closed it: hear who, for a while. After a doubtful attempt it may have been us."""
        watched = next((each for each in self.open if (each.alarm, each.instance) == (alarm, instance)), None)
        if watched is None:
            return
        if delivery.doubtful:
            self.open.end(alarm, instance)
        else:
            until = self._clock.now() + LISTENED_AFTERWARDS
            self.open.add(OpenAlarm(alarm, instance, watched.incident, watched.since, until))

    # --- asking -------------------------------------------------------------------------------------

    async def _until(
        self,
        alarm: str,
        holds: Callable[[list[AlarmInstance]], bool],
        limits: Limits,
        lost: Uncertain | None,
    ) -> list[AlarmInstance]:
        """Ask for the active instances until it holds, for `alarm_wait` seconds; return the last answer."""
        end = self._clock.monotonic() + self._config.alarm_wait
        try:
            while not holds(active := await self._sdk.active_instances(alarm, limits)):
                if self._clock.monotonic() >= end:
                    break
                await self._clock.sleep(ASK_EVERY)
        except DeliveryError as error:
            raise lost or Uncertain(f"sent, but the active alarms cannot be asked: {error}") from error
        return active

    def _opened(self, delivery: Delivery, alarm: str, instance: str, since: float) -> OpenAlarm:
        return OpenAlarm(alarm, instance, delivery.incident, since, since + FORGOTTEN_AFTER)


def _ids(instances: Iterable[AlarmInstance]) -> frozenset[str]:
    return frozenset(instance.id for instance in instances)
