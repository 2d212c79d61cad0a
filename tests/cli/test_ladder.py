"""`sosbridge drill ladder`: every rung is broken and holds; one that does not hold is said, and fails it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from bridge.cli.drill.ladder.report import Rung, Verdict, held, line, table

SOSBRIDGE = Path(sys.executable).with_name("sosbridge")
DEADLINE: Final = 240
"""Seconds: it takes 45 on an idle machine."""


def ladder(*arguments: str | Path, timeout: float = DEADLINE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SOSBRIDGE, "drill", "ladder", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ},
        encoding="utf-8",
    )


def test_every_rung_is_broken_and_what_takes_over_is_said(tmp_path: Path) -> None:
    """How soon is not judged here: a busy machine may be late, which is the only thing that may be wrong.

    The fifth has tests of its own, with an Asterisk and without.
    """
    done = ladder("--json", "--dir", tmp_path / "ladder")
    told = json.loads(done.stdout)
    assert {each["rung"] for each in told["rungs"]} == set(range(1, 8))
    rungs = {(each["rung"], each["broken"]): each for each in told["rungs"] if each["rung"] != 5}
    took_over = {key: each["took_over"] for key, each in rungs.items()}
    assert took_over == {
        (1, "nothing"): "picture confirmed, desk-1 rings",
        (2, "VMSs refuse every connection"): "dispatch: shift-lead rings, presses 1",
        (2, "VMSs hang"): "dispatch: shift-lead rings, presses 1",
        (2, "VMSs say yes and do nothing"): "dispatch: shift-lead rings, presses 1",
        (3, "nobody answers or presses 1"): "screens, then tier 2: plant-manager presses 1",
        (4, "PBX killed (and VMSs off)"): "own trunk: shift-lead's mobile rings, presses 1",
        (4, "PBX hangs (and VMSs off)"): "own trunk: shift-lead's mobile rings, presses 1",
        (6, "VMSs off, every telephone busy"): "relay: beacon lit, read back, dark again",
        (7, "syslog server away all the time"): took_over[7, "syslog server away all the time"],
    }
    assert took_over[7, "syslog server away all the time"].endswith(" stored messages, in order")
    for each in rungs.values():
        late = each["limit"] is not None and each["seconds"] > each["limit"]
        assert each["verdict"] == (Verdict.FAILED if late else Verdict.OK), each
        assert bool(each["scaled"]) == (each["rung"] == 3)
    assert told["ok"] == all(each["verdict"] != Verdict.FAILED for each in told["rungs"])
    assert (done.returncode, done.stderr) == (0 if told["ok"] else 1, "")


def test_it_deletes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    done = ladder("--dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


GOOD = Rung(rung=2, broken="VMSs hang", took_over="dispatch", seconds=4.05, limit=5.0, verdict=Verdict.OK)
LATE = Rung(rung=2, broken="VMSs lie", took_over="dispatch", seconds=6.0, limit=5.0, verdict=Verdict.FAILED)
UNTRIED = Rung(rung=5, broken="bridge killed", took_over="no Asterisk", verdict=Verdict.NOT_TRIED)
STUCK = Rung(rung=6, broken="all off", took_over="waited in vain", limit=1.0, verdict=Verdict.FAILED)
SHORT = Rung(rung=3, broken="nobody", took_over="tier 2", seconds=9.0, scaled="shortened", verdict=Verdict.OK)


@pytest.mark.parametrize(
    ("rungs", "good"),
    [([GOOD, SHORT], True), ([GOOD, UNTRIED], True), ([GOOD, LATE], False), ([UNTRIED], False), ([], False)],
    ids=["all held", "one not tried", "one too late", "none tried", "none"],
)
def test_only_rungs_that_held_are_well(rungs: list[Rung], good: bool) -> None:
    assert held(rungs) is good


def test_the_table() -> None:
    """The verdict first, and again, in words, what failed."""
    assert list(table([GOOD, LATE, SHORT, UNTRIED, STUCK], 12.4, Path("/var/ladder"))) == [
        "           rung  broken         after            what took over",
        "OK         2     VMSs hang      4.05 s (<= 5 s)  dispatch",
        "FAILED     2     VMSs lie       6.00 s (<= 5 s)  dispatch",
        "OK         3     nobody         9.00 s           tier 2",
        "not tried  5     bridge killed                   no Asterisk",
        "FAILED     6     all off                         waited in vain",
        "",
        "rung 3, nobody: shortened",
        "FAILED: rung 2, VMSs lie: too late, after 6.00 s instead of 5 s: dispatch",
        "FAILED: rung 6, all off: waited in vain",
        "2 held, 2 FAILED, 1 not tried; took 12 s; databases, site files and logs are in /var/ladder",
    ]


def test_a_line_for_who_waits() -> None:
    assert line(GOOD) == "OK: rung 2, VMSs hang: dispatch, 4.05 s (<= 5 s)"
    assert line(UNTRIED) == "not tried: rung 5, bridge killed: no Asterisk"
