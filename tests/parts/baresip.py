"""A baresip phone: registers, calls, answers, presses keys (RFC 4733) and carries real audio.

    with Baresip("1001", pbx.sip_port, password="pw") as phone:       # returns registered
        phone.dial("9110"); phone.wait_event("CALL_ESTABLISHED")
        phone.press("1"); phone.hang_up()
        phone.heard()                                    # WAV file of what came from the other side

Debian's baresip-core 1.0.0 without any sound card: it plays a tone or a WAV file, its sndfile filter writes
what it hears, and it is driven over ctrl_tcp (netstrings with JSON).
Events: REGISTER_OK REGISTER_FAIL CALL_INCOMING CALL_RINGING CALL_ESTABLISHED CALL_CLOSED CALL_DTMF_START ...
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from tests.parts.ports import LOOPBACK, free_block, free_port, give_back
from tests.parts.processes import Child, PartError
from tests.parts.sound import write_tone

_MODULES: Final = next(
    iter(sorted((*Path("/usr/lib").glob("*/baresip/modules"), *Path("/usr/lib").glob("baresip/modules")))),
    Path("/usr/lib/baresip/modules"),
)

_RTP_PORTS: Final = 16

# `net_interface lo` must stay out: baresip then finds no address at all. Its ausine module plays at 48 kHz
# only, so a tone is a file.
_CONFIG: Final = """\
sip_listen {loopback}:{port}
rtp_ports {rtp_first}-{rtp_last}
audio_source aufile,{source}
audio_player aubridge,ear
audio_alert aubridge,ear
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {loopback}:{control}
snd_path {folder}
"""


_BYTES_A_SECOND: Final = 16_000
"""Of what it records: 8 kHz, 16 bit."""


class Baresip:
    """One phone. Construction returns once it is registered (`register=False`: once it runs).

    user: endpoint name at the PBX. auto_answer: picks up at once.
    plays: a WAV file (8 kHz, mono, 16 bit) or a tone's frequency in Hz.
    port: where it listens, for endpoints with a static contact; 0 = any free one.
    """

    def __init__(
        self,
        user: str,
        pbx_port: int,
        *,
        password: str = "",
        register: bool = True,
        auto_answer: bool = False,
        plays: Path | int = 440,
        port: int = 0,
    ) -> None:
        self.port = port or free_port()
        self._rtp_first = free_block(_RTP_PORTS)
        control = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="baresip-"))
        self._pbx_port = pbx_port
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._write_files(plays, control)
        self.child = Child(["baresip", "-f", self.folder], self.folder / "out.log", name="baresip")
        try:
            self._control = self._connect(control)
            threading.Thread(target=self._read_events, name="baresip-events", daemon=True).start()
            # Named only now: an event that comes before our connection is never seen.
            self.command("uanew", self._account(user, password, register, auto_answer))
            if register:
                self.wait_event("REGISTER_OK")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def dial(self, number: str) -> None:
        """Call an extension of the PBX."""
        self.command("dial", f"sip:{number}@{LOOPBACK}:{self._pbx_port}")

    def accept(self) -> None:
        """Answer the call that rings (wait for CALL_INCOMING first)."""
        self.command("accept")

    def press(self, digits: str) -> None:
        """Press keys during a call; each is a telephone-event of its own."""
        for digit in digits:
            self.command("sndcode", digit)

    def hang_up(self) -> None:
        """End the call, refuse it, or cancel it."""
        self.command("hangup")

    def command(self, name: str, parameters: str = "") -> None:
        """Send one command of baresip's menu (`help` lists them)."""
        text = json.dumps({"command": name, "params": parameters}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """Return the events so far, of one type or all."""
        with self._changed:
            return [event for event in self._events if kind in ("", event["type"])]

    def wait_event(self, kind: str, timeout: float = 10.0, *, count: int = 1) -> dict[str, Any]:
        """Wait for the `count`-th event of a type and return it. Raises PartError after `timeout`."""
        with self._changed:
            if self._changed.wait_for(lambda: len(self.events(kind)) >= count, timeout):
                return self.events(kind)[count - 1]
        seen = ", ".join(event["type"] for event in self.events())
        raise PartError(f"baresip: no {kind} within {timeout:g} s; seen: {seen}\n{self.child.log_tail()}")

    def heard(self) -> Path:
        """Return the WAV file with what the other side of the latest call said.

        It is complete once baresip has closed it, soon after the call's end; a call that goes on costs 3 s.
        """
        files = sorted(self.folder.glob("dump-*-dec.wav"), key=lambda file: file.stat().st_mtime)
        if not files:
            raise PartError(f"baresip heard nothing\n{self.child.log_tail()}")
        deadline = time.monotonic() + 3
        while self._has_open(files[-1]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return files[-1]

    def _has_open(self, file: Path) -> bool:
        with suppress(OSError):  # it has ended
            for descriptor in Path(f"/proc/{self.child.pid}/fd").iterdir():
                with suppress(OSError):
                    if descriptor.readlink() == file:
                        return True
        return False

    def wait_sound(self, seconds: float = 0.5, timeout: float = 15.0) -> None:
        """Wait until so much of what the other side says is on the disk. Raises PartError."""
        deadline = time.monotonic() + timeout
        wanted = _BYTES_A_SECOND * seconds
        while not any(file.stat().st_size > wanted for file in self.folder.glob("dump-*-dec.wav")):
            if time.monotonic() > deadline:
                raise PartError(f"baresip heard nothing for {timeout:g} s\n{self.child.log_tail()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a cut line does."""
        self.child.kill()

    def close(self) -> None:
        """End it (it hangs up and unregisters) and remove its folder. Safe to repeat."""
        self.child.stop(timeout=2.0)
        if hasattr(self, "_control"):
            self._control.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        give_back(self._rtp_first, _RTP_PORTS)

    def _account(self, user: str, password: str, register: bool, auto_answer: bool) -> str:
        account = f"<sip:{user}@{LOOPBACK}:{self._pbx_port}>;regint={60 if register else 0}"
        account += f";answermode={'auto' if auto_answer else 'manual'};audio_codecs=pcma"
        return account + (f";auth_user={user};auth_pass={password}" if password else "")

    def _write_files(self, plays: Path | int, control: int) -> None:
        config = _CONFIG.format(
            loopback=LOOPBACK,
            port=self.port,
            rtp_first=self._rtp_first,
            rtp_last=self._rtp_first + _RTP_PORTS - 1,
            source=write_tone(self.folder / "tone.wav", plays) if isinstance(plays, int) else plays,
            modules=_MODULES,
            control=control,
            folder=self.folder,
        )
        (self.folder / "config").write_text(config)
        (self.folder / "accounts").write_text("# none: given over ctrl_tcp\n")
        (self.folder / "contacts").touch()

    def _connect(self, control: int) -> socket.socket:
        connected: list[socket.socket] = []

        def tries() -> bool:
            try:
                connected.append(socket.create_connection((LOOPBACK, control), timeout=1.0))
            except OSError:
                return False
            return True

        self.child.wait_until(tries, 5.0, "listening for commands")
        connected[0].settimeout(None)
        return connected[0]

    def _read_events(self) -> None:
        received = b""
        while chunk := _receive(self._control):
            received += chunk
            while (message := _first_netstring(received)) is not None:
                text, received = message
                self._take(json.loads(text))

    def _take(self, message: dict[str, Any]) -> None:
        if not message.get("event"):
            return
        with self._changed:
            self._events.append({**message, "seen_at": time.time()})
            self._changed.notify_all()


def _receive(control: socket.socket) -> bytes:
    try:
        return control.recv(65536)
    except OSError:
        return b""


def _first_netstring(received: bytes) -> tuple[bytes, bytes] | None:
    """Return the first whole `length:text,` and the rest, or None."""
    length, colon, rest = received.partition(b":")
    if not colon or len(rest) <= int(length):
        return None
    return rest[: int(length)], rest[int(length) + 1 :]
