"""The console of the benches: a sipp that registers at our exchange and answers every call at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.pbx import SECRET
from bench.sip_contenders import pin
from bench.site import DESK
from tests.parts.sip import Sipp
from tests.parts.sipp_steps import SDP, VIA, receive, receive_invite, reply, scenario, send

ANSWERS: Final = scenario(
    receive_invite(capture=False),
    reply("180 Ringing", opens=True),
    reply("200 OK", opens=True, body=SDP),
    receive("ACK"),
    receive("BYE"),
    reply("200 OK"),
)


def _register(cseq: int, *headers: str) -> str:
    return send(
        "REGISTER sip:[remote_ip]:[remote_port] SIP/2.0",
        VIA,
        f"From: <sip:{DESK}@[remote_ip]>;tag=[pid]desk",
        f"To: <sip:{DESK}@[remote_ip]>",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{DESK}@[local_ip]:[local_port]>",
        "Expires: 3600",
        "Max-Forwards: 70",
        *headers,
        retransmits=True,
    )


_REGISTERS: Final = scenario(
    _register(1),
    receive("401", auth="true"),
    _register(2, f"[authentication username={DESK} password={SECRET}]"),
    receive("200"),
)


def register(desk_port: int, exchange_port: int) -> None:
    """Make the exchange know where the desk is. Raises PartError."""
    with Sipp(_REGISTERS, local_port=desk_port, remote_port=exchange_port, dialled=DESK) as sipp:
        sipp.finish(10)


@contextmanager
def answering(port: int, core: int) -> Iterator[None]:
    """Answer calls at that port, on the core of that number."""
    with Sipp(ANSWERS, local_port=port, calls_wanted=0, log_messages=False) as sipp:
        pin(sipp.child.pid, core)
        yield
