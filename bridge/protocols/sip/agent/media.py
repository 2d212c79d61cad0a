"""The session descriptions of one call: what we sent, what we got, what came of it (RFC 3264).

Called by `called`, `calling` and `talking`. A value: an offer that is refused leaves the old one in force.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.protocols.sip.bodies import parts_of
from bridge.protocols.sip.headers.media_type import SDP
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.sdp import (
    Description,
    Local,
    NotAcceptableError,
    Stream,
    accept_answer,
    make_answer,
    make_offer,
)


@dataclass(frozen=True, slots=True)
class Media:
    """local: our side, with the version that was sent last. offered: whether the last offer was ours."""

    local: Local
    sent: Description | None = None
    received: Description | None = None
    stream: Stream | None = None
    offered: bool = False

    @property
    def body(self) -> bytes:
        """The description that is to be sent."""
        return b"" if self.sent is None else bytes(self.sent)

    def offering(self) -> Media:
        """Return the media with an offer to be sent; its m= lines are those of before (section 8)."""
        offer = make_offer(self.local)
        if self.sent is not None:
            lines = tuple(offer.media[0] if line.port else line for line in self.sent.media)
            offer = replace(offer, media=lines)
        sent, local = self._versioned(offer)
        return Media(local, sent, self.received, self.stream, offered=True)

    def answering(self, offer: Description) -> Media:
        """Return the media with the answer to `offer`. Raises NotAcceptableError."""
        answer, stream = make_answer(offer, self.local)
        sent, local = self._versioned(answer)
        return Media(local, sent, offer, stream)

    def answered(self, answer: Description) -> Media:
        """Return the media after the other side's answer to our offer. Raises NotAcceptableError."""
        lines = () if self.sent is None else self.sent.media
        if len(answer.media) != len(lines):
            raise NotAcceptableError(
                f"an answer with {len(answer.media)} media to an offer with {len(lines)}"
            )
        ours = next((theirs for theirs, line in zip(answer.media, lines, strict=True) if line.port), None)
        audio = replace(answer, media=() if ours is None else (ours,))
        return replace(self, received=answer, stream=accept_answer(audio, self.local))

    def _versioned(self, description: Description) -> tuple[Description, Local]:
        """The version grows by one whenever the description changes, and only then (section 8)."""
        if self.sent is None or description == replace(self.sent, origin=description.origin):
            return description, self.local
        local = replace(self.local, version=self.local.version + 1)
        return replace(description, origin=replace(description.origin, version=str(local.version))), local

    def with_local(self, local: Local) -> Media:
        """Return the media with another side of ours; the session is the same, and so is its version."""
        ours = replace(local, session_id=self.local.session_id, version=self.local.version)
        return replace(self, local=ours)

    def after_refusal_of(self, refused: Media) -> Media:
        """Return these media, which stay in force; the version of what was refused is used up."""
        return replace(self, local=replace(self.local, version=refused.local.version))


def description_in(message: Request | Response) -> Description | None:
    """Return the session description that a message carries, None without. Raises ProtocolError."""
    if not message.body:
        return None
    for part in parts_of(message):
        if part.content_type.name == SDP.name:
            return Description.parse(part.body)
    return None
