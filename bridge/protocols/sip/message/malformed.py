"""The error of a message that cannot be read, with what is needed to answer it.

Raised by `framing` and by the properties of a message; `answers.answer_to` makes the response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.errors import ProtocolError
from bridge.protocols.sip.message.fields import Headers

if TYPE_CHECKING:
    from bridge.protocols.sip.message.message import Request


class MalformedError(ProtocolError):
    """A message, or one header field of it, that breaks the protocol.

    status: what a request is to be answered with (400, 413, 505, ...).
    start_line: as it came, '' where `request` has it.
    request: what was understood of it as a request, None where its start line or length cannot be read.
    method: of the request; '' if this was a response, or nothing that can be told.
    headers: what was understood of it, unchecked.
    fatal: on a stream: where the next message begins cannot be told, so the connection must be closed.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int = 400,
        method: str = "",
        headers: Headers | None = None,
        start_line: str = "",
        request: Request | None = None,
        fatal: bool = False,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.method = method
        self.headers = Headers() if headers is None else headers
        self.start_line = start_line
        self.request = request
        self.fatal = fatal

    @property
    def answerable(self) -> bool:
        """Whether a response can be made: not to a response, not to an ACK, not without a way back."""
        return self.method not in ("", "ACK") and "Via" in self.headers
