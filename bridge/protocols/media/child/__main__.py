"""Starts the media process: `python -I -m bridge.protocols.media.child DESCRIPTOR SETTINGS`.

DESCRIPTOR: of the inherited end of the socket pair. SETTINGS: `ChildSettings` as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Final

from bridge.protocols.media import wire
from bridge.protocols.media.child.control import Control
from bridge.protocols.media.child.loop import Loop
from bridge.protocols.media.child.switchboard import Switchboard
from bridge.protocols.media.settings import ChildSettings

_SWITCH_SECONDS: Final = 0.001
"""How long a file thread may keep the interpreter while a packet waits."""
_DEFECTS_TOLD: Final = 20
"""Tracebacks in a process's life: whoever triggers one with every packet must not flood the log."""


class Child:
    """Everything, put together."""

    def __init__(self, line: socket.socket, settings: ChildSettings) -> None:
        self._settings = settings
        self._defects = 0
        self._orphan = False
        self._loop = Loop(self._on_defect)
        self._control = Control(self._loop, line, self._take, self._on_lost)
        self._switchboard = Switchboard(self._loop, settings, self._control.say)

    def run(self) -> None:
        """Serve until told to quit, or orphaned and silent."""
        signal.signal(signal.SIGTERM, lambda *_: self._loop.stop())
        self._control.say({"event": "hello", "version": wire.VERSION, "pid": os.getpid()})
        self._loop.run(self._switchboard.tick, self._check)
        self._switchboard.close()
        self._control.flush()

    def _take(self, line: bytes) -> None:
        self._switchboard.take(line)

    def _check(self) -> None:
        self._control.flush()
        self._switchboard.check()
        if self._orphan and self._switchboard.quiet_for > self._settings.orphan_after:
            self._loop.stop()

    def _on_lost(self) -> None:
        self._orphan = True

    def _on_defect(self, defect: Exception) -> None:
        self._defects += 1
        if self._defects <= _DEFECTS_TOLD:
            text = "".join(traceback.format_exception(defect))[-2000:]
            self._control.say({"event": "fault", "text": text})


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    settings = ChildSettings(**json.loads(sys.argv[2]))
    sys.setswitchinterval(_SWITCH_SECONDS)
    # A terminal's Ctrl-C and hangup are the parent's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, settings.niceness)
    with suppress(OSError, ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Child(line, settings).run()


if __name__ == "__main__":
    main()
