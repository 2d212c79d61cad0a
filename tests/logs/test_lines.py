"""The two shapes of a line, letter by letter."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC

import pytest
import structlog

from bridge.model import Tier
from bridge.supervision.logs.lines import Line, as_json, as_text
from tests.fake_clock import START
from tests.logs.conftest import BERLIN, LogTo

STORY = Line(
    at=START + 1.25,
    level="info",
    logger="bridge.story",
    event="P-03 dialled 9110",
    facts={
        "incident": "4f2a91c3-51c4-5f0b-9a7e-2f6d1b1f9110",
        "location": "TANKFARM-EAST-POST-03",
        "tier": Tier.EMERGENCY,
        "phone": "P-03",
        "reason": "opened",
    },
)


def test_text_of_an_incident() -> None:
    assert as_text(STORY, zone=BERLIN, colours=False) == (
        "2026-01-01 01:00:01.250 info     4f2a91c3 TANKFARM-EAST-POST-03      "
        "P-03 dialled 9110                         tier=emergency  phone=P-03  reason=opened"
    )


def test_json_of_an_incident() -> None:
    assert as_json(STORY) == (
        '{"time":"2026-01-01T00:00:01.250Z","level":"info","logger":"bridge.story",'
        '"event":"P-03 dialled 9110","incident":"4f2a91c3-51c4-5f0b-9a7e-2f6d1b1f9110",'
        '"location":"TANKFARM-EAST-POST-03","tier":"emergency","phone":"P-03","reason":"opened"}'
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "outbox.lane                driver failed"),
        ({"driver": "zm"}, "zm                         driver failed"),
        ({"subject": "driver/zm", "driver": "zm"}, "driver/zm                  driver failed  driver=zm"),
        ({"part": "ami"}, "ami                        driver failed"),
    ],
)
def test_what_a_line_without_incident_is_about(facts: dict[str, str], expected: str) -> None:
    line = Line(at=START, level="error", logger="bridge.outbox.lane", event="driver failed", facts=facts)
    text = as_text(line, zone=UTC, colours=False)
    head = "2026-01-01 00:00:00.000 error             "
    assert text.startswith(head)
    assert " ".join(text.removeprefix(head).split()) == " ".join(expected.split())
    assert text.removeprefix(head)[:27] == expected[:27]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "x"', '"say \\"x\\""'),
        ("", '""'),
        ("Tür", "Tür"),
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (0.25, "0.25"),
        (1234567.0, "1.23457e+06"),
        ([1, "a b"], '[1, "a b"]'),
    ],
)
def test_values_of_facts(value: object, text: str) -> None:
    line = Line(at=START, level="info", logger="bridge", event="x", facts={"fact": value})
    assert as_text(line, zone=UTC, colours=False).endswith(f"  fact={text}")


def test_moments_are_shown_as_local_time() -> None:
    line = Line(
        at=START, level="info", logger="bridge", event="x", facts={"opened_at": START + 0.5, "at": 3.0}
    )
    assert as_text(line, zone=BERLIN, colours=False).endswith('  opened_at="2026-01-01 01:00:00.500"  at=3')


def test_a_fact_that_is_called_like_a_field_keeps_its_value() -> None:
    line = Line(at=START, level="info", logger="bridge", event="x", facts={"level": "7", "time": 1})
    read = json.loads(as_json(line))
    assert (read["level"], read["level_"], read["time_"]) == ("info", "7", 1)


def test_a_traceback_follows_the_text_and_stays_inside_the_json() -> None:
    line = Line(at=START, level="error", logger="bridge", event="x", facts={}, trace=["Traceback:", "  here"])
    assert as_text(line, zone=UTC, colours=False).split("\n")[1:] == ["    Traceback:", "      here"]
    assert "\n" not in as_json(line)
    assert json.loads(as_json(line))["exception"] == "Traceback:\n  here"


@pytest.mark.parametrize("level", ["debug", "warning", "error", "critical"])
def test_colours_are_only_around_the_level(level: str) -> None:
    line = Line(at=START, level=level, logger="bridge", event="x", facts={})
    plain = as_text(line, zone=UTC, colours=False)
    coloured = as_text(line, zone=UTC, colours=True)
    assert "\x1b" not in plain
    assert coloured.count("\x1b[") == 2
    assert coloured.endswith("\x1b[0m" + plain.split(level.ljust(8), 1)[1])


# --- through structlog and logging --------------------------------------------------------------------


def test_both_ways_in_come_out_alike(log_to: LogTo) -> None:
    written = log_to(style="text")
    structlog.get_logger("bridge.a").warning("link down", why="refused")
    logging.getLogger("uvicorn.error").warning("link %s", "down")
    assert written.lines == [
        "2026-01-01 01:00:00.000 warning           a                          link down"
        "                                 why=refused",
        "2026-01-01 01:00:00.000 warning           uvicorn.error              link down",
    ]


def test_json_where_nobody_looks(log_to: LogTo) -> None:
    written = log_to()
    structlog.get_logger("bridge.a").info("up", link="pbx1", lag=0.5, tags=("x", "y"), tier=Tier.ROUTINE)
    logging.getLogger("alembic.runtime").info("Running upgrade %s -> %s", "1", "2")
    assert written.objects == [
        {
            "time": "2026-01-01T00:00:00.000Z",
            "level": "info",
            "logger": "bridge.a",
            "event": "up",
            "link": "pbx1",
            "lag": 0.5,
            "tags": ["x", "y"],
            "tier": "routine",
        },
        {
            "time": "2026-01-01T00:00:00.000Z",
            "level": "info",
            "logger": "alembic.runtime",
            "event": "Running upgrade 1 -> 2",
        },
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("style", "environment", "expected"),
    [
        ("auto", {"TERM": "xterm"}, "2026-01-01 01:00:00.000 \x1b[31merror   \x1b[0m "),
        ("auto", {"TERM": "xterm", "NO_COLOR": "1"}, "2026-01-01 01:00:00.000 error    "),
        ("auto", {"TERM": "dumb"}, "2026-01-01 01:00:00.000 error    "),
        ("text", {"TERM": "xterm"}, "2026-01-01 01:00:00.000 \x1b[31merror   \x1b[0m "),
        ("json", {"TERM": "xterm"}, '{"time":"2026-01-01T00:00:00.000Z","level":"error",'),
    ],
)
def test_a_terminal_gets_text(
    log_to: LogTo, monkeypatch: pytest.MonkeyPatch, style: str, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    written = log_to(style=style, stream=Terminal())
    structlog.get_logger("bridge.a").error("x")
    assert written.text.startswith(expected)


def test_text_in_a_pipe_has_no_colours(log_to: LogTo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    written = log_to(style="text")
    structlog.get_logger("bridge.a").error("x")
    assert "\x1b" not in written.text
