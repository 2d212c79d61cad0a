"""A program that runs beside this process, with a log of its own, and is ended with it: by its pid.

Called by `asterisk` and by `sosbridge drill ladder`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from bridge.errors import SosBridgeError
from bridge.model import NOTHING

_LOOKS_EVERY: Final = 0.1
_TOLD: Final = 3
"""Lines of a log that are said of a program that ended."""
_DEVNULL: Final = asyncio.subprocess.DEVNULL


class ChildFailed(SosBridgeError):
    """It could not be started, or ended by itself. The text has the end of its log."""


class Child:
    """Made by `start`. Whoever makes one ends it: `stop`, or `kill` for what a crash does."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, log: Path) -> None:
        self._process: Final = process
        self._name: Final = name
        self._log: Final = log

    @classmethod
    async def start(
        cls, command: Sequence[str | Path], log: Path, *, name: str, environment: Mapping[str, str] = NOTHING
    ) -> Self:
        """Start it; what it prints goes to `log`. Raises ChildFailed.

        In a session of its own, so that a Ctrl-C reaches it through us only; where the system can, it dies
        with us however we die.
        """
        with log.open("ab") as out:
            try:
                process = await asyncio.create_subprocess_exec(
                    *_tied(command),
                    stdin=_DEVNULL,
                    stdout=out,
                    stderr=out,
                    env={**os.environ, **environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise ChildFailed(f"{name} cannot be started: {error}") from error
        return cls(process, name, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def until(self, ready: Callable[[], object], what: str, timeout: float) -> None:
        """Return when it is so. Raises ChildFailed where the program ends before, or in `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not ready():
                    self.require_running(what)
                    await asyncio.sleep(_LOOKS_EVERY)
        except TimeoutError:
            raise ChildFailed(f"{self._name}: not {what} within {timeout:g} s{self._end_of_log()}") from None

    def require_running(self, what: str) -> None:
        """Raises ChildFailed, saying before what it ended."""
        if self._process.returncode is not None:
            ended = f"{self._name} ended with {self._process.returncode}, not {what}"
            raise ChildFailed(f"{ended}{self._end_of_log()}")

    async def kill(self) -> None:
        """End it at once, as a crash does. Safe to repeat."""
        self._signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self, within: float = 3.0) -> None:
        """Ask it to end, and kill it where it does not in time. Safe to repeat."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(within):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)

    def _end_of_log(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines() if self._log.exists() else []
        told = [line.strip() for line in lines if line.strip()][-_TOLD:]
        return f": {' | '.join(told)}" if told else ""


def _tied(command: Sequence[str | Path]) -> list[str]:
    """Have the kernel kill it when we are gone (util-linux's setpriv, which then is the program itself)."""
    setpriv = shutil.which("setpriv")
    tied = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    return [*tied, *map(str, command)]
