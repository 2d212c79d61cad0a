"""The calls of a gap: asked for until the log shows them, and nothing that lives is taken for past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.app.past import PbxLog
from bridge.model import Event, Kind
from bridge.protocols.secret import Secret
from bridge.replay import CallRow, Due, Lost
from bridge.response import Plan
from bridge.simulator.ami_server import AmiServer
from bridge.triggers._accepting import Handover
from bridge.triggers._link_story import LinkStory
from bridge.triggers._past import Found, Past
from bridge.triggers.ami import Config, Trigger
from bridge.triggers.ami.check import check_log
from tests.ami.door import Door, restored, running
from tests.ami.test_link import HastyClock
from tests.fake_clock import START, FakeClock
from tests.replay.test_tail import call
from tests.waiting import until

PLAN = Plan(site="Plant", alarm_extensions=("9110", "_911X"))
MISSED = Event(kind=Kind.MISSED, source="asterisk/pbx1", key="1.1", occurred_at=START)


class Log:
    """Answers in turn; the last answer stays."""

    def __init__(self, *answers: Found) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[float | None, float, bool]] = []

    async def __call__(
        self, since: float | None, until: float, *, live: Callable[[], Collection[str]] | None
    ) -> Found:
        self.asked.append((since, until, live is not None))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def looking(log: Log, door: Door, clock: FakeClock) -> AsyncIterator[Past]:
    handover = Handover(door)
    story = LinkStory("ami/pbx1", clock, handover.put, via="ami")
    past = Past(log, story, handover, clock, channels=set, retry_every=60.0)
    past.gap(None, certain=True)
    task = asyncio.create_task(past.look())
    try:
        await clock.settle()
        yield past
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_it_waits_until_the_log_goes_on_behind_the_gap(door: Door) -> None:
    clock = FakeClock()
    log = Log(Found(settled=False), Found(events=[MISSED]))
    async with looking(log, door, clock):
        await clock.advance(1.0)
        assert door.of(Kind.MISSED) == []
        await clock.advance(1.0)
        assert door.of(Kind.MISSED) == [MISSED]
        await clock.advance(600.0)
    assert log.asked == [(None, START, True)] * 2
    assert [event.attributes["what"] for event in door.of(Kind.FAULT_CLEARED)] == ["cel"]


async def test_a_quiet_pbx_writes_nothing_more(door: Door) -> None:
    clock = FakeClock()
    log = Log(Found(events=[MISSED], settled=False))
    async with looking(log, door, clock):
        await clock.advance(9.5)
        assert door.of(Kind.MISSED) == []
        await clock.advance(1.0)
        assert door.of(Kind.MISSED) == [MISSED]
        await clock.advance(600.0)
    assert len(log.asked) == 10


async def test_a_log_that_cannot_be_read_is_a_fault_until_it_can(door: Door) -> None:
    clock = FakeClock()
    log = Log(Found(readable=False, trouble="the disk is gone"), Found(events=[MISSED]))
    async with looking(log, door, clock):
        await clock.advance(2.0)
        [fault] = door.of(Kind.FAULT)
        assert (fault.attributes["what"], fault.attributes["text"]) == ("cel", "the disk is gone")
        assert door.of(Kind.MISSED) == []
        await clock.advance(62.0)
        assert door.of(Kind.MISSED) == [MISSED]
        assert len(door.of(Kind.FAULT_CLEARED)) == 1


async def test_what_is_wrong_with_a_log_that_can_be_read_is_told_with_its_calls(door: Door) -> None:
    clock = FakeClock()
    async with looking(Log(Found(events=[MISSED], trouble="packed")), door, clock):
        await clock.advance(1.0)
        assert door.of(Kind.MISSED) == [MISSED]
        assert [event.attributes["text"] for event in door.of(Kind.FAULT)] == ["packed"]


async def test_gaps_that_were_not_looked_at_become_one(door: Door) -> None:
    clock = FakeClock()
    log = Log(Found())
    handover = Handover(door)
    story = LinkStory("ami/pbx1", clock, handover.put, via="ami")
    past = Past(log, story, handover, clock, channels=set, retry_every=60.0)
    past.gap(None, certain=True)
    task = asyncio.create_task(past.look())
    await clock.advance(1.0)
    await task
    past.gap(START + 5, certain=True)  # and the session ends before anybody looks
    clock.step(20.0)
    past.gap(START + 15, certain=False)
    task = asyncio.create_task(past.look())
    await clock.advance(1.0)
    await task
    assert log.asked == [(None, START, True), (START + 5, START + 21, False)]


async def test_an_end_of_nothing_is_no_gap(door: Door) -> None:
    clock = FakeClock()
    log = Log(Found())
    async with looking(log, door, clock) as past:
        await clock.advance(1.0)
        past.gap(None, certain=True)
        await past.look()
    assert len(log.asked) == 1


# --- the log behind it ----------------------------------------------------------------------------------


class Store:
    """Knows these calls; of the others it says that they are lost."""

    def __init__(self, *known: str) -> None:
        self.known = known

    async def __call__(self, rows: list[CallRow], callers: dict[str, str]) -> list[Lost]:
        return [
            Lost(row, Due.MISSED, callers.get(row.id, ""), before=row.dialing_at < START - 5000)
            for row in rows
            if row.id not in self.known
        ]


def log_at(path: Path, store: Store, unwatched_since: float = START) -> PbxLog:
    return PbxLog(
        file=path,
        source="asterisk/pbx1",
        plan=lambda: PLAN,
        look_up=store,  # type: ignore[arg-type]  # a list is a sequence
        unwatched_since=unwatched_since,
        clock=HastyClock(),
    )


@pytest.mark.parametrize(
    ("at", "found"),
    [
        pytest.param(START + 10, True, id="within"),
        pytest.param(START - 30, True, id="by a clock that differs"),
        pytest.param(START - 300, False, id="before"),
        pytest.param(START + 70, False, id="after"),
    ],
)
async def test_the_calls_that_began_and_ended_in_the_gap(at: float, found: bool, tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_text(call("busy", at) + call("busy", START + 100))
    answer = await log_at(path, Store())(START, START + 60, live=set)
    assert [int(event.occurred_at) for event in answer.events] == ([at] if found else [])
    assert answer.settled
    for event in answer.events:
        assert (event.kind, event.endpoint, event.caller, event.dialled) == (
            Kind.MISSED,
            "1001",
            "1001",
            "9110",
        )
        assert event.attributes["owed"] == "missed"


async def test_what_has_an_incident_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_text(call("busy", START + 10))
    [event] = (await log_at(path, Store())(START, START + 60, live=set)).events
    assert (await log_at(path, Store(event.key))(START, START + 60, live=set)).events == []


@pytest.mark.parametrize(
    ("live", "found"),
    [
        pytest.param(lambda _: set, True, id="a PBX that died"),
        pytest.param(lambda key: lambda: {key}, False, id="it lives"),
        pytest.param(lambda _: None, False, id="nobody knows"),
    ],
)
async def test_a_call_without_an_end(
    live: Callable[[str], Callable[[], Collection[str]] | None], found: bool, tmp_path: Path
) -> None:
    path = tmp_path / "Master.csv"
    rows = call("busy", START + 10)
    path.write_text(rows.splitlines()[0] + "\n")
    key = rows.split('","')[14]
    answer = await log_at(path, Store())(START, START + 60, live=live(key))
    assert [event.key for event in answer.events] == ([key] if found else [])


async def test_since_the_bridge_last_ran(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_text(call("busy", START - 6000) + call("busy", START - 500))
    at_first = await log_at(path, Store())(None, START, live=set)
    assert at_first.events == []
    later = await log_at(path, Store(), START - 7000)(None, START, live=set)
    assert [int(event.occurred_at) for event in later.events] == [START - 500], "the older is from before"


async def test_a_file_that_is_not_there_is_no_exception(tmp_path: Path) -> None:
    answer = await log_at(tmp_path / "Master.csv", Store())(START, START + 60, live=set)
    assert not answer.readable
    assert "No such file" in answer.trouble


# --- the trigger ----------------------------------------------------------------------------------------


async def test_after_a_gap_the_trigger_tells_what_the_log_knows(
    pbx: AmiServer, secret: Secret, door: Door
) -> None:
    """Once for the time before its first login, and once for each gap."""
    log = Log(Found(), Found(events=[MISSED]), Found())
    waits = {"connect_timeout": 1.0, "action_timeout": 1.0, "ping_timeout": 2.0}
    settings = {"host": "127.0.0.1", "port": pbx.port, "username": "watch", "secret": secret, **waits}
    trigger = Trigger("pbx1", Config.model_validate(settings), clock=HastyClock(), past=log)
    async with running(trigger, door):
        await until(lambda: len(log.asked) == 1)
        pbx.drop()
        await restored(door, 2)
        await until(lambda: door.of(Kind.MISSED))
        assert door.of(Kind.MISSED) == [MISSED]
    assert [since is None for since, _, _ in log.asked] == [True, False]
    assert all(certain for _, _, certain in log.asked)


@pytest.mark.parametrize(
    ("content", "level", "text"),
    [
        (call("busy", START), "ok", "can be read"),
        ("", "ok", "is empty so far"),
        ("hello\n", "error", "is no CEL file"),
        (None, "error", "cannot be read: No such file"),
    ],
)
def test_check_reads_the_file(content: str | None, level: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    if content is not None:
        path.write_text(content)
    finding = check_log("ami/pbx1", path)
    assert (finding.level, text in finding.text) == (level, True)
