"""Which files of a PBX's folder are read: every call once, in the order of time."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from bridge.replay import Format
from tests.replay.logs import FOLDER, read

LAB = FOLDER / "22"
ANSWERED = (LAB / "answered.cel").read_bytes()
LATER = ANSWERED.replace(b"17953", b"17963")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """/var/log/asterisk of a PBX that keeps every log there is."""
    for name in ("cel-custom", "cdr-csv", "cdr-custom"):
        (tmp_path / name).mkdir()
    shutil.copy(LAB / "queue.cel", tmp_path / "cel-custom" / "Master.csv")
    shutil.copy(LAB / "queue.cdr_csv", tmp_path / "cdr-csv" / "Master.csv")
    shutil.copy(LAB / "queue.cdr_custom", tmp_path / "cdr-custom" / "Custom.csv")
    shutil.copy(LAB / "queue.queue_log", tmp_path / "queue_log")
    (tmp_path / "full").write_text("[2026-11-22 20:48:01] VERBOSE[1] pbx.c: Executing [9110@phones:1]\n" * 9)
    (tmp_path / "security").write_bytes(b"")
    return tmp_path


def test_only_the_best_log_is_read_and_the_others_are_named(folder: Path) -> None:
    got = read(folder)
    assert [row.outcome for row in got.rows.values()] == ["answered"]
    assert list(got.formats) == ["cel"]
    assert got.bad == []
    assert got.left_out == {"Master.csv": "cdr", "Custom.csv": "cdr", "queue_log": "queue_log", "full": ""}


@pytest.mark.parametrize(
    ("wanted", "formats", "file"),
    [
        (Format.CDR, ["cdr (cdr_csv)"], "Master.csv"),
        (Format.QUEUE_LOG, ["queue_log"], "queue_log"),
    ],
)
def test_another_one_is_read_if_the_user_says_so(
    folder: Path, wanted: Format, formats: list[str], file: str
) -> None:
    got = read(folder, format_=wanted)
    assert (list(got.formats), got.order, got.bad) == (formats, [file], [])
    assert len(got.rows) == 1


def test_of_two_orders_of_cdr_that_which_tells_more_is_read(folder: Path) -> None:
    """The linkedid, by which the rows of a call belong together; a Uniqueid is the next best."""
    shutil.rmtree(folder / "cel-custom")
    master = folder / "cdr-csv" / "Master.csv"
    assert read(folder).order == ["Master.csv"]
    columns = [line.split(b",") for line in master.read_bytes().splitlines()]
    master.write_bytes(b"".join(b",".join(row[:-5]) + b"\n" for row in columns))
    got = read(folder)
    assert got.order == ["Custom.csv"]
    assert got.left_out["Master.csv"] == "cdr"


@pytest.mark.parametrize("suffix", ["queue_log", "ami_json"])
def test_what_is_asked_for_and_not_there_is_said(folder: Path, suffix: str) -> None:
    shutil.rmtree(folder / "cel-custom")
    (folder / "queue_log").unlink()
    got = read(folder, format_=Format(suffix))
    assert got.records == 0
    assert {bad.text.partition(":")[0] for bad in got.troubles.named} == {f"no {suffix}"}


def test_files_follow_each_other_by_their_times(tmp_path: Path) -> None:
    """`Master.csv.1` is older than `Master.csv`, and sorts behind it."""
    (tmp_path / "Master.csv").write_bytes(LATER)
    (tmp_path / "Master.csv.1").write_bytes(ANSWERED)
    got = read(tmp_path)
    assert got.bad == []
    assert got.order == ["Master.csv.1", "Master.csv"]
    assert len(got.rows) == 2


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param("Event: A\nTimestamp: 1795378080.5\n\n", "Event: A\nTimestamp: 1795378090.5\n\n"),
        pytest.param(
            '{"Event": "Newchannel", "Uniqueid": "1795378080.1"}\n',
            '{"Event": "Newchannel", "Uniqueid": "1795378090.1"}\n',
        ),
        pytest.param(
            '{"type": "ChannelCreated", "timestamp": "2026-07-01T12:00:00.500+0200"}\n',
            '{"type": "ChannelCreated", "timestamp": "2026-07-01T11:00:00.500+0000"}\n',
        ),
        pytest.param("100000000|NONE|NONE|NONE|QUEUESTART|\n", "100000001|NONE|NONE|NONE|QUEUESTART|\n"),
    ],
)
def test_the_first_time_of_each_format(tmp_path: Path, older: str, newer: str) -> None:
    (tmp_path / "a").write_text(newer)
    (tmp_path / "b").write_text(older)
    assert read(tmp_path).order == ["b", "a"]


def test_a_cdr_file_is_as_old_as_the_first_end_in_it(tmp_path: Path) -> None:
    """The call that it begins with may be older than the file before it."""
    line = (
        '"","1001","9110","p","c","PJSIP/1001-0000000{0}","PJSIP/2-00000001","Dial","","{1}","{1}","{2}",1,1,'
    )
    line += '"ANSWERED","DOCUMENTATION","179537809{0}.1",""\n'
    (tmp_path / "a").write_text(line.format(1, "2026-11-20 08:00:00", "2026-11-22 08:00:00"))
    (tmp_path / "b").write_text(line.format(2, "2026-11-21 08:00:00", "2026-11-21 08:00:01"))
    assert read(tmp_path).order == ["b", "a"]


def test_a_call_that_goes_over_a_rotation_is_one_call(tmp_path: Path) -> None:
    lines = ANSWERED.splitlines(keepends=True)
    (tmp_path / "Master.csv").write_bytes(b"".join(lines[3:]))
    (tmp_path / "Master.csv-20261122").write_bytes(b"".join(lines[:3]))
    [row] = read(tmp_path).rows.values()
    assert (row.outcome, row.ended_at is None) == ("answered", False)


def test_of_a_file_and_its_packed_copy_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(ANSWERED))
    (tmp_path / "b").write_bytes(ANSWERED)
    got = read(tmp_path)
    assert len(got.rows) == 1
    assert [bad.text for bad in got.troubles.named] == [f"the same file twice: as {tmp_path / 'b'}"]


def test_the_same_name_twice_is_one_file(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(ANSWERED)
    got = read(log, log)
    assert (len(got.rows), got.bad) == (1, [])


def test_a_table_that_nobody_understands_is_not_passed_over(tmp_path: Path) -> None:
    """It may be the very log that matters, in columns of its own."""
    (tmp_path / "cel.csv").write_bytes(ANSWERED)
    (tmp_path / "mine.csv").write_text('"a","b","c","d","e","f"\n' * 5)
    got = read(tmp_path)
    assert got.left_out == {}
    assert [bad.text for bad in got.troubles.named] == ["no log of a PBX: say what it is with --format"]


def test_a_file_that_is_named_is_a_log_or_is_said_to_be_none(tmp_path: Path) -> None:
    log, other = tmp_path / "Master.csv", tmp_path / "full"
    log.write_bytes(ANSWERED)
    other.write_text("not a log of calls\n")
    got = read(log, other)
    assert len(got.rows) == 1
    assert [bad.file for bad in got.troubles.named] == [str(other)]
