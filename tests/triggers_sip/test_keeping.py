"""The state file: written whole, throttled, and never a reason not to start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.model import Kind
from bridge.triggers.sip.keeping import VERSION, Keeper
from tests.fake_clock import FakeClock
from tests.triggers_sip.house import House, site_of, until
from tests.triggers_sip.wire import SDP, Wire, answering, register, ringing


class Kept:
    """A keeper of numbers, and what it complained about."""

    def __init__(self, file: Path, clock: FakeClock) -> None:
        self.value = 0
        self.gathered = 0
        self.complaints: list[str] = []
        self.file = file
        self.keeper = Keeper(file, gather=self.gather, clock=clock, failed=self.complaints.append)

    def gather(self) -> Mapping[str, Any]:
        self.gathered += 1
        return {"value": self.value}

    @property
    def on_disk(self) -> int:
        kept: dict[str, int] = json.loads(self.file.read_text()) if self.file.exists() else {"value": -1}
        return kept["value"]


async def settled(kept: Kept, value: int) -> None:
    async with asyncio.timeout(20):
        while kept.on_disk != value:  # noqa: ASYNC110 - a thread writes it
            await asyncio.sleep(0.005)


async def test_changes_are_written_at_most_once_a_second(tmp_path: Path, clock: FakeClock) -> None:
    kept = Kept(tmp_path / "deep" / "state.json", clock)
    running = asyncio.create_task(kept.keeper.run())
    try:
        kept.value = 1
        kept.keeper.changed()
        await settled(kept, 1)
        for kept.value in (2, 3, 4):
            kept.keeper.changed()
            await asyncio.sleep(0)
        assert kept.on_disk == 1
        await clock.advance(1.0)
        await settled(kept, 4)
        assert kept.gathered == 2
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert (await kept.keeper.read() or {})["value"] == 4
    assert kept.file.stat().st_mode & 0o077 == 0
    assert set(kept.complaints) == {""}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 0}', '{"version": "1", "legs": []}', "\0", '"x"']
)
async def test_what_cannot_be_used_is_not_used(tmp_path: Path, clock: FakeClock, text: str) -> None:
    kept = Kept(tmp_path / "state.json", clock)
    kept.file.write_text(text)
    assert await kept.keeper.read() is None


async def test_a_full_disk_is_told_and_stops_nothing(tmp_path: Path, clock: FakeClock) -> None:
    kept = Kept(tmp_path / "file" / "state.json", clock)
    (tmp_path / "file").write_text("no folder")
    await kept.keeper.write()
    assert "would not outlive a restart" in kept.complaints[-1]
    (tmp_path / "file").unlink()
    await kept.keeper.write()
    assert kept.complaints[-1] == ""


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"telephones": {}, "exchange": {}, "legs": []},
        {"telephones": {"version": 1, "bindings": {}}, "exchange": {"version": 99}, "legs": []},
        {
            "telephones": {"version": 1, "bindings": {}},
            "exchange": {"version": 1, "legs": []},
            "legs": [{"id": "a", "call": "a", "dialog": {"version": 99}}],
        },
    ],
)
async def test_a_state_that_means_nothing_lets_the_exchange_start(
    tmp_path: Path, kept: Mapping[str, Any]
) -> None:
    (tmp_path / "sip-own.json").write_text(json.dumps({"version": VERSION, **kept}))
    async with House(tmp_path) as house:
        with Wire("stranger", house.port()) as phone:
            phone.send(phone.request("INVITE", "sip:9110@127.0.0.1", body=SDP))
            await house.told(Kind.CALL_DIALING, dialled="9110")


async def test_an_sos_is_kept_without_waiting(tmp_path: Path, clock: FakeClock) -> None:
    kept = Kept(tmp_path / "state.json", clock)
    running = asyncio.create_task(kept.keeper.run())
    try:
        for kept.value in (1, 2, 3):  # the clock stands still
            kept.keeper.hurry()
            await settled(kept, kept.value)
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_each_step_of_an_sos_is_on_disk_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.triggers.sip.keeping.WRITE_EVERY", 60.0)
    async with House(tmp_path, site=site_of(tiers=(("disp-1",),))) as house:
        with Wire("disp-1", house.port()) as dispatcher, Wire("help-1", house.port()) as phone:
            await register(dispatcher)
            phone.send(phone.request("INVITE", "sip:9110@127.0.0.1", body=SDP))
            await until(lambda: len(on_disk(house)["pending"]["theirs"]) == 1)
            assert on_disk(house)["exchange"]["alarms"]
            invite = await dispatcher.hear()
            while not invite.startswith("INVITE "):
                invite = await dispatcher.hear()
            # Before it has said anything: a trunk takes its time.
            await until(lambda: len(on_disk(house)["pending"]["ours"]) == 1)
            dispatcher.send(ringing(invite))
            dispatcher.send(answering(invite))
            await until(lambda: len(on_disk(house)["legs"]) == 1)


def on_disk(house: House) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((house.folder / "sip-own.json").read_text())
    return kept
