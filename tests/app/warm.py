"""Starts `sosbridge` from a process that has its imports behind it: 0.1 s instead of 2 s of work each time.

Run as a program (`python -m tests.app.warm`) it forks a child for each line on its stdin; the child goes
through the same `main()` as the installed command. `WarmStarts` is the other end; `Bridge` is one such child.
Tests of what only a fresh process shows (exit codes, messages) start the installed command itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from tests.parts.processes import PartError, tail

_PR_SET_PDEATHSIG: Final = 1


class WarmStarts:
    """The forking process, from the first `start` to the end of the test session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tests.app.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()

    def start(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> Bridge:
        """Start `sosbridge ARGUMENTS`; its stdout and stderr go to `log`."""
        order = {"start": list(arguments), "log": str(log), "environment": dict(environment)}
        return Bridge(self, self.ask(order), log)

    def ask(self, order: Mapping[str, Any]) -> int:
        """Send an order and return the number it is answered with."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._lock:
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            answer = self._server.stdout.readline()
        if not answer:
            raise PartError("the process that starts bridges has ended")
        return int(answer)


class Bridge:
    """One running `sosbridge`, in a session of its own."""

    def __init__(self, starts: WarmStarts, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self._starts = starts
        self._handle = os.pidfd_open(pid)
        self._status: int | None = None

    @property
    def running(self) -> bool:
        return self._status is None and not _readable(self._handle, 0)

    def catches(self, signal_number: signal.Signals) -> bool:
        """Whether it has a handler for this signal already."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
        return bool(int(caught, 16) >> (signal_number - 1) & 1)

    def send(self, signal_number: signal.Signals) -> None:
        """Send a signal; nothing happens if it has ended."""
        if self._status is None:
            signal.pidfd_send_signal(self._handle, signal_number)

    def wait(self, timeout: float = 10.0) -> int:
        """Return the exit code; negative = ended by that signal. Raises PartError if it goes on."""
        if self._status is None:
            if not _readable(self._handle, timeout):
                raise PartError(f"still running after {timeout:g} s\n{tail(self.log)}")
            self._status = os.waitstatus_to_exitcode(self._starts.ask({"reap": self.pid}))
            os.close(self._handle)
        return self._status

    def stop(self, timeout: float = 5.0) -> int:
        """Ask it to end (SIGTERM) and return the exit code."""
        self.send(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> int:
        """kill -9. Safe to repeat."""
        self.send(signal.SIGKILL)
        return self.wait()


def _readable(handle: int, timeout: float) -> bool:
    """A pidfd is readable once its process has ended (pidfd_open(2))."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


# --- the forking process -------------------------------------------------------------------------------


def _serve() -> None:
    import bridge.app
    import bridge.cli.run  # noqa: F401  their imports are what a fork saves

    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            answer = os.waitpid(order["reap"], 0)[1]
            children.discard(order["reap"])
        else:
            answer = os.fork()
            if not answer:
                _become(order)
            children.add(answer)
        print(answer, flush=True)
    for pid in children:  # what a test that failed has left behind
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os._exit(0)  # nothing here is worth the time of an orderly end


def _become(order: Mapping[str, Any]) -> None:
    """In the child: be the command. Never returns."""
    from bridge.cli import main

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(order["environment"])
    code: object = 1
    try:
        main(order["start"])
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
