"""All forwarders of a node: reloads, faults, links."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.model import Event
from bridge.supervision.forwarder import Forwarders, forwarders
from tests.syslog.conftest import MakeServer, Plant, until


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
async def all_of_them(
    plant: Plant, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Forwarders]:
    monkeypatch.setattr(forwarders, "LOOK_EVERY", 0.02)

    async def accept(event: Event) -> None:
        told.append(event)

    made = Forwarders(accept, plant.clock, node="bridge-a", journal=plant.journal)
    yield made
    await made.stop()


def faults(told: list[Event]) -> list[tuple[Any, ...]]:
    return [(event.kind, event.attributes["subject"], event.attributes["what"]) for event in told]


OPEN = ("fault", "syslog/central", "link")
CLEAR = ("fault_cleared", "syslog/central", "link")


async def test_a_server_that_stays_away_is_a_fault_until_it_is_back(
    plant: Plant, all_of_them: Forwarders, told: list[Event], make_server: MakeServer
) -> None:
    server = make_server()
    plant.write("one", "two")
    await all_of_them.use([server.settings(away_after=0.3)])
    await until(lambda: told, "told")
    assert faults(told) == [OPEN]
    assert told[0].attributes["text"] == f"tcp 127.0.0.1:{server.port}: nobody listens there"
    [link] = all_of_them.links()
    assert (link.name, link.kind, link.up) == ("syslog/central", "io", False)
    await until(lambda: all_of_them.waiting == {"central": 2}, "counted")
    server.start()
    await until(lambda: len(told) == 2, "cleared")
    assert faults(told) == [OPEN, CLEAR]
    [link] = all_of_them.links()
    assert link.up
    await until(lambda: server.told() == ["one", "two"], "told")
    await all_of_them.stop()
    assert len(told) == 2


async def test_a_fault_that_an_earlier_run_left_is_cleared(
    all_of_them: Forwarders, told: list[Event], make_server: MakeServer
) -> None:
    server = make_server()
    server.start()
    await all_of_them.use([server.settings()])
    await until(lambda: told, "told")
    assert faults(told) == [CLEAR]


async def test_a_short_absence_is_no_fault(
    plant: Plant, all_of_them: Forwarders, told: list[Event], make_server: MakeServer
) -> None:
    server = make_server()
    await all_of_them.use([server.settings(away_after=1000)])
    await until(lambda: not next(all_of_them.links()).up, "down")
    server.start()
    await until(lambda: next(all_of_them.links()).up, "up")
    assert OPEN not in faults(told)


async def test_a_reload_leaves_alone_what_is_the_same(
    plant: Plant, all_of_them: Forwarders, told: list[Event], make_server: MakeServer
) -> None:
    server, other = make_server(), make_server()
    server.start()
    first = server.settings()
    await all_of_them.use([first])
    await until(lambda: told, "connected")
    running = all_of_them._running["central"]
    await all_of_them.use([first, other.settings(name="audit", away_after=0)])
    assert all_of_them._running["central"] is running
    await until(lambda: ("fault", "syslog/audit", "link") in faults(told), "told")
    await all_of_them.use([dataclasses.replace(first, max_bytes=1024)])
    assert all_of_them._running.keys() == {"central"}
    assert all_of_them._running["central"] is not running
    assert faults(told)[-1] == ("fault_cleared", "syslog/audit", "link")
