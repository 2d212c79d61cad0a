"""A driver that would not work is a fault before the next SOS finds it, and once, not at every look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from bridge.model import Capability, Delivery, Event, Finding, Kind, Operation, Receipt
from bridge.supervision.probes import Probes
from tests.fake_clock import FakeClock


class Checked:
    """A driver whose check gives what it is told."""

    def __init__(self, *results: list[Finding] | Exception) -> None:
        self.capabilities: dict[Operation, Capability] = {}
        self._results = list(results)

    async def check(self) -> list[Finding]:
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def perform(self, delivery: Delivery) -> Receipt:
        raise AssertionError(delivery)

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        return None

    async def close(self) -> None: ...


class Told(list[tuple[Kind, str, str]]):
    def __call__(self, event: Event) -> Awaitable[None]:
        self.append((event.kind, event.attributes["subject"], event.attributes["text"]))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


GOOD = [Finding(level="ok", subject="zm", text="answers"), Finding(level="warning", subject="zm", text="old")]
BAD = [Finding(level="error", subject="zm", text="wrong password")]


async def test_each_change_is_told_once() -> None:
    told = Told()
    probes = Probes(told, FakeClock())
    driver = Checked(GOOD, BAD, BAD, OSError("no route"), GOOD, GOOD)
    for _ in range(6):
        await probes.look({"zm": driver})
    assert told == [
        (Kind.FAULT_CLEARED, "driver/zm", ""),  # an earlier run may have left one open
        (Kind.FAULT, "driver/zm", "wrong password"),
        (Kind.FAULT, "driver/zm", "no route"),
        (Kind.FAULT_CLEARED, "driver/zm", ""),
    ]


async def test_one_bad_driver_hides_no_other_and_a_removed_one_is_no_fault() -> None:
    told = Told()
    probes = Probes(told, FakeClock())
    await probes.look({"zm": Checked(RuntimeError()), "wall": Checked(BAD)})
    assert {name: failure.why for name, failure in probes.failing.items()} == {
        "zm": "RuntimeError()",
        "wall": "wrong password",
    }
    await probes.look({"wall": Checked(BAD)})
    assert list(probes.failing) == ["wall"]
    assert told[-1] == (Kind.FAULT_CLEARED, "driver/zm", "")
