"""One kind of line never drowns the others, and an incident's lines are never dropped."""

from __future__ import annotations

import logging

import structlog

from bridge.model import Tier
from bridge.supervision.logs.noise import ANYTHING_ELSE, BURST, MOST_KINDS, WINDOW, NoiseLimit
from tests.logs.conftest import LogTo


def test_the_limit_counts_what_it_suppresses() -> None:
    limit = NoiseLimit(burst=2, window=10, most_kinds=3)
    assert limit.turn(100.0) == []
    assert [limit.admit("a") for _ in range(5)] == [True, True, False, False, False]
    assert limit.admit("b")
    assert limit.turn(109.9) == []
    assert limit.turn(110.0) == [("a", 3)]
    assert limit.admit("a")
    assert limit.turn(float("inf")) == []


def test_made_up_kinds_share_one() -> None:
    limit = NoiseLimit(burst=2, window=10, most_kinds=3)
    limit.turn(100.0)
    assert [limit.admit(kind) for kind in "abcdefg"] == [True, True, True, True, True, False, False]
    assert limit.admit("a"), "a kind that was there before is not affected"
    assert limit.turn(110.0) == [(ANYTHING_ELSE, 2)]


async def test_noise_is_cut_and_counted(log_to: LogTo) -> None:
    written = log_to()
    for number in range(BURST + 7):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request from %s", number)
    structlog.get_logger("bridge.a").warning("something else")
    assert len(written.objects) == BURST + 1
    await written.clock.advance(WINDOW)
    structlog.get_logger("bridge.a").info("next")
    assert written.objects[-2:] == [
        {
            "time": "2026-01-01T00:00:10.000Z",
            "level": "warning",
            "logger": "bridge.supervision.logs.sink",
            "event": "lines suppressed",
            "kind": "uvicorn.error: Invalid HTTP request from %s",
            "suppressed": 7,
        },
        {"time": "2026-01-01T00:00:10.000Z", "level": "info", "logger": "bridge.a", "event": "next"},
    ]


def test_the_count_is_written_at_the_end_at_the_latest(log_to: LogTo) -> None:
    written = log_to()
    for _ in range(BURST + 1):
        structlog.get_logger("bridge.a").info("again")
    written.logs.close()
    assert written.objects[-1]["suppressed"] == 1


def test_one_link_does_not_silence_another(log_to: LogTo) -> None:
    written = log_to()
    log = structlog.get_logger("bridge.a")
    for _ in range(BURST + 5):
        log.warning("link down", link="zm")
    log.warning("link down", link="pbx1")
    assert written.objects[-1]["link"] == "pbx1"


def test_lines_of_an_sos_are_never_dropped(log_to: LogTo) -> None:
    written = log_to()
    log = structlog.get_logger("bridge.a")
    for number in range(500):
        log.info("pressed", incident=f"incident-{number % 3}")
        log.info("in the spool", tier=Tier.EMERGENCY)
        log.info("routine noise", tier=Tier.ROUTINE)
    events = [line["event"] for line in written.objects]
    assert (events.count("pressed"), events.count("in the spool")) == (500, 500)
    assert events.count("routine noise") == BURST


def test_a_flood_of_made_up_text_is_bounded(log_to: LogTo) -> None:
    written = log_to()
    for number in range(MOST_KINDS + 5000):
        logging.getLogger("some.library").warning(f"made up {number}")
    assert len(written.objects) == MOST_KINDS + BURST
