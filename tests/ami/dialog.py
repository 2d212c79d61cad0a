"""What a user of a sipp telephone does in the midst of a call: hands it on (REFER), then hangs up.

sipp's scenarios are fixed when they start, but a REFER that joins two calls (RFC 3891) names a tag that the
PBX chose. So the REFER is made of the telephone's own messages and sent from a socket beside it; all else
of the dialog stays sipp's.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from tests.parts.ports import LOOPBACK
from tests.parts.processes import PartError
from tests.parts.sip import Sipp

CSEQ: Final = 100
"""Beyond any that sipp uses."""
PATIENCE: Final = 20.0


@dataclass(frozen=True)
class Dialog:
    """What identifies the talk of a telephone, from its side. local, remote: addresses with their tags."""

    call_id: str
    local: str
    remote: str
    contact: str
    """The telephone's own."""

    @property
    def replaces(self) -> str:
        """The value of Replaces that names it to the PBX, whose own tag comes first."""
        return f"{self.call_id};to-tag={_tag_of(self.remote)};from-tag={_tag_of(self.local)}"


def dialog_of(phone: Sipp) -> Dialog:
    """Return the dialog of the telephone's latest answered INVITE. Raises PartError where there is none."""
    answers = [
        message
        for message in phone.messages
        if message.first_line.startswith("SIP/2.0 200") and "INVITE" in message.header("CSeq")
    ]
    if not answers:
        raise PartError("no answered call")
    answer = answers[-1]
    called = answer.sent
    own = answer if called else phone.sent("INVITE")[-1]
    ends = (answer.header("To"), answer.header("From"))
    local, remote = ends if called else ends[::-1]
    return Dialog(answer.header("Call-ID"), local, remote, own.header("Contact"))


def refer(phone: Sipp, pbx_port: int, to: str, *, replacing: Sipp | None = None) -> None:
    """Ask the PBX to lead the other side of the telephone's call to extension `to` (RFC 3515).

    replacing: the telephone's other call, whose other side the first one's is to be joined with.
    """
    dialog = dialog_of(phone)
    target = f"sip:{to}@{LOOPBACK}:{pbx_port}"
    if replacing is not None:
        target += "?Replaces=" + quote(dialog_of(replacing).replaces, safe="")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind((LOOPBACK, 0))
        link.settimeout(PATIENCE)
        lines = (
            f"REFER sip:{to}@{LOOPBACK}:{pbx_port} SIP/2.0",
            f"Via: SIP/2.0/UDP {LOOPBACK}:{link.getsockname()[1]};branch=z9hG4bK-{uuid4()}",
            f"From: {dialog.local}",
            f"To: {dialog.remote}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {CSEQ} REFER",
            f"Contact: {dialog.contact}",
            f"Refer-To: <{target}>",
            f"Referred-By: {dialog.local.partition(';tag')[0]}",
            "Max-Forwards: 70",
            "Content-Length: 0",
        )
        link.sendto("\r\n".join((*lines, "", "")).encode(), (LOOPBACK, pbx_port))
        answer = link.recv(65536).decode()
    if not answer.startswith("SIP/2.0 202"):
        raise PartError(f"REFER refused: {answer}")


def hang_up(phone: Sipp) -> None:
    """Let a telephone that handed its call on hang up once the PBX has told it that this went well.

    Its scenario waits for an INFO, which is no message of the PBX: the user's hand.
    """
    deadline = time.monotonic() + PATIENCE
    while not any("\nSIP/2.0 200" in notice.text for notice in phone.received("NOTIFY")):
        if time.monotonic() > deadline:
            raise PartError("the PBX does not tell what became of the REFER")
        time.sleep(0.02)
    dialog = dialog_of(phone)
    lines = (
        f"INFO sip:{LOOPBACK}:{phone.port} SIP/2.0",
        f"Via: SIP/2.0/UDP {LOOPBACK};branch=z9hG4bK-hand",
        f"From: {dialog.remote}",
        f"To: {dialog.local}",
        f"Call-ID: {dialog.call_id}",
        f"CSeq: {CSEQ} INFO",
        "Content-Length: 0",
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.sendto("\r\n".join((*lines, "", "")).encode(), (LOOPBACK, phone.port))


def _tag_of(address: str) -> str:
    return address.partition(";tag=")[2]
