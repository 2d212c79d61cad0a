"""A real rsyslogd in a folder of its own, by UDP, TCP and TLS.

    with Rsyslog(folder, certificate=..., authority=...) as server:
        ...send to 127.0.0.1, server.port (UDP and TCP) or server.tls_port...
        server.received()   # what it made of each message, in order
        server.stop(); server.start()

What it received is as rsyslog parsed it: a dict with pri, time, host, app, proc, msgid, data (its
`mmpstrucdata`), msg.
"""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.parts.ports import free_port
from tests.parts.processes import Child

_MODULES: Final = Path("/usr/lib")
_START: Final = 20.0
"""Seconds."""

_CONFIG: Final = """
global(workDirectory="{folder}" maxMessageSize="8k" parser.escapeControlCharactersOnReceive="off"
       defaultNetstreamDriverCAFile="{authority}" defaultNetstreamDriverCertFile="{certificate}"
       defaultNetstreamDriverKeyFile="{certificate}")
module(load="imudp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
module(load="imptcp")
module(load="mmpstrucdata")
template(name="parsed" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="proc" name="procid" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="data" name="$!rfc5424-sd" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}}
ruleset(name="keep") {{
  action(type="mmpstrucdata" sd_name.lowercase="off")
  action(type="omfile" file="{record}" template="parsed")
}}
input(type="imudp" address="127.0.0.1" port="{port}" ruleset="keep")
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="keep")
input(type="imtcp" address="127.0.0.1" port="{tls_port}" ruleset="keep")
"""


def is_installed() -> bool:
    """Whether rsyslogd and its OpenSSL driver are there."""
    return program() is not None and any(_MODULES.glob("*/rsyslog/lmnsd_ossl.so"))


def program() -> str | None:
    """Return the path of rsyslogd, which only root has on its PATH."""
    return shutil.which("rsyslogd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


class Rsyslog:
    """One rsyslogd. certificate: PEM with the key; authority: PEM."""

    def __init__(self, folder: Path, *, certificate: Path, authority: Path) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.record = folder / "rsyslog.json"
        self._folder = folder
        self._starts = 0
        self._child: Child | None = None
        (folder / "rsyslog.conf").write_text(
            _CONFIG.format(
                folder=folder,
                record=self.record,
                port=self.port,
                tls_port=self.tls_port,
                certificate=certificate,
                authority=authority,
            )
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._starts += 1
        folder = self._folder
        own: list[str | Path] = ["-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"]
        command = [program() or "rsyslogd", *own]
        self._child = Child(command, folder / f"rsyslog-{self._starts}.log")
        self._child.wait_until(self._listens, _START, "listening")

    def _listens(self) -> bool:
        for port in (self.port, self.tls_port):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
        return True

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def received(self) -> list[dict[str, Any]]:
        """What it wrote, in order."""
        if not self.record.exists():
            return []
        messages = [json.loads(line) for line in self.record.read_text().split("\n")[:-1]]
        return [message | {"data": json.loads(message["data"])} for message in messages]
