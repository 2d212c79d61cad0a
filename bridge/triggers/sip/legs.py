"""One leg as `switch` knows it: its calls at the user agent, and its side of the media."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import count
from typing import Any, Final

from bridge.b2bua.effects import Play
from bridge.calls.facts import Said
from bridge.protocols.media import facade
from bridge.protocols.sip.agent.events import Ended
from bridge.protocols.sip.dialog.vocabulary import Cause, Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.max_forwards import DEFAULT_MAX_FORWARDS
from bridge.protocols.sip.headers.reason import Reason
from bridge.protocols.sip.sdp import Description, Local, Stream

COMPLETED_ELSEWHERE: Final = 200
"""Cause of a Reason by which a telephone shows no missed call (RFC 3326)."""
NORMAL_CLEARING: Final = 16
"""Cause of ITU-T Q.850."""
_SESSIONS: Final = count(secrets.randbits(47))
"""Numbers of session descriptions: no two alike, and none of an earlier run's (RFC 4566 section 5.2)."""
_NO_ANSWER: Final = 408
_NOT_REACHED: Final = 503
_NOT_ACCEPTABLE: Final = 488


@dataclass(slots=True, eq=False)
class Leg:
    """branches: the calls that may still become this leg, and how each is reached. call: the one that did.

    elsewhere: its voice is with a media process of an earlier run, which nobody can ask anything.
    """

    id: str
    endpoint: str
    incoming: bool
    branches: dict[str, Flow] = field(default_factory=dict)
    call: str = ""
    offer: Description | None = None
    hops: int = DEFAULT_MAX_FORWARDS
    local: Local | None = None
    stream: Stream | None = None
    signalled_from: str = ""
    """Where its signalling comes from: media from there is as good as from the negotiated address, for a
    telephone with two addresses often writes the other one into its session description."""
    refused: int = 0
    """The final response that counts so far, of several branches."""
    peer: str = ""
    """The leg it is joined with."""
    playing: Play | None = None
    """What it hears, or heard last, from a file."""
    recording: str = ""
    """The file that it is to be recorded in, '' for none."""
    files: int = 0
    """How many files that became: the media may be lost meanwhile."""
    recorded: Said | None = None
    """What is to be told as soon as it is recorded."""
    answered: bool = False
    """Whether we answered this caller."""
    alarm: bool = False
    """Whether it is for an SOS: the phone's, or of somebody who is rung for it."""
    over: bool = False
    elsewhere: bool = False

    def is_over(self) -> bool:
        """Whether nobody wants it any more. To be asked again after each wait."""
        return self.over

    @property
    def talks(self) -> bool:
        """Whether it is answered: before, a telephone need not send any sound."""
        return self.answered or (bool(self.call) and not self.incoming)

    def next_file(self) -> str:
        """Return the name of the next file of its recording: `x.wav`, `x-2.wav` and so on."""
        self.files += 1
        return (
            self.recording if self.files == 1 else f"{self.recording.removesuffix('.wav')}-{self.files}.wav"
        )

    def take_local(self, opened: facade.Local) -> Local:
        """Remember where its media are."""
        self.local = Local(opened.address, opened.rtp_port, str(next(_SESSIONS)))
        return self.local

    def plain(self) -> Mapping[str, Any]:
        """Return what a restart must know of it."""
        return {"id": self.id, "endpoint": self.endpoint, "incoming": self.incoming, "call": self.call}


def media_address(wanted: str, flow: Flow) -> str:
    """Return where RTP is to be received from who is reached by `flow`: by the same family of addresses.

    wanted: the configured address, '' for the one that signalling uses.
    """
    family = ip_address(flow.remote[0]).version
    if wanted and ip_address(wanted).version == family:
        return wanted
    try:
        return flow.local[0] if ip_address(flow.local[0]).version == family else wanted
    except ValueError:  # a name, which others know us by
        return wanted


def because(why: str, *, elsewhere: bool = False) -> Fields:
    """Return the Reason of a BYE or CANCEL. why: for people. elsewhere: somebody else answered."""
    text = "".join(char if char.isprintable() else " " for char in why)[:100]
    reason = Reason("SIP", COMPLETED_ELSEWHERE, text) if elsewhere else Reason("Q.850", NORMAL_CLEARING, text)
    return (("Reason", reason),)


def status_of(ended: Ended) -> int:
    """Return the final response that stands for the end of a call of ours that was not answered."""
    if ended.status:
        return ended.status
    match ended.cause:
        case Cause.NO_ANSWER:
            return _NO_ANSWER
        case Cause.NOT_ACCEPTABLE:
            return _NOT_ACCEPTABLE
    return _NOT_REACHED


def hung_up(ended: Ended) -> bool:
    """Whether the other side ended the call, rather than being lost."""
    return ended.cause in (Cause.BYE, Cause.CANCELLED)


def better(known: int, status: int) -> int:
    """Return which of two devices' refusals counts: what a person did, then the lowest."""
    if not known:
        return status
    by_a_person = [code for code in (known, status) if code in (486, 600, 603)]
    return by_a_person[0] if by_a_person else min(known, status)
