"""Open faults as `incidents list` shows them: a line a cause."""

from __future__ import annotations

import pytest

from bridge.cli.incidents.faults import Cause, by_cause, print_causes
from bridge.model import Fault, Phone
from bridge.response import Plan

PLANT = Plan(site="Plant")


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
    assert by_cause(faults, PLANT) == [
        Cause(what="delivery", subjects=("wall", "nx", "zm"), since=80.0, text="connection refused"),
        Cause(what="unknown_phone", subjects=("phone/P-2",), since=40.0, text="an SOS came from it"),
        Cause(what="offline", subjects=("phone/P-9",), since=50.0, text="does not register"),
    ]
    assert by_cause([], PLANT) == []


def test_it_says_how_many_and_which(capsys: pytest.CaptureFixture[str]) -> None:
    faults = [fault(f"phone/P-{number:02}", "offline", 60.0 + number, "away\x1b[2J") for number in range(25)]
    print_causes(by_cause(faults, PLANT), PLANT)
    _, line, below = capsys.readouterr().out.splitlines()
    assert line.split()[:4] == ["offline", "25", "01-01", "00:01:00"]
    assert line.endswith("phone/P-18, phone/P-19 and 5 more")
    assert below.strip() == "away\\u001b[2J"


def test_a_segment_is_shown_in_place_of_its_phones(capsys: pytest.CaptureFixture[str]) -> None:
    east = tuple(
        Phone(id=f"P-{n}", endpoint=f"p{n}", extension=f"{n}", location="X", segment="east")
        for n in range(1, 9)
    )
    faults = [
        fault("segment/west", "cut_off", 9000.0, "2 of 2 phones do not answer: W-1, W-2"),
        fault("P-8", "offline", 1000.0),
        *(fault(f"P-{n}", "offline", 5000.0 + n) for n in range(1, 8)),
        fault("segment/east", "cut_off", 5001.0, "7 of 8 phones do not answer: P-1 and 6 more"),
    ]
    plan = Plan(site="Plant", phones=east)
    causes = by_cause(faults, plan)
    assert [(cause.what, cause.subjects) for cause in causes] == [
        ("offline", ("P-8",)),
        ("cut_off", ("segment/east",)),
        ("cut_off", ("segment/west",)),
    ]
    print_causes(causes, plan)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "cut_off 1 01-01 01:23:21 segment/east" in lines
    assert "7 of 8 phones do not answer: P-1 and 6 more" in lines
    assert "2 of 2 phones do not answer: W-1, W-2" in lines
