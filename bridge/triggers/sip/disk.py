"""Files of the exchange, read and written with a deadline: a disk that hangs must not hang a call.

Used by `keeping` and `studio`, each with threads of its own: sounds on a dead server are no reason to forget
who calls.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

WITHIN: Final = 1.0
"""Seconds. Whatever else is asked of a leg stands behind it, its answer as well."""


class Disk:
    """threads: how many calls may be under way; further ones wait their turn, within their deadline."""

    def __init__(self, name: str, threads: int = 1) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, call: Callable[[], T], *, within: float = WITHIN) -> T:
        """Return what `call` returns. Raises what it raises, and OSError if it takes longer.

        A call that has not begun by then is never made; one that has goes on to its end, unheeded.
        """
        job = self._threads.submit(call)
        answer = asyncio.wrap_future(job)
        try:
            await asyncio.wait({answer}, timeout=within)
            if not answer.done():
                raise OSError(errno.ETIMEDOUT, f"the disk did not answer within {within:g} s")
            return answer.result()
        finally:
            # The job itself: the answer would pass it on only at the loop's next turn.
            job.cancel()
            answer.cancel()
