"""Ready, degraded, or why not: `bridge.supervision.status`."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.supervision.status import BlindIntervals, LinkKind, degradations, readiness, silent_for
from tests.fake_clock import START
from tests.web.statuses import NOW, healthy, link

PBX_DOWN = link("pbx1", LinkKind.PBX, up=False, since=NOW - 42, text="login refused")
VMS_DOWN = link("zm", LinkKind.VMS, up=False, since=NOW - 7200, text="connection refused")


def test_all_well_is_ready_without_a_word() -> None:
    assert readiness(healthy()) == (True, [])
    assert degradations(healthy()) == []


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        pytest.param(
            {"canary_at": NOW - 15.1},
            ["SOS path silent since 2026-01-01T00:16:24Z (15 s)"],
            id="three periods without the canary",
        ),
        pytest.param(
            {"canary_at": None},
            ["SOS path has not answered its first canary yet: started 2026-01-01T00:00:00Z (17 min)"],
            id="just started",
        ),
        pytest.param(
            {"links": (PBX_DOWN,)},
            ["PBX link pbx1 down since 2026-01-01T00:15:58Z (42 s): login refused"],
            id="PBX down",
        ),
        pytest.param(
            {"links": (link("pbx1", LinkKind.PBX), link("pbx2", LinkKind.PBX, up=False, since=NOW))},
            ["PBX link pbx2 down since 2026-01-01T00:16:40Z (0 s)"],
            id="one PBX of two",
        ),
        pytest.param(
            {"store_degraded_since": NOW - 119},
            ["store degraded since 2026-01-01T00:14:41Z (119 s)"],
            id="store degraded",
        ),
        pytest.param(
            {"lanes_silent_for": 15.1},
            ["no action is taken up since 2026-01-01T00:16:24Z (15 s)"],
            id="three periods without a lane that looks for work",
        ),
        pytest.param(
            {"store_degraded_since": NOW - 1, "spool_error": "the spool /s cannot be written: No space left"},
            [
                "store degraded since 2026-01-01T00:16:39Z (1 s)",
                "events are in memory only: the spool /s cannot be written: No space left",
            ],
            id="neither store nor spool",
        ),
        pytest.param(
            {"canary_at": NOW - 8000, "links": (PBX_DOWN,), "store_degraded_since": NOW - 1},
            [
                "SOS path silent since 2025-12-31T22:03:20Z (2 h)",
                "PBX link pbx1 down since 2026-01-01T00:15:58Z (42 s): login refused",
                "store degraded since 2026-01-01T00:16:39Z (1 s)",
            ],
            id="every reason is told",
        ),
    ],
)
def test_not_ready(changes: dict[str, Any], reasons: list[str]) -> None:
    assert readiness(healthy(**changes)) == (False, reasons)


@pytest.mark.parametrize(
    ("changes", "flaws"),
    [
        pytest.param(
            {"links": (VMS_DOWN,), "breakers_open": {"zm": True}},
            ["VMS link zm down since 2025-12-31T22:16:40Z (2 h): connection refused"],
            id="VMS down, said once",
        ),
        pytest.param(
            {"breakers_open": {"zm": True, "wall": False}}, ["zm does not answer: breaker open"], id="breaker"
        ),
        pytest.param(
            {"links": (link("relay", LinkKind.IO, up=False, since=NOW),)},
            ["IO link relay down since 2026-01-01T00:16:40Z (0 s)"],
            id="relay down",
        ),
        pytest.param({"spool_events": 3}, ["3 events are in the spool, not in the store"], id="spool"),
        pytest.param(
            {"spool_error": "the spool /s cannot be written: No space left"},
            ["nothing would be kept if the store were away: the spool /s cannot be written: No space left"],
            id="spool that takes nothing",
        ),
        pytest.param(
            {"blind_intervals": BlindIntervals(open=1, count=1)},
            ["1 blind intervals open: calls may be missed until reconciled"],
            id="blind",
        ),
        pytest.param(
            {"config_error": "site.yaml:3: unknown key\nsite.yaml:9: token=hunter2hunter2"},
            [
                "reload refused, the old configuration runs on: "
                "site.yaml:3: unknown key site.yaml:9: token=***"
            ],
            id="reload refused, on one line and without secrets",
        ),
        pytest.param(
            {"open_faults": {"unknown_phone": 2, "delivery": 0}},
            ["faults open: 2 of kind unknown_phone"],
            id="faults",
        ),
    ],
)
def test_degraded_but_ready(changes: dict[str, Any], flaws: list[str]) -> None:
    status = healthy(**changes)
    assert readiness(status) == (True, [])
    assert degradations(status) == flaws


@pytest.mark.parametrize("age", [0.0, 3.0, 14.9, 15.0])
def test_a_canary_within_three_periods_is_ready(age: float) -> None:
    assert readiness(healthy(canary_at=NOW - age)) == (True, [])


def test_what_the_other_side_says_cannot_add_a_line() -> None:
    said = link("pbx1", LinkKind.PBX, up=False, since=NOW, text="no\r\nready\x1b[2J")
    _, [reason] = readiness(healthy(links=(said,)))
    assert reason.endswith(": no ready [2J")


def test_silence_counts_from_the_start_before_the_first_canary() -> None:
    assert silent_for(healthy(canary_at=None)) == NOW - START
    assert silent_for(healthy(canary_at=NOW - 2)) == 2.0
    assert silent_for(healthy(canary_at=NOW + 5)) == 0.0
