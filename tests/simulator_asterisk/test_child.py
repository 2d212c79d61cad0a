"""Programs that run beside us: started with a log, and ended whatever they think of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.simulator.child import Child, ChildFailed

DEADLINE = 30.0


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def shell(script: str, folder: Path, **environment: str) -> Child:
    return await Child.start(
        ("/bin/sh", "-c", script), folder / "log", name="the program", environment=environment
    )


async def test_it_runs_until_it_is_stopped(tmp_path: Path) -> None:
    child = await shell('touch "$PLACE"; exec sleep 300', tmp_path, PLACE=str(tmp_path / "ready"))
    await child.until((tmp_path / "ready").exists, "ready", DEADLINE)
    assert not is_gone(child.pid)
    await child.stop()
    await child.stop()
    assert is_gone(child.pid)


async def test_one_that_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    script = 'trap "" TERM; touch "$PLACE"; while :; do sleep 0.05; done'
    child = await shell(script, tmp_path, PLACE=str(tmp_path / "ready"))
    await child.until((tmp_path / "ready").exists, "ready", DEADLINE)
    await child.stop(within=0.2)
    assert is_gone(child.pid)


async def test_one_that_ends_by_itself_says_its_last_words(tmp_path: Path) -> None:
    child = await shell("seq 1 9; echo cannot >&2; exit 7", tmp_path)
    with pytest.raises(ChildFailed, match=r"^the program ended with 7, not ready: 8 \| 9 \| cannot$"):
        await child.until(lambda: False, "ready", DEADLINE)
    await child.kill()


async def test_one_that_is_never_ready(tmp_path: Path) -> None:
    child = await shell("exec sleep 300", tmp_path)
    with pytest.raises(ChildFailed, match=r"^the program: not ready within 0\.2 s$"):
        await child.until(lambda: False, "ready", 0.2)
    await child.kill()
    assert is_gone(child.pid)
