"""A training at a terminal: what is seen, who acknowledges, and Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.demo.stage import Seen
from bridge.cli.replay.reenact.trainee import KEYS, Trainee
from bridge.model import Incident, IncidentState, Kind, Tier
from tests.reenact.running import ROOT, command_of, environment
from tests.reenact.site_file import ANSWERED, twice, write_site

WITHIN: Final = 120.0
"""Seconds for anything to appear, on a busy machine that has just started Python."""


class Terminal:
    """A terminal with the training in it."""

    def __init__(self, arguments: list[str], home: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment(home), stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self._text = ""
        self._more = threading.Condition()
        self._over = False
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        while True:
            try:
                block = os.read(self._ours, 65536)
            except OSError:  # the other side is gone (Linux says EIO)
                block = b""
            with self._more:
                self._text += re.sub(r"\x1b\[[0-9;]*m", "", block.decode(errors="replace"))
                self._over = not block
                self._more.notify_all()
            if not block:
                return

    def until(self, pattern: str) -> str:
        """Return all that was printed once it holds this."""
        with self._more:
            self._more.wait_for(lambda: re.search(pattern, self._text) or self._over, WITHIN)
            assert re.search(pattern, self._text), self._text
            return self._text

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> str:
        """Return all that was printed once the program has ended."""
        with self._more:
            assert self._more.wait_for(lambda: self._over, WITHIN), self._text
            return self._text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@contextmanager
def training(tmp_path: Path, home: Path) -> Iterator[Terminal]:
    arguments = [twice(tmp_path), "--config", write_site(tmp_path), "--speed", "10x"]
    with Terminal(command_of(*arguments, asked=tmp_path / "asked"), home) as terminal:
        yield terminal


def test_somebody_is_trained_and_ends_it_early(tmp_path: Path, home: Path) -> None:
    with training(tmp_path, home) as terminal:
        begun = terminal.until(r"EXERCISE: P-01 dialled 9110")
        assert "nothing real is moved, nobody is called" in begun
        assert "zm (zoneminder)" in begun
        terminal.until(r"EXERCISE: hung up \(caller\)")  # which would clear what somebody has already
        terminal.type("a")
        terminal.until(r"EXERCISE: acknowledged by ann \(training\)")
        terminal.type("r")
        terminal.until(r"EXERCISE: cleared: resolved by ann")
        terminal.until(r"EXERCISE  nothing happens for [^\n]* skipped")
        terminal.until(r"(?s)P-01 dialled 9110.*skipped.*P-01 dialled 9110")
        terminal.process.send_signal(signal.SIGINT)
        printed = terminal.end()
        assert "interrupted: what happened so far" in printed
        assert "Traceback" not in printed
        assert re.search(r"acknowledged after \d+\.\d s, ann", printed)
        assert terminal.process.wait(WITHIN) == 0
    assert list(home.iterdir()) == []


# --- what is typed ------------------------------------------------------------------------------------


@dataclass
class Heard:
    """What a trainee's lines lead to."""

    seen: Seen = field(default_factory=Seen)
    said: list[tuple[Kind, str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def say(self, kind: Kind, incident: str, by: str) -> None:
        assert by
        self.said.append((kind, incident))

    async def typed(self, line: str) -> None:
        trainee = Trainee(self.seen, self.say, self.answers.append)
        trainee.typed(line)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            await task


@pytest.fixture
def heard() -> Heard:
    """Two open incidents, the second newer; a third that somebody has, and one that is over."""
    found = Heard()
    states = {"1a": "open", "2b": "connected", "3c": "acknowledged", "4d": "closed"}
    for at, (id_, state) in enumerate(states.items()):
        found.seen.incidents[id_] = Incident(
            id=id_,
            tier=Tier.EMERGENCY,
            state=IncidentState(state),
            phone=f"P-{at}",
            location="",
            opened_at=100.0 + at,
        )
    return found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a", (Kind.ACKNOWLEDGED, "2b")),
        ("A 1A", (Kind.ACKNOWLEDGED, "1a")),
        ("r", (Kind.RESOLVED, "3c")),
        ("  r 1  ", (Kind.RESOLVED, "1a")),
    ],
)
async def test_what_a_line_means(heard: Heard, line: str, said: tuple[Kind, str]) -> None:
    await heard.typed(line)
    assert heard.said == [said]
    assert heard.answers == []


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("", []),
        ("help", [KEYS]),
        ("a 3", ["no such incident is open"]),
        ("r 4d", ["no such incident is open"]),
    ],
)
async def test_a_line_that_does_nothing(heard: Heard, line: str, answers: list[str]) -> None:
    await heard.typed(line)
    assert heard.said == []
    assert heard.answers == answers


# --- what is refused ----------------------------------------------------------------------------------


def refused(*arguments: object) -> tuple[int, str]:
    result = CliRunner(env={}).invoke(main, ["replay", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_database_that_is_there_is_never_written_into(tmp_path: Path) -> None:
    site, store = write_site(tmp_path), tmp_path / "store.sqlite3"
    store.write_bytes(b"precious")
    code, said = refused(ANSWERED, "--config", site, "--speed", "max", "--database", store)
    assert code
    assert "is there already" in said
    assert store.read_bytes() == b"precious"


def test_a_database_without_a_folder(tmp_path: Path) -> None:
    store = tmp_path / "no" / "store.sqlite3"
    code, said = refused(ANSWERED, "--config", write_site(tmp_path), "--speed", "max", "--database", store)
    assert code
    assert "its folder is not there" in said


@pytest.mark.parametrize(
    "options",
    [
        ["--alarm", "9110", "--speed", "max"],
        ["--config", "site.yaml", "--against", "site.yaml", "--speed", "max"],
        ["--config", "site.yaml", "--reconcile", "--speed", "max"],
        ["--config", "site.yaml", "--database", "new.sqlite3"],
        ["--config", "site.yaml", "--speed", "5x"],
    ],
    ids=["no site", "two sites", "the store", "no speed", "another speed"],
)
def test_options_that_do_not_fit(options: list[str]) -> None:
    assert refused(ANSWERED, *options)[0] == 2


def test_an_incident_that_is_not_there(tmp_path: Path) -> None:
    code, said = refused(ANSWERED, "--config", write_site(tmp_path), "--speed", "max", "--timeline", "1234.5")
    assert (code, said.strip()) == (1, "EXERCISE: no incident 1234.5 in these logs")


def test_a_log_of_other_phones(tmp_path: Path) -> None:
    site = write_site(tmp_path)
    site.write_text(site.read_text().replace('["9110"]', '["9999"]').replace("endpoint: 1001", "endpoint: 7"))
    code, said = refused(ANSWERED, "--config", site, "--speed", "max")
    assert code == 0
    assert "no call of these logs concerns" in said


def test_a_log_that_cannot_be_read(tmp_path: Path) -> None:
    log = tmp_path / "noise"
    log.write_text("nothing that a PBX writes\n")
    code, said = refused(log, "--config", write_site(tmp_path), "--speed", "max")
    assert code == 2
    assert "1 line could not be read" in said
