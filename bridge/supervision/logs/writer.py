"""Writes lines without ever waiting for whoever reads them.

A terminal stopped with Ctrl-S, or a log collector that hangs, must not stop the SOS path. What cannot be
written at once waits in memory; beyond `MOST_WAITING` bytes, lines of no incident are lost first, and
how many is written as soon as something can be.
"""

from __future__ import annotations

import contextlib
import os
import select
from typing import Final, TextIO

from bridge.model import Clock

MOST_WAITING: Final = 1 << 20
"""Bytes that wait before lines of no incident are lost."""
MOST_KEPT: Final = 16 << 20
"""Bytes that wait before any line is lost."""
_CHUNK: Final = 4096
"""PIPE_BUF: a pipe that polls writable takes so much without blocking (pipe(7))."""


class LineWriter:
    """Not thread-safe: `logging.Handler` holds its lock while it emits."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._waiting = bytearray()
        self._lost = 0
        self._poll = select.poll()
        self._descriptor = _own_descriptor(stream)
        if self._descriptor is not None:
            self._poll.register(self._descriptor, select.POLLOUT)

    @property
    def waiting(self) -> int:
        """Bytes that nobody has read yet."""
        return len(self._waiting)

    def write(self, line: str, *, precious: bool) -> None:
        """Write `line` (without its end) now, or as soon as the reader lets us. Raises nothing."""
        self._flush(0.0)
        if len(self._waiting) > (MOST_KEPT if precious else MOST_WAITING):
            self._lost += 1
            return
        self._waiting += line.encode("utf-8", "backslashreplace") + b"\n"
        self._flush(0.0)

    def take_lost(self) -> int:
        """Return how many lines were lost since the last call, once there is room to say so."""
        self._flush(0.0)
        if self._waiting:
            return 0
        lost, self._lost = self._lost, 0
        return lost

    def close(self, timeout: float = 1.0) -> None:
        """Write what still waits, for at most `timeout` seconds. The stream stays open: it is not ours."""
        self._flush(timeout)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _flush(self, timeout: float) -> None:
        if not self._waiting:
            return
        try:
            if self._descriptor is None:
                self._stream.write(self._waiting.decode())
                self._stream.flush()
                self._waiting.clear()
            else:
                self._flush_descriptor(self._descriptor, self._clock.monotonic() + timeout)
        except BlockingIOError:
            return
        except (OSError, ValueError):  # the reader has gone, or the stream was closed: nobody to tell
            self._lost += self._waiting.count(b"\n")
            self._waiting.clear()

    def _flush_descriptor(self, descriptor: int, deadline: float) -> None:
        while self._waiting:
            left = max(0.0, deadline - self._clock.monotonic())
            if not self._poll.poll(left * 1000):
                return
            del self._waiting[: os.write(descriptor, self._waiting[:_CHUNK])]


def _own_descriptor(stream: TextIO) -> int | None:
    """Return a descriptor of our own for what `stream` writes to; None where there is nothing but the stream.

    Were it the stream's, somebody who closes that would have our lines land in whatever file gets its
    number next. A terminal takes less than `poll` promises, so it is opened anew, not to block: a setting
    of our opening alone, which the shell's does not notice.
    """
    try:
        descriptor = stream.fileno()
        if os.isatty(descriptor):
            with contextlib.suppress(OSError):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                return os.open(os.ttyname(descriptor), flags)
        return os.dup(descriptor)
    except (OSError, ValueError, AttributeError):  # io.StringIO, or closed
        return None
