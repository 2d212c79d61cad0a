"""One thread for blocking calls, so that a hung disk or database never stops the asyncio loop.

The app makes one for the store and one for the spool: what runs on one waits for what ran before it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final, TypeVar, cast

from bridge.errors import StoreError

T = TypeVar("T")

CUT_AFTER: Final = 3.0
"""Seconds; longer than every time-out of the database's own."""


@dataclass(eq=False, slots=True)
class _Job:
    call: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)


class StoreThread:
    """Runs callables one after another on a thread of its own. Used from one event loop.

    The thread is a daemon: a call that never returns does not keep the process alive.

    cut: called in the event loop when one call has run for `cut_after` seconds (at most twice as long); it
    is to make that call fail.
    """

    def __init__(
        self,
        name: str,
        *,
        cut: Callable[[], None] | None = None,
        cut_after: float = CUT_AFTER,
    ) -> None:
        self._name = name
        self._cut = cut
        self._cut_after = cut_after
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._running: _Job | None = None
        self._watching = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, call: Callable[[], T], *, timeout: float | None = None) -> T:
        """Return what `call` returns, or raise what it raises.

        timeout: seconds from now. After that StoreError is raised; a call that has not begun is never made,
        one that has begun goes on to its end, and what it did may be stored.
        """
        job = _Job(call)
        self._jobs.put(job)
        self._watch()
        answer: asyncio.Future[Any] = asyncio.wrap_future(job.future)
        try:
            # Not asyncio.timeout: after a stall of the loop it would give up an answer that has come.
            await asyncio.wait([answer], timeout=timeout)
            if not answer.done():
                raise StoreError(f"the {self._name} did not answer within {timeout:g} s")
            return cast("T", answer.result())
        finally:
            job.future.cancel()  # at once, so that the thread does not begin it any more
            answer.cancel()

    def close(self, timeout: float = 5.0) -> bool:
        """Let what is queued run to its end. False if it did not within `timeout` seconds. Blocks."""
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _watch(self) -> None:
        if self._cut is not None and not self._watching:
            self._watching = True
            asyncio.get_running_loop().call_later(self._cut_after, self._look, self._running, self._cut)

    def _look(self, before: _Job | None, cut: Callable[[], None]) -> None:
        """Cut a call that was running at the last look already."""
        self._watching = False
        if self._running is not None:
            if self._running is before:
                cut()
            self._watch()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            self._running = job
            try:
                job.future.set_result(job.call())
            except BaseException as error:  # whatever it is belongs to the caller
                job.future.set_exception(error)
            finally:
                self._running = None
