"""What the user agent tells the application: what became of calls and requests.

Values, which stand among the effects in the order in which they happened. The text in them is untrusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.sdp import Description, Stream
from bridge.protocols.sip.transaction.machine import Failure


@dataclass(frozen=True, slots=True)
class Offered:
    """Somebody calls. Answer with `ring`, `accept`, `reject` or `challenge`.

    key: Call-ID and From tag, by which the caller knows the call. facts: what it says about itself
    (`bodies.caller_facts`). offer: its session description, None if it sent none or one that nobody can read:
    `unreadable` then says why, and `accept` will refuse with 488. help: whether it dialled
    `urn:service:sos`, which must not be refused for a formality. hops: its Max-Forwards, to be passed on by
    who calls on behalf of it.
    """

    call: str
    request: Request
    flow: Flow
    key: tuple[str, str]
    facts: Mapping[str, str]
    offer: Description | None
    help: bool
    hops: int
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A provisional response to our call, 100 included. stream: of its early media, None without."""

    call: str
    response: Response
    stream: Stream | None


@dataclass(frozen=True, slots=True)
class Answered:
    """Our call was answered and the ACK is on its way."""

    call: str
    response: Response
    stream: Stream | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The 200 to an offered call was sent. stream: None until the ACK brings the answer to our own offer."""

    call: str
    stream: Stream | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The other side has acknowledged our 200."""

    call: str
    stream: Stream | None


@dataclass(frozen=True, slots=True)
class Renegotiated:
    """The media have changed, by whichever side's offer; hold is in `stream.direction` and `stream.held`."""

    call: str
    stream: Stream


@dataclass(frozen=True, slots=True)
class RenegotiationRefused:
    """Our offer was refused: everything stays as it was."""

    call: str
    response: Response


@dataclass(frozen=True, slots=True)
class Digit:
    """A key pressed, told by INFO. milliseconds: 0 where nothing was said about it."""

    call: str
    digit: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over, and its id means nothing any more.

    status: the final response that ended it, 0 for none. request: the BYE or CANCEL that did, for its Reason.
    """

    call: str
    cause: Cause
    status: int = 0
    response: Response | None = None
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A request that only the application can answer, with `Agent.answer`. call: the one it is in, or ''."""

    id: str
    request: Request
    flow: Flow
    call: str = ""


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The final response to a request of the application's, or why there is none."""

    id: str
    request: Request
    response: Response | None
    failure: Failure | None


Event: TypeAlias = (
    Offered
    | Ringing
    | Answered
    | Accepted
    | Confirmed
    | Renegotiated
    | RenegotiationRefused
    | Digit
    | Ended
    | RequestReceived
    | RequestAnswered
)
