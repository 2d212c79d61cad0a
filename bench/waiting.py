"""Waits until something has come, or for so long. Called by the measurements."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait(reached: Callable[[], bool], timeout: float, *, every: float) -> None:
    """Return once `reached`, or after `timeout` seconds: what is missing shows in the figures.

    every: seconds between two looks, each of which costs what is measured.
    """
    end = time.monotonic() + timeout
    while not reached() and time.monotonic() < end:
        time.sleep(every)
