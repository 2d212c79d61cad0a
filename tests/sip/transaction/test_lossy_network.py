"""A telephone and the bridge over a network that loses, doubles and delays, by a clock that is only counted.

Hypothesis decides what becomes of each datagram.
"""

from __future__ import annotations

import functools
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import Request, Response, respond
from bridge.protocols.sip.transaction.layer import Name, Outcome, TransactionLayer
from bridge.protocols.sip.transaction.machine import (
    Deliver,
    Ended,
    Failed,
    Failure,
    Send,
    SetTimer,
    StopTimer,
)
from bridge.protocols.sip.transaction.timers import Timer
from tests.sip.properties import thoroughly
from tests.sip.transaction.messages import BYE, INVITE

Fate = tuple[float, ...]
"""The delays after which copies of a datagram arrive; none if it is lost."""
FATES = st.lists(st.sampled_from([(), (), (0.01,), (0.01,), (0.01, 0.02), (0.7,), (3.0, 0.0)]), max_size=40)
LONG = 400.0


@dataclass
class Side:
    layer: TransactionLayer = field(default_factory=TransactionLayer)
    delivered: list[Request | Response] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    timers: dict[tuple[Name | None, Timer], int] = field(default_factory=dict)


class Network:
    """Two sides, a clock, and the fates of the datagrams in the order in which they are sent."""

    def __init__(
        self, fates: list[Fate], answers: list[tuple[float, int]], *, reliable: bool = False
    ) -> None:
        self.phone, self.bridge = Side(), Side()
        self.now = 0.0
        self.busy_until = 0.0
        """When something last happened: timers that were stopped are counted out, but do nothing."""
        self._fates = iter(fates)
        self._answers = answers
        self._reliable = reliable
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def call(self, request: Request) -> None:
        self._perform(self.phone, self.phone.layer.send(request, reliable=self._reliable))
        while self._due and self.now < LONG:
            self.now, _, happen = heapq.heappop(self._due)
            happen()

    def _later(self, delay: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + delay, next(self._count), happen))

    def _perform(self, side: Side, outcome: Outcome) -> None:
        name, effects = outcome
        self.busy_until = self.now if effects else self.busy_until
        for effect in effects:
            match effect:
                case Send(message):
                    self._send(side, bytes(message))
                case SetTimer(timer, after):
                    self._set_timer(side, (name, timer), after)
                case StopTimer(timer):
                    side.timers.pop((name, timer), None)
                case Ended():
                    for key in [key for key in side.timers if key[0] == name]:
                        del side.timers[key]
                case Failed(failure):
                    side.failures.append(failure)
                case Deliver(message):
                    side.delivered.append(message)
                    if isinstance(message, Request) and message.method != "ACK":
                        self._answer(name, message)

    def _set_timer(self, side: Side, key: tuple[Name | None, Timer], after: float) -> None:
        number = next(self._count)
        side.timers[key] = number
        self._later(after, lambda: self._fire(side, key, number))

    def _fire(self, side: Side, key: tuple[Name | None, Timer], number: int) -> None:
        name, timer = key
        if side.timers.get(key) == number and name is not None:
            del side.timers[key]
            self._perform(side, side.layer.fire(name, timer))

    def _send(self, side: Side, data: bytes) -> None:
        other = self.bridge if side is self.phone else self.phone
        for delay in (0.01,) if self._reliable else next(self._fates, (0.01,)):
            self._later(delay, lambda: self._arrive(other, data))

    def _arrive(self, side: Side, data: bytes) -> None:
        message = parse_datagram(data)
        assert isinstance(message, Request | Response)
        self._perform(side, side.layer.receive(message, reliable=self._reliable))

    def _answer(self, name: Name | None, request: Request) -> None:
        for delay, status in self._answers:
            self._later(delay, functools.partial(self._respond, name, respond(request, status, to_tag="t1")))

    def _respond(self, name: Name | None, response: Response) -> None:
        assert name is not None
        self._perform(self.bridge, self.bridge.layer.respond(name, response))


def check_over(network: Network) -> None:
    """Both sides have forgotten everything, and nothing is left to happen."""
    assert network.now < LONG
    assert len(network.phone.layer) == len(network.bridge.layer) == 0
    assert not network.phone.timers
    assert not network.bridge.timers


def heard(request: Request) -> Request:
    """The request as the other side reads it: with its Content-Length."""
    read = parse_datagram(bytes(request))
    assert isinstance(read, Request)
    return read


def finals(side: Side) -> list[int]:
    return [message.status for message in side.delivered if isinstance(message, Response) and message.final]


@thoroughly
@given(FATES, st.sampled_from([(0.0, 200), (0.05, 481), (1.2, 200), (6.0, 404)]))
def test_a_request_is_delivered_and_answered_once(fates: list[Fate], answer: tuple[float, int]) -> None:
    network = Network(fates, [answer])
    network.call(BYE)

    assert len(network.bridge.delivered) <= 1
    assert finals(network.phone) + network.phone.failures in ([answer[1]], [Failure.TIMEOUT])
    check_over(network)


@thoroughly
@given(FATES, st.booleans(), st.sampled_from([486, 302, 603]))
def test_an_invite_that_is_refused(fates: list[Fate], rings: bool, status: int) -> None:
    network = Network(fates, [(0.1, 180)] * rings + [(2.0, status)])
    network.call(INVITE)

    assert network.bridge.delivered.count(heard(INVITE)) <= 1
    outcome = finals(network.phone) + network.phone.failures
    # A telephone that has heard ringing waits for ever: it is for its user to give up.
    assert outcome in ([status], [Failure.TIMEOUT], [])
    if outcome:
        assert len(network.phone.layer) == 0
    if outcome == [status]:
        assert network.bridge.delivered.count(heard(INVITE)) == 1
    assert len(network.bridge.layer) == 0


@thoroughly
@given(FATES)
def test_an_invite_that_is_answered_makes_one_call(fates: list[Fate]) -> None:
    network = Network(fates, [(0.1, 180), (1.0, 200)])
    network.call(INVITE)

    assert network.bridge.delivered.count(heard(INVITE)) <= 1
    assert set(finals(network.phone)) <= {200}
    assert len(network.bridge.layer) == 0


def test_the_last_invite_of_a_caller_who_hears_nothing_makes_no_second_call() -> None:
    """Only two of the telephone's INVITEs arrive: the second, and the last one, late."""
    network = Network([(), (0.01,), *[()] * 6, (3.0, 0.0)], [(0.1, 180), (1.0, 200)])
    network.call(INVITE)
    assert network.bridge.delivered.count(heard(INVITE)) == 1


@pytest.mark.parametrize("request_", [INVITE, BYE])
def test_a_black_hole(request_: Request) -> None:
    network = Network([()] * 100, [])
    network.call(request_)

    assert network.phone.failures == [Failure.TIMEOUT]
    assert network.busy_until == pytest.approx(32.0)
    check_over(network)


def test_5_percent_loss_loses_no_call() -> None:
    """Every twentieth datagram, counted through 200 calls."""
    for first in range(20):
        for status in (486, 603):
            fates: list[Fate] = [() if (first + number) % 20 == 0 else (0.01,) for number in range(200)]
            network = Network(fates, [(0.1, 180), (1.0, status)])
            network.call(INVITE)
            assert finals(network.phone) == [status]
            check_over(network)


def test_a_reliable_transport_needs_no_repetition() -> None:
    network = Network([], [(0.5, 180), (3.0, 486)], reliable=True)
    network.call(INVITE)

    assert finals(network.phone) == [486]
    assert network.busy_until == pytest.approx(3.03)
    check_over(network)
