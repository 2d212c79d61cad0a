"""The end of a CEL file: what is read of it, how far back, and what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bridge.replay import Tail, Unreadable, tail, tail_of
from bridge.response import Plan
from tests.replay.logs import FOLDER

PLAN = Plan(site="Plant", alarm_extensions=("9110", "_911X"))
BEGIN = 1_700_000_000.0
_SECOND = re.compile(r"\b1[67]\d{8}\b")


def call(name: str, at: float) -> str:
    """The rows of a recorded call, as if it had begun at this time."""
    text = (FOLDER / "22" / f"{name}.cel").read_text()
    shift = round(at) - int(_SECOND.findall(text)[0])
    return _SECOND.sub(lambda found: str(int(found[0]) + shift), text)


def read(path: Path, since: float = BEGIN) -> Tail:
    return tail_of(path, since, PLAN, source="asterisk/pbx1", timezone="UTC")


def times(found: Tail) -> list[int]:
    return [int(row.dialing_at) for row in found.rows]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "Master.csv"


def test_the_calls_of_the_gap_and_who_made_them(log: Path) -> None:
    log.write_text(call("busy", BEGIN + 10) + call("answered", BEGIN + 20))
    found = read(log)
    assert [(row.phone, row.dialled, row.outcome) for row in found.rows] == [
        ("1001", "9110", "unanswered"),
        ("1001", "9110", "answered"),
    ]
    assert set(found.callers.values()) == {"1001"}
    assert found.newest == pytest.approx(BEGIN + 20, abs=5)
    assert found.trouble == ""


def test_a_call_without_an_end_is_told_last(log: Path) -> None:
    open_ = call("answered", BEGIN + 10).splitlines()[0] + "\n"
    log.write_text(open_ + call("busy", BEGIN + 20))
    found = read(log)
    assert [row.ended_at is None for row in found.rows] == [False, True]


def test_a_line_that_is_being_written_is_left_out(log: Path) -> None:
    log.write_text(call("busy", BEGIN + 10) + '"CHAN_START","17000000')
    assert len(read(log).rows) == 1


def test_a_year_is_not_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "STEP", 4096)
    old = "".join(call("busy", BEGIN - 10_000 + number) for number in range(100))
    log.write_text(old + call("busy", BEGIN + 10))
    found = read(log)
    assert times(found)[-1] == BEGIN + 10
    assert len(found.rows) < 20


def test_a_gap_that_is_too_long_is_said(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "STEP", 4096)
    monkeypatch.setattr(tail, "MOST", 8192)
    log.write_text("".join(call("busy", BEGIN + number) for number in range(100)))
    found = read(log)
    assert times(found)[-1] == BEGIN + 99
    assert "the gap is longer than its last 2 MiB" in found.trouble


@pytest.mark.parametrize("name", ["Master.csv.1", "Master.csv-20231114"])
@pytest.mark.parametrize("now", [(), ("busy",)], ids=["empty", "written to"])
def test_a_file_that_was_rotated_away(log: Path, name: str, now: Sequence[str]) -> None:
    rotated = log.with_name(name)
    rotated.write_text(call("answered", BEGIN - 5000) + call("busy", BEGIN + 10))
    older = log.with_name("Master.csv.0")
    older.write_text(call("busy", BEGIN - 9000))
    os.utime(rotated, (BEGIN + 15, BEGIN + 15))
    os.utime(older, (BEGIN - 9000, BEGIN - 9000))
    log.write_text("".join(call(each, BEGIN + 20) for each in now))
    found = read(log)
    assert [at for at in times(found) if at > BEGIN] == [BEGIN + 10, *([BEGIN + 20] if now else [])]
    assert BEGIN - 9000 not in times(found)


def test_a_call_that_goes_on_through_the_rotation_is_one(log: Path) -> None:
    lines = call("busy", BEGIN + 10).splitlines(keepends=True)
    log.with_name("Master.csv.1").write_text("".join(lines[:3]))
    log.write_text("".join(lines[3:]))
    [row] = read(log).rows
    assert row.outcome == "unanswered"


def test_a_packed_file_is_said(log: Path) -> None:
    packed = log.with_name("Master.csv.1.gz")
    packed.write_bytes(b"\x1f\x8b")
    log.write_text(call("busy", BEGIN + 20))
    found = read(log)
    assert "is packed" in found.trouble
    assert len(found.rows) == 1


def test_a_clock_that_was_set_back_in_the_gap_costs_no_call_and_is_said(log: Path) -> None:
    log.write_text(call("busy", BEGIN + 500) + call("busy", BEGIN + 20) + call("busy", BEGIN + 40))
    found = read(log)
    assert times(found) == [BEGIN + 500, BEGIN + 20, BEGIN + 40]
    assert "a call that began long before the one above it" in found.trouble
    assert "sosbridge replay --reconcile" in found.trouble


def test_a_clock_that_was_set_back_to_before_the_gap_is_said(log: Path) -> None:
    log.write_text(call("busy", BEGIN - 500) + call("busy", BEGIN - 5000) + call("busy", BEGIN + 20))
    assert "a call that began long before the one above it" in read(log).trouble


def test_a_line_that_cannot_be_read_is_said(log: Path) -> None:
    log.write_text(call("busy", BEGIN + 10) + '"half\n' + "\0\0\n" + call("busy", BEGIN + 20))
    found = read(log)
    assert times(found) == [BEGIN + 10, BEGIN + 20]
    assert "and 1 more: see what it holds" in found.trouble


def test_a_line_of_before_the_gap_that_cannot_be_read_is_not(log: Path) -> None:
    log.write_text(
        call("busy", BEGIN - 900) + '"half\n' + call("busy", BEGIN - 800) + call("busy", BEGIN + 20)
    )
    found = read(log)
    assert times(found)[-1] == BEGIN + 20
    assert found.trouble == ""


def test_the_hour_that_comes_twice_is_told_by_the_uniqueid(log: Path) -> None:
    """02:30 in Amsterdam, the second time: an hour behind the first."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).timestamp()
    zone = ZoneInfo("Europe/Amsterdam")
    rows = re.sub(
        r'(?<=",")\d{10}\.\d{6}(?=",)',
        lambda found: f"{datetime.fromtimestamp(float(found[0]), zone):%Y-%m-%d %H:%M:%S.%f}",
        call("busy", second),
    )
    log.write_text(rows)
    found = tail_of(log, second - 600, PLAN, source="asterisk/pbx1", timezone="Europe/Amsterdam")
    assert found.newest == pytest.approx(second, abs=5)


def test_a_header_is_no_record(log: Path) -> None:
    header = (
        "eventtype,eventtime,cid_name,cid_num,ani,rdnis,dnid,exten,context,channame,appname,appdata,"
        "amaflags,accountcode,uniqueid,linkedid,peer,userfield,userdeftype,eventextra\n"
    )
    log.write_text(header + call("busy", BEGIN + 10))
    assert len(read(log).rows) == 1


def test_what_is_no_cel_file(log: Path) -> None:
    log.write_text("hello\n" * 10)
    with pytest.raises(Unreadable, match="is no CEL file"):
        read(log)


def test_a_file_that_is_not_there(log: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read: No such file"):
        read(log)
