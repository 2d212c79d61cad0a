"""Rung 5 of `sosbridge drill ladder`: a real Asterisk rings dispatch by itself, and is ended in any case."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.drill.ladder import NO_ASTERISK, at_plant
from bridge.cli.drill.ladder.report import Rung, Verdict, held
from bridge.cli.drill.ladder.sites import PLANT_SECRETS
from bridge.simulator.phones import Voice
from bridge.simulator.plant import SECRETS
from bridge.supervision.clocks import SystemClock
from tests.parts.availability import need
from tests.simulator_asterisk.installed import installed, pretended

SOSBRIDGE: Final = Path(sys.executable).with_name("sosbridge")
DEADLINE: Final = 120.0
"""Seconds until anything must have happened; on an idle machine it takes five."""
NEVER_THERE: Final = "no bridge was ever there"
KILLED: Final = "bridge killed, its heartbeat still fresh"


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the drill makes its private folders: a short path, for a control socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="rung5-", dir="/tmp"))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def break_it(asterisk: Path | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Rung]:
    for variable, secret in {**SECRETS, **dict.fromkeys(PLANT_SECRETS.values(), "0123456789abcdef")}.items():
        monkeypatch.setenv(variable, secret)
    rungs: list[Rung] = []
    async with Voice(SystemClock(), folder / "heard") as voice:
        await at_plant(folder / "plant", asterisk, voice, rungs.append)
    return rungs


def processes_with(text: Path) -> list[str]:
    """The command lines that name this path."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(text) in command:
                found.append(command)
    return found


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def until(reached: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


@pytest.mark.real("asterisk")
@pytest.mark.parametrize("version", ["22", "16"])
async def test_the_dialplan_rings_dispatch_by_itself(
    version: str, tmp_path: Path, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How soon is not judged here: a busy machine may be late, which is the only thing that may be wrong."""
    need("asterisk" if version == "22" else "asterisk-16")
    asterisk = installed(version, tmp_path / "usr")
    rungs = await break_it(asterisk, tmp_path, monkeypatch)
    assert [(rung.rung, rung.broken, rung.took_over) for rung in rungs] == [
        (
            5,
            NEVER_THERE,
            "dialplan: desk-1, shift-lead, plant-manager ring, shift-lead presses 1, they talk",
        ),
        (5, KILLED, "dialplan: desk-1 rings, then shift-lead, presses 1, they talk"),
    ]
    for rung in rungs:
        assert rung.seconds is not None
        assert rung.limit is not None
        assert (rung.verdict is Verdict.OK) == (rung.seconds <= rung.limit)
        assert bool(rung.scaled) == (rung.broken == KILLED)
    assert processes_with(private) == processes_with(tmp_path / "plant") == []
    assert left_in(private) == []
    assert "SOSAck" in (tmp_path / "plant/asterisk-full.log").read_text()


async def test_without_an_asterisk_it_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rungs = await break_it(None, tmp_path, monkeypatch)
    assert rungs == [NO_ASTERISK]
    assert (NO_ASTERISK.verdict, held(rungs)) == (Verdict.NOT_TRIED, False)
    assert NO_ASTERISK.took_over == "no Asterisk on this machine (--asterisk PATH)"


@pytest.mark.parametrize(
    ("fake", "why"),
    [
        (("exit 0", "res_pjsip"), "has no res_pjsip in "),
        (("echo no memory; exit 1",), "Asterisk ended with 1, not listening: no memory"),
    ],
    ids=["a module is missing", "it does not run"],
)
async def test_an_asterisk_that_cannot_be_used_fails_the_rung(
    fake: tuple[str, ...], why: str, tmp_path: Path, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fake: what it does, and the modules that it lacks."""
    program = pretended(tmp_path / "usr", fake[0], without=fake[1:])
    [rung] = await break_it(program, tmp_path, monkeypatch)
    assert (rung.rung, rung.broken, rung.verdict, rung.seconds) == (5, "bridge killed", Verdict.FAILED, None)
    assert why in rung.took_over
    assert left_in(private) == []


@pytest.mark.real("asterisk")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_asterisk_ends_with_the_drill(how: signal.Signals, tmp_path: Path, private: Path) -> None:
    need("asterisk")
    asterisk = installed("22", tmp_path / "usr")
    command = (SOSBRIDGE, "drill", "ladder", "--dir", tmp_path / "ladder", "--asterisk", asterisk)
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            command,
            stdout=said,
            stderr=said,
            env={**os.environ},
            start_new_session=True,
            # Who runs the tests in the background has Ctrl-C ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads here
        ) as drill,
    ):
        try:
            until(lambda: any(private.glob("sosbridge-*/run/asterisk.ctl")), "Asterisk to listen")
            assert processes_with(private)
            drill.send_signal(how)
            drill.wait(DEADLINE)
        finally:
            drill.kill()
    until(lambda: not processes_with(private), "Asterisk to be gone")
    if how is signal.SIGINT:
        assert (drill.returncode, (tmp_path / "said").read_text()) == (1, "\nAborted!\n")
        assert left_in(private) == []


def test_a_program_that_is_not_there_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    arguments = ["--dir", tmp_path / "ladder", "--asterisk", tmp_path / "asterisk"]
    done = CliRunner().invoke(main, ["drill", "ladder", *map(str, arguments)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--asterisk" in done.stderr
    assert not (tmp_path / "ladder").exists()
