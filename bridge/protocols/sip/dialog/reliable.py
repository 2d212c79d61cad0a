"""Provisional responses that do not get lost: 100rel and PRACK (RFC 3262).

At the server: `Reliable` is one such response until its PRACK comes. At the client: `expects` says whether a
response is to be acknowledged. Used only where the other side requires it; a lost 180 costs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bridge.protocols.sip.headers.rack import RAck
from bridge.protocols.sip.headers.rseq import RSeq
from bridge.protocols.sip.message import Request, Response

TAG: Final = "100rel"
LARGEST_FIRST: Final = 2**31 - 1
"""The first RSeq is chosen at random up to here (section 3)."""


@dataclass(frozen=True, slots=True)
class Reliable:
    """A provisional response that waits for its PRACK."""

    response: Response
    rack: RAck
    interval: float
    """Seconds until it is sent again; doubles each time."""

    def later(self) -> Reliable:
        return replace(self, interval=self.interval * 2)

    def is_answered_by(self, prack: Request) -> bool:
        """Whether a PRACK is for this response (section 3). Raises MalformedError without RAck."""
        if prack.rack is None:
            raise prack.malformed("a PRACK without RAck")
        return prack.rack == self.rack


def made_reliable(response: Response, number: int, interval: float) -> Reliable:
    """Return `response` with its number and `Require: 100rel` (section 3). Not for 100 Trying."""
    headers = response.headers.adding(("Require", TAG), ("RSeq", RSeq(number)))
    return Reliable(replace(response, headers=headers), RAck(number, response.cseq), interval)


def expects(response: Response, last: int | None) -> RAck | None:
    """Return what acknowledges a provisional response to our INVITE, None if nothing must (section 4).

    last: the RSeq acknowledged last in this dialog, None for none. A repetition and one that came before its
    turn are not acknowledged: the server will send them again.
    """
    if response.status == 100 or TAG not in response.require or response.rseq is None:
        return None
    number = response.rseq.number
    return RAck(number, response.cseq) if last is None or number == last + 1 else None
