"""Messages one after the other on a connection (RFC 3261 section 18.3).

Called by the endpoint for TCP and TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bridge.protocols.sip.framing.head import HEAD_END, Head, KeepAlive, build, read_head
from bridge.protocols.sip.framing.limits import DEFAULT, Limits
from bridge.protocols.sip.message.malformed import MalformedError
from bridge.protocols.sip.message.message import AnyMessage

_LINE_ENDS: Final = b"\r\n"
_BLANK_STARTS: Final = (bytearray(b"\r"), bytearray(b"\n"))
_PING: Final = b"\r\n\r\n"
_PONG: Final = KeepAlive(b"\r\n")


class StreamFramer:
    """Takes the bytes of one connection in any pieces, gives messages.

    Where a message ends is known from its head alone. So a head that cannot be read is `fatal`: the
    connection must be closed, and nothing is given any more. What is wrong within a message is not.
    """

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        """How far the buffer is known to hold no end of a head: no byte is searched twice."""
        self._head: Head | None = None
        """The head whose body is still to come."""
        self._body_length = 0
        self._broken = False

    def receive(self, data: bytes) -> None:
        """Add bytes from the connection."""
        if not self._broken:
            self._buffer += data

    def messages(self) -> Iterator[AnyMessage | KeepAlive]:
        """Yield what is complete. Raises MalformedError for a message that cannot be read; nothing else.

        After an error that is not fatal call it again for what comes behind.
        """
        while not self._broken:
            if self._head is None:
                yield from self._keep_alives()
                self._read_head()
            if self._head is None or len(self._buffer) < self._body_length:
                return
            head, self._head = self._head, None
            yield build(head, self._take(self._body_length))

    def _keep_alives(self) -> Iterator[KeepAlive]:
        """Drop the line ends before a message (section 7.5); two in a row ask for one (RFC 5626, 3.5.1)."""
        if self._buffer[:1] not in _BLANK_STARTS:
            return
        rest = self._buffer.lstrip(_LINE_ENDS)
        if not rest and len(self._buffer) < len(_PING):
            return  # the other half may be on its way
        if _PING in self._take(len(self._buffer) - len(rest)):
            yield _PONG

    def _read_head(self) -> None:
        end = HEAD_END.search(self._buffer, self._searched)
        if (end.start() if end else len(self._buffer)) > self._limits.head:
            raise self._break(MalformedError(f"no end of the head within {self._limits.head} bytes"))
        if end is None:
            self._searched = max(0, len(self._buffer) - 2)
            return
        data = self._take(end.end())[: end.start()]
        try:
            head = read_head(data.rstrip(b"\r"), self._limits)
            length = head.content_length(self._limits)
        except MalformedError as error:
            raise self._break(error) from error
        if length is None:
            raise self._break(head.malformed("Content-Length is missing, which a stream needs"))
        self._head, self._body_length = head, length

    def _take(self, length: int) -> bytes:
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._searched = 0
        return data

    def _break(self, error: MalformedError) -> MalformedError:
        self._broken = True
        self._buffer.clear()
        error.fatal = True
        return error
