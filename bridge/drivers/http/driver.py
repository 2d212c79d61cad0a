"""Performs deliveries by the site's own requests, and says no more than the answers prove."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.drivers.http.render import page_instead_of_data, render, unmet, wanted
from bridge.drivers.http.settings import (
    Action,
    BasicAuth,
    BearerAuth,
    Config,
    HeaderAuth,
    ReadBack,
    RequestSettings,
)
from bridge.errors import ConfigError, DeliveryError, Permanent, ProtocolError, Retryable, Uncertain
from bridge.model import (
    NOTHING,
    Capability,
    Clock,
    Delivery,
    DeliveryState,
    Finding,
    Operation,
    Receipt,
    Targets,
    Tier,
)
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.template import encodable

ASK_EVERY: Final = 0.25
"""Seconds between two questions whether it shows."""
GONE: Final = frozenset({404, 410})
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
        self._targets = targets
        self._clock = clock
        self._link = HttpLink(config, name=name, clock=clock)

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
        """Prove address, certificate and credentials, and each camera if `camera_check` is configured."""
        health = await self._try("health", self._config.health, NOTHING)
        findings = [*self._link.warnings(), health]
        if health.level == "ok":
            findings += await self._check_cameras()
        blind = sorted(op for op, action in self._config.requests.items() if action.read_back is None)
        if blind:
            text = f"accepted at best, never verified, for want of a read_back: {', '.join(blind)}"
            findings.append(Finding(level="warning", subject=self.name, text=text))
        return findings

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        """Ask the operation's read_back, if it needs nothing but the target; None if it cannot be asked."""
        action = self._config.requests.get(operation)
        if action is None or action.read_back is None or not action.read_back.names <= ALWAYS_KNOWN:
            return None
        values = {"target": target, "operation": operation.value, "driver": self.name}
        try:
            return not await self._missing(action.read_back, values)
        except (DeliveryError, ProtocolError):
            return None

    async def close(self) -> None:
        await self._link.close()

    async def _perform(self, action: Action, delivery: Delivery) -> Receipt:
        values = {
            **{name: encodable(value) for name, value in delivery.params.items()},
            "target": delivery.target,
            "operation": delivery.operation.value,
            "delivery": delivery.id,
            "incident": delivery.incident,
            "driver": self.name,
        }
        ask_first = delivery.doubtful and action.capability is Capability.ASK_FIRST
        if ask_first and action.read_back and not await self._missing(action.read_back, values, delivery):
            return _verified(action.read_back, values, "an earlier attempt had done it")
        answer = await self._act(action, values, delivery)
        if action.read_back:
            return await self._prove(action, action.read_back, values, delivery)
        said = self._link.excerpt(answer.body, limit=80)
        return Receipt(outcome=DeliveryState.ACCEPTED, proof=f"HTTP {answer.status} {said}".strip())

    async def _act(self, action: Action, values: Mapping[str, str], delivery: Delivery) -> HttpAnswer:
        effect = EFFECTS[action.capability]
        header = self._config.idempotency_header
        key = {header: delivery.id} if header else NOTHING
        answer = await self._send(action, values, effect, delivery, key)
        lacking = unmet(action.expect, answer, values) or page_instead_of_data(action.expect, answer)
        if lacking:
            raise answer.unusable(lacking)
        return answer

    async def _prove(
        self, action: Action, read_back: ReadBack, values: Mapping[str, str], delivery: Delivery
    ) -> Receipt:
        """Ask until it shows. If it cannot be asked, the yes we have is all we know."""
        end = self._clock.monotonic() + read_back.within
        try:
            while missing := await self._missing(read_back, values, delivery):
                if self._clock.monotonic() >= end:
                    break
                await self._clock.sleep(ASK_EVERY)
        except DeliveryError as error:
            proof = f"the answer was yes; reading back failed: {error}"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof)
        if not missing:
            return _verified(read_back, values, "read back")
        text = f"{self.name}: {delivery.operation}: the answer was yes, but {missing}"
        raise Retryable(text) if action.capability is Capability.REPEATABLE else Uncertain(text)

    async def _missing(
        self, read_back: ReadBack, values: Mapping[str, str], delivery: Delivery | None = None
    ) -> str:
        """Return in words what the read-back does not show, or nothing if it shows all."""
        try:
            answer = await self._send(read_back, values, Effect.NONE, delivery)
        except Refused as error:
            if error.status not in GONE:
                raise
            return f"reading back says HTTP {error.status}"
        return unmet(read_back.expect, answer, values)

    async def _send(
        self,
        request: RequestSettings,
        values: Mapping[str, str],
        effect: Effect,
        delivery: Delivery | None = None,
        extra: Mapping[str, str] = NOTHING,
    ) -> HttpAnswer:
        """Send, and once more after a 401: some systems refuse the first request of a forgotten session."""
        filled = render(request, values)

        async def send() -> HttpAnswer:
            return await self._link.request(
                filled.method,
                filled.path,
                effect=effect,
                params=filled.params,
                json=filled.json,
                data=filled.data,
                headers={**filled.headers, **extra, **self._credentials()},
                expect=request.expect.status or SUCCESS,
                deadline=delivery.deadline if delivery else None,
                urgent=delivery is not None and delivery.tier is Tier.EMERGENCY,
            )

        try:
            return await send()
        except Refused as error:
            if error.status != 401:
                raise
        return await send()

    def _credentials(self) -> dict[str, str]:
        try:
            match self._config.auth:
                case BasicAuth(user=user, password=password):
                    pair = f"{user}:{self._conceal(password.reveal())}".encode()
                    return {"Authorization": "Basic " + self._conceal(base64.b64encode(pair).decode())}
                case BearerAuth(token=token):
                    return {"Authorization": "Bearer " + self._conceal(token.reveal())}
                case HeaderAuth(name=name, value=value):
                    return {name: self._conceal(value.reveal())}
        except ConfigError as error:
            raise Permanent(f"{self.name}: {error}") from None
        return {}

    def _conceal(self, secret: str) -> str:
        self._link.conceal(secret)
        return secret

    async def _check_cameras(self) -> list[Finding]:
        request = self._config.camera_check
        if request is None:
            return []
        findings = []
        for target, presets in sorted(self._targets.cameras.items()):
            for preset in sorted(presets) if "preset" in request.names else [""]:
                what = f"camera {target}" + (f", preset {preset}" if preset else "")
                findings.append(await self._try(what, request, {"target": target, "preset": preset}))
        return findings

    async def _try(self, what: str, request: RequestSettings, values: Mapping[str, str]) -> Finding:
        try:
            answer = await self._send(request, {**values, "driver": self.name}, Effect.NONE)
            lacking = unmet(request.expect, answer, values) or page_instead_of_data(request.expect, answer)
        except (DeliveryError, ProtocolError) as error:
            lacking = str(error)
        if lacking:
            return Finding(level="error", subject=self.name, text=f"{what}: {lacking}")
        return Finding(level="ok", subject=self.name, text=f"{what}: answered as expected")


def _verified(read_back: ReadBack, values: Mapping[str, str], how: str) -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=f"{how}: {wanted(read_back, values)}")
