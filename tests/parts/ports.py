"""Free loopback ports for the real parts. Called by every module of this package.

Ports come from below the kernel's ephemeral range, so that no outgoing connection takes one between
our look and the part's own bind. A test run hands none out twice until its part gives it back, and what one
process may hand out, no other may: a range of media ports is used much later than it was looked at.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_STRETCH: Final = 500
"""Ports that a process claims at once."""


class _Zone:
    """Hands out neighbouring ports of a range, from stretches that are locked for this process."""

    def __init__(self, ports: range) -> None:
        self._ports = ports
        self._claimed: list[range] = []
        self._locks: list[int] = []

    def block(self, size: int) -> int:
        """Return the first (even) port of `size` free ones. Raises OSError if there are none."""
        with _one_at_a_time:
            return self._block(size)

    def _block(self, size: int) -> int:
        while True:
            for stretch in self._claimed:
                for _ in range(100 if len(stretch) >= size else 0):
                    first = random.randrange(stretch.start, stretch.stop - size + 1, 2)
                    block = range(first, first + size)
                    if _handed_out.isdisjoint(block) and all(_is_free(port) for port in block):
                        _handed_out.update(block)
                        return first
            self._claim(-(-size // _STRETCH))

    def _claim(self, count: int) -> None:
        """Claim so many neighbouring stretches that no other process has."""
        starts = list(range(self._ports.start, self._ports.stop - count * _STRETCH + 1, _STRETCH))
        random.shuffle(starts)
        for start in starts:
            locks = [_lock(start + number * _STRETCH) for number in range(count)]
            got = [lock for lock in locks if lock is not None]
            if len(got) == count:
                self._locks += got
                self._claimed.append(range(start, start + count * _STRETCH))
                return
            for lock in got:
                os.close(lock)
        raise OSError(f"no {count * _STRETCH} neighbouring ports in {self._ports} that no other run claims")


def _lock(start: int) -> int | None:
    """Lock a stretch until this process ends; None if somebody has it, be it this process."""
    folder = Path(tempfile.gettempdir(), f"sosbridge-test-ports-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / str(start), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


_one_at_a_time: Final = threading.Lock()
"""Telephones of a crew are started side by side."""
_handed_out: set[int] = set()
_SINGLE: Final = _Zone(range(10_000, 18_000))
_BLOCKS: Final = _Zone(range(18_000, 32_000))
"""Apart, because single ports here and there would leave no room for a block."""


def free_port() -> int:
    """Return a port that nobody on 127.0.0.1 uses, neither by UDP nor by TCP."""
    return free_block(1)


def free_block(size: int) -> int:
    """Return the first (even) port of `size` neighbouring free ports."""
    return (_SINGLE if size < 10 else _BLOCKS).block(size)


def give_back(first: int, size: int = 1) -> None:
    """Say that a port, or a block, is no longer used."""
    _handed_out.difference_update(range(first, first + size))


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with contextlib.closing(socket.socket(socket.AF_INET, kind)) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                return False
    return True
