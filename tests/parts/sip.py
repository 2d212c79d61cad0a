"""SIP phones for tests: sipp playing a scenario, and baresip (`tests/parts/baresip.py`) with real audio.

    pbx = Asterisk("22", endpoints=[Endpoint(name="1001"), Endpoint(name="9110", port=-1)])
    with Phones() as phones:
        console = phones.answer(answers(after=0.5), pbx.port_of("9110"))
        caller = phones.call(calls(Phone("1001"), hangs_up_after=1), pbx.sip_port, "9110")
        caller.finish()                        # raises PartError with the messages unless all went as written
        console.received("INVITE")[0].header("From")

The scenarios are in `tests/parts/sipp_scenarios.py` (re-exported here); any XML text works.
Do not `qualify` a contact that sipp answers for: an OPTIONS would count as its call.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self, TypeVar

from tests.parts.baresip import Baresip
from tests.parts.ports import LOOPBACK, free_block, free_port, give_back
from tests.parts.processes import Child, PartError
from tests.parts.sipp_scenarios import (
    answers,
    calls,
    calls_and_cancels,
    calls_and_is_refused,
    calls_and_vanishes,
    calls_with_wrong_password,
    refuses,
    rings_unanswered,
)
from tests.parts.sipp_steps import A_LAW_SILENCE, SILENCE_FILE, Phone

__all__ = [
    "Baresip",
    "Phone",
    "Phones",
    "SipMessage",
    "Sipp",
    "answers",
    "calls",
    "calls_and_cancels",
    "calls_and_is_refused",
    "calls_and_vanishes",
    "calls_with_wrong_password",
    "refuses",
    "rings_unanswered",
]


_MEDIA_PORTS: Final = 8
_P = TypeVar("_P", Baresip, "Sipp")


@dataclass(frozen=True)
class SipMessage:
    """One message of sipp's log. at: local wall-clock seconds since the epoch."""

    at: float
    sent: bool
    text: str

    @property
    def first_line(self) -> str:
        return self.text.split("\n", 1)[0].strip()

    def header(self, name: str) -> str:
        """Return the first value of a header, empty when it is absent."""
        found = re.search(rf"^{re.escape(name)}\s*:\s*(.*?)\s*$", self.text, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""


class Sipp:
    """One sipp process with a log of all its messages.

    dialled: the service part of the calls it makes; empty = it answers.
    calls_wanted: it ends after so many calls; 0 = never by itself. rate: calls a second, for load.
    """

    def __init__(
        self,
        scenario: str,
        *,
        local_port: int = 0,
        remote_port: int = 0,
        dialled: str = "",
        calls_wanted: int = 1,
        rate: float = 10.0,
        log_messages: bool = True,
    ) -> None:
        self.port = local_port or free_port()
        self._media_port = free_block(_MEDIA_PORTS)
        self.folder = Path(tempfile.mkdtemp(prefix="sipp-"))
        (self.folder / "scenario.xml").write_text(scenario)
        (self.folder / SILENCE_FILE).write_bytes(A_LAW_SILENCE)
        command = self._command(remote_port, dialled, calls_wanted, rate, log_messages)
        self.child = Child(command, self.folder / "out.log", folder=self.folder, name="sipp")
        if not dialled:
            self._wait_listening()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(self, timeout: float = 30.0) -> Self:
        """Wait until its calls are over. Raises PartError, with what was said, if one went wrong."""
        if code := self.child.wait(timeout):
            raise PartError(f"sipp ended with {code}\n{self._story()}")
        return self

    def stop(self) -> None:
        """End it at once, without a word to the other side. Safe to repeat."""
        self.child.kill()

    def close(self) -> None:
        """End it and remove its folder. Safe to repeat."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        give_back(self._media_port, _MEDIA_PORTS)

    @property
    def messages(self) -> list[SipMessage]:
        """Everything sent and received so far, in order."""
        file = self.folder / "messages.log"
        return list(_parse_log(file.read_text(errors="replace"))) if file.exists() else []

    def sent(self, what: str) -> list[SipMessage]:
        """Return the sent messages of one kind: a method (`BYE`) or a status (`200`)."""
        return [message for message in self.messages if message.sent and _is(message, what)]

    def received(self, what: str) -> list[SipMessage]:
        """Return the received messages of one kind: a method (`INVITE`) or a status (`180`)."""
        return [message for message in self.messages if not message.sent and _is(message, what)]

    def calls_received(self) -> int:
        """Return how many calls came: an INVITE that had to be sent again is the same one."""
        return len({message.header("Call-ID") for message in self.received("INVITE")})

    def wait_received(self, what: str, timeout: float = 15.0) -> SipMessage:
        """Wait for the first received message of one kind. Raises PartError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not (found := self.received(what)):
            if time.monotonic() > deadline:
                raise PartError(f"no {what} within {timeout:g} s\n{self._story()}")
            time.sleep(0.02)
        return found[0]

    def _wait_listening(self) -> None:
        try:
            self.child.wait_until(lambda: _is_bound(self.port), 5.0, f"listening on {self.port}")
        except PartError:
            self.close()
            raise

    def _command(
        self, remote_port: int, dialled: str, calls_wanted: int, rate: float, log_messages: bool
    ) -> list[str]:
        # Unexpected in-dialog OPTIONS, UPDATE and NOTIFY are answered (-aa) instead of failing the call.
        command = ["sipp", *(("-s", dialled) if dialled else ()), "-sf", "scenario.xml", "-aa", "-nostdin"]
        command += ["-i", LOOPBACK, "-p", str(self.port), "-mi", LOOPBACK, "-mp", str(self._media_port)]
        command += ["-trace_err", "-error_file", "errors.log", "-r", f"{rate:g}", "-timeout_error"]
        if calls_wanted:
            command += ["-m", str(calls_wanted)]
        if log_messages:
            command += ["-trace_msg", "-message_file", "messages.log"]
        return [*command, f"{LOOPBACK}:{remote_port}"] if dialled else command

    def _story(self) -> str:
        errors = self.folder / "errors.log"
        lines = [f"{'->' if message.sent else '<-'} {message.first_line}" for message in self.messages]
        return "\n".join(lines) + "\n" + (errors.read_text(errors="replace") if errors.exists() else "")


class Phones:
    """All phones of one test; leaving the `with` ends them, newest first."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all phones. Safe to repeat."""
        self._open.close()

    def call(
        self, scenario: str, pbx_port: int, dialled: str, *, calls_wanted: int = 1, rate: float = 10.0
    ) -> Sipp:
        """Start a phone that calls `dialled` at the PBX (`calls_wanted`, `rate`: a load of calls)."""
        sipp = Sipp(scenario, remote_port=pbx_port, dialled=dialled, calls_wanted=calls_wanted, rate=rate)
        return self._open.enter_context(sipp)

    def answer(self, scenario: str, port: int, *, calls_wanted: int = 0) -> Sipp:
        """Start a phone that waits for calls on `port`; it is listening when this returns."""
        return self._open.enter_context(Sipp(scenario, local_port=port, calls_wanted=calls_wanted))

    def keep(self, phone: _P) -> _P:
        """End `phone` with the others; returns it: `phones.keep(Baresip("1001", pbx.sip_port))`."""
        return self._open.enter_context(phone)


def _is(message: SipMessage, what: str) -> bool:
    words = message.first_line.split(" ", 2)
    return words[1] == what if what.isdigit() and words[0] == "SIP/2.0" else words[0] == what


_HEADLINE: Final = re.compile(
    r"^-{20,} (?P<at>[\d-]+ [\d:.]+)\n\w+ message (?P<way>sent|received) .*:\n\n", re.MULTILINE
)


def _parse_log(text: str) -> Iterator[SipMessage]:
    headlines = list(_HEADLINE.finditer(text))
    ends = [*(headline.start() for headline in headlines), len(text)]
    for headline, end in zip(headlines, ends[1:], strict=True):
        at = datetime.strptime(headline["at"], "%Y-%m-%d %H:%M:%S.%f").astimezone().timestamp()
        yield SipMessage(at, headline["way"] == "sent", text[headline.end() : end].strip())


def _is_bound(port: int) -> bool:
    """Whether somebody has 127.0.0.1:port open for UDP (Linux's own list of sockets)."""
    wanted = f"0100007F:{port:04X}"
    return any(line.split()[1] == wanted for line in Path("/proc/net/udp").read_text().splitlines()[1:])
