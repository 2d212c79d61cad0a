"""The link that is always there or says why not: reconnecting, backoff, what it refuses while down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.errors import Retryable, Uncertain
from bridge.model import Clock
from bridge.protocols.ami_link import Account, Link, LinkState, Session
from bridge.protocols.link import FIRST_DELAY, LONGEST_DELAY
from bridge.simulator.ami_server import AmiServer
from tests.ami.clock import RunningClock
from tests.ami.conftest import SECRET_VARIABLE, MakeAccount
from tests.waiting import until


class HastyClock(RunningClock):
    """Sleeps a thousandth as long as it is asked to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds / 1000)


@asynccontextmanager
async def running(link: Link) -> AsyncIterator[Link]:
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def watched(account: Account, clock: Clock) -> tuple[Link, list[LinkState]]:
    states: list[LinkState] = []
    return Link(account, clock=clock, name="ami/pbx1", on_change=states.append), states


async def test_up_then_used_then_closed(pbx: AmiServer, account: MakeAccount) -> None:
    link, states = watched(account(), RunningClock())
    with pytest.raises(Retryable, match="ami/pbx1 is down: not connected yet"):
        await link.action("Ping")
    async with running(link):
        await until(lambda: link.session)
        await link.action("Setvar", {"Variable": "SOS_HB", "Value": "1"})
        call = await link.originate({"Channel": "Local/1@x"}, action_id="d-1")
        await call.outcome(timeout=1)
    assert pbx.variables == {"SOS_HB": "1"}
    assert [state.up for state in states] == [True], "an ordered end is no fault"
    assert pbx.received[-1].get("Action") == "Logoff"
    assert pbx.logged_in == 0


async def test_a_link_that_nobody_reads_does_not_pile_up_events(pbx: AmiServer, account: MakeAccount) -> None:
    link, _ = watched(account(), RunningClock())
    async with running(link):
        await until(lambda: link.session)
        for _ in range(100):
            pbx.emit("Noise")
        await link.action("Ping")
        assert link.session is not None
        await until(lambda: link.session and link.session.backlog == 0)


async def test_restart_is_noticed_at_once_and_the_link_comes_back(
    pbx: AmiServer, account: MakeAccount
) -> None:
    link, states = watched(account(), HastyClock())
    async with running(link):
        await until(lambda: link.session)
        await pbx.restart(downtime=0.05)
        await until(lambda: pbx.logged_in)
        await until(lambda: link.session)
    lost = states[1]
    assert (lost.up, lost.refused) == (False, False)
    assert lost.why == "the PBX shuts down (Cleanly, restart: True)"
    assert lost.last_heard is not None
    assert states[-1].up
    assert any("cannot be reached" in state.why for state in states[2:-1])


async def test_nothing_sent_while_down_is_executed_later(pbx: AmiServer, account: MakeAccount) -> None:
    link, _ = watched(account(connect_timeout=0.1), HastyClock())
    async with running(link):
        await until(lambda: link.session)
        pbx.freeze()
        with pytest.raises(Uncertain):
            await link.action("Setvar", {"Variable": "A", "Value": "1"}, timeout=0.02)
        pbx.drop()
        await until(lambda: link.session is None)
        with pytest.raises(Retryable):
            await link.originate({"Channel": "Local/1@x"}, action_id="d-1")
        pbx.thaw()
        await until(lambda: link.session)
        await link.action("Ping")
    names = [action.get("Action") for action in pbx.received]
    assert "Originate" not in names
    assert names.count("Setvar") == 0
    assert pbx.variables == {}


async def test_backoff_doubles_to_five_seconds(account: MakeAccount) -> None:
    clock = HastyClock()
    link, states = watched(account(port=1), clock)
    async with running(link):
        await until(lambda: len(clock.slept) >= 8)
    assert clock.slept[:8] == [FIRST_DELAY, 0.5, 1.0, 2.0, 4.0, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]
    assert len(states) == 1, "the same reason is said once"


async def test_a_session_that_lived_is_followed_by_a_quick_attempt(
    pbx: AmiServer, account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.protocols.link.SETTLED_AFTER", 0.02)
    clock = HastyClock()
    link, _ = watched(account(), clock)
    async with running(link):
        await until(lambda: link.session)
        await asyncio.sleep(0.03)
        pbx.drop()
        await until(lambda: FIRST_DELAY in clock.slept)


async def test_refused_login_is_visible_and_tried_again(
    pbx: AmiServer, account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "wrong")
    link, states = watched(account(), HastyClock())
    async with running(link):
        await until(lambda: len(pbx.received) >= 6)
        assert (link.state.up, link.state.refused) == (False, True)
        assert "Authentication failed" in link.state.why
        monkeypatch.setenv(SECRET_VARIABLE, "watch-secret")
        await until(lambda: link.session)
    assert [state.up for state in states] == [False, True]


async def test_secret_that_cannot_be_read_is_visible(
    account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET_VARIABLE)
    link, states = watched(account(), HastyClock())
    async with running(link):
        await until(lambda: states)
    assert states[0].refused
    assert "is not set" in states[0].why


async def test_what_serving_cannot_do_is_the_reason_why_it_went_down(
    pbx: AmiServer, account: MakeAccount
) -> None:
    link, states = watched(account(), HastyClock())

    async def serve(session: Session) -> None:
        pbx.pong = False
        await session.action("Ping", timeout=0.01)

    task = asyncio.create_task(link.run(serve))
    await until(lambda: len(states) >= 2)
    assert "no answer to Ping" in states[1].why
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_defect_in_serving_ends_the_link(pbx: AmiServer, account: MakeAccount) -> None:
    link, _ = watched(account(), HastyClock())

    async def serve(_session: Session) -> None:
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        await link.run(serve)
    await until(lambda: not pbx.logged_in)


async def test_a_raising_observer_is_a_defect_not_a_lost_event(pbx: AmiServer, account: MakeAccount) -> None:
    """panoramisk's trap: an error in a callback closed the connection and lost the rest of the read."""
    seen: list[str] = []
    link = Link(account(), clock=RunningClock())

    async def serve(session: Session) -> None:
        async for message in session.events():
            seen.append(message.event)
            if message.event == "B":
                raise RuntimeError("in the middle of a read")

    task = asyncio.create_task(link.run(serve))
    await until(lambda: link.session)
    session = link.session
    assert session is not None
    pbx.send(b"".join(b"Event: %s\r\n\r\n" % name for name in (b"A", b"B", b"C", b"D")))
    with pytest.raises(RuntimeError):
        await task
    assert seen == ["FullyBooted", "A", "B"]
    assert [message.event for message in session.waiting()] == ["C", "D"], "nothing of that read is lost"
