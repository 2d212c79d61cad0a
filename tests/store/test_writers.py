"""Several writers, and writers that die: no update is lost, nothing is half written."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest
import sqlalchemy as sa

from bridge.errors import StoreError
from bridge.store import Store, StoreThread
from bridge.store.limits import PATIENT
from tests.store.kinds import postgres_only
from tests.store.presser import press
from tests.store.rows import decision, incident, needs


@pytest.fixture
def pressed_once(store: Store) -> Store:
    with store.transaction() as transaction:
        transaction.write([decision(incident(pressed=0))])
    return store


@contextmanager
def presser(url: str, count: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.store.presser", url, str(count)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert lines_of(process).readline() == "ready\n"
            yield process
        finally:
            process.kill()


def lines_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def start(*pressers: subprocess.Popen[str]) -> None:
    for process in pressers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def test_two_processes_lose_no_update(pressed_once: Store, url: str) -> None:
    with presser(url, 50) as one, presser(url, 50) as other:
        start(one, other)
        for process in (one, other):
            lines_of(process).read()
            assert process.wait(60) == 0
    assert pressed_once.incident("i1").pressed == 100


def test_two_threads_with_stores_of_their_own_lose_no_update(pressed_once: Store, url: str) -> None:
    def work(name: str) -> None:
        with Store(url, limits=PATIENT) as store:
            for number in range(25):
                press(store, f"{name}/{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert pressed_once.incident("i1").pressed == 50


def test_two_threads_with_one_store_take_turns(pressed_once: Store, url: str) -> None:
    with Store(url, limits=PATIENT) as store:
        threads = [threading.Thread(target=press, args=(store, f"{n}")) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert pressed_once.incident("i1").pressed == 8


def test_what_a_killed_process_had_committed_stays(pressed_once: Store, url: str) -> None:
    """A commit may be stored though its process died before it could say so; never the other way round."""
    with presser(url, 100_000) as process:
        start(process)
        said = [int(lines_of(process).readline()) for _ in range(20)]
        process.kill()
        said += [int(line) for line in lines_of(process) if line.endswith("\n")]
    assert pressed_once.incident("i1").pressed in (said[-1], said[-1] + 1)
    assert press(pressed_once, "afterwards") > said[-1]
    assert pressed_once.quick_check() == []


@postgres_only
async def test_a_server_that_stands_still_is_cut_off(pressed_once: Store, url: str) -> None:
    """A stopped server answers nothing and refuses nothing: without a cut the thread would wait for ever."""
    stopped: list[int] = []

    def press_and_hang() -> None:
        with store.transaction() as transaction:
            transaction.load(needs(incidents={"i1"}))
            stopped.append(transaction._connection.scalar(sa.text("SELECT pg_backend_pid()")))
            os.kill(stopped[0], signal.SIGSTOP)
            transaction.load(needs(incidents={"i1"}))

    with Store(url, limits=PATIENT) as store:
        thread = StoreThread("store", cut=store.cut, cut_after=0.05)
        try:
            async with asyncio.timeout(20):
                with pytest.raises(StoreError):
                    await thread.run(press_and_hang)
        finally:
            os.kill(stopped[0], signal.SIGCONT)
        async with asyncio.timeout(20):
            assert await thread.run(lambda: press(store, "afterwards")) == 1
        assert thread.close()
