"""A damaged database is a fault, and a sound one ends it."""

from __future__ import annotations

from bridge.model import Kind
from bridge.supervision.damage import report_damage
from tests.fake_clock import FakeClock
from tests.supervision.test_probes import Told


async def _told(*found: str) -> Told:
    async def check() -> list[str]:
        return list(found)

    told = Told()
    await report_damage(check, told, FakeClock())
    return told


async def test_damage_is_told_with_its_first_lines() -> None:
    [(kind, subject, text)] = await _told(*(f"page {number}" for number in range(9)))
    assert (kind, subject) == (Kind.FAULT, "store")
    assert text.startswith("the database is damaged (page 0; page 1; page 2; page 3; page 4): see docs/")


async def test_a_sound_one_ends_what_an_earlier_run_had_told() -> None:
    assert await _told() == [(Kind.FAULT_CLEARED, "store", "")]
