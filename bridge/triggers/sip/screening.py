"""INVITEs that are turned away for their form, and may have been cries for help: mended, or told as a fault.

What a telephone of ours writes may be wrong by one byte, today or after its next update; whoever needs help
is not to be lost for it without anybody knowing. Called by `line` for what cannot be read, and by `callers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import MalformedError, Request, Response
from bridge.protocols.sip.message.mending import mended
from bridge.protocols.sip.message.status import reason_of
from bridge.protocols.sip.uri import AbsoluteUri, Uri, asks_for_help

BY_FORM: Final = frozenset((400, 405, 406, 413, 414, 415, 416, 420, 421, 422, 483, 501, 505, 513))
"""Final responses that say how an INVITE is written, not who may call whom."""
_NUMBERS: Final = re.compile(r"[0-9A-Za-z*#+]{1,64}")
_LONGEST_TEXT: Final = 120

_log = structlog.get_logger(__name__)


class Faults(Protocol):
    """What is used of `News`."""

    def fault(self, what: str, text: str) -> None: ...
    def clear(self, what: str) -> None: ...


class Screening:
    """is_alarm: whether a number is a cry for help. is_ours: whether a flow is of an allowed network, or of a
    telephone that is registered.
    """

    def __init__(
        self, *, is_alarm: Callable[[str], bool], is_ours: Callable[[Flow], bool], faults: Faults
    ) -> None:
        self._is_alarm = is_alarm
        self._is_ours = is_ours
        self._faults = faults

    def readable(self, invite: Request, flow: Flow) -> Request:
        """Return an INVITE without what would have it refused for a trifle, if it cries for help."""
        if self._cries(invite.uri, invite.to.uri) and self._is_ours(flow):
            return mended(invite) or invite
        return invite

    def unreadable(self, error: MalformedError, flow: Flow) -> Request | None:
        """Return what was meant by a message that cannot be read; None where nobody can tell, and a fault."""
        if not (_is_invite(error) and self._may_cry(error) and self._is_ours(flow)):
            return None
        whole = mended(error.request) if error.request is not None else None
        if whole is None:
            self._tell(error.status, str(error), error.headers.first("From") or "", flow)
        else:
            _log.warning("an SOS that is not written well", remote=flow.remote[0], why=str(error))
        return whole

    def refused(self, invite: Request, response: Response, flow: Flow) -> None:
        """Take note of an INVITE that the user agent itself turned away."""
        if self._cries(invite.uri, invite.to.uri) and self._is_ours(flow):
            why = response.reason or reason_of(response.status)
            self._tell(response.status, why, invite.headers.first("From") or "", flow)

    def taken(self, flow: Flow) -> None:
        """An SOS came through from there."""
        self._faults.clear(_what(flow))

    def _cries(self, *called: Uri) -> bool:
        """Whether the first of these is an alarm extension, or any of them the emergency service."""
        dialled = "" if isinstance(called[0], AbsoluteUri) else called[0].username
        return self._is_alarm(dialled) or any(map(asks_for_help, called))

    def _may_cry(self, error: MalformedError) -> bool:
        """Whether a message that cannot be read may be a cry for help: rather too often than too seldom."""
        if error.request is not None and self._cries(error.request.uri):
            return True
        text = f"{error.start_line} {error.headers.first('To') or ''}"
        return "service:sos" in text.lower() or any(map(self._is_alarm, _NUMBERS.findall(text)))

    def _tell(self, status: int, why: str, who: str, flow: Flow) -> None:
        said = "".join(char if char.isprintable() else "?" for char in who)[:_LONGEST_TEXT]
        self._faults.fault(
            _what(flow),
            f"a call from {flow.remote[0]} ({said or 'nobody'}) was refused with {status}: {why}; "
            "if it was an SOS, nobody heard of it",
        )


def _what(flow: Flow) -> str:
    return f"unheard {flow.remote[0]}"


def _is_invite(error: MalformedError) -> bool:
    if error.method or error.start_line[:4].upper() == "SIP/":
        return error.method == "INVITE"
    return "INVITE" in f"{error.start_line} {error.headers.first('CSeq') or ''}".upper()
