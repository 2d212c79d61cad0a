"""A telephone that is nothing but a UDP socket: what it sends is written out, so that it may be wrong."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from types import TracebackType
from typing import Final, Self

from tests.triggers_sip.house import PASSWORD

SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class Wire:
    """user: as it calls itself. There is one call at a time."""

    def __init__(self, user: str, port: int) -> None:
        self.user = user
        self.call_id = f"{user}-1"
        self._there = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._cseq = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def request(
        self, method: str, uri: str, *extra: str, body: str = "", kind: str = "application/sdp", to: str = ""
    ) -> bytes:
        """Return the next request of the call; its branch is one of its own."""
        if method not in ("ACK", "CANCEL"):
            self._cseq += 1
        here = self._socket.getsockname()[1]
        typed = (f"Content-Type: {kind}",) if body else ()
        lines = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{here};branch=z9hG4bK-{self.call_id}-{self._cseq};rport",
            f"From: <sip:{self.user}@127.0.0.1>;tag={self.user}",
            f"To: {to or f'<{uri}>'}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._cseq} {method}",
            f"Contact: <sip:{self.user}@127.0.0.1:{here}>",
            "Max-Forwards: 70",
            *extra,
            *typed,
            f"Content-Length: {len(body.encode())}",
        )
        return "\r\n".join((*lines, "", body)).encode()

    def acknowledgement(self, answer: str) -> bytes:
        """Return the ACK of a 200 to our INVITE."""
        to = next(line for line in answer.split("\r\n") if line.startswith("To: ")).removeprefix("To: ")
        return self.request("ACK", "sip:9110@127.0.0.1", to=to).replace(
            b";branch=z9hG4bK-", b";branch=z9hG4bK-ack-"
        )

    def send(self, message: bytes) -> None:
        self._socket.sendto(message, self._there)

    async def hear(self, seconds: float = 20.0) -> str:
        """Return the next message."""
        async with asyncio.timeout(seconds):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 65_535)).decode()

    async def request_heard(self, method: str) -> str:
        """Return the next request of a method; what else comes stays unanswered."""
        heard = ""
        while not heard.startswith(f"{method} "):
            heard = await self.hear()
        return heard

    async def answer(self, seconds: float = 20.0) -> str:
        """Return the next response that is more than `100 Trying`; requests stay unanswered."""
        heard = ""
        while not heard.startswith("SIP/2.0 ") or heard.startswith("SIP/2.0 100 "):
            heard = await self.hear(seconds)
        return heard

    def credentials(self, challenge: str, method: str, uri: str, password: str) -> str:
        """Return the Authorization that answers a 401, by MD5 as RFC 2617 has it."""
        realm, nonce = (re.findall(rf'{name}="([^"]*)"', challenge)[0] for name in ("realm", "nonce"))
        secret = _md5(f"{self.user}:{realm}:{password}")
        response = _md5(f"{secret}:{nonce}:00000001:abc:auth:{_md5(f'{method}:{uri}')}")
        return (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="abc"'
        )

    def old_credentials(self, challenge: str, method: str, uri: str, password: str) -> str:
        """The same, without qop, as RFC 2069 has it."""
        realm, nonce = (re.findall(rf'{name}="([^"]*)"', challenge)[0] for name in ("realm", "nonce"))
        secret = _md5(f"{self.user}:{realm}:{password}")
        response = _md5(f"{secret}:{nonce}:" + _md5(f"{method}:{uri}"))
        return (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}"'
        )


async def register(phone: Wire) -> None:
    uri = "sip:127.0.0.1"
    to = f"<sip:{phone.user}@127.0.0.1>"
    phone.send(phone.request("REGISTER", uri, "Expires: 60", to=to))
    challenge = await phone.answer()
    signed = phone.credentials(challenge, "REGISTER", uri, PASSWORD)
    phone.send(phone.request("REGISTER", uri, "Expires: 60", signed, to=to))
    assert (await phone.answer()).startswith("SIP/2.0 200 ")


def ringing(invite: str) -> bytes:
    """Return a 180 to an INVITE."""
    return _response("180 Ringing", invite)


def answering(invite: str, status: str = "200 OK") -> bytes:
    """Return a final response to an INVITE, with sound that comes from nowhere."""
    sound = ("Contact: <sip:x@127.0.0.1:9>", "Content-Type: application/sdp")
    return _response(status, invite, *sound, body=SDP)


def _response(status: str, invite: str, *extra: str, body: str = "") -> bytes:
    kept = [line for line in invite.split("\r\n") if line.startswith(("Via:", "From:", "Call-ID:", "CSeq:"))]
    to = next(line for line in invite.split("\r\n") if line.startswith("To:"))
    lines = (f"SIP/2.0 {status}", *kept, f"{to};tag=x", *extra, f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", body)).encode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
