"""A telephone by hand: the text of each message, a socket, and nothing that repeats or forgives anything."""

from __future__ import annotations

import asyncio
import itertools
import re
import time

from tests.sip_endpoint.conftest import UdpPeer

HOST = "127.0.0.1"
SDP = (
    f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
    "m=audio 41000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_count = itertools.count(1)


def status(answer: str) -> int:
    """Return the status of a response, 0 for a request."""
    found = re.match(r"SIP/2\.0 (\d{3})", answer)
    return int(found[1]) if found else 0


def to_tag(answer: str) -> str:
    found = re.search(r"^To:.*;tag=([^;\r]+)", answer, re.MULTILINE)
    return found[1] if found else ""


def field(answer: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r$", answer, re.MULTILINE)
    return found[1] if found else ""


def write(
    method: str,
    *fields: str,
    call_id: str,
    via: str,
    number: int = 1,
    tag: str = "",
    body: str = "",
    kind: str = "application/sdp",
) -> bytes:
    """Return one request of a telephone. tag: the other side's. via: all of the value."""
    lines = [
        f"{method} sip:9110@{HOST} SIP/2.0",
        f"Via: {via}",
        f"From: <sip:9103@{HOST}>;tag=caller",
        f"To: <sip:9110@{HOST}>" + (f";tag={tag}" if tag else ""),
        f"Call-ID: {call_id}",
        f"CSeq: {number} {method}",
        f"Contact: <sip:9103@{HOST}:5999>",
        "Max-Forwards: 70",
        *fields,
        *((f"Content-Type: {kind}",) if body else ()),
        f"Content-Length: {len(body.encode())}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Caller:
    """One call at a UDP port, message by message."""

    def __init__(self, peer: UdpPeer, port: int) -> None:
        self._peer = peer
        self._to = (HOST, port)
        self.call_id = f"hand-{next(_count)}-{time.monotonic_ns()}"
        self.tag = ""

    def send(
        self,
        method: str,
        *fields: str,
        number: int = 1,
        branch: str = "",
        tag: str | None = None,
        body: str = "",
        kind: str = "application/sdp",
    ) -> None:
        """Send a request; its branch is that of its method and number, unless it is given."""
        branch = branch or f"z9hG4bK-{self.call_id}-{method}-{number}"
        via = f"SIP/2.0/UDP {HOST}:{self._peer.address[1]};branch={branch}"
        known = self.tag if tag is None else tag
        text = write(
            method, *fields, call_id=self.call_id, via=via, number=number, tag=known, body=body, kind=kind
        )
        self._peer.send(text, self._to)

    def invite(self, *fields: str, body: str = SDP) -> None:
        self.send("INVITE", *fields, body=body)

    def ack(self, *, body: str = "") -> None:
        self.send("ACK", branch=f"z9hG4bK-{self.call_id}-ack", body=body)

    async def hear(self, seconds: float = 20.0) -> str:
        """Return the next message of this call, and learn the other side's tag from it."""
        while f"Call-ID: {self.call_id}\r\n" not in (answer := await self._peer.hear(seconds)):
            pass
        self.tag = self.tag or to_tag(answer)
        return answer

    async def hear_final(self, seconds: float = 20.0) -> str:
        while status(answer := await self.hear(seconds)) < 200:
            pass
        return answer

    async def hear_all(self, seconds: float) -> list[tuple[float, str]]:
        """Return all that comes for so long, with the seconds after which it came."""
        begun = time.monotonic()
        heard: list[tuple[float, str]] = []
        try:
            while (left := begun + seconds - time.monotonic()) > 0:
                answer = await self.hear(left)
                heard.append((time.monotonic() - begun, answer))
        except TimeoutError:
            pass
        return heard

    async def talk(self) -> None:
        """Call, be answered, acknowledge."""
        self.invite()
        assert status(await self.hear_final()) == 200
        self.ack()

    async def hang_up(self) -> None:
        self.send("BYE", number=9)
        assert status(await self.hear()) == 200


async def read_message(reader: asyncio.StreamReader) -> str:
    """Return the next message of a connection."""
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        return head + (await reader.readexactly(int(field(head, "Content-Length")))).decode()
