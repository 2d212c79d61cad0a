"""SIP for one address of the plant in a box: sockets, timers and the sans-IO user agent made one.

A simulated phone has one; so has a test's tiny exchange. What the user agent tells comes to `take`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, Self

from bridge.model import Clock
from bridge.protocols.sip.agent import Agent, Settings
from bridge.protocols.sip.agent.effects import CancelTimer, Effect, Send, SetTimer, TimerId
from bridge.protocols.sip.agent.events import Event
from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip_endpoint import Endpoint, EndpointSettings, Hop, Timers

_SELDOM: Final = {"interval": 3600.0}
"""The watchdog of a simulated phone: its dialogue should hold nothing that no phone sends."""


class Line:
    """take: called with each event of the user agent, in order."""

    def __init__(
        self,
        clock: Clock,
        take: Callable[[Event], None],
        *,
        settings: Settings | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        transport: str = "UDP",
    ) -> None:
        self.agent: Final = Agent(os.urandom, settings)
        self._take: Final = take
        self._timers: Final[Timers[TimerId, None]] = Timers(
            lambda timer, _: self.run(self.agent.timer(timer))
        )
        listen = {"transport": transport, "address": address, "port": port}
        wanted: dict[str, Any] = {"listen": [listen], "allowed": ["0.0.0.0/0", "::/0"], "watchdog": _SELDOM}
        self._endpoint: Final = Endpoint(
            EndpointSettings.model_validate(wanted), received=self._received, clock=clock
        )

    async def __aenter__(self) -> Self:
        await self._endpoint.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Be gone, without a word to anybody. Safe to repeat."""
        self._timers.clear()
        await self._endpoint.stop()

    @property
    def address(self) -> HostPort:
        """Where it is reached."""
        return self._endpoint.listening[0][1]

    async def open(self, hop: Hop) -> Flow:
        """Return the flow to somebody. Raises NotSentError."""
        return await self._endpoint.open(hop)

    def run(self, effects: list[Effect]) -> None:
        """Do what the user agent wants done."""
        for effect in effects:
            match effect:
                case Send():
                    self._send(effect)
                case SetTimer(timer, after):
                    self._timers.set(timer, None, after)
                case CancelTimer(timer):
                    self._timers.stop(timer, None)
                case _:
                    self._take(effect)

    def _received(self, message: Request | Response, flow: Flow) -> None:
        self.run(self.agent.receive(message, flow))

    def _send(self, effect: Send) -> None:
        name = effect.transaction
        failed = None if name is None else self._failure_of(name)
        self._endpoint.send(effect.message, effect.flow, failed=failed)

    def _failure_of(self, name: Name) -> Callable[[str], None]:
        return lambda _reason: self.run(self.agent.transport_failed(name))
