"""A reader that does not read must not stop whoever writes, and loses the least important first."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from bridge.supervision.logs import configure, writer
from bridge.supervision.logs.writer import LineWriter
from tests.fake_clock import FakeClock


@dataclass
class Pipe:
    """A pipe of one page whose reader reads when the test says so."""

    reader: int
    stream: TextIO

    def read(self) -> str:
        try:
            return os.read(self.reader, 1 << 20).decode()
        except BlockingIOError:
            return ""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, descriptor = os.pipe()
    fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(reader, False)
    with open(descriptor, "w", closefd=True) as stream:
        yield Pipe(reader, stream)
    with contextlib.suppress(OSError):  # the test closed it
        os.close(reader)


def read_all(pipe: Pipe, lines: LineWriter) -> tuple[str, int]:
    """Read until nothing waits any more; return the text and how many lines were lost."""
    text, lost = "", 0
    while lines.waiting:
        text += pipe.read()
        lost += lines.take_lost()
    return text + pipe.read(), lost


def test_lines_go_out_at_once(pipe: Pipe, clock: FakeClock) -> None:
    lines = LineWriter(pipe.stream, clock)
    lines.write("one", precious=False)
    assert pipe.read() == "one\n"
    assert lines.waiting == 0


def test_a_reader_that_stops_does_not_block_and_gets_everything_later(pipe: Pipe, clock: FakeClock) -> None:
    lines = LineWriter(pipe.stream, clock)
    sent = [f"{number:04} " + "x" * 95 for number in range(500)]
    for line in sent:
        lines.write(line, precious=False)
    assert lines.waiting > 40_000
    text, lost = read_all(pipe, lines)
    assert (text.splitlines(), lost) == (sent, 0)


def test_a_terminal_that_is_stopped_does_not_block(clock: FakeClock) -> None:
    master, slave = os.openpty()
    with open(slave, "w", closefd=True) as stream:
        lines = LineWriter(stream, clock)
        sent = [f"{number:04} " + "x" * 95 for number in range(500)]
        for line in sent:
            lines.write(line, precious=False)
        assert lines.waiting > 0
        assert os.get_blocking(stream.fileno()), "the terminal of others is as it was"
        os.set_blocking(master, False)
        text = ""
        while lines.waiting or text.count("\n") < len(sent):
            with contextlib.suppress(BlockingIOError):
                text += os.read(master, 1 << 16).decode()
            assert lines.take_lost() == 0
        lines.close()
    os.close(master)
    assert text.split("\r\n") == [*sent, ""]


def test_what_others_open_later_is_not_written_to(clock: FakeClock, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        lines = LineWriter(stream, clock)
        number = stream.fileno()
    with (tmp_path / "database").open("w") as other:
        assert other.fileno() == number
        lines.write("one", precious=False)
        lines.close()
    assert (tmp_path / "log").read_text() == "one\n"
    assert (tmp_path / "database").read_text() == ""


def test_a_line_longer_than_the_pipe(pipe: Pipe, clock: FakeClock) -> None:
    lines = LineWriter(pipe.stream, clock)
    lines.write("x" * 50_000, precious=True)
    lines.write("y", precious=False)
    assert read_all(pipe, lines) == ("x" * 50_000 + "\ny\n", 0)


def test_lines_of_an_incident_are_kept_longest(
    pipe: Pipe, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 10_000)
    monkeypatch.setattr(writer, "MOST_KEPT", 20_000)
    lines = LineWriter(pipe.stream, clock)
    for number in range(200):
        lines.write(f"noise {number:03} " + "x" * 89, precious=False)
    for number in range(200):
        lines.write(f"story {number:03} " + "x" * 89, precious=True)
    assert lines.take_lost() == 0, "nobody could read it yet"
    text, lost = read_all(pipe, lines)
    assert len(text) < 20_000 + 4096 + 200
    noise, story = text.count("noise"), text.count("story")
    assert noise < 150 <= noise + story
    assert lost == 400 - noise - story
    assert lines.take_lost() == 0, "told once"


def test_a_reader_that_went_away_is_not_waited_for(pipe: Pipe, clock: FakeClock) -> None:
    lines = LineWriter(pipe.stream, clock)
    os.close(pipe.reader)
    lines.write("one", precious=True)
    lines.write("two", precious=True)
    lines.close()
    assert lines.waiting == 0
    assert lines.take_lost() == 2


def test_a_stream_without_a_descriptor(clock: FakeClock) -> None:
    stream = io.StringIO()
    lines = LineWriter(stream, clock)
    lines.write("Tür", precious=False)
    assert stream.getvalue() == "Tür\n"


def test_text_that_is_no_utf8_does_not_stop_a_line(pipe: Pipe, clock: FakeClock) -> None:
    lines = LineWriter(pipe.stream, clock)
    lines.write("a\ud800b", precious=False)
    assert pipe.read() == "a\\ud800b\n"


def test_lost_lines_are_told_in_the_log_itself(
    pipe: Pipe, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING", 2_000)
    logs = configure(clock, style="text", stream=pipe.stream)
    log = structlog.get_logger("bridge.a")
    for number in range(100):
        log.info(f"noise {number}")  # each its own kind, so that the noise limit leaves them
    text = ""
    for _ in range(3):
        text += pipe.read()
        log.info("there again", incident="4f2a91c3")
    logs.close()
    text += pipe.read()
    [lost] = [line for line in text.splitlines() if "lines lost" in line]
    assert lost.endswith(f"unread={100 - text.count('noise')}")
