"""The pop-up as Security Center has it: an instance of an alarm entity. Called by the driver.

Triggering has no field for the incident, and every trigger makes another instance. So the active instances
are asked for before and after, and which incident each instance is for is kept in memory; after a restart,
an instance that was triggered since the delivery was made is taken for its own.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.drivers.genetec.settings import Config, alarm_of
from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import Clock, Delivery, DeliveryState, Receipt, Tier
from bridge.protocols.genetec import Limits, WebSdk
from bridge.protocols.genetec_text import guid
from bridge.protocols.genetec_values import AlarmInstance

ASK_EVERY: Final = 0.25
"""Seconds between two questions which instances are active."""
SLACK: Final = 30.0
"""Seconds that the VMS's clock may be behind ours."""
FORGOTTEN_AFTER: Final = 24 * 3600.0
_REFERENCE: Final = re.compile(r"alarm:([0-9]{1,18})@([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An instance that is up for one of our incidents. since: UTC epoch seconds."""

    alarm: str
    instance: str
    incident: str
    since: float

    @property
    def reference(self) -> str:
        return f"alarm:{self.instance}@{self.alarm}"


class OpenAlarms:
    """The instances of ours that nobody has acknowledged yet, as far as this process knows."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], OpenAlarm] = {}
        self._some = asyncio.Event()

    def __iter__(self) -> Iterator[OpenAlarm]:
        """Over a copy: what is open may change meanwhile."""
        return iter(tuple(self._open.values()))

    def add(self, opened: OpenAlarm) -> None:
        self._open[opened.alarm, opened.instance] = opened
        self._some.set()

    def remove(self, alarm: str, instance: str) -> None:
        self._open.pop((alarm, instance), None)
        if not self._open:
            self._some.clear()

    def owner(self, alarm: str, instance: str) -> str:
        """The incident that an instance is for; empty if it is not known."""
        known = self._open.get((alarm, instance))
        return known.incident if known else ""

    async def until_some(self) -> None:
        await self._some.wait()


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

    async def popup(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Trigger the console's alarm, unless it is up for this incident already."""
        alarm = alarm_of(self._config, delivery.target, delivery.tier)
        if alarm is None:
            raise Permanent(f"{self._name}: no alarm is configured for console {delivery.target}")
        async with self._turns[alarm]:
            before = await self._sdk.active_instances(alarm, limits)
            found = self._ours(delivery, alarm, before)
            if found is not None:
                return self._up(delivery, alarm, found, "is active already")
            lost: Uncertain | None = None
            try:
                await self._sdk.trigger_alarm(alarm, self._source(delivery), limits)
            except Uncertain as error:
                lost = error
            new = await self._appeared(alarm, before, limits, lost)
            return self._up(delivery, alarm, new, "is active" if lost is None else "is active after all")

    async def close(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Acknowledge the incident's instance, so that it leaves the operators' screens."""
        alarm, instance = self._to_close(delivery)
        # What we acknowledge ourselves is no operator's act.
        self.open.remove(alarm, instance)
        said = f"instance {instance} of alarm {alarm}"
        if instance not in _ids(await self._sdk.active_instances(alarm, limits)):
            return Receipt(outcome=DeliveryState.VERIFIED, proof=f"{said} is not active")
        lost: Uncertain | None = None
        try:
            await self._sdk.acknowledge_alarm(int(instance), alarm, limits)
        except Uncertain as error:
            lost = error
        left = await self._until(alarm, lambda active: instance not in _ids(active), limits, lost)
        if instance in _ids(left):
            raise lost or Retryable(f"{self._name}: {said} was acknowledged, but is still active")
        return Receipt(outcome=DeliveryState.VERIFIED, proof=f"{said} is acknowledged: not active any more")

    def _ours(self, delivery: Delivery, alarm: str, active: list[AlarmInstance]) -> AlarmInstance | None:
        """The active instance that is this incident's."""
        for instance in active:
            owner = self.open.owner(alarm, instance.id)
            if owner == delivery.incident or (not owner and self._since(delivery, instance)):
                return instance
        return None

    def _since(self, delivery: Delivery, instance: AlarmInstance) -> bool:
        """Whether an earlier attempt may have triggered it: nothing but its time can tell."""
        repeat = delivery.doubtful or delivery.attempts > 1
        at = instance.triggered_at
        return repeat and at is not None and at >= delivery.created_at - SLACK

    def _source(self, delivery: Delivery) -> str:
        if not self._config.alarm_names_camera:
            return ""
        cameras = delivery.params.get("cameras", "")
        return guid(cameras.split(",")[0]) if cameras else ""

    async def _appeared(
        self, alarm: str, before: list[AlarmInstance], limits: Limits, lost: Uncertain | None
    ) -> AlarmInstance:
        """The instance that was not there before. Raises `lost`, or Retryable if none comes."""
        known = _ids(before)
        active = await self._until(alarm, lambda now: bool(_ids(now) - known), limits, lost)
        new = [instance for instance in active if instance.id not in known]
        if not new:
            raise lost or Retryable(
                f"{self._name}: alarm {alarm} was triggered, but no new instance of it is active: is it in"
                " its schedule, and past its reactivation threshold?"
            )
        return min(new, key=lambda instance: int(instance.id))

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

    def _up(self, delivery: Delivery, alarm: str, instance: AlarmInstance, how: str) -> Receipt:
        opened = OpenAlarm(alarm, instance.id, delivery.incident, self._clock.now())
        self.open.add(opened)
        return Receipt(
            outcome=DeliveryState.VERIFIED,
            proof=f"instance {instance.id} of alarm {alarm} {how}",
            reference=opened.reference,
        )

    def _to_close(self, delivery: Delivery) -> tuple[str, str]:
        match = _REFERENCE.fullmatch(delivery.params.get("reference", ""))
        if match:
            return match[2], match[1]
        alarms = {alarm_of(self._config, delivery.target, tier) for tier in Tier}
        for opened in self.open:
            if opened.incident == delivery.incident and opened.alarm in alarms:
                return opened.alarm, opened.instance
        raise Permanent(
            f"{self._name}: which instance of the alarm is this incident's is not known: acknowledge it in"
            " Security Desk"
        )


def _ids(instances: Iterable[AlarmInstance]) -> set[str]:
    return {instance.id for instance in instances}
