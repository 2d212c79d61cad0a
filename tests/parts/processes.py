"""Child processes of the real parts: started with a log, ended by their own pid, never by name.

A part that fails to start, or whose log matters to a failed test, is shown by the tail of its log.
If the test run itself is killed, the kernel kills the children (`setpriv --pdeathsig`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final


class PartError(Exception):
    """A real part did not start, stop or answer. The text ends with the tail of its log."""


# The kernel's parent-death signal fires when the *thread* that forked ends, not the process. Tests call
# `start()` from short-lived executor threads, so every fork is made by this one thread that outlives them.
_FORKER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fork")


class Child:
    """One running process of ours.

    Its stdout and stderr go to `log_file`; its stdin is /dev/null.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log_file: Path,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        name: str = "",
    ) -> None:
        self.name = name or Path(command[0]).name
        self.log_file = log_file
        self._process = _FORKER.submit(_spawn, command, log_file, folder, environment).result()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code once it has ended; negative = ended by that signal."""
        return self._process.poll()

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process has ended."""
        self._process.send_signal(signal_number)

    def wait(self, timeout: float) -> int:
        """Return the exit code. Raises PartError when it still runs after `timeout` seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise PartError(f"{self.name} still runs after {timeout:g} s\n{self.log_tail()}") from None

    def stop(self, timeout: float = 5.0) -> None:
        """Ask it to end (SIGTERM), kill it if it has not after `timeout` seconds. Safe to repeat."""
        if not self.running:
            return
        self.send(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL). Safe to repeat."""
        if self.running:
            self.send(signal.SIGKILL)
        self._process.wait()

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines it wrote, under a headline."""
        return tail(self.log_file, lines)

    def wait_until(self, ready: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait until `ready()`. Raises PartError if that takes longer or the process ends first."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise PartError(f"{self.name} ended with {self.exit_code} before {what}\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise PartError(f"{self.name}: not {what} within {timeout:g} s\n{self.log_tail()}")
            time.sleep(0.01)


def tail(file: Path, lines: int = 25) -> str:
    """Return the last lines of a log file under a headline, for error texts."""
    text = file.read_text(errors="replace") if file.exists() else ""
    return f"--- end of {file}:\n" + "\n".join(text.splitlines()[-lines:])


def _spawn(
    command: Sequence[str | Path],
    log_file: Path,
    folder: Path | None,
    environment: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
