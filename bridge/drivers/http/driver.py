"""Performs deliveries by the site's own requests, and says no more than the answers prove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.drivers.http.checks import Checks
from bridge.drivers.http.render import page_instead_of_data, text_at, unmet, wanted
from bridge.drivers.http.sending import Sender
from bridge.drivers.http.settings import Action, Config, ReadBack, RequestSettings
from bridge.errors import CameraMissing, DeliveryError, Permanent, ProtocolError, Retryable, Uncertain
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
)
from bridge.protocols.http import GONE, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.template import encodable

ASK_EVERY: Final = 0.25
"""Seconds between two questions whether it shows."""
ALWAYS_KNOWN: Final = frozenset({"target", "operation", "driver"})
EFFECTS: Final = {Capability.REPEATABLE: Effect.REPEATABLE, Capability.ASK_FIRST: Effect.ONCE}


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    """What the requests in `config` make possible; everything else is impossible."""
    possible = {operation: action.capability for operation, action in config.requests.items()}
    return MappingProxyType({op: possible.get(op, Capability.IMPOSSIBLE) for op in Operation})


class Driver:
    """One HTTP system. See `bridge.model.Driver`."""

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.capabilities = capabilities_of(config)
        self._config = config
        self._clock = clock
        self._link = HttpLink(config, name=name, clock=clock)
        self._sender = Sender(self._link, config, name=name, clock=clock)
        self._checks = Checks(self._sender, config, name=name, targets=targets)

    async def perform(self, delivery: Delivery) -> Receipt:
        """Send the operation's request. `VERIFIED` only if its read_back shows what it must."""
        action = self._config.requests.get(delivery.operation)
        if action is None:
            raise Permanent(f"{self.name}: no request is configured for {delivery.operation}")
        try:
            return await self._perform(action, delivery)
        except ProtocolError as error:
            raise Permanent(f"{self.name}: {delivery.operation} cannot be sent: {error}") from error

    async def check(self) -> list[Finding]:
        """Prove address, certificate and credentials, and cameras and consoles as configured."""
        return [*self._link.warnings(), *await self._checks.findings()]

    async def inventory(self) -> Inventory:
        """What the configured lists say. Raises DeliveryError."""
        return await self._checks.inventory()

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Ask the operation's read_back, if it needs nothing but the target; None if it cannot be asked."""
        action = self._config.requests.get(operation)
        if action is None or action.read_back is None or not action.read_back.names <= ALWAYS_KNOWN:
            return None
        values = {"target": target, "operation": operation.value, "driver": self.name}
        try:
            return not (await self._ask(action.read_back, values)).missing
        except (DeliveryError, ProtocolError):
            return None

    async def close(self) -> None:
        await self._link.close()

    async def _perform(self, action: Action, delivery: Delivery) -> Receipt:
        values = {
            **{name: encodable(value) for name, value in delivery.params.items()},
            "target": encodable(delivery.target),
            "operation": delivery.operation.value,
            "delivery": delivery.id,
            "incident": delivery.incident,
            "driver": self.name,
        }
        limits = Limits.of(delivery)
        if delivery.operation is Operation.PROVE_LIVE:
            return await self._prove_live(action, values, limits)
        if delivery.doubtful and action.capability is Capability.ASK_FIRST and action.read_back:
            shown = await self._ask(action.read_back, values, limits)
            if not shown.missing:
                return _verified(action, action.read_back, shown, values, "an earlier attempt had done it")
        if action.only_if and (missing := (await self._ask(action.only_if, values, limits)).missing):
            proof = f"somebody else has changed it since: left as it is ({missing})"
            return Receipt(outcome=DeliveryState.SUPERSEDED, proof=proof)
        answer = await self._act(action, values, delivery, limits)
        if action.read_back:
            return await self._prove(action, action.read_back, values, delivery)
        said = self._link.excerpt(answer.body, limit=80)
        return Receipt(
            outcome=DeliveryState.ACCEPTED,
            proof=f"HTTP {answer.status} {said}".strip(),
            reference=_reference(action, answer),
        )

    async def _act(
        self, action: Action, values: Mapping[str, str], delivery: Delivery, limits: Limits
    ) -> HttpAnswer:
        effect = EFFECTS[action.capability]
        answer = await self._send_to_camera(action, values, effect, limits, delivery=delivery.id)
        try:
            lacking = unmet(action.expect, answer, values) or page_instead_of_data(action.expect, answer)
        except ProtocolError as error:  # the request itself was sent
            lacking = f"what must stand there cannot be said: {error}"
        if lacking:
            raise answer.unusable(lacking)
        return answer

    async def _prove_live(self, action: Action, values: Mapping[str, str], limits: Limits) -> Receipt:
        """The answer is the proof: it shows a live picture, or the camera is missing."""
        answer = await self._send_to_camera(action, values, Effect.NONE, limits)
        if page := page_instead_of_data(action.expect, answer):
            raise answer.unusable(page)
        if lacking := unmet(action.expect, answer, values):
            raise CameraMissing(f"{self.name}: camera {values['target']}: {lacking}")
        return Receipt(outcome=DeliveryState.VERIFIED, proof=f"answered: {wanted(action, values)}")

    async def _send_to_camera(
        self,
        action: Action,
        values: Mapping[str, str],
        effect: Effect,
        limits: Limits,
        *,
        delivery: str = "",
    ) -> HttpAnswer:
        """Send, and raise CameraMissing for a status by which the system says that the camera is away."""
        missing = action.missing_status
        answer = await self._sender.send(action, values, effect, limits, delivery=delivery, also=missing)
        if answer.status in missing:
            said = self._link.excerpt(answer.body, limit=80)
            raise CameraMissing(
                f"{self.name}: camera {values['target']}: HTTP {answer.status} {said}".strip()
            )
        return answer

    async def _prove(
        self, action: Action, read_back: ReadBack, values: Mapping[str, str], delivery: Delivery
    ) -> Receipt:
        """Ask until it shows. If it cannot be asked, the yes we have is all we know."""
        end = self._clock.monotonic() + read_back.within
        limits = Limits.of(delivery)
        try:
            while (shown := await self._ask(read_back, values, limits)).missing:
                if self._clock.monotonic() >= end:
                    break
                await self._clock.sleep(ASK_EVERY)
        except (DeliveryError, ProtocolError) as error:
            proof = f"the answer was yes; reading back failed: {error}"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)
        if not shown.missing:
            return _verified(action, read_back, shown, values, "read back")
        text = f"{self.name}: {delivery.operation}: the answer was yes, but {shown.missing}"
        raise Retryable(text) if action.capability is Capability.REPEATABLE else Uncertain(text)

    async def _ask(
        self, request: RequestSettings, values: Mapping[str, str], limits: Limits = NO_LIMITS
    ) -> _Shown:
        """Ask, and say in words what does not show."""
        try:
            answer = await self._sender.send(request, values, Effect.NONE, limits)
        except Refused as error:
            if error.status not in GONE:
                raise
            return _Shown(None, f"reading back says HTTP {error.status}")
        return _Shown(answer, unmet(request.expect, answer, values))


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a question showed. missing: in words what it did not, or empty."""

    answer: HttpAnswer | None
    missing: str


def _verified(
    action: Action, read_back: ReadBack, shown: _Shown, values: Mapping[str, str], how: str
) -> Receipt:
    return Receipt(
        outcome=DeliveryState.VERIFIED,
        proof=f"{how}: {wanted(read_back, values)}",
        reference=_reference(action, shown.answer),
    )


def _reference(action: Action, answer: HttpAnswer | None) -> str:
    """What the answer calls the thing that was made; empty where it does not say."""
    if action.reference is None or answer is None:
        return ""
    try:
        return text_at(answer.json(), action.reference)
    except DeliveryError:
        return ""
