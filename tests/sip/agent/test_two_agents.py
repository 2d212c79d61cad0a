"""Two agents over a bad network: whatever is lost, both sides agree in the end, and nothing is left over.

A state machine of Hypothesis makes calls, answers, holds and hangs up in any order. RFC 3261 sections 9, 13
to 15, and 17.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import Settings
from bridge.protocols.sip.agent.events import Answered, Confirmed, Ended
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.sdp import Direction
from tests.sip.agent.side import OURS, THEIRS, Side, target
from tests.sip.agent.world import World, ended
from tests.sip.properties import thoroughly

WAITS = st.sampled_from([0.0, 0.015, 0.015, 0.1, 0.6, 3.0, 40.0])
WHO = st.sampled_from(["bridge", "phone"])


class Calls(RuleBasedStateMachine):
    """Every wish of an application at any time; what makes no sense is refused with ProtocolError."""

    @initialize(
        seed=st.integers(0, 2**16),
        loss=st.sampled_from([0.0, 0.05, 0.3, 0.6]),
        interval=st.sampled_from([0, 90]),
    )
    def begin(self, seed: int, loss: float, interval: int) -> None:
        self.world = World(seed, loss, settings=Settings(session_interval=interval))
        self.made = 0

    @precondition(lambda self: self.made < 5)
    @rule(late_offer=st.booleans())
    def invite(self, late_offer: bool) -> None:
        self.made += 1
        bridge = self.world.bridge
        bridge.do(bridge.agent.invite(f"c{self.made}", target(late_offer=late_offer), OURS))

    @rule(index=st.integers(0, 2), early=st.booleans())
    def ring(self, index: int, early: bool) -> None:
        phone = self.world.phone
        with contextlib.suppress(ProtocolError):
            local = THEIRS if early else None
            phone.do(phone.agent.ring(self.offered(index), 183 if early else 180, local=local))

    @rule(index=st.integers(0, 2))
    def accept(self, index: int) -> None:
        phone = self.world.phone
        with contextlib.suppress(ProtocolError):
            phone.do(phone.agent.accept(self.offered(index), THEIRS))

    @rule(index=st.integers(0, 2), status=st.sampled_from([302, 401, 486, 603]))
    def reject(self, index: int, status: int) -> None:
        phone = self.world.phone
        with contextlib.suppress(ProtocolError):
            phone.do(phone.agent.reject(self.offered(index), status))

    @rule(who=WHO, index=st.integers(0, 2))
    def hang_up(self, who: str, index: int) -> None:
        side = self.side(who)
        with contextlib.suppress(ProtocolError):
            side.do(side.agent.hang_up(living(side, index)))

    @rule(who=WHO, index=st.integers(0, 2), direction=st.sampled_from(Direction))
    def renegotiate(self, who: str, index: int, direction: Direction) -> None:
        side = self.side(who)
        local = replace(OURS if who == "bridge" else THEIRS, direction=direction)
        with contextlib.suppress(ProtocolError):
            side.do(side.agent.renegotiate(living(side, index), local))

    @rule(who=WHO, index=st.integers(0, 2), digit=st.sampled_from("1*x"))
    def send_digit(self, who: str, index: int, digit: str) -> None:
        side = self.side(who)
        with contextlib.suppress(ProtocolError):
            side.do(side.agent.send_digit(living(side, index), digit))

    @rule(seconds=WAITS)
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    def offered(self, index: int) -> str:
        """Return one of the calls that the telephone was offered lately, over or not."""
        calls = self.world.offered()
        return calls[-1 - index % len(calls)] if calls else "none"

    def side(self, who: str) -> Side:
        return self.world.bridge if who == "bridge" else self.world.phone

    @invariant()
    def one_call_for_an_invite(self) -> None:
        if hasattr(self, "world"):
            self.world.check_told()
            assert len(self.world.offered()) <= self.made

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.finish()


def living(side: Side, index: int) -> str:
    """Return one of the calls that are not over."""
    calls = side.agent.calls
    return calls[index % len(calls)] if calls else "none"


TestCalls = Calls.TestCase
TestCalls.settings = thoroughly


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_no_call_is_lost(loss: float) -> None:
    """200 calls; at 5 % loss every one is set up, talks and ends: all that RFC 3261 repeats gets through."""
    answered = 0
    for seed in range(0, 400, 2):
        world = World(seed, loss)
        world.bridge.do(world.bridge.agent.invite("c", target(), OURS))
        world.wait(4.0)
        for call in world.offered():
            world.phone.do(world.phone.agent.ring(call))
            world.wait(0.5)
            world.phone.do(world.phone.agent.accept(call, THEIRS))
        world.wait(20.0)
        answered += any(isinstance(event, Answered) for event in world.bridge.events) and any(
            isinstance(event, Confirmed) for event in world.phone.events
        )
        world.finish()
    assert answered == 200 if loss <= 0.05 else answered >= 195


@pytest.mark.parametrize("seed", range(5))
def test_14_1_both_hold_at_once_and_both_get_through(seed: int) -> None:
    """Glare: 491 on both sides, then one after the other, for they wait differently long."""
    world = World(seed, 0.0)
    world.bridge.do(world.bridge.agent.invite("c", target(), OURS))
    world.wait(0.1)
    call = world.offered()[0]
    world.phone.do(world.phone.agent.accept(call, THEIRS))
    world.wait(0.1)
    for side, name, local in ((world.bridge, "c", OURS), (world.phone, call, THEIRS)):
        side.told()
        side.do(side.agent.renegotiate(name, replace(local, direction=Direction.SENDONLY)))
    world.wait(10.0)

    for side in world.sides:
        assert "491" in side.messages()
        assert side.told()[-1] == "Renegotiated"
    assert not ended(world.bridge)


def test_rfc_4028_a_session_is_refreshed_and_dies_with_its_other_end() -> None:
    world = World(1, 0.0, settings=Settings(session_interval=90))
    world.bridge.do(world.bridge.agent.invite("c", target(), OURS))
    world.wait(0.1)
    world.phone.do(world.phone.agent.accept(world.offered()[0], THEIRS))
    world.wait(1000.0)
    assert not ended(world.bridge)
    assert len(world.bridge.messages()) < 60

    world.loss = 1.0
    world.wait(200.0)
    causes = [event.cause for side in world.sides for event in side.events if isinstance(event, Ended)]
    assert causes == [Cause.GONE, Cause.EXPIRED]


def test_three_hundred_calls_leave_nothing_behind() -> None:
    world = World(1, 0.0)
    for number in range(300):
        world.bridge.do(world.bridge.agent.invite(f"c{number}", target(), OURS))
        world.wait(0.1)
        world.phone.do(world.phone.agent.accept(world.offered()[-1], THEIRS))
        world.wait(0.1)
        world.bridge.do(world.bridge.agent.hang_up(f"c{number}"))
        world.wait(0.1)
    world.wait(100.0)
    world.check_over()
