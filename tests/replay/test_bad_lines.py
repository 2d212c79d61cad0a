"""Whatever stands in a log, it is read to its end, and what could not be read is named by its line."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.replay.begun import Begun
from tests.replay.logs import FOLDER, read

ANSWERED = (FOLDER / "22" / "answered.cel").read_bytes()
CANCELLED = (FOLDER / "22" / "cancelled.cel").read_bytes()
LINES = ANSWERED.count(b"\n")
AT = ANSWERED.split(b'"')[3]
"""Time of its first row, in epoch seconds."""


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(b'"CHAN_START","17953', "an unterminated quote", id="unterminated"),
        pytest.param(b'"CHAN_START","1795378081.3","x"', "3 columns, not 20", id="columns"),
        pytest.param(ANSWERED.split(b"\n")[0] + b',"more"', "21 columns, not 20", id="one column more"),
        pytest.param(ANSWERED.split(b"\n")[0].replace(b"1001", b"10\x0001"), "a NUL byte", id="NUL"),
        pytest.param(
            ANSWERED.split(b"\n")[0].replace(b"CHAN_START", b"SOMETHING"), "no CEL event", id="kind"
        ),
        pytest.param(ANSWERED.split(b"\n")[0].replace(AT, b"yesterday"), "no time", id="time"),
        pytest.param(ANSWERED.split(b"\n")[0].replace(AT, b"nan"), "no time", id="nan"),
        pytest.param(b"", "0 columns, not 20", id="empty"),
    ],
)
def test_a_bad_line_is_named_and_nothing_else_is_lost(tmp_path: Path, line: bytes, why: str) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(ANSWERED + line + b"\n" + CANCELLED)
    got = read(log)
    assert got.bad == [(LINES + 1, why)]
    assert [row.outcome for row in got.rows.values()] == ["answered", "abandoned"]
    assert got.records == LINES + CANCELLED.count(b"\n")


def test_half_a_line_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(ANSWERED + CANCELLED[:30])
    got = read(log)
    assert got.bad == [(LINES + 1, "an unterminated quote")]
    assert [row.outcome for row in got.rows.values()] == ["answered"]


def test_half_a_line_that_the_next_writer_went_on_with(tmp_path: Path) -> None:
    """A crash, then a restart: the first record behind it stands on the same line."""
    log = tmp_path / "Master.csv"
    first, rest = CANCELLED.split(b"\n", 1)
    log.write_bytes(ANSWERED + first[:120] + CANCELLED)
    got = read(log)
    assert [line for line, _ in got.bad] == [LINES + 1]
    assert got.records == LINES + rest.count(b"\n")


def test_text_that_is_no_utf_8_stays_visible(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(ANSWERED.replace(b"PJSIP/1001", b"PJSIP/10\xff1"))
    [row] = read(log).rows.values()
    assert (row.phone, row.outcome) == ("10\\xff1", "answered")


def test_a_name_that_looks_like_columns_moves_none(tmp_path: Path) -> None:
    """The caller chooses the name; it must not choose the extension."""
    log = tmp_path / "Master.csv"
    name = b'"x"",""1002"",""1002"","""",""9999"",""9119"",""phones""'
    evil = ANSWERED.replace(b'"CHAN_START","%b",""' % AT, b'"CHAN_START","%b",' % AT + name + b'"')
    assert evil != ANSWERED
    log.write_bytes(evil)
    [row] = read(log).rows.values()
    assert (row.phone, row.dialled) == ("1001", "9110")


def test_rows_out_of_order_are_named_and_read_on(tmp_path: Path) -> None:
    later = ANSWERED.replace(AT[:5], b"17963")
    log = tmp_path / "Master.csv"
    log.write_bytes(later + CANCELLED + later.replace(b"17963", b"17964"))
    got = read(log)
    assert got.bad == [(LINES + 1, "a call that began long before the one above it")]
    assert [row.outcome for row in got.rows.values()] == ["answered", "abandoned", "answered"]
    assert got.records == 2 * LINES + CANCELLED.count(b"\n")


def shifted(rows: bytes, seconds: int) -> bytes:
    """The rows of a call, as if it had been made later."""
    return re.sub(rb"\b1795\d{6}\b", lambda found: b"%d" % (int(found[0]) + seconds), rows)


def test_a_clock_that_was_set_back_costs_no_call_and_is_said_once(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    calls = [shifted(ANSWERED, at) for at in (0, 7200, 100, 200, 300, 7300)]
    log.write_bytes(b"".join(calls))
    got = read(log)
    assert got.bad == [(2 * LINES + 1, "a call that began long before the one above it")]
    assert [row.outcome for row in got.rows.values()] == ["answered"] * 6


def test_a_log_that_holds_a_part_twice_tells_each_call_once(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(ANSWERED + CANCELLED + ANSWERED + CANCELLED)
    got = read(log)
    assert {why for _, why in got.bad} == {"a channel whose beginning came already"}
    assert got.bad[0] == (LINES + CANCELLED.count(b"\n") + 1, "a channel whose beginning came already")
    assert [row.outcome for row in got.rows.values()] == ["answered", "abandoned"]


def test_a_copy_that_overlaps_loses_nothing_and_tells_nothing_twice(tmp_path: Path) -> None:
    one, two = tmp_path / "Master.csv.1", tmp_path / "Master.csv"
    calls = [shifted(ANSWERED, at) for at in (0, 1000, 2000, 3000)]
    begins, _, _ = calls[2].partition(b"\n")  # and its end was not written yet
    one.write_bytes(calls[0] + calls[3] + begins + b"\n")
    two.write_bytes(calls[1] + calls[2] + calls[3])
    got = read(one, two)
    assert sorted(int(row.dialing_at - float(AT)) for row in got.rows.values()) == [0, 1000, 2000, 3000]
    assert [row.outcome for row in got.rows.values()] == ["answered"] * 4


def test_a_uniqueid_that_comes_again_is_another_call_at_another_time() -> None:
    begun = Begun()
    assert [begun.again(b"1.1", at) for at in (1.0, 2.0, 2.0)] == [False, False, True]


def test_what_is_remembered_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.replay.begun.FEWEST", 2)
    begun = Begun()
    assert not any(begun.again(b"1.%d" % number, 1.0) for number in range(6))
    assert [begun.again(b"1.%d" % number, 1.0) for number in (5, 3, 0)] == [True, True, False]


def test_a_byte_order_mark_before_the_first_line(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(b"\xef\xbb\xbf" + ANSWERED)
    got = read(log)
    assert ([row.outcome for row in got.rows.values()], got.bad) == (["answered"], [])


def test_a_damaged_time_does_not_make_the_rest_of_the_log_late(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    first, rest = ANSWERED.split(b"\n", 1)
    log.write_bytes(first.replace(AT, b"3" + AT[1:], 1) + b"\n" + rest + CANCELLED)
    got = read(log)
    assert got.bad == [(1, "the time is not that of the Uniqueid")]
    assert [row.outcome for row in got.rows.values()] == ["abandoned"]


def test_the_same_file_twice_counts_once(tmp_path: Path) -> None:
    one, two = tmp_path / "Master.csv", tmp_path / "copy.csv"
    one.write_bytes(ANSWERED)
    two.write_bytes(ANSWERED)
    got = read(one, two)
    assert len(got.rows) == 1
    assert [bad.text for bad in got.troubles.named] == [f"the same file twice: as {one}"]


def _plain(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _packed(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data))


@pytest.mark.parametrize("write", [_plain, _packed])
def test_plain_or_packed_in_a_folder(tmp_path: Path, write: Callable[[Path, bytes], None]) -> None:
    write(tmp_path / "a", ANSWERED)
    write(tmp_path / "b", CANCELLED)
    got = read(tmp_path)
    assert [row.outcome for row in got.rows.values()] == ["answered", "abandoned"]
    assert got.bad == []


def test_a_small_packed_file_that_is_cut_off_is_read_too(tmp_path: Path) -> None:
    packed = tmp_path / "Master.csv.gz"
    packed.write_bytes(gzip.compress(ANSWERED)[:-9])
    got = read(packed)
    assert got.records == LINES
    assert [bad.text.partition(":")[0] for bad in got.troubles.named] == [
        "the packed file is damaged from here on"
    ]


def test_a_packed_file_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    packed = tmp_path / "Master.csv.gz"
    calls = (ANSWERED.replace(AT[4:11], b"%06d." % number) for number in range(3000))
    packed.write_bytes(gzip.compress(b"".join(calls))[:-20])
    got = read(packed)
    assert [bad.text.partition(":")[0] for bad in got.troubles.named] == [
        "the packed file is damaged from here on",
        "an unterminated quote",
    ]
    assert got.records > LINES


def test_nothing_usable(tmp_path: Path) -> None:
    log = tmp_path / "readme.txt"
    log.write_text("This is no log.\nIt never was.\n")
    got = read(log)
    assert got.records == 0
    assert [bad.text for bad in got.troubles.named] == ["no log of a PBX: say what it is with --format"]


def test_a_clock_that_was_set_back_costs_no_call_of_a_cdr_and_parts_none(tmp_path: Path) -> None:
    """The rows of one call belong together, whatever the clock said before."""
    log = tmp_path / "Master.csv"
    rows = (FOLDER / "22" / "queue.cdr_csv").read_bytes()
    later = rows.replace(b"2026-11-23 00:", b"2026-11-23 06:").replace(b"1795392066.21", b"1795413666.99")
    log.write_bytes(later + rows)
    got = read(log)
    assert got.bad == []
    assert {row.id: row.outcome for row in got.rows.values()} == {
        "1795413666.99": "answered",
        "1795392066.21": "answered",
    }


def test_a_clock_that_was_set_back_costs_no_call_of_an_ami_capture(tmp_path: Path) -> None:
    log = tmp_path / "capture"
    recorded = (FOLDER.parent / "ami" / "22" / "answered.ami").read_bytes()
    said = re.sub(rb"(?m)^(?:# .*|@[\d.]+)\n", b"", recorded).lstrip(b"\n")
    log.write_bytes(shifted(said, 7200) + said)
    assert [row.outcome for row in read(log).rows.values()] == ["answered", "answered"]
