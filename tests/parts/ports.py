"""Free loopback ports for the real parts. Called by every module of this package.

Ports come from below the kernel's ephemeral range, so that no outgoing connection takes one between
our look and the part's own bind. A test run hands none out twice until its part gives it back.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_ALL: Final = range(10_000, 32_000)
_handed_out: set[int] = set()


def _share() -> range:
    """Of several test processes, each has its own part of the range (pytest-xdist: worker `gw1` of 2)."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = len(_ALL) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return _ALL[worker * size : (worker + 1) * size]


_RANGE: Final = _share()
_SINGLE: Final = _RANGE[: len(_RANGE) * 2 // 5]
_BLOCKS: Final = _RANGE[len(_RANGE) * 2 // 5 :]
"""Apart, because single ports here and there would leave no room for a block."""


def free_port() -> int:
    """Return a port that nobody on 127.0.0.1 uses, neither by UDP nor by TCP."""
    return free_block(1)


def free_block(size: int) -> int:
    """Return the first (even) port of `size` neighbouring free ports."""
    zone = _SINGLE if size < 10 else _BLOCKS
    for _ in range(500):
        first = random.randrange(zone.start + zone.start % 2, zone.stop - size, 2)
        block = range(first, first + size)
        if _handed_out.isdisjoint(block) and all(_is_free(port) for port in block):
            _handed_out.update(block)
            return first
    raise OSError(f"no {size} neighbouring free ports between {zone.start} and {zone.stop}")


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
