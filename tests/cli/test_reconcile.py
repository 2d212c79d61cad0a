"""`sosbridge replay --reconcile`: which alarm calls of a log have no incident in the site's store."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.engine import fold, further_needs, needs_of
from bridge.model import Event, Kind
from bridge.replay import CallRow, Due
from bridge.replay.reconcile import due_of
from bridge.response import Plan, identify
from bridge.store import Database, Lease, Store
from bridge.store.migrate import upgrade
from tests.cli.test_replay import ANSWERED, CALL_KEYS, KEYS, LAB, SITE, replay


def first_row(name: str) -> list[str]:
    """Of a recorded CEL file: the start of the phone's channel."""
    return next(csv.reader((LAB / f"{name}.cel").read_text().splitlines()))


DIALLED_AT = float(first_row("answered")[1])
CALL = first_row("answered")[14]
PLAN = Plan(site="Plant", alarm_extensions=("9110", "_911X"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(f"{SITE}state_dir: {tmp_path}\n")
    with Database(f"sqlite:///{tmp_path}/sosbridge.sqlite3") as database:
        upgrade(database)
    return path


def live(site: Path, *, key: str = CALL, at: float = DIALLED_AT, endpoint: str = "1001") -> None:
    """Let the bridge see the call live."""
    event = identify(
        Event(
            kind=Kind.CALL_DIALING,
            source="asterisk/pbx1",
            key=key,
            occurred_at=at,
            received_at=at,
            endpoint=endpoint,
            dialled="9110",
        ),
        PLAN,
    )
    assert event is not None
    with Store(f"sqlite:///{site.parent}/sosbridge.sqlite3") as store, store.transaction() as transaction:
        needs = needs_of([event], PLAN)
        state = transaction.load(needs)
        assert further_needs(needs, [event], state, PLAN) is None
        transaction.write(fold([event], state, PLAN, at), Lease(node="bridge-1", now=at))


def lost(site: Path, *logs: Path) -> tuple[int, list[str]]:
    ran = replay(*logs, "-c", site, "--reconcile", "--json")
    rows = ran.of("lost")
    assert ran.summary["lost"] == len(rows)
    return ran.code, [row["id"] for row in rows]


def test_a_call_that_was_seen_live_is_not_lost(site: Path) -> None:
    live(site)
    assert lost(site, ANSWERED) == (0, [])
    output = replay(ANSWERED, "-c", site, "--reconcile").output
    assert "Each of 1 alarm call has its incident in the store." in output


def test_a_call_without_an_incident_is_listed(site: Path) -> None:
    live(site)
    code, ids = lost(site, ANSWERED, LAB / "busy.cel", LAB / "cancelled.cel")
    assert code == 1
    assert sorted(ids) == sorted(first_row(name)[14] for name in ("busy", "cancelled"))
    output = replay(ANSWERED, LAB / "busy.cel", "-c", site, "--reconcile").output
    assert "Alarm calls without an incident in the store" in output
    assert "1001   9110       unanswered  " in output


def test_the_row_of_a_lost_call(site: Path) -> None:
    [row] = replay(LAB / "busy.cel", "-c", site, "--reconcile", "--json").of("lost")
    assert list(row) == KEYS["lost"]
    assert [*row][: len(CALL_KEYS)] == CALL_KEYS


def test_what_came_before_the_bridge_is_said(site: Path) -> None:
    live(site, key="other", at=DIALLED_AT + 1)
    output = replay(ANSWERED, "-c", site, "--reconcile").output
    assert "1 of them came before the store's first event" in output


@pytest.mark.parametrize(
    ("key", "at", "endpoint"),
    [
        pytest.param("1795999999.1", DIALLED_AT, "1001", id="another call at the same time"),
        pytest.param(CALL, DIALLED_AT - 3600, "1001", id="a Uniqueid that was used before"),
    ],
)
def test_what_is_another_call(site: Path, key: str, at: float, endpoint: str) -> None:
    live(site, key=key, at=at, endpoint=endpoint)
    assert lost(site, ANSWERED) == (1, [CALL])


def test_a_cdr_without_uniqueids_is_compared_by_phone_and_time(site: Path, tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    rows = (LAB / "answered.cdr_csv").read_text().splitlines()
    log.write_text("".join(row.rsplit(",", 5)[0] + "\n" for row in rows))
    options = ("--timezone", "UTC")
    ran = replay(log, "-c", site, "--reconcile", "--json", *options)
    assert [row["phone"] for row in ran.of("lost")] == ["1001"]
    live(site)
    assert replay(log, "-c", site, "--reconcile", "--json", *options).of("lost") == []


def test_the_store_is_only_read(site: Path) -> None:
    live(site)
    before = (site.parent / "sosbridge.sqlite3").read_bytes()
    lost(site, LAB / "busy.cel")
    assert (site.parent / "sosbridge.sqlite3").read_bytes() == before


@pytest.mark.parametrize(
    "arguments", [["--alarm", "9110", "--reconcile"], ["-c", "site.yaml", "--reconcile", "--timeline", CALL]]
)
def test_what_cannot_be_reconciled(arguments: Sequence[str]) -> None:
    assert replay(ANSWERED, *arguments).code == 2


def test_a_store_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(f"{SITE}state_dir: {tmp_path}\n")
    ran = replay(ANSWERED, "-c", path, "--reconcile")
    assert ran.code == 2
    assert "sosbridge db upgrade" in ran.output


ROW = CallRow("1.1", "1001", "9110", True, 1000.0, ended_at=1030.0, outcome="abandoned")
HOUR = 3600.0


@pytest.mark.parametrize(
    ("row", "age", "due"),
    [
        (replace(ROW, ended_at=None, outcome=None), 30.0, Due.NEW),
        (replace(ROW, ended_at=None, outcome=None, answered_at=1010.0), 30.0, Due.NEW),
        (replace(ROW, ended_at=None, outcome=None), HOUR, Due.MISSED),
        (replace(ROW, ended_at=None, outcome=None, answered_at=1010.0), HOUR, Due.REVIEW),
        (replace(ROW, ended_at=None, outcome=None), 25 * HOUR, Due.REVIEW),
        (ROW, 60.0, Due.MISSED),
        (replace(ROW, outcome="unanswered"), 23 * HOUR, Due.MISSED),
        (replace(ROW, outcome=None, unknown=("outcome",)), 23 * HOUR, Due.MISSED),
        (ROW, 25 * HOUR, Due.REVIEW),
        (replace(ROW, outcome="answered", unknown=("answered_at",)), 60.0, Due.REVIEW),
    ],
)
def test_what_is_due(row: CallRow, age: float, due: Due) -> None:
    assert due_of(row, row.dialing_at + age) is due


def test_a_call_of_this_moment_may_be_live(site: Path, tmp_path: Path) -> None:
    start = ANSWERED.read_text().splitlines()[0]
    log = tmp_path / "Master.csv"
    log.write_text(start.replace(first_row("answered")[1], f"{time.time():.6f}") + "\n")
    [row] = replay(log, "-c", site, "--reconcile", "--json").of("lost")
    assert (row["due"], row["outcome"]) == ("new", None)
