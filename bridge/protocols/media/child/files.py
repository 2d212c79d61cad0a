"""Disk work of the media process: done in a thread of its own, so that no disk ever holds up the voice.

Two of them run: one reads prompts, one writes recordings; a full disk under the recordings stops no prompt.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from bridge.protocols.media.child.loop import Loop

_WAITING: Final = 1000
"""Jobs: seconds of recordings, at one a second and call, until they are dropped."""

Job = Callable[[], Any]
Done = Callable[[Any], None]
"""Is given what the job returned, or the exception it raised."""


class Files:
    """Runs jobs one after the other; `done` is called in the loop's thread."""

    def __init__(self, loop: Loop, name: str) -> None:
        self._jobs: queue.Queue[tuple[Job, Done] | None] = queue.Queue(_WAITING)
        self._finished: deque[tuple[Done, Any]] = deque()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        loop.add(self._woken, self._collect)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job, done: Done) -> bool:
        """Queue a job; False when too many wait already."""
        try:
            self._jobs.put_nowait((job, done))
        except queue.Full:
            return False
        return True

    def finish(self, timeout: float) -> None:
        """Wait for the jobs that are queued, at most so long."""
        try:
            self._jobs.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout)

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, done = entry
            try:
                result = job()
            except Exception as error:
                result = error
            self._finished.append((done, result))
            try:
                self._waker.send(b"\0")
            except BlockingIOError:
                continue  # unread wake-ups are waiting already

    def _collect(self) -> None:
        self._woken.recv(4096)
        while self._finished:
            done, result = self._finished.popleft()
            done(result)
