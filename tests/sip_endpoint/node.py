"""Endpoint, user agent, registrar and registration joined, as `app` joins them."""

from __future__ import annotations

import asyncio
import os
from typing import Self, TypeAlias

from bridge.errors import ConfigError
from bridge.protocols.sip.agent import Agent
from bridge.protocols.sip.agent.effects import CancelTimer, Effect, Send, SetTimer, TimerId
from bridge.protocols.sip.agent.events import Event, RequestAnswered, RequestReceived
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.registrar import Answer, Registrar
from bridge.protocols.sip.registration import (
    Due,
    Lost,
    Register,
    Registered,
    Registration,
    Stopped,
    StopWaiting,
    Wait,
)
from bridge.protocols.sip.registration import Effect as RegistrationEffect
from bridge.protocols.sip_endpoint import Endpoint, EndpointSettings, Hop, NotSentError, Timers
from tests.sip_endpoint.conftest import RealClock, listens

News: TypeAlias = Registered | Lost | Stopped


class Node:
    """One bridge, as far as SIP goes. endpoint: more settings of its endpoint, such as `tls`."""

    def __init__(
        self,
        *transports: str,
        registrar: Registrar | None = None,
        host: str = "127.0.0.1",
        **endpoint: object,
    ) -> None:
        self.host = host
        self.clock = RealClock()
        self.agent = Agent(os.urandom)
        self.timers: Timers[TimerId, str] = Timers(lambda timer, _: self.run(self.agent.timer(timer)))
        self.registrar = registrar
        self.answers: list[Answer] = []
        self.registration: Registration | None = None
        self.waits: Timers[str, Due] = Timers(lambda _, due: self.fire(due))
        self.asked: dict[str, Register] = {}
        self.news: list[News] = []
        self.tasks: set[asyncio.Task[None]] = set()
        settings = EndpointSettings.model_validate(
            {
                "listen": listens(*(transports or ("UDP",)), host=host),
                "allowed": ("127.0.0.0/8", "::1/128"),
                **endpoint,
            }
        )
        self.endpoint = Endpoint(settings, received=self.received, clock=self.clock)

    async def __aenter__(self) -> Self:
        await self.endpoint.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.timers.clear()
        self.waits.clear()
        for task in self.tasks:
            task.cancel()
        await self.endpoint.stop()

    @property
    def port(self) -> int:
        return self.endpoint.listening[0][1][1]

    def received(self, message: Request | Response, flow: Flow) -> None:
        self.run(self.agent.receive(message, flow))

    def run(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message, flow, transaction):
                    failed = None
                    if transaction is not None:
                        failed = lambda _, name=transaction: self.run(self.agent.transport_failed(name))  # noqa: E731  # bound here
                    self.endpoint.send(message, flow, failed=failed)
                case SetTimer(timer, after):
                    self.timers.set(timer, "", after)
                case CancelTimer(timer):
                    self.timers.stop(timer, "")
                case RequestReceived(id=id_, request=request, flow=flow) if self.registrar:
                    answer = self.registrar.answer(request, flow, self.clock.now())
                    self.answers.append(answer)
                    self.run(self.agent.answer(id_, answer.status, fields=answer.fields))
                case RequestAnswered(id=id_, request=request) if self.registration:
                    asked = self.asked.pop(id_)
                    if effect.response is not None:
                        self.take(self.registration.answered(asked, request, effect.response))
                    else:
                        self.take(self.registration.failed(asked, str(effect.failure)))
                case _:
                    self.happened(effect)

    def happened(self, event: Event) -> None:
        """Take an event of a call; `tests.sip_peers.telephone` does something about it."""

    def register(self, registration: Registration) -> None:
        self.registration = registration
        self.take(registration.start())

    def stop(self) -> None:
        assert self.registration is not None
        self.take(self.registration.stop())

    def fire(self, due: Due) -> None:
        assert self.registration is not None
        self.take(self.registration.fired(due))

    def take(self, effects: list[RegistrationEffect]) -> None:
        for effect in effects:
            match effect:
                case Register():
                    task = asyncio.get_running_loop().create_task(self._ask(effect))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
                case Wait(due, after):
                    self.waits.set("", due, after)
                case StopWaiting(due):
                    self.waits.stop("", due)
                case _:
                    self.news.append(effect)

    async def _ask(self, asked: Register) -> None:
        assert self.registration is not None
        server = asked.server
        try:
            flow = await self.endpoint.open(Hop(server.host, server.port, server.transport))
            target = asked.target(flow)
        except (NotSentError, ConfigError) as error:
            self.take(self.registration.failed(asked, str(error)))
            return
        id_ = f"{asked.sequence}"
        self.asked[id_] = asked
        self.run(self.agent.request(id_, "REGISTER", target, sequence=asked.sequence))
