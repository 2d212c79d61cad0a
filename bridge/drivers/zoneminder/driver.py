"""Forces the alarm of a monitor so that it records, and marks the recording with the incident.

A ZoneMinder has no pop-ups, video walls or acknowledgement: consoles get those from another driver.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import ConfigDict, Field

from bridge.drivers.zoneminder.checks import findings
from bridge.drivers.zoneminder.evidence import Evidence
from bridge.drivers.zoneminder.forced import ForcedAlarms
from bridge.errors import CameraMissing, DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import (
    Capability,
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Inventory,
    Operation,
    Receipt,
    Targets,
    VmsCamera,
)
from bridge.protocols.http import HttpLink
from bridge.protocols.http_limits import Limits
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.secret import Secret
from bridge.protocols.zoneminder import HelperFailed, ZoneMinderApi
from bridge.protocols.zoneminder_values import AlarmState, Monitor, VideoEvent

ASK_EVERY: Final = 0.5
"""Seconds between two questions whether an alarm has ended."""
_MONITOR: Final = re.compile(r"[0-9]{1,9}")

_POSSIBLE: Final = {
    # Version 1.38 ends the event that is open and begins another when it is forced again.
    Operation.START_RECORDING: Capability.ASK_FIRST,
    Operation.STOP_RECORDING: Capability.REPEATABLE,
    Operation.BOOKMARK: Capability.ASK_FIRST,
    Operation.EXTEND_BOOKMARK: Capability.REPEATABLE,
    Operation.LOCK_EVIDENCE: Capability.ASK_FIRST,
    Operation.PROVE_LIVE: Capability.REPEATABLE,
    Operation.RECALL_PRESET: Capability.REPEATABLE,
    Operation.HOME: Capability.REPEATABLE,
}
CAPABILITIES: Final[Mapping[Operation, Capability]] = MappingProxyType(
    {operation: _POSSIBLE.get(operation, Capability.IMPOSSIBLE) for operation in Operation}
)


class Config(HttpSettings):
    """`base_url` is where ZoneMinder's console is: `https://host/zm`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: str = Field(min_length=1)
    password: Secret
    alarm_wait: float = Field(default=4.0, gt=0, le=30)
    """Seconds to wait for the answer to a forced alarm before the camera itself is asked. A live camera needs
    0.1 to 0.4 s; for a dead one ZoneMinder takes 11 s to say so."""
    stop_wait: float = Field(default=5.0, ge=0, le=60)
    """Seconds to wait until a cancelled alarm has ended: the monitor's PostEventCount at its frame rate."""


class Driver:
    """One ZoneMinder. See `bridge.model.Driver`; targets are monitor ids, presets are numbers."""

    capabilities = CAPABILITIES

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self._config = config
        self._targets = targets
        self._clock = clock
        self._link = HttpLink(config, name=name, clock=clock)
        self._api = ZoneMinderApi(self._link, user=config.user, password=config.password, clock=clock)
        self._forced = ForcedAlarms()
        evidence = Evidence(self._api, name=name, clock=clock, forced=self._forced)
        self._actions: Mapping[Operation, Callable[[Delivery, Limits], Awaitable[Receipt]]] = {
            Operation.START_RECORDING: self._start_recording,
            Operation.STOP_RECORDING: self._stop_recording,
            Operation.BOOKMARK: evidence.bookmark,
            Operation.EXTEND_BOOKMARK: evidence.extend,
            Operation.LOCK_EVIDENCE: evidence.lock,
            Operation.PROVE_LIVE: self._prove_live,
            Operation.RECALL_PRESET: self._recall_preset,
            Operation.HOME: self._home,
        }

    async def perform(self, delivery: Delivery) -> Receipt:
        """Do it, and read it back where ZoneMinder can be asked (everything but PTZ)."""
        action = self._actions.get(delivery.operation)
        if action is None:
            raise Permanent(f"{self.name}: ZoneMinder has nothing for {delivery.operation}")
        if not _MONITOR.fullmatch(delivery.target):
            raise Permanent(f"{self.name}: {delivery.target!r} is not the number of a monitor")
        return await action(delivery, Limits.of(delivery))

    async def check(self) -> list[Finding]:
        """Prove log-in, rights and daemons, and each monitor and preset that the site uses."""
        return [*self._link.warnings(), *await findings(self._api, self.name, self._targets.cameras)]

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether the forced alarm is still on: a restart of the camera's stream drops it without a word."""
        if operation is not Operation.START_RECORDING or not _MONITOR.fullmatch(target):
            return None
        try:
            state = await self._api.state(target)
        except DeliveryError:
            return None
        return state.alarmed or state is AlarmState.PREALARM

    async def inventory(self) -> Inventory:
        """Every monitor the user may see. Presets are numbers whose names the API does not tell."""
        monitors = await self._api.monitors()
        return Inventory(cameras=tuple(VmsCamera(id=m.id, name=m.name, ptz=m.controllable) for m in monitors))

    async def close(self) -> None:
        await self._link.close()

    async def _prove_live(self, delivery: Delivery, limits: Limits) -> Receipt:
        camera = await self._api.monitor(delivery.target, limits)
        _require_live(camera)
        proof = f"{camera.name}: {camera.status}, {camera.fps:g} pictures a second"
        return Receipt(outcome=DeliveryState.VERIFIED, proof=proof)

    # --- recording ----------------------------------------------------------------------------------

    async def _start_recording(self, delivery: Delivery, limits: Limits) -> Receipt:
        try:
            receipt = await self._force(delivery, limits)
        except HelperFailed:
            # So it says of every camera whose capture process is down: ask which it is.
            _require_pictures(await self._api.monitor(delivery.target, limits))
            raise
        self._forced.began(delivery, receipt)
        return receipt

    async def _force(self, delivery: Delivery, limits: Limits) -> Receipt:
        monitor = delivery.target
        if delivery.doubtful or delivery.attempts > 1:
            found = await self._forced_event(monitor, limits)
            if found is not None:
                return _recording(found.id, "found forced already")
            _require_pictures(await self._api.monitor(monitor, limits))
        try:
            event = await self._api.force_alarm(monitor, limits, within=self._config.alarm_wait)
        except Uncertain as lost:
            return await self._find_out(monitor, limits, lost)
        if event is None:
            try:
                camera = await self._api.monitor(monitor, limits)
            except DeliveryError as error:  # the order stands until the pictures come back
                raise Uncertain(f"monitor {monitor}: no event yet; it cannot be asked: {error}") from error
            _require_pictures(camera)
            raise Retryable(
                f"{self.name}: monitor {monitor}: ZoneMinder forced no alarm, and does not say why"
            )
        return await self._read_back(monitor, event, limits)

    async def _read_back(self, monitor: str, event: int, limits: Limits) -> Receipt:
        """The answer named an event; the state decides whether it records."""
        try:
            state = await self._api.state(monitor, limits)
        except DeliveryError as error:
            raise Uncertain(f"event {event} was promised; the state cannot be asked: {error}") from error
        if not state.alarmed:
            raise Retryable(
                f"{self.name}: monitor {monitor}: event {event} was promised, but the state is {state}"
            )
        return _recording(event, f"status {state}")

    async def _find_out(self, monitor: str, limits: Limits, lost: Uncertain) -> Receipt:
        """No answer to the forced alarm: ask what became of it. Raises `lost` if that cannot be known."""
        try:
            found = await self._forced_event(monitor, limits)
            camera = await self._api.monitor(monitor, limits)
        except DeliveryError:
            raise lost from None
        if found is not None:
            return _recording(found.id, "found forced; the answer itself was lost")
        _require_pictures(camera)
        raise lost

    async def _forced_event(self, monitor: str, limits: Limits) -> VideoEvent | None:
        """The open event that a forced alarm records now, or None."""
        if not (await self._api.state(monitor, limits)).alarmed:
            return None
        event = await self._api.latest_event(monitor, limits)
        return event if event is not None and event.open and event.forced else None

    async def _stop_recording(self, delivery: Delivery, limits: Limits) -> Receipt:
        monitor = delivery.target
        await self._api.cancel_alarm(monitor, limits)
        self._forced.ended(delivery)
        try:
            state = await self._state_after(monitor, limits)
        except DeliveryError as error:
            proof = f"the answer was yes; reading back failed: {error}"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)
        if state.alarmed:
            raise Retryable(
                f"{self.name}: monitor {monitor}: cancelled, but still {state} after"
                f" {self._config.stop_wait:g} s (motion, or a long PostEventCount)"
            )
        return Receipt(outcome=DeliveryState.VERIFIED, proof=f"status {state}")

    async def _state_after(self, monitor: str, limits: Limits) -> AlarmState:
        """The state once the alarm has ended, or the wait is over."""
        end = self._clock.monotonic() + self._config.stop_wait
        while (state := await self._api.state(monitor, limits)).alarmed and self._clock.monotonic() < end:
            await self._clock.sleep(ASK_EVERY)
        return state

    # --- PTZ ----------------------------------------------------------------------------------------

    async def _recall_preset(self, delivery: Delivery, limits: Limits) -> Receipt:
        preset = delivery.params.get("preset", "")
        if not re.fullmatch(r"[0-9]{1,4}", preset):
            raise Permanent(f"{self.name}: preset {preset!r} is not a number")
        return await self._move(delivery.target, f"presetGoto{preset}", limits)

    async def _home(self, delivery: Delivery, limits: Limits) -> Receipt:
        return await self._move(delivery.target, "presetHome", limits)

    async def _move(self, monitor: str, command: str, limits: Limits) -> Receipt:
        """Never verified: ZoneMinder says Ok even for a preset or a camera that does not exist."""
        await self._api.control(monitor, command, limits)
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"{command}: Ok, which ZoneMinder always says")


def _recording(event: int, proof: str) -> Receipt:
    return Receipt(
        outcome=DeliveryState.VERIFIED, proof=f"{proof}, event {event}", reference=f"event:{event}"
    )


def _require_pictures(camera: Monitor) -> None:
    """Raise Permanent where a forced alarm never records, CameraMissing while no pictures come."""
    if not camera.can_record:
        function = camera.function or f"Recording {camera.recording}"
        raise Permanent(f"monitor {camera.id} ({camera.name}) has function {function}: it cannot record")
    _require_live(camera)


def _require_live(camera: Monitor) -> None:
    if not camera.alive:
        raise CameraMissing(
            f"monitor {camera.id} ({camera.name}) gives no pictures ({camera.status or 'not started'},"
            f" {camera.fps:g} a second): nothing is recorded until they come back"
        )
