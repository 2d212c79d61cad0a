"""Levels, exceptions, context, and giving everything back."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from pathlib import Path

import pytest
import structlog

from bridge.supervision.logs import configure
from bridge.supervision.logs.sink import Sink
from tests.fake_clock import FakeClock
from tests.logs.conftest import LogTo


@pytest.mark.parametrize(
    ("level", "logger", "shown"),
    [
        ("info", "bridge.a", ["info", "warning", "error"]),
        ("debug", "bridge.a", ["debug", "info", "warning", "error"]),
        ("error", "bridge.a", ["error"]),
        ("debug", "panoramisk.manager", ["warning", "error"]),
        ("debug", "sqlalchemy.engine.Engine", ["warning", "error"]),
        ("debug", "uvicorn.error", ["warning", "error"]),
        ("debug", "alembic.runtime.migration", ["info", "warning", "error"]),
        ("debug", "some.library", ["info", "warning", "error"]),
        ("error", "panoramisk.manager", ["error"]),
        ("error", "some.library", ["error"]),
    ],
)
def test_levels(log_to: LogTo, level: str, logger: str, shown: list[str]) -> None:
    written = log_to(level=level)
    for name in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(logger), name)("x")
    assert [line["level"] for line in written.objects] == shown


def test_our_own_debug_lines_through_structlog(log_to: LogTo) -> None:
    written = log_to(level="debug")
    structlog.get_logger("bridge.a").debug("x")
    assert [line["level"] for line in written.objects] == ["debug"]


def test_an_exception_brings_its_traceback_without_local_variables(log_to: LogTo) -> None:
    written = log_to()

    def connect() -> None:
        secret = "hunter2" * 2
        raise RuntimeError(f"no answer in {len(secret)} s") from ValueError("first")

    try:
        connect()
    except RuntimeError:
        structlog.get_logger("bridge.a").exception("failed", part="ami")
        logging.getLogger("asyncio").exception("failed too")
    for line in written.objects:
        assert line["exception"].splitlines()[0] == "ValueError: first"
        assert line["exception"].splitlines()[-1] == "RuntimeError: no answer in 14 s"
    assert "hunter2hunter2" not in written.text


def test_an_exception_that_is_handed_over(log_to: LogTo) -> None:
    written = log_to()
    structlog.get_logger("bridge.a").error("failed", exc_info=KeyError("x"))
    structlog.get_logger("bridge.a").error("no exception here", exc_info=True)
    assert written.objects[0]["exception"] == "KeyError: 'x'"
    assert "exception" not in written.objects[1]


def test_context_of_a_task_is_in_each_line(log_to: LogTo) -> None:
    written = log_to()
    with structlog.contextvars.bound_contextvars(link="pbx1"):
        structlog.get_logger("bridge.a").info("x %s", "y")
    assert (written.objects[0]["link"], written.objects[0]["event"]) == ("pbx1", "x y")


def test_warnings_of_libraries_are_lines(log_to: LogTo) -> None:
    written = log_to()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: old" in written.objects[0]["event"]


def test_a_value_that_cannot_be_shown_does_not_fail_its_caller(
    log_to: LogTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("hunter2hunter2")

    written = log_to()
    root = logging.getLogger()
    with monkeypatch.context() as patch:  # without pytest's own, which fails its caller
        patch.setattr(root, "handlers", [one for one in root.handlers if isinstance(one, Sink)])
        structlog.get_logger("bridge.a").info("x", value=Broken())
        logging.getLogger("some.library").warning("%d", "text")
    assert [(line["event"], line["said_by"], line["error"]) for line in written.objects] == [
        ("a log line could not be written", "bridge.a", "RuntimeError"),
        ("a log line could not be written", "some.library", "TypeError"),
    ]


def test_a_closed_stream_does_not_fail_its_caller(clock: FakeClock, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        logs = configure(clock, stream=stream)
    structlog.get_logger("bridge.a").info("x")
    logs.close()


def test_threads_do_not_mix_their_lines(log_to: LogTo) -> None:
    written = log_to()

    def talk(name: str) -> None:
        for number in range(200):
            structlog.get_logger("bridge.a").info("x" * 300, incident=name, number=number)

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written.objects) == 800


def test_close_gives_logging_back(clock: FakeClock) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.getLogger("bridge").level)
    configure(clock, level="debug").close()
    assert (list(root.handlers), root.level, logging.getLogger("bridge").level) == before
    assert not structlog.is_configured()


def test_configured_anew_after_a_reload(log_to: LogTo) -> None:
    first = log_to(level="error")
    first.logs.scrubber.conceal("hunter2hunter2")
    first.logs.close()
    second = log_to(level="info", scrubber=first.logs.scrubber)
    structlog.get_logger("bridge.a").info("hunter2hunter2")
    assert first.text == ""
    assert [line["event"] for line in second.objects] == ["***"]
    assert sum(isinstance(one, Sink) for one in logging.getLogger().handlers) == 1


def test_an_unknown_level_is_refused(clock: FakeClock) -> None:
    with pytest.raises(KeyError):
        configure(clock, level="loud")


@pytest.mark.parametrize("ours", [True, False])
def test_journald_gets_the_level_in_front(
    clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    path = tmp_path / "journal"
    with path.open("w") as stream:
        status = os.fstat(stream.fileno())
        inode = status.st_ino if ours else status.st_ino + 1
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{inode}")
        logs = configure(clock, level="debug", style="text", stream=stream)
        log = structlog.get_logger("bridge.a")
        log.debug("d")
        log.warning("w", exc_info=ValueError("v"))
        log.critical("c")
        logs.close()
    starts = [line[:3] for line in path.read_text().splitlines()]
    assert starts == (["<7>", "<4>", "<4>", "<2>"] if ours else ["202", "202", "   ", "202"])
