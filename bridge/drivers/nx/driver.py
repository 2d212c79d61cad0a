"""Raises the incident's generic event, recalls presets and makes bookmarks at an Nx server.

Recording and pop-ups have no call of their own there: rules in the VMS do them when the event arrives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from bridge.drivers.nx.acknowledgements import Acknowledgements
from bridge.drivers.nx.bookmarks import Bookmarks
from bridge.drivers.nx.checks import findings
from bridge.drivers.nx.ptz import Ptz
from bridge.drivers.nx.settings import Config, capabilities_of
from bridge.drivers.nx.triggers import SoftTriggers
from bridge.drivers.nx.words import caption, description, opened_ms
from bridge.errors import CameraMissing, DeliveryError, NothingThere, Permanent, Retryable, Uncertain
from bridge.model import (
    Accept,
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
    VmsConsole,
)
from bridge.protocols.http import HttpLink, Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.nx import EventState, NxApi
from bridge.protocols.nx_session import NxSession
from bridge.protocols.nx_values import Device

ASK_EVERY: Final = 0.5
"""Seconds between two questions whether the camera records."""
ASK_FIRST_WITHIN: Final = 1.0
"""Seconds that the event waits for the camera's status before it."""


class Driver:
    """One Nx server. See `bridge.model.Driver`; targets are ids of devices, presets are ids or names."""

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.capabilities = capabilities_of(config)
        self._config = config
        self._targets = targets
        self._clock = clock
        self._link = HttpLink(config, name=name, clock=clock)
        session = NxSession(
            self._link, user=config.user, password=config.password, version=config.version, clock=clock
        )
        self._api = NxApi(session)
        self._acknowledgements = Acknowledgements(self._api, name=name, clock=clock)
        self._idle_before: set[tuple[str, str]] = set()
        """(incident, camera) that were seen not recording before their event: only there the status proves
        the event."""
        bookmarks = Bookmarks(self._api, config, name=name, clock=clock)
        ptz = Ptz(self._api, config, name=name, clock=clock)
        triggers = SoftTriggers(self._api, config, name=name)
        by_trigger = {Operation.SHOW: triggers.show, Operation.POPUP: triggers.popup}
        self._actions: Mapping[Operation, Callable[[Delivery, Limits], Awaitable[Receipt]]] = {
            Operation.EVENT_START: self._start_event,
            Operation.EVENT_STOP: self._stop_event,
            Operation.PROVE_LIVE: self._prove_live,
            Operation.BOOKMARK: bookmarks.make,
            Operation.BOOKMARK_PAST: bookmarks.make,
            Operation.EXTEND_BOOKMARK: bookmarks.extend,
            Operation.RECALL_PRESET: ptz.recall,
            Operation.HOME: ptz.home,
            **{
                operation: action
                for operation, action in by_trigger.items()
                if self.capabilities[operation] is Capability.REPEATABLE
            },
        }

    async def perform(self, delivery: Delivery) -> Receipt:
        """Do it, and read back what the server can be asked."""
        action = self._actions.get(delivery.operation)
        if action is None:
            by_rule = self.capabilities[delivery.operation] is Capability.BY_RULE
            why = "a rule in the VMS does it on event_start" if by_rule else "there is nothing for it"
            raise Permanent(f"{self.name}: {delivery.operation} cannot be ordered at an Nx server: {why}")
        return await action(delivery, Limits.of(delivery))

    async def check(self) -> list[Finding]:
        """Prove version, log-in and rights, and each camera, preset, user and rule that the site needs."""
        found = await findings(self._api, self.name, self._config, self._targets, now=self._clock.now)
        return [*self._link.warnings(), *found]

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Whether the rule still records, by the camera's status; None while that cannot be known."""
        if operation is not Operation.EVENT_START or not self._config.recording_rule:
            return None
        try:
            device = await self._api.device(target)
        except DeliveryError:
            return None
        return device.records if device.live else None

    async def inventory(self) -> Inventory:
        """Cameras with their presets, and users, which is whom a rule shows something."""
        cameras = []
        for device in await self._api.devices():
            presets = await self._api.presets(device.id) if device.ptz else []
            named = {preset.id: preset.name for preset in presets}
            cameras.append(VmsCamera(id=device.id, name=device.name, ptz=device.ptz, presets=named))
        try:
            users = await self._api.users()
        except Refused:
            users = []  # not every user may list them; the cameras are worth having without
        return Inventory(
            cameras=tuple(cameras), consoles=tuple(VmsConsole(id=user.id, name=user.name) for user in users)
        )

    async def watch(self, accept: Accept) -> None:
        """Report operators' acknowledgements of our events, until cancelled."""
        await self._acknowledgements.watch(accept)

    async def close(self) -> None:
        await self._link.close()

    # --- events ---------------------------------------------------------------------------------------

    async def _start_event(self, delivery: Delivery, limits: Limits) -> Receipt:
        await self._api.session.open(limits)
        if self._config.recording_rule:
            await self._look_before(delivery, limits)
        at = opened_ms(delivery)
        lost: Uncertain | None = None
        try:
            await self._raise(EventState.STARTED, delivery, at, limits)
        except Uncertain as error:
            if not self._config.recording_rule:
                raise
            lost = error
        self._acknowledgements.expect(delivery.target, at, delivery.incident)
        if self._config.recording_rule:
            return await self._recording(delivery, at, limits, lost)
        return Receipt(
            outcome=DeliveryState.ACCEPTED, proof="the server took the event", reference=f"event:{at}"
        )

    async def _stop_event(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Accepted only: a rule may go on recording for its time after the event."""
        await self._raise(EventState.STOPPED, delivery, round(self._clock.now() * 1000), limits)
        self._acknowledgements.forget(delivery.target)
        self._idle_before = {each for each in self._idle_before if each[1] != delivery.target}
        return Receipt(outcome=DeliveryState.ACCEPTED, proof="the server took the end of the event")

    async def _raise(self, state: EventState, delivery: Delivery, at: int, limits: Limits) -> None:
        await self._api.generic_event(
            state,
            source=self._config.source,
            caption=caption(delivery),
            description=description(delivery),
            devices=[delivery.target],
            at=at,
            limits=limits,
        )

    async def _look_before(self, delivery: Delivery, limits: Limits) -> None:
        """Remember a camera that does not record yet. The event goes out whatever the answer is."""
        try:
            device = await self._api.device(delivery.target, replace(limits, within=ASK_FIRST_WITHIN))
        except DeliveryError:
            return
        if not device.records:
            self._idle_before.add((delivery.incident, delivery.target))

    async def _recording(
        self, delivery: Delivery, at: int, limits: Limits, lost: Uncertain | None
    ) -> Receipt:
        """Wait until the camera records. `lost`: the answer to the event never came."""
        try:
            device = await self._until_recording(delivery.target, limits)
        except NothingThere:
            raise  # the event was about nothing: another camera has to stand in
        except DeliveryError as error:
            return self._not_asked(at, error, lost)
        proven = (delivery.incident, delivery.target) in self._idle_before
        if device.records and proven:
            proof = "the camera began to record (status Recording)"
            return Receipt(outcome=DeliveryState.VERIFIED, proof=proof, reference=f"event:{at}")
        _require_camera(device)
        if lost is not None:
            raise lost
        if device.records:
            proof = "the server took the event; the camera recorded before, so its status proves no rule"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=f"event:{at}")
        raise Retryable(
            f"{self.name}: the event was taken, but camera {device.name or device.id} does not record"
            f" (status {device.status}): is there a rule for source {self._config.source} and caption"
            f" {caption(delivery)!r}?"
        )

    @staticmethod
    def _not_asked(at: int, error: DeliveryError, lost: Uncertain | None) -> Receipt:
        """What to say when the camera cannot be asked. That the event was taken proves no rule: where asking
        may work later, it is raised again, which a rule that runs does not notice."""
        if lost is not None:
            raise lost from error
        if not isinstance(error, Permanent):
            raise Uncertain(f"the event was sent; the camera cannot be asked: {error}") from error
        proof = f"the server took the event; reading back failed: {error}"
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=f"event:{at}")

    async def _until_recording(self, camera: str, limits: Limits) -> Device:
        """The camera as it is once it records, is missing, or the wait is over."""
        end = self._clock.monotonic() + self._config.recording_wait
        while True:
            device = await self._api.device(camera, limits)
            if device.records or device.missing or self._clock.monotonic() >= end:
                return device
            await self._clock.sleep(ASK_EVERY)

    async def _prove_live(self, delivery: Delivery, limits: Limits) -> Receipt:
        device = await self._api.device(delivery.target, limits)
        _require_camera(device)
        if not device.live:
            raise Retryable(f"{self.name}: the server does not know yet whether {device.name} is there")
        return Receipt(outcome=DeliveryState.VERIFIED, proof=f"status {device.status}")


def _require_camera(device: Device) -> None:
    if device.missing:
        raise CameraMissing(f"camera {device.name or device.id} gives no pictures (status {device.status})")
