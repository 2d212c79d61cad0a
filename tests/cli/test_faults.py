"""Open faults as `incidents list` shows them: a line a cause."""

from __future__ import annotations

import pytest

from bridge.cli.incidents.faults import Cause, by_cause, print_causes
from bridge.model import Fault
from bridge.response import Plan


def fault(subject: str, what: str, at: float, text: str = "connection refused") -> Fault:
    return Fault(subject=subject, what=what, text=text, opened_at=at)


def test_one_line_a_cause_the_widest_first() -> None:
    faults = [
        fault("phone/P-9", "offline", 50.0, "does not register"),
        fault("zm", "delivery", 90.0),
        fault("wall", "delivery", 80.0, "HTTP 500"),
        fault("nx", "delivery", 85.0),
        fault("phone/P-2", "unknown_phone", 40.0, "an SOS came from it"),
    ]
    assert by_cause(faults) == [
        Cause(what="delivery", subjects=("wall", "nx", "zm"), since=80.0, text="connection refused"),
        Cause(what="unknown_phone", subjects=("phone/P-2",), since=40.0, text="an SOS came from it"),
        Cause(what="offline", subjects=("phone/P-9",), since=50.0, text="does not register"),
    ]
    assert by_cause([]) == []


def test_it_says_how_many_and_which(capsys: pytest.CaptureFixture[str]) -> None:
    faults = [fault(f"phone/P-{number:02}", "offline", 60.0 + number, "away\x1b[2J") for number in range(25)]
    print_causes(by_cause(faults), Plan(site="Plant"))
    _, line, below = capsys.readouterr().out.splitlines()
    assert line.split()[:4] == ["offline", "25", "01-01", "00:01:00"]
    assert line.endswith("phone/P-18, phone/P-19 and 5 more")
    assert below.strip() == "away\\u001b[2J"
