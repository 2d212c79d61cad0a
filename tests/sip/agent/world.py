"""Two agents and a network that loses, doubles and delays, by one clock that is only counted."""

from __future__ import annotations

import heapq
import itertools
import random

from bridge.protocols.sip.agent import Settings
from bridge.protocols.sip.agent.effects import Send
from bridge.protocols.sip.agent.events import Accepted, Answered, Ended, Offered
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import Request, Response
from tests.sip.agent.side import BRIDGE, FLOW, PHONE, Side


class World:
    """`bridge` calls `phone`. loss: how much of what is sent never arrives, from 0 to 1."""

    def __init__(self, seed: int, loss: float, *, settings: Settings | None = None) -> None:
        self.bridge, self.phone = Side(settings, seed=seed), Side(settings, seed=seed + 1)
        self.loss = loss
        self.now = 0.0
        self._random = random.Random(seed)
        self._count = itertools.count()
        self._under_way: list[tuple[float, int, Side, bytes, Flow]] = []
        self.bridge.deliver = lambda send: self._send(send, self.phone, Flow("UDP", PHONE, BRIDGE))
        self.phone.deliver = lambda send: self._send(send, self.bridge, FLOW)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.bridge, self.phone

    def _send(self, send: Send, to: Side, flow: Flow) -> None:
        assert send.flow.remote == flow.local
        if self._random.random() < self.loss:
            return
        copies = 2 if self._random.random() < self.loss / 2 else 1
        for _ in range(copies):
            delay = self._random.choice((0.01, 0.02, 0.02, 0.7)) if self.loss else 0.01
            arrival = self.now + delay, next(self._count), to, bytes(send.message), flow
            heapq.heappush(self._under_way, arrival)

    def wait(self, seconds: float) -> None:
        """Let messages arrive and timers run out, in the order of their times."""
        end = self.now + seconds
        while True:
            arrival = self._under_way[0][0] if self._under_way else end + 1
            side = min(self.sides, key=_next_timer)
            due = min(arrival, _next_timer(side))
            if due > end:
                break
            self.now = self.bridge.now = self.phone.now = due
            if arrival <= due:
                _, _, to, data, flow = heapq.heappop(self._under_way)
                message = parse_datagram(data)
                assert isinstance(message, Request | Response)
                to.do(to.agent.receive(message, flow))
            else:
                side.fire_next()
        self.now = self.bridge.now = self.phone.now = end

    def offered(self) -> list[str]:
        return [event.call for event in self.phone.events if isinstance(event, Offered)]

    def finish(self) -> None:
        """From now on nothing gets lost; everybody hangs up; both sides must agree, and forget everything."""
        self.loss = 0.0
        for call in self.bridge.agent.calls:
            self.bridge.do(self.bridge.agent.hang_up(call))
        self.wait(200.0)
        assert not self.bridge.agent.calls
        accepted = {event.call for event in self.phone.events if isinstance(event, Accepted)}
        for call in self.phone.agent.calls:
            assert call not in accepted  # only what still rings can have missed that nobody calls any more
            self.phone.do(self.phone.agent.reject(call, 480))
        self.wait(200.0)
        self.check_over()

    def check_over(self) -> None:
        for side in self.sides:
            assert side.agent.idle
            assert not side.timers
        self.check_told()
        assert len(ended(self.phone)) == len(self.offered())

    def check_told(self) -> None:
        """What is true at any time: one call for an INVITE, one answer, one end."""
        keys = [event.key for event in self.phone.events if isinstance(event, Offered)]
        assert len(keys) == len(set(keys))
        for side in self.sides:
            assert len(ended(side)) == len(set(ended(side)))
        answered = [event.call for event in self.bridge.events if isinstance(event, Answered)]
        assert len(answered) == len(set(answered))
        assert len(answered) <= sum(isinstance(event, Accepted) for event in self.phone.events)


def ended(side: Side) -> list[str]:
    return [event.call for event in side.events if isinstance(event, Ended)]


def _next_timer(side: Side) -> float:
    return min(side.timers.values(), default=float("inf"))
