"""What must outlive the process, in one file: who is registered, which calls stand, what the exchange does.

Written whole and put in place by a rename, on a thread of its own: whoever is killed at any moment leaves the
last whole state behind. At most once a second, but what concerns an SOS at once. Called by `service`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from bridge.model import Clock
from bridge.triggers.sip.disk import Disk

READ_WITHIN: Final = 5.0
"""Seconds that the start waits for it: without what was, calls are taken all the same."""
WRITE_EVERY: Final = 1.0
"""Seconds between two writes, unless an SOS cannot wait for it."""
VERSION: Final = 1

_log = structlog.get_logger(__name__)


class Keeper:
    """gather: returns the whole state as what JSON can hold; called in the loop. failed: told why, or ''."""

    def __init__(
        self,
        file: Path,
        *,
        gather: Callable[[], Mapping[str, Any]],
        clock: Clock,
        failed: Callable[[str], None],
    ) -> None:
        self._file = file
        self._gather = gather
        self._clock = clock
        self._failed = failed
        self._changed = asyncio.Event()
        self._hurries = asyncio.Event()
        self._disk = Disk("state of calls")  # one thread: no write overtakes another

    def changed(self) -> None:
        """Something that must be kept is another."""
        self._changed.set()

    def hurry(self) -> None:
        """It must be kept now: whoever cries for help is remembered from the first moment on."""
        self._hurries.set()
        self._changed.set()

    async def run(self) -> None:
        """Write after each change, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._hurries.clear()
            await self.write()
            await self._rest()

    async def _rest(self) -> None:
        """Wait until the next write, which an SOS does not let wait."""
        waits = [
            asyncio.ensure_future(self._clock.sleep(WRITE_EVERY)),
            asyncio.ensure_future(self._hurries.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def write(self) -> None:
        """Write it now. What cannot be written is told, and costs nothing else."""
        text = json.dumps({"version": VERSION, **self._gather()}, separators=(",", ":"))
        try:
            await self._disk.run(partial(_write, self._file, text))
        except OSError as error:
            _log.error("the state of calls is not kept", file=str(self._file), why=str(error))
            self._failed(f"calls would not outlive a restart: {error.strerror}")
        else:
            self._failed("")

    async def read(self) -> Mapping[str, Any] | None:
        """Return what an earlier run left, None where there is nothing that can be used."""
        try:
            kept = json.loads(await self._disk.run(self._file.read_text, within=READ_WITHIN))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.error("the state of calls cannot be read", file=str(self._file), why=str(error))
            return None
        if not isinstance(kept, dict) or kept.get("version") != VERSION:
            _log.error("the state of calls is of another version", file=str(self._file))
            return None
        return kept


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    # Numbers and addresses of people: nobody else's to read.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
