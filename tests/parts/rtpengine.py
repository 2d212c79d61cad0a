"""A real rtpengine daemon in user space, on loopback (Debian's rtpengine-daemon).

with Rtpengine() as engine:
    engine.port, engine.digits_port, engine.folder      # ng, DTMF log, recordings (pcap)
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final, Self

from tests.parts.ports import LOOPBACK, free_block, free_port, give_back
from tests.parts.processes import Child

_PING: Final = b"1 d7:command4:pinge"


class Rtpengine:
    """Construction returns once it answers. ports: how many it has for media."""

    def __init__(self, ports: int = 300) -> None:
        self.port, self.digits_port = free_port(), free_port()
        # Its own: it binds ports that another rtpengine has, and each then hears the other's calls.
        self._media, self._ports = free_block(ports), ports
        media = range(self._media, self._media + ports)
        self.folder = Path(tempfile.mkdtemp(prefix="rtpengine-"))
        command: list[str | Path] = [
            *("rtpengine", "--foreground", "--log-stderr", "--table=-1", "--config-file=none"),
            *(f"--interface={LOOPBACK}", f"--listen-ng={LOOPBACK}:{self.port}"),
            *(f"--port-min={media.start}", f"--port-max={media.stop - 1}"),
            *(f"--dtmf-log-dest={LOOPBACK}:{self.digits_port}", f"--recording-dir={self.folder}"),
            *("--recording-method=pcap", "--log-level=4", "--timeout=60", "--delete-delay=0"),
        ]
        self.child = Child(command, self.folder / "out.log", name="rtpengine")
        try:
            self.child.wait_until(self._answers, 10.0, "answering")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self.child.pid

    def close(self) -> None:
        """End it and remove its folder. Safe to repeat."""
        self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        give_back(self.port)
        give_back(self.digits_port)
        give_back(self._media, self._ports)

    def _answers(self) -> bool:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asking:
            asking.settimeout(0.2)
            try:
                asking.sendto(_PING, (LOOPBACK, self.port))
                return b"pong" in asking.recv(4096)
            except OSError:
                return False
