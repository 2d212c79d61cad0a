"""Shows, marks and alarms at a Genetec Security Center, and says no more than its Web SDK proves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bridge.drivers.genetec.alarms import Alarms
from bridge.drivers.genetec.checks import Checks
from bridge.drivers.genetec.commands import filled
from bridge.drivers.genetec.events import CustomEvents
from bridge.drivers.genetec.moments import opened_at
from bridge.drivers.genetec.settings import Command, Config, capabilities_of
from bridge.drivers.genetec.stock import stock
from bridge.drivers.genetec.tiles import Tiles
from bridge.drivers.genetec.watching import Watching
from bridge.errors import CameraMissing, DeliveryError, Permanent, ProtocolError, Retryable
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
)
from bridge.protocols.genetec import WebSdk
from bridge.protocols.genetec_text import guid, stamp
from bridge.protocols.http import HttpLink
from bridge.protocols.http_limits import Limits

NEEDS_PICTURE: Final = frozenset({Operation.START_RECORDING, Operation.RECALL_PRESET})
"""Commands that mean nothing to a camera that is offline, and are accepted all the same."""

Action = Callable[[Delivery, Limits], Awaitable[Receipt]]


class Driver:
    """One Security Center. See `bridge.model.Driver`, `Stocked` and `Watcher`.

    Targets: a camera is its entity's GUID, a console the LogicalId of a Monitor entity, a preset a number.
    """

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.capabilities = capabilities_of(config)
        self._config = config
        self._targets = targets
        self._clock = clock
        self._link = HttpLink(config, name=name, clock=clock)
        self._sdk = WebSdk(
            self._link, user=config.user, application_id=config.application_id, password=config.password
        )
        self._commands: dict[Operation, Command] = dict(config.commands.items())
        tiles = Tiles(name, self._sdk, config, clock)
        events = CustomEvents(name, self._sdk, config, clock)
        self._alarms = Alarms(name, self._sdk, config, clock)
        self._watching = Watching(name, self._sdk, config, clock, self._alarms.open)
        self._actions: Mapping[Operation, Action] = {
            Operation.EVENT_START: events.start,
            Operation.EVENT_STOP: events.stop,
            Operation.BOOKMARK: self._bookmark,
            Operation.BOOKMARK_PAST: self._bookmark,
            Operation.PROVE_LIVE: self._prove_live,
            Operation.SHOW: tiles.show,
            Operation.HIDE: tiles.hide,
            Operation.POPUP: self._alarms.popup,
            Operation.CLOSE_POPUP: self._alarms.close,
            Operation.UPDATE_POPUP: self._tell_operators,
            **dict.fromkeys(self._commands, self._command),
        }

    async def perform(self, delivery: Delivery) -> Receipt:
        """Do it, and read it back where the Web SDK can be asked: tiles, active alarms, a camera's state."""
        what = delivery.operation.replace("_", " ")
        match self.capabilities[delivery.operation]:
            case Capability.IMPOSSIBLE:
                raise Permanent(f"{self.name}: nothing is configured that could {what} at Security Center")
            case Capability.BY_RULE:
                raise Permanent(
                    f"{self.name}: to {what} is left to Security Center's event-to-actions: send event_start"
                    " and event_stop"
                )
        limits = Limits.of(delivery)
        try:
            return await self._actions[delivery.operation](delivery, limits)
        except ProtocolError as error:
            raise Permanent(f"{self.name}: {what}: {error}") from error

    async def check(self) -> list[Finding]:
        """Prove the role, the licence and every entity, event and alarm that the site uses."""
        checks = Checks(self.name, self._sdk, self._config, self._targets, self._clock)
        return [*self._link.warnings(), *await checks.run()]

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """None: how a camera's recording state is asked for is not in the public documents."""
        del operation, target  # nothing can be asked
        return None

    async def inventory(self) -> Inventory:
        """The cameras that the user may see, and the monitors of every Security Desk that runs now."""
        return await stock(self._sdk)

    async def watch(self, accept: Accept) -> None:
        """Report every operator who acknowledges one of our alarms in Security Desk; until cancelled."""
        await self._watching.run(accept)

    async def close(self) -> None:
        await self._link.close()

    # --- cameras ------------------------------------------------------------------------------------

    async def _bookmark(self, delivery: Delivery, limits: Limits) -> Receipt:
        at = opened_at(delivery)
        text = f"{delivery.params.get('title', '')} incident {delivery.incident}".strip()
        await self._sdk.add_bookmark(delivery.target, at, text, limits)
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"bookmark at {stamp(at)}: Ok")

    async def _prove_live(self, delivery: Delivery, limits: Limits) -> Receipt:
        state = await self._online(delivery.target, limits)
        return Receipt(outcome=DeliveryState.VERIFIED, proof=state)

    async def _command(self, delivery: Delivery, limits: Limits) -> Receipt:
        """Send the site's own command. What it does cannot be asked, but whether the camera lives can."""
        command = self._commands[delivery.operation]
        q = filled(command, delivery, self._clock.now())
        await self._sdk.command(q, limits, method=command.method, path=f"/{command.path}")
        proof = f"{q.partition('(')[0]}: Ok"
        if delivery.operation in NEEDS_PICTURE:
            try:
                proof += f"; {await self._online(delivery.target, limits)}"
            except CameraMissing:
                raise
            except DeliveryError as error:
                proof += f"; whether the camera lives cannot be asked: {error}"
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)

    async def _online(self, camera: str, limits: Limits) -> str:
        """Say how a camera is. Raises CameraMissing if it is offline, Retryable if that is not told."""
        row = await self._sdk.entity(camera, "Name", "IsOnline", "RunningState", limits=limits)
        who = f"camera {row.text('Name') or guid(camera)}"
        online, state = row.flag("IsOnline"), row.text("RunningState") or "no running state"
        if online is None:
            raise Retryable(f"{self.name}: {who}: Security Center does not tell whether it is online")
        if not online:
            raise CameraMissing(f"{self.name}: {who} is offline ({state})")
        return f"{who} is online ({state})"

    # --- operators ----------------------------------------------------------------------------------

    async def _tell_operators(self, delivery: Delivery, limits: Limits) -> Receipt:
        self._alarms.note(delivery)
        users = self._config.operators.get(delivery.target, ())
        if not users:
            raise Permanent(f"{self.name}: no operators are configured for console {delivery.target}")
        await self._sdk.send_message(users, _news(delivery), limits)
        who = f"{len(users)} user{'s' if len(users) > 1 else ''}"
        return Receipt(
            outcome=DeliveryState.ACCEPTED, proof=f"message to {who}: Ok; not queued for the absent"
        )


def _news(delivery: Delivery) -> str:
    """What an operator should know now."""
    params = delivery.params
    facts = [params.get("title", ""), params.get("spoken", "")]
    if who := params.get("acknowledged_by"):
        facts.append(f"acknowledged by {who}")
    if missing := params.get("missing"):
        facts.append(f"no picture from {missing}")
    if reason := params.get("close_reason"):
        facts.append(f"closed: {reason}")
    return ", ".join(fact for fact in facts if fact)
