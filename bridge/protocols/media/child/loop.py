"""Waits for sockets and timers; nothing else runs in the media process's main thread.

Level-triggered, one datagram a socket and turn: whoever floods one socket takes turns with all others, and no
system call is spent on learning that a socket is empty.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Final

from bridge.protocols.media.rtp import FRAME_SECONDS, RATE

CHECK_EVERY: Final = 0.25
"""Seconds between two looks at silence, reports and the parent."""
_GATHER: Final = 0.002
"""Seconds from one busy turn to the next: packets that come meanwhile share a wake-up. Waking up for each of
them costs more than relaying it; a voice frame is 20 ms, and a phone's jitter buffer 40 ms or more."""
_SHORTEST_STEP: Final = FRAME_SECONDS / 2
"""A late frame is followed by the next one no sooner: catching up doubles the rate, and is no burst."""
_TOO_LATE: Final = 0.2
"""Seconds behind that are not caught up: the listener has a gap, as it would with a lost packet."""
_CLOCK: Final = time.monotonic


class Pacer:
    """When the next frame is due. Pure: `now` is monotonic."""

    def __init__(self) -> None:
        self.due: float | None = None
        self._grid = 0.0

    def start(self, now: float) -> None:
        """Begin with a frame at once, unless it runs already."""
        if self.due is None:
            self.due = self._grid = now

    def stop(self) -> None:
        self.due = None

    def step(self, now: float) -> int:
        """A frame goes out now: return how many frames of time it stands for (1, or more after a gap)."""
        behind = now - self._grid
        skipped = int(behind / FRAME_SECONDS) if behind > _TOO_LATE else 0
        self._grid += (skipped + 1) * FRAME_SECONDS
        self.due = max(self._grid, now + _SHORTEST_STEP)
        return skipped + 1


class Loop:
    """Calls `reader()` of each socket that has something, and the timers' functions.

    now: monotonic seconds of this turn. samples: the same in RTP timestamp units. Both are looked up once a
    turn.
    """

    def __init__(self, on_defect: Callable[[Exception], None]) -> None:
        self._poll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._on_defect = on_defect
        self._stopped = self._busy = False
        self.pacer = Pacer()
        self.now = _CLOCK()
        self.samples = int(self.now * RATE)

    def add(self, sock: socket.socket, reader: Callable[[], None]) -> None:
        """Call `reader` whenever `sock` can be read. It reads one datagram and must not block."""
        self._readers[sock.fileno()] = reader
        self._poll.register(sock, select.EPOLLIN)

    def remove(self, sock: socket.socket) -> None:
        """Forget a socket. To be called before it is closed."""
        if self._readers.pop(sock.fileno(), None):
            self._poll.unregister(sock)

    def stop(self) -> None:
        """Let `run` return after this turn."""
        self._stopped = True

    def run(self, on_frame: Callable[[int], None], on_check: Callable[[], None]) -> None:
        """Run until `stop`. on_frame(frames): every 20 ms while the pacer runs. on_check: now and then."""
        next_check = self.now
        while not self._stopped:
            due = next_check if self.pacer.due is None else min(next_check, self.pacer.due)
            self._turn(max(0.0, due - _CLOCK()))
            if self.pacer.due is not None and self.now >= self.pacer.due:
                frames = self.pacer.step(self.now)
                self._guarded(lambda frames=frames: on_frame(frames))  # type: ignore[misc]  # a lambda's default
            if self.now >= next_check:
                next_check = self.now + CHECK_EVERY
                self._guarded(on_check)

    def _turn(self, timeout: float) -> None:
        if self._busy:
            time.sleep(max(0.0, self.now + _GATHER - _CLOCK()))
        ready = self._poll.poll(timeout)
        self._busy = bool(ready)
        self.now = _CLOCK()
        self.samples = int(self.now * RATE)
        find = self._readers.get
        for descriptor, _ in ready:
            # One that an earlier reader of this turn has closed is not there any more.
            reader = find(descriptor)
            if reader is not None:
                try:
                    reader()
                except Exception as defect:
                    self._on_defect(defect)

    def _guarded(self, call: Callable[[], None]) -> None:
        """A defect in one call must not silence all the others."""
        try:
            call()
        except Exception as defect:
            self._on_defect(defect)
