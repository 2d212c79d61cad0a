"""The head of a message: start line and header fields, from bytes to a checked message.

Called by `datagram` and `stream`, which differ only in where the body ends. Forgiving where a call for help
would be lost for a trifle (RFC 3261 section 8.2.2, RFC 4475): lines that end in LF alone, folded lines, text
that is not UTF-8, NUL, a line without a colon. Strict where a guess would be dangerous: what must stand once
and stands twice, numbers out of range, lengths that do not fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.framing.limits import Limits
from bridge.protocols.sip.grammar import TOKEN_CHARS, number, shorten
from bridge.protocols.sip.message.fields import Headers
from bridge.protocols.sip.message.malformed import MalformedError
from bridge.protocols.sip.message.message import AnyMessage, Request, Response
from bridge.protocols.sip.message.names import SPELLINGS, canonical
from bridge.protocols.sip.uri import parse_uri

HEAD_END: Final = re.compile(rb"\n\r?\n")
"""The empty line. Begins with a fixed byte, which the search can jump to."""

_BLANKS: Final = " \t"
_REQUEST_LINE: Final = re.compile(rf"([{TOKEN_CHARS}]++) ++([^ ]++) ++[sS][iI][pP]/([0-9]++\.[0-9]++) *+")
_STATUS_LINE: Final = re.compile(r"[sS][iI][pP]/([0-9]++\.[0-9]++) ++([0-9]++)(?: (.*+))?+", re.DOTALL)
_METHOD: Final = re.compile(rf"([{TOKEN_CHARS}]++) ")

_WITH_CONTACT: Final = frozenset(("INVITE", "REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE"))


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Not a message: line ends that keep a way open (RFC 5626 section 3.5). `reply` is what to send back."""

    reply: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """Start line and header fields, not yet checked."""

    start_line: str
    headers: Headers

    def malformed(self, text: str, *, status: int = 400) -> MalformedError:
        """Return the error that says what is wrong with this message."""
        method = None if self.start_line[:4].upper() == "SIP/" else _METHOD.match(self.start_line)
        return MalformedError(
            text,
            status=status,
            method=method[1] if method else "",
            headers=self.headers,
            start_line=self.start_line,
        )

    def content_length(self, limits: Limits) -> int | None:
        """Return the length of the body, None where the message does not say. Raises MalformedError."""
        lines = self.headers.all("Content-Length")
        if not lines:
            return None
        if len(lines) > 1:
            raise self.malformed("Content-Length stands more than once")
        try:
            length = number(lines[0], "Content-Length", largest=10**9)
        except ProtocolError as error:
            raise self.malformed(str(error)) from error
        if length > limits.body:
            raise self.malformed(f"a body of {length} bytes, {limits.body} at most", status=513)
        return length


def read_head(data: bytes, limits: Limits) -> Head:
    """Read what stands before the empty line. Raises MalformedError beyond the limits."""
    lines = _lines(data[: limits.head])
    fields = _fields(lines[1 : limits.fields + 1])
    head = Head(lines[0], Headers(fields))
    if len(data) > limits.head:
        raise head.malformed(f"a head of more than {limits.head} bytes")
    if len(lines) - 1 > limits.fields:
        raise head.malformed(f"{len(lines) - 1} header fields, {limits.fields} at most")
    if len(data) > limits.field and len(max(lines, key=len)) > limits.field:
        status = 414 if len(lines[0]) > limits.field else 400
        raise head.malformed(f"a line of more than {limits.field} characters", status=status)
    return head


def read_fields(data: bytes) -> Headers:
    """Read header fields without a start line: those of a body's part."""
    return Headers(_fields(_lines(data)))


def _lines(data: bytes) -> list[str]:
    text = _decoded(data)
    if "\0" in text:
        # It has no place in a database or a C program's log; the rest of the line may be what matters.
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    lines = text.split("\r\n")
    if not text.count("\n") == text.count("\r") == len(lines) - 1:
        lines = text.replace("\r\n", "\n").replace("\r", " ").split("\n")
    return lines


def _decoded(data: bytes) -> str:
    """Return the text of `data`; a line that is not UTF-8 is taken for Latin-1, as old telephones mean it."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "\n".join(_decoded_line(line) for line in data.split(b"\n"))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _fields(lines: list[str]) -> dict[str, tuple[str, ...]]:
    """Sort lines by name, folded ones with the line that they continue (RFC 3261 section 7.3.1).

    A line that is no field is left out (section 8.2.2).
    """
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    for line in lines:
        name, colon, value = line.partition(":")
        spelled = SPELLINGS.get(name)
        if spelled is None:
            if line[:1] in (" ", "\t"):
                if values:
                    values[-1] = f"{values[-1]} {line.strip(_BLANKS)}".strip(_BLANKS)
                continue
            spelled = canonical(name)
        if not colon or not spelled:
            values = []
        elif spelled in fields:
            values = fields[spelled]
            values.append(value.strip(_BLANKS))
        else:
            values = fields[spelled] = [value.strip(_BLANKS)]
    return {name: tuple(values) for name, values in fields.items()}


def build(head: Head, body: bytes) -> AnyMessage:
    """Make a message and check what everybody relies on. Raises MalformedError."""
    if head.start_line[:4].upper() == "SIP/":
        message: AnyMessage = _response(head, body)
    else:
        message = _request(head, body)
    message.check()
    if isinstance(message, Request):
        if message.cseq.method != message.method:
            raise head.malformed(f"CSeq is of {shorten(message.cseq.method)}, the request is not")
        if message.method in _WITH_CONTACT:
            _ = message.contacts  # where the dialog or registration would lead
    return message


def _request(head: Head, body: bytes) -> Request:
    match = _REQUEST_LINE.fullmatch(head.start_line)
    if match is None:
        raise head.malformed(f"no Request-Line: {shorten(head.start_line)}")
    method, uri, version = match.groups()
    if version != "2.0":
        raise head.malformed(f"SIP version {shorten(version)}", status=505)
    try:
        return Request(method, parse_uri(uri), head.headers, body)
    except ProtocolError as error:
        raise head.malformed(f"Request-URI: {error}") from error


def _response(head: Head, body: bytes) -> Response:
    match = _STATUS_LINE.fullmatch(head.start_line)
    if match is None or match[1] != "2.0":
        raise head.malformed(f"no Status-Line: {shorten(head.start_line)}")
    try:
        status = number(match[2], "a status", smallest=100, largest=699)
    except ProtocolError as error:
        raise head.malformed(str(error)) from error
    return Response(status, head.headers, body, match[3] or "")
