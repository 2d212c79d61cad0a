"""One datagram, one message (RFC 3261 section 18.3). Called by the endpoint for UDP."""

from __future__ import annotations

from typing import Final

from bridge.protocols.sip.framing.head import HEAD_END, KeepAlive, build, read_head
from bridge.protocols.sip.framing.limits import DEFAULT, Limits
from bridge.protocols.sip.message.message import AnyMessage

_NOISE: Final = b"\r\n\0 "
"""What keep-alives are made of, an empty datagram among them."""
_BLANK_STARTS: Final = (b"", b"\r", b"\n", b"\0", b" ")


def parse_datagram(data: bytes, limits: Limits = DEFAULT) -> AnyMessage | KeepAlive:
    """Return the message in a datagram, or the keep-alive that it is.

    Bytes behind the body are ignored. Raises MalformedError, whatever `data` is; nothing else.
    """
    if data[:1] in _BLANK_STARTS:
        if not data.strip(_NOISE):
            return KeepAlive()
        data = data.lstrip(b"\r\n")
    end = HEAD_END.search(data)
    head = read_head(data[: end.start()].rstrip(b"\r") if end else data.rstrip(b"\r\n"), limits)
    length = head.content_length(limits)
    body = data[end.end() :] if end else b""
    if length is not None:
        if length > len(body):
            raise head.malformed(f"Content-Length is {length}, the body has {len(body)} bytes")
        body = body[:length]
    elif len(body) > limits.body:
        raise head.malformed(f"a body of {len(body)} bytes, {limits.body} at most", status=513)
    return build(head, body)
