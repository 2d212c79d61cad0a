"""The least that any AMI client does: panoramisk alone, which counts events. The floor to compare with.

    with Listener(ami_port=...) as listener:
        ...
        listener.heard()

The process (`python -m bench.listener PORT FILE`) writes what it heard to the file when it is told to end.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from panoramisk import Manager

from bench.pbx import SECRET, USER
from tests.parts.processes import Child


@dataclass(frozen=True, slots=True)
class Heard:
    """events: how many of all kinds. lags: seconds from a new channel's time at the PBX to its callback."""

    events: int
    seconds: float
    """From the first to the last of them."""
    lags: list[float]


class Listener:
    """The listener's process."""

    def __init__(self, *, ami_port: int) -> None:
        self._port = ami_port

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-listener-")
        folder = Path(self._folder.name)
        self._result, log_file = folder / "heard.json", folder / "listener.log"
        command = [sys.executable, "-m", "bench.listener", str(self._port), str(self._result)]
        self._child = Child(command, log_file, name="listener")
        self._child.wait_until(lambda: "logged in" in log_file.read_text(), 20, "logged in")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        return self._child.pid

    def heard(self) -> Heard:
        """End it and return what it heard."""
        self._child.send(signal.SIGTERM)
        self._child.wait(10)
        return Heard(**json.loads(self._result.read_text()))


# --- the process ----------------------------------------------------------------------------------------


async def _listen(port: int, result: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    times: list[float] = []
    lags: list[float] = []

    def count(_manager: Manager, event: Any) -> None:
        now = time.time()
        times.append(now)
        if event.event == "Newchannel":
            lags.append(now - float(event.Timestamp))

    manager = Manager(host="127.0.0.1", port=port, username=USER, secret=SECRET)
    manager.register_event("*", count)
    await manager.connect()
    while not manager.authenticated:
        await asyncio.sleep(0.05)
    print("logged in", flush=True)
    await stop.wait()
    span = times[-1] - times[0] if times else 0.0
    result.write_text(json.dumps({"events": len(times), "seconds": span, "lags": lags}))
    manager.close()


if __name__ == "__main__":
    asyncio.run(_listen(int(sys.argv[1]), Path(sys.argv[2])))
