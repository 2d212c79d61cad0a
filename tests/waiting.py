"""Waits for what no event tells: a condition is asked until it holds. Called by tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Final

PATIENCE: Final = 20.0
"""Seconds after which a test gives up waiting for what takes milliseconds."""
ASK_EVERY: Final = 0.01


async def until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Return once `condition` holds; it may be a coroutine. Raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not await _holds(condition):  # noqa: ASYNC110 -- what is waited for sets no event
            await asyncio.sleep(ASK_EVERY)


async def _holds(condition: Callable[[], object]) -> object:
    answer = condition()
    return await answer if isawaitable(answer) else answer
