"""The spool: what it has taken comes back in order, once, whatever happened to the file."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import StoreError
from bridge.model import Event
from bridge.store import Spool
from tests.store.rows import any_of, event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.jsonl"


def events(*keys: str) -> list[Event]:
    return [event(key=key) for key in keys]


def waiting(path: Path) -> list[str]:
    """The keys of what a new process finds."""
    with Spool(path) as spool:
        return [entry.event.key for entry in spool.drain()]


@given(given_events=st.lists(any_of(Event), max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_event_comes_back_as_it_was(path: Path, given_events: list[Event]) -> None:
    path.unlink(missing_ok=True)
    with Spool(path) as spool:
        spool.append(*given_events)
        assert [entry.event for entry in spool.drain()] == given_events
    with Spool(path) as spool:
        assert [entry.event for entry in spool.drain()] == given_events


def test_what_is_done_does_not_come_again(path: Path) -> None:
    with Spool(path) as spool:
        spool.append(*events("1", "2"))
        spool.append(*events("3"))
        first, second = spool.drain(limit=2)
        spool.done(first.mark)
        assert [entry.event.key for entry in spool.drain()] == ["2", "3"]
        assert waiting_elsewhere(path) == ["2", "3"]
        spool.append(*events("4"))
        spool.done(second.mark)
    assert waiting(path) == ["3", "4"]


def waiting_elsewhere(path: Path) -> list[str]:
    """What would be found if the process died now: read from a copy, for the file is locked."""
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    return waiting(copy)


def test_the_file_is_emptied_when_all_is_done(path: Path) -> None:
    with Spool(path) as spool:
        spool.append(*events("1", "2"))
        assert (len(spool), spool.size) == (2, path.stat().st_size)
        spool.done(spool.size)
        assert (len(spool), spool.size, path.stat().st_size) == (0, 0, 0)
        spool.append(*events("3"))
        assert [entry.event.key for entry in spool.drain()] == ["3"]
    assert waiting(path) == ["3"]


def test_wherever_a_crash_may_cut_it_off(path: Path) -> None:
    """Lines that were whole stay whole; a line that is not was never said to be stored."""
    with Spool(path) as spool:
        spool.append(*events("1", "2"))
        spool.done(spool.drain()[0].mark)
        spool.append(*events("3"))
    content = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    near = {end + distance for end in (0, *ends) for distance in (-2, -1, 0, 1, 9)}
    for length in sorted({*near, *range(0, len(content), 11)} & {*range(len(content) + 1)}):
        whole = sum(end <= length + 1 for end in ends)  # without its newline a line is whole, too
        path.write_bytes(content[:length])
        assert waiting(path) == [[], ["1"], ["1", "2"], ["2"], ["2", "3"]][whole], length
        with Spool(path) as spool:
            spool.append(*events("later"))
        assert waiting(path)[-1] == "later", length


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace(b'"1003"', b'"1004"'),
        lambda _line: b"\xff\x00 nonsense\n",
        lambda _line: b"\n",
        lambda line: line[:-2] + b"\n",
        lambda _line: b'00000000 {"event":{}}\n',
        lambda _line: b"29bc7b5c [1]\n",
    ],
)
def test_a_damaged_line_is_put_aside_and_the_others_come(path: Path, damage: object) -> None:
    assert callable(damage)
    with Spool(path) as spool:
        spool.append(*events("1", "2", "3"))
    first, second, third = path.read_bytes().splitlines(keepends=True)
    broken = damage(second)
    path.write_bytes(first + broken + third)
    for _ in range(2):
        with Spool(path) as spool:
            assert spool.damaged == 1
            assert [entry.event.key for entry in spool.drain()] == ["1", "3"]
        assert Path(f"{path}.damaged").read_bytes() == broken


def test_a_second_process_is_refused(path: Path) -> None:
    with Spool(path), pytest.raises(StoreError, match="used by another sosbridge"):
        Spool(path).open()


def test_a_place_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used: Is a directory"):
        Spool(tmp_path).open()
    with pytest.raises(StoreError, match="cannot be used: No such file"):
        Spool(tmp_path / "missing/spool.jsonl").append(*events("1"))


def test_others_cannot_read_it(path: Path) -> None:
    with Spool(path):
        assert path.stat().st_mode & 0o077 == 0


def test_a_full_disk_is_said_and_leaves_the_spool_as_it_was(path: Path) -> None:
    with Spool(path) as spool:
        spool.append(*events("1"))
        with small_files(4096), pytest.raises(StoreError, match="cannot be written: File too large"):
            spool.append(*events(*("x" * 100 for _ in range(100))))
        assert len(spool) == 1
        spool.append(*events("2"))
        assert [entry.event.key for entry in spool.drain()] == ["1", "2"]
    assert waiting(path) == ["1", "2"]
    assert path.stat().st_size < 4096


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: the kernel then fails writes half-way.

    Only around the write in question: the test run's own output may be going to a longer file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_failed_fsync_is_a_refusal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event was refused, so it must not wait here as if it had been taken."""

    def fail(_file: object) -> None:
        raise OSError(5, "Input/output error")

    with Spool(path) as spool:
        spool.append(*events("1"))
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", fail)
            with pytest.raises(StoreError, match="Input/output error"):
                spool.append(*events("2"))
        spool.append(*events("3"))
        assert [entry.event.key for entry in spool.drain()] == ["1", "3"]


def test_a_spool_that_works_again_says_so(path: Path) -> None:
    with Spool(path) as spool:
        spool.append(*events("1"))
        size = spool.size
        with small_files(size + 20), pytest.raises(StoreError):
            spool.append(*events("2"))
        assert spool.failing == f"the spool {path} cannot be written: File too large"
        spool.append(*events("3"))
        assert spool.failing == ""


def test_a_disk_that_takes_nothing_is_found_before_an_event_comes(path: Path) -> None:
    with Spool(path) as spool:
        spool.prove()
        assert (spool.failing, spool.size, path.stat().st_size) == ("", 0, 0)
        with small_files(10), pytest.raises(StoreError):
            spool.prove()
        assert "cannot be written: File too large" in spool.failing
        spool.prove()
        assert spool.failing == ""
    assert waiting(path) == []


def test_the_proof_leaves_alone_what_waits(path: Path) -> None:
    with Spool(path) as spool:
        spool.append(*events("1"))
        before = path.read_bytes()
        spool.prove()
        assert path.read_bytes() == before
    assert waiting(path) == ["1"]


def test_a_killed_process_leaves_what_it_had_spooled(path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from bridge.store import Spool
from tests.store.rows import event
spool = Spool(Path({str(path)!r}))
for number in range(3):
    spool.append(event(key=str(number)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert waiting(path) == ["0", "1", "2"]
