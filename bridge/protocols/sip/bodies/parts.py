"""The parts of a body: multipart/mixed and its kin (RFC 2046 section 5.1, RFC 5621).

An emergency call may carry SDP and a position together. Called by the user agent, which asks for the part it
understands, and by `caller_facts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.framing.head import HEAD_END, read_fields
from bridge.protocols.sip.headers.content_disposition import ContentDisposition
from bridge.protocols.sip.headers.media_type import MediaType
from bridge.protocols.sip.message.fields import Headers
from bridge.protocols.sip.message.message import AnyMessage

_MOST_PARTS: Final = 20
_LONGEST_BOUNDARY: Final = 70
_PLAIN: Final = MediaType("text/plain")


@dataclass(frozen=True, slots=True)
class Part:
    """One part. A part that is multipart itself is not taken apart further."""

    content_type: MediaType
    headers: Headers
    body: bytes

    @property
    def content_id(self) -> str:
        """The Content-ID without its brackets, or ''."""
        return (self.headers.first("Content-ID") or "").strip(" \t<>")

    @property
    def optional(self) -> bool:
        """Whether it may be ignored when it is not understood (RFC 5621 section 3). Raises ProtocolError."""
        text = self.headers.first("Content-Disposition")
        return text is not None and ContentDisposition.parse(text).optional


def parts_of(message: AnyMessage) -> tuple[Part, ...]:
    """Return the parts of a message's body; a body in one piece is one part, no body none.

    Raises ProtocolError on a multipart body that is none, and beyond 20 parts.
    """
    if not message.body:
        return ()
    content_type = message.content_type or _PLAIN
    if not content_type.name.startswith("multipart/"):
        return (Part(content_type, message.headers, message.body),)
    boundary = content_type.params.get("boundary").encode(errors="replace")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise ProtocolError("a multipart body without a boundary of 1 to 70 characters")
    parts: list[Part] = []
    for piece in _pieces(message.body, b"--" + boundary):
        if len(parts) == _MOST_PARTS:
            raise ProtocolError(f"a body of more than {_MOST_PARTS} parts")
        parts.append(_part(piece))
    return tuple(parts)


def _pieces(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    """Yield what stands between delimiter lines. Raises ProtocolError if the last one is missing."""
    start = -1
    position = 0
    while (found := body.find(delimiter, position)) >= 0:
        position = found + len(delimiter)
        if found and body[found - 1 : found] != b"\n":
            continue  # in the middle of a line it delimits nothing
        if start >= 0:
            yield body[start:found].removesuffix(b"\n").removesuffix(b"\r")
        if body.startswith(b"--", position):
            return
        start = body.find(b"\n", position) + 1
        if not start:
            break
    raise ProtocolError("a multipart body without its end")


def _part(piece: bytes) -> Part:
    if piece.startswith((b"\n", b"\r\n")):  # no header field at all
        return Part(_PLAIN, Headers(), piece.partition(b"\n")[2])
    end = HEAD_END.search(piece)
    headers = read_fields(piece[: end.start()].rstrip(b"\r") if end else piece)
    content_type = headers.first("Content-Type")
    return Part(
        MediaType.parse(content_type) if content_type is not None else _PLAIN,
        headers,
        piece[end.end() :] if end else b"",
    )
