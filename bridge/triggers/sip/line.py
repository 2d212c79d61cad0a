"""Endpoint, user agent and their timers as one: what the agent asks for is done, what it tells is passed on.

Made anew for each run of the trigger. Everything happens in one loop, and in the order of the effects.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final

import structlog

from bridge.errors import ProtocolError
from bridge.model import Clock
from bridge.protocols.sip.agent import Agent, Settings, Target
from bridge.protocols.sip.agent.effects import CancelTimer, Effect, Send, SetTimer, TimerId
from bridge.protocols.sip.agent.events import Event, RequestAnswered
from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip_endpoint import Endpoint, EndpointSettings, Timers
from bridge.triggers.sip.leftover import Leftover
from bridge.triggers.sip.pending import Pending
from bridge.triggers.sip.screening import BY_FORM, Screening

APPLICATION_METHODS: Final = frozenset({"REGISTER"})

_log = structlog.get_logger(__name__)


class Line:
    """told: called with each event of the user agent, except the answers to `ask`.

    screening: sees each INVITE that begins a call, and what cannot be read.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        clock: Clock,
        told: Callable[[Event], None],
        screening: Screening,
    ) -> None:
        self.agent: Final = Agent(
            in_blocks(os.urandom),
            Settings(user="sos", passes_on=True, application_methods=APPLICATION_METHODS),
        )
        self.endpoint: Final = Endpoint(
            settings, received=self._received, clock=clock, unreadable=screening.unreadable
        )
        self.pending: Final = Pending()
        self.leftover: Final = Leftover(self.endpoint.send, Tokens(os.urandom).branch)
        self._screening = screening
        self._told = told
        self._timers: Timers[TimerId, str] = Timers(lambda timer, _: self.run(self.agent.timer(timer)))
        self._asked: dict[str, asyncio.Future[RequestAnswered]] = {}
        self._numbers = count(1)
        self._waiting: deque[Effect] = deque()
        self._running = False

    async def start(self) -> None:
        """Bind all sockets. Raises OSError, with the address, or ConfigError."""
        await self.endpoint.start()

    async def stop(self) -> None:
        """Close everything. Nobody is told."""
        self._timers.clear()
        for waiting in self._asked.values():
            waiting.cancel()
        await self.endpoint.stop()

    def try_to(self, act: Callable[[], list[Effect]]) -> bool:
        """Let the agent do something; False where the call is not one any more that it could be done with."""
        try:
            effects = act()
        except ProtocolError as error:
            _log.debug("a call has moved on", why=str(error))
            return False
        self.run(effects)
        return True

    async def ask(
        self, method: str, target: Target, *, sequence: tuple[str, int] | None = None
    ) -> RequestAnswered:
        """Send a request outside of calls and return what became of it. Raises ProtocolError."""
        id_ = f"ask-{next(self._numbers)}"
        answered: asyncio.Future[RequestAnswered] = asyncio.get_running_loop().create_future()
        self._asked[id_] = answered
        try:
            self.run(self.agent.request(id_, method, target, sequence=sequence))
            return await answered
        finally:
            self._asked.pop(id_, None)

    def run(self, effects: list[Effect]) -> None:
        """Carry out what the agent wants, behind what it wanted before.

        Whoever is told of something may let the agent act at once: that must not overtake what is left to do.
        """
        self._waiting.extend(effects)
        if self._running:
            return
        self._running = True
        try:
            while self._waiting:
                self._carry_out(self._waiting.popleft())
        finally:
            self._running = False

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(message, flow, name):
                if isinstance(message, Response) and message.status in BY_FORM:
                    self._refused(message, flow)
                self.pending.sent(message, flow)
                failed = None if name is None else partial(self._failed, name)
                self.endpoint.send(message, flow, failed=failed)
            case SetTimer(timer, after):
                self._timers.set(timer, "", after)
            case CancelTimer(timer):
                self._timers.stop(timer, "")
            case RequestAnswered():
                self._answered(effect)
            case _:
                self._told(effect)

    def _received(self, message: Request | Response, flow: Flow) -> None:
        if isinstance(message, Request) and message.method == "INVITE" and not message.to.tag:
            message = self._screening.readable(message, flow)
        self.pending.received(message, flow)
        if isinstance(message, Response) and self.leftover.answered(message, flow):
            return
        self.run(self.agent.receive(message, flow))

    def _refused(self, response: Response, flow: Flow) -> None:
        invite = self.pending.answered(response)
        if invite is not None and response.cseq.method == "INVITE":
            self._screening.refused(invite, response, flow)

    def _failed(self, name: Name, reason: str) -> None:
        _log.debug("a SIP message did not arrive", why=reason)
        self.run(self.agent.transport_failed(name))

    def _answered(self, event: RequestAnswered) -> None:
        waiting = self._asked.get(event.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(event)


def in_blocks(source: Callable[[int], bytes], size: int = 4096) -> Callable[[int], bytes]:
    """Return random bytes as `source` does, asking it but once for many: a call takes ten tags and branches.

    Each system call lets another thread run Python for up to 5 ms; none is given out twice.
    """
    left = b""

    def draw(wanted: int) -> bytes:
        nonlocal left
        if len(left) < wanted:
            left = source(max(size, wanted))
        drawn, left = left[:wanted], left[wanted:]
        return drawn

    return draw
