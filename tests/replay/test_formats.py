"""What a log is, told by what stands in it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Literal

import pytest

from bridge.protocols.ami import Message
from bridge.replay.formats import Format, detect
from bridge.simulator.dialogue import Dialogue
from tests.replay.logs import FOLDER, Read, read

AMI = FOLDER.parent / "ami"
ARI = FOLDER.parent / "ari"
SAMPLE = FOLDER / "22" / "answered.cel"
TEXT = SAMPLE.read_text()
DEFAULT_KINDS = ("APP_START", "CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "BRIDGE_ENTER", "BRIDGE_EXIT")
"""What cel.conf.sample records."""


def rows(name: str = "answered") -> list[list[str]]:
    return list(csv.reader((FOLDER / "22" / f"{name}.cel").read_text().splitlines()))


def write(path: Path, rows_: list[list[str]], *, quoted: bool = True) -> Path:
    quoting: Literal[0, 1] = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=quoting, lineterminator="\n").writerows(rows_)
    return path


def outcome(got: Read) -> list[tuple[str, str, str | None]]:
    assert got.bad == []
    return [(row.phone, row.dialled, row.outcome) for row in got.rows.values()]


CALL = [("1001", "9110", "answered")]


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([0, 1, 3, 7, 9, 14, 15, 16, 19], id="the lab's"),
        pytest.param([14, 15, 0, 1, 9, 7, 19], id="ids first"),
        pytest.param([1, 9, 0, 15, 14, 7], id="no extra, linkedid first"),
    ],
)
def test_cel_in_another_order(tmp_path: Path, order: list[int]) -> None:
    log = write(tmp_path / "Master.csv", [[row[column] for column in order] for row in rows()])
    got = read(log)
    assert [(row.phone, row.dialled) for row in got.rows.values()] == [("1001", "9110")]


def test_cel_with_a_header(tmp_path: Path) -> None:
    names = ["id", "eventtype", "eventtime", "cid_num", "exten", "channame", "uniqueid", "linkedid", "extra"]
    picked = [["7", *(row[column] for column in (0, 1, 3, 7, 9, 14, 15, 19))] for row in rows()]
    assert outcome(read(write(tmp_path / "cel.csv", [names, *picked]))) == CALL


def test_cel_whose_columns_the_user_names(tmp_path: Path) -> None:
    log = write(tmp_path / "x", [[row[15], row[14], row[0], row[1], row[9], row[7]] for row in rows()])
    names = ("linkedid", "uniqueid", "eventtype", "eventtime", "channame", "exten")
    got = read(log, format_=Format.CEL, columns=names)
    assert [(row.phone, row.dialled) for row in got.rows.values()] == [("1001", "9110")]


def test_cel_of_the_samples_own_events(tmp_path: Path) -> None:
    log = write(tmp_path / "Master.csv", [row for row in rows() if row[0] in DEFAULT_KINDS])
    assert outcome(read(log)) == CALL


def test_cel_without_quotes(tmp_path: Path) -> None:
    log = write(tmp_path / "Master.csv", rows("busy"), quoted=False)
    assert outcome(read(log)) == [("1001", "9110", "unanswered")]


def test_cel_in_local_time_loses_no_call_at_the_end_of_summer_time(tmp_path: Path) -> None:
    minutes = [("02:50", 1792889400), ("02:10", 1792890600), ("02:50", 1792893000), ("03:10", 1792894200)]
    local = [
        [
            kind,
            f"2026-10-25 {shown}:00.500000",
            *rest[:12],
            *(f"{born}.{id_[11:]}" for id_ in rest[12:14]),
            *rest[14:],
        ]
        for shown, born in minutes
        for kind, _, *rest in rows()
    ]
    got = read(write(tmp_path / "Master.csv", local), timezone="Europe/Amsterdam")
    assert got.bad == []
    assert [row.dialing_at for row in got.rows.values()] == [born + 0.5 for _, born in minutes]


def test_cel_in_local_time(tmp_path: Path) -> None:
    local = [[row[0], "2026-07-01 12:00:00.500000", *row[2:]] for row in rows()]
    got = read(write(tmp_path / "Master.csv", local), timezone="Europe/Amsterdam")
    [row] = got.rows.values()
    assert row.dialing_at == pytest.approx(1782900000.5)


@pytest.mark.parametrize("version", ["22", "16"])
@pytest.mark.parametrize("name", ["answered", "cancelled", "busy", "queue_abandoned", "press_one"])
def test_an_ami_capture_and_its_json_say_the_same(tmp_path: Path, version: str, name: str) -> None:
    messages = [raw for _, raw in Dialogue.load(AMI / version / f"{name}.ami").messages]
    raw = tmp_path / "capture"
    raw.write_bytes(
        b"Asterisk Call Manager/9.0.0\r\n"
        + b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
        + b"".join(message.replace(b"\n", b"\r\n") + b"\r\n\r\n" for message in messages)
    )
    lines = tmp_path / "lines"
    headers = [dict(Message(message).headers) for message in messages]
    lines.write_text("".join(json.dumps(each) + "\n" for each in headers))
    one, two = read(raw), read(lines)
    assert (one.bad, two.bad) == ([], [])
    assert one.rows == two.rows
    assert one.formats == {"ami": len(messages) + 1}
    cel = read(FOLDER / version / f"{name}.cel")
    assert [row.outcome for row in one.rows.values()] == [row.outcome for row in cel.rows.values()]


def test_an_ami_capture_that_is_damaged(tmp_path: Path) -> None:
    messages = [raw for _, raw in Dialogue.load(AMI / "22" / "answered.ami").messages]
    raw = tmp_path / "capture"
    raw.write_bytes(b"\n\n".join([messages[0], b"rubbish\nin between", *messages[1:]]) + b"\n\nEvent: Hang")
    got = read(raw)
    assert [(bad.line, bad.text.partition(":")[0]) for bad in got.troubles.named] == [
        (messages[0].count(b"\n") + 3, "no message of AMI"),
        (sum(each.count(b"\n") + 2 for each in messages) + 4, "half a message at the end"),
    ]
    assert [row.outcome for row in got.rows.values()] == ["answered"]


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        (TEXT, Format.CEL),
        ((FOLDER / "22" / "answered.cdr_csv").read_text(), Format.CDR),
        ((FOLDER / "22" / "answered.cdr_custom").read_text(), Format.CDR),
        ((FOLDER / "22" / "queue.queue_log").read_text(), Format.QUEUE_LOG),
        ("Event: Newchannel\r\nUniqueid: 1.0\r\n\r\n", Format.AMI),
        ('{"Event": "Newchannel", "Uniqueid": "1.0"}\n', Format.AMI_JSON),
        ('{"type": "ChannelCreated", "channel": {}}\n', Format.ARI),
        ("SQLite format 3\0", Format.JOURNAL),
    ],
)
def test_each_format_is_known_by_its_content(text: str, format_: Format) -> None:
    found = detect(text.encode())
    assert found is not None
    assert found.format is format_


@pytest.mark.parametrize("text", ["", "\n\n", "hello, world\n", "a,b,c\n1,2,3\n", "{}\n", "%PDF-1.7\n"])
def test_what_is_no_log(text: str) -> None:
    assert detect(text.encode()) is None


def test_an_ami_capture_without_times_tells_them_by_the_uniqueids(tmp_path: Path) -> None:
    """`timestampevents` is off by default."""
    messages = [raw for _, raw in Dialogue.load(AMI / "22" / "answered.ami").messages]
    untimed = [re.sub(rb"\nTimestamp: .*", b"", raw) for raw in messages]
    log = tmp_path / "capture"
    log.write_bytes(b"".join(raw + b"\n\n" for raw in untimed))
    [row] = read(log).rows.values()
    assert (row.dialing_at, row.outcome) == (float(row.id.partition(".")[0]), "answered")
