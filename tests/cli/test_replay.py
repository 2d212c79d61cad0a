"""`sosbridge replay`: what it prints, for people and programs, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.model import Delivery, Incident, TimelineEntry
from tests.replay.logs import FOLDER

LAB = FOLDER.parent / "sample"
"""Recordings that stay as they are: docs/replay.md shows what comes of them."""
ROOT = FOLDER.parent.parent.parent
ANSWERED = LAB / "answered.cel"
CALL = "1795378081.0"
SITE = """\
site: {name: Plant, timezone: Europe/Amsterdam}
alarm: {extensions: ["9110", "_911X"]}
pbx:
  - {name: pbx1, type: ami, host: pbx.example, username: bridge, secret: {env: NOT_SET_ANYWHERE}}
vms:
  - {name: zm, type: zoneminder, base_url: "http://zm.example", user: u, password: {env: NOT_SET_EITHER}}
  - name: wall
    type: http
    base_url: http://wall.example
    health: {path: /status}
    requests:
      popup: {method: PUT, path: "/popups/{incident}", json: {title: "{title}"}, capability: repeatable}
      close_popup: {method: DELETE, path: "/popups/{incident}", capability: repeatable}
cameras:
  PTZ-1: {wall: w1}
  FIX-1: {zm: 4, wall: w4}
consoles:
  desk-1: {wall: M-1}
locations:
  POST-1:
    spoken: post one
    cameras: [{camera: PTZ-1, preset: 7}, FIX-1]
    consoles: [desk-1]
phones:
  P-01: {endpoint: 1001, extension: 1001, location: POST-1}
"""

CALL_KEYS = [
    *("type", "id", "phone", "dialled", "alarm", "dialing_at", "picked_up_at", "answered_at", "ended_at"),
    *("outcome", "unknown"),
]
WOULD_DO = ["incidents", "actions", "dispatch_calls", "popups", "popups_per_hour", "worst_popups_in_10_min"]
KEYS = {
    "call": CALL_KEYS,
    "incident": ["type", *(field.name for field in fields(Incident)), "calls"],
    "action": ["type", *(field.name for field in fields(Delivery))],
    "story": ["type", *(field.name for field in fields(TimelineEntry))],
    "change": ["type", "id", "now", "then", "added", "gone"],
    "lost": [*CALL_KEYS, "due"],
    "filed": ["type", "incident", "call", "due", "rings"],
    "bad_line": ["type", "file", "line", "text"],
    "summary": [
        *("type", "records", "bad_lines", "formats", "left_out", "calls", "alarm_calls", "outcomes"),
        *("alarm_outcomes", "longest_wait", "longest_wait_of", *WOULD_DO, "first", "last"),
        *("ambiguous_times", "changes", "against", "lost", "filed", "rung"),
    ],
}
"""What docs/replay.md promises. A key is never renamed or taken away; new ones come behind."""


@dataclass
class Ran:
    code: int
    output: str
    errors: str = ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["type"] == type_]

    @property
    def summary(self) -> dict[str, Any]:
        [row] = self.of("summary")
        return row


def replay(*arguments: object, stdin: bytes = b"") -> Ran:
    result = CliRunner(env={}).invoke(main, ["replay", *map(str, arguments)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.output)


def as_process(*arguments: object, stdin: bytes = b"") -> Ran:
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "replay", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


@pytest.fixture
def other(site: Path) -> Path:
    path = site.with_name("other.yaml")
    path.write_text(SITE.replace('"9110", "_911X"', '"9111"'))
    return path


# --- rows ---------------------------------------------------------------------------------------------


def test_the_row_of_a_call() -> None:
    [row] = replay(ANSWERED, "--alarm", "9110", "--json").of("call")
    assert row == {
        "type": "call",
        "id": CALL,
        "phone": "1001",
        "dialled": "9110",
        "alarm": True,
        "dialing_at": 1795378081.392196,
        "picked_up_at": 1795378081.600116,
        "answered_at": 1795378081.600642,
        "ended_at": 1795378081.808322,
        "outcome": "answered",
        "unknown": [],
    }


def test_what_a_log_cannot_tell_is_said_to_be_unknown() -> None:
    [row] = replay(LAB / "answered.cdr_csv", "--alarm", "9110", "--json").of("call")
    assert (row["outcome"], row["answered_at"], row["unknown"]) == ("answered", None, ["answered_at"])


@pytest.mark.parametrize(
    ("alarms", "is_alarm"),
    [(["9110"], True), (["_911X"], True), (["9111", "_9XX0"], True), (["9111"], False), (["_911"], False)],
)
def test_alarm_says_which_calls_are_alarms(alarms: Sequence[str], is_alarm: bool) -> None:
    options = [part for alarm in alarms for part in ("--alarm", alarm)]
    ran = replay(ANSWERED, *options, "--json")
    assert [row["alarm"] for row in ran.of("call")] == [is_alarm]
    assert ran.summary["alarm_calls"] == int(is_alarm)


@pytest.mark.parametrize("alarm", ["", "_9[", "_[3-1]", "91 10"])
def test_an_alarm_that_no_phone_can_dial_is_refused(alarm: str) -> None:
    ran = replay(ANSWERED, "--alarm", alarm)
    assert (ran.code, f"Invalid value for '--alarm': {alarm!r}" in ran.output) == (2, True)


def test_that_there_was_nothing_to_read_is_said(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.touch()
    ran = replay(log, "--alarm", "9110")
    assert (ran.code, "Master.csv: nothing in it" in ran.output) == (2, True)


def test_the_keys_of_every_row_are_those_of_the_documentation(site: Path, other: Path) -> None:
    broken = site.with_name("Master.csv")
    broken.write_bytes(ANSWERED.read_bytes() + b"rubbish\n")
    ran = replay(broken, "-c", site, "--against", other, "--json")
    told = replay(ANSWERED, "-c", site, "--timeline", CALL, "--json")
    rows = [*ran.rows, *told.of("story")]
    assert {row["type"] for row in rows} == set(KEYS) - {"lost", "filed"}
    for row in rows:
        assert list(row) == KEYS[row["type"]]
    assert list(ran.summary["against"]) == WOULD_DO


def test_what_the_bridge_would_have_done(site: Path) -> None:
    ran = replay(ANSWERED, "-c", site, "--json")
    [incident] = ran.of("incident")
    assert (incident["phone"], incident["location"], incident["tier"]) == ("P-01", "POST-1", "emergency")
    assert incident["calls"] == [CALL]
    assert {row["incident"] for row in ran.of("action")} == {incident["id"]}
    assert ran.summary["popups"] == {"desk-1": 2}, "the second when nobody has acknowledged it"
    assert ran.code == 0


def test_text_from_a_log_stays_one_row(tmp_path: Path) -> None:
    log = tmp_path / "capture"
    headers = {"Event": "Newchannel", "Channel": "PJSIP/10\n01-00000001", "Uniqueid": "1795378080.1"}
    headers |= {"Linkedid": "1795378080.1", "Exten": "9110", "Context": "\ud800", "ChannelStateDesc": "Ring"}
    log.write_text(json.dumps(headers) + "\n")
    ran = replay(log, "--alarm", "9110", "--json")
    assert ran.code == 0
    assert ran.summary["records"] == 1


@pytest.mark.parametrize("suffix", ["cel", "cdr_csv"])
def test_alarm_is_what_the_site_says_and_not_what_the_other_one_would(
    site: Path, other: Path, suffix: str
) -> None:
    ran = replay(LAB / f"answered.{suffix}", "-c", other, "--against", site, "--json")
    assert [row["alarm"] for row in ran.of("call")] == [False]
    assert ran.summary["alarm_calls"] == 0
    assert [row["then"]["tier"] for row in ran.of("change")] == ["emergency"]


# --- how it ends ----------------------------------------------------------------------------------------


def test_0_where_all_was_read() -> None:
    assert replay(ANSWERED, "--alarm", "9110").code == 0


def test_1_where_a_line_was_bad(tmp_path: Path) -> None:
    log = tmp_path / "Master.csv"
    log.write_bytes(ANSWERED.read_bytes() + b'"half\n')
    ran = replay(log, "--alarm", "9110", "--json")
    assert ran.code == 1
    assert ran.of("bad_line") == [
        {"type": "bad_line", "file": str(log), "line": 16, "text": """an unterminated quote: '"half'"""}
    ]
    people = replay(log, "--alarm", "9110")
    assert people.code == 1
    assert f"{log}:16: an unterminated quote" in people.output


@pytest.mark.parametrize("content", [b"", b"no log\n", b"\0\0\0", b"\x1f\x8bnot gzip"])
def test_2_where_nothing_is_usable(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "log"
    log.write_bytes(content)
    assert replay(log, "--alarm", "9110").code == 2
    ran = replay(log, "--alarm", "9110", "--json")
    assert (ran.code, ran.summary["records"]) == (2, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([ANSWERED], id="no alarm"),
        pytest.param([ANSWERED, "--alarm", "9110", "--config", "x"], id="both"),
        pytest.param([ANSWERED, "--alarm", "9110", "--fail-on-change"], id="nothing to compare"),
        pytest.param([ANSWERED, "--alarm", "9110", "--timezone", "Mars/Base"], id="timezone"),
        pytest.param([ANSWERED, "--alarm", "9110", "--timezone", "../etc"], id="path"),
        pytest.param([ANSWERED, "--alarm", "9110", "--timeline", ""], id="empty timeline"),
        pytest.param([ANSWERED, "--alarm", "9110", "--format", "pcap"], id="format"),
        pytest.param([ANSWERED, "--config", "/does/not/exist.yaml"], id="no site"),
        pytest.param(["/does/not/exist", "--alarm", "9110"], id="no file"),
        pytest.param(["--alarm", "9110"], id="nothing"),
        pytest.param([ANSWERED, "--alarm", "9110", "--format", "queue_log"], id="another format"),
        pytest.param([ANSWERED, "--alarm", "9110", "--format", "cel", "--columns", "a,b"], id="columns"),
        pytest.param([ANSWERED, "--alarm", "9110", "--format", "cdr", "--columns", "a,b"], id="of a CDR"),
    ],
)
def test_2_where_the_command_line_is_wrong(arguments: Sequence[object]) -> None:
    assert replay(*arguments).code == 2


def test_a_folder_and_what_is_left_out(tmp_path: Path) -> None:
    for suffix in ("cel", "cdr_csv"):
        (tmp_path / suffix).write_bytes((LAB / f"answered.{suffix}").read_bytes())
    ran = replay(tmp_path, "--alarm", "9110", "--json")
    assert ran.code == 0
    assert ran.summary["calls"] == 1
    assert ran.summary["left_out"] == [{"file": str(tmp_path / "cdr_csv"), "format": "cdr"}]
    people = replay(tmp_path, "--alarm", "9110").output
    assert f"not read: {tmp_path / 'cdr_csv'} (--format cdr reads it instead)" in people


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input(pack: Any) -> None:
    ran = as_process("-", "--alarm", "9110", "--json", stdin=pack(ANSWERED.read_bytes()))
    assert (ran.code, [row["id"] for row in ran.of("call")]) == (0, [CALL])


def test_a_bar_on_a_terminal() -> None:
    ours, terminal = pty.openpty()
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "replay", str(ANSWERED)]
    with subprocess.Popen(
        [*command, "--alarm", "9110"],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        out, _ = process.communicate(timeout=60)
        shown = os.read(ours, 65536)
    os.close(ours)
    assert b"answered.cel" in shown
    assert b"\x1b" not in out


def test_a_pipe_that_has_a_name(tmp_path: Path) -> None:
    """`sosbridge replay <(zcat ...)`: it can be opened only once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(ANSWERED.read_bytes(),))
    writer.start()
    ran = replay(pipe, "--alarm", "9110", "--json")
    writer.join(20)
    assert (ran.code, [row["id"] for row in ran.of("call")]) == (0, [CALL])


def test_who_reads_only_the_beginning_sees_no_traceback() -> None:
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "replay", "--alarm", "9110"]
    with subprocess.Popen(
        [*command, "--json", *map(str, sorted(LAB.glob("*.cel")))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert b"Traceback" not in errors


def test_a_program_sees_nothing_but_rows() -> None:
    """The bar is for a terminal; this one is none."""
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "replay", str(ANSWERED)]
    done = subprocess.run(
        [*command, "--alarm", "9110"], cwd=ROOT, capture_output=True, timeout=60, check=True
    )
    assert done.stderr == b""
    assert b"\x1b" not in done.stdout


# --- people ---------------------------------------------------------------------------------------------


def test_the_screen(site: Path) -> None:
    output = replay(ANSWERED, "-c", site).output
    assert "Alarm calls (times in Europe/Amsterdam)" in output
    assert "2026-11-22 21:08:01  1001   9110       +0.2 s     +0.2 s    +0.4 s  answered" in output
    assert "P-01   POST-1    SOS" in output
    assert "alarm calls  1: 1 answered" in output


@pytest.mark.parametrize("by", ["incident", "call"])
def test_the_story_of_one_incident(site: Path, by: str) -> None:
    [incident] = replay(ANSWERED, "-c", site, "--json").of("incident")
    id_ = CALL if by == "call" else incident["id"][:8]
    ran = replay(ANSWERED, LAB / "busy.cel", "-c", site, "--timeline", id_)
    assert ran.code == 0
    assert "P-01 dialled 9110" in ran.output
    assert "would ask zm to start_recording 4 (sos/1)" in ran.output
    assert "verified" not in ran.output, "nothing was asked, so nothing was proven"
    rows = replay(ANSWERED, LAB / "busy.cel", "-c", site, "--timeline", id_, "--json")
    assert {row["id"] for row in rows.of("incident")} == {incident["id"]}
    assert "P-01 dialled 9110" in [row["text"] for row in rows.of("story")]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_the_story_of_an_incident_that_is_not_there(site: Path, more: list[str]) -> None:
    assert replay(ANSWERED, "-c", site, "--timeline", "12345678", *more).code == 1


# --- what if --------------------------------------------------------------------------------------------


def test_another_site_file_changes_nothing(site: Path) -> None:
    ran = replay(ANSWERED, "-c", site, "--against", site, "--fail-on-change")
    assert ran.code == 0
    assert "Nothing would be different in 1 incident." in ran.output


def test_another_site_file_changes_something(site: Path, other: Path) -> None:
    assert replay(ANSWERED, "-c", site, "--against", other).code == 0
    ran = replay(ANSWERED, "-c", site, "--against", other, "--fail-on-change")
    assert ran.code == 1
    assert "routine instead of emergency" in ran.output
    assert "- sos/1: zm start_recording 4" in ran.output
    rows = replay(ANSWERED, "-c", site, "--against", other, "--fail-on-change", "--json")
    [change] = rows.of("change")
    assert (change["now"]["tier"], change["then"]["tier"]) == ("emergency", "routine")
    assert (rows.code, rows.summary["changes"]) == (1, 1)
