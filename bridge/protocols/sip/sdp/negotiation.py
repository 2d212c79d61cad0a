"""Offer and answer as pure functions (RFC 3264).

Called by dialogs: `make_answer` for the offer in an INVITE or in a 2xx (then the answer goes into the ACK),
`make_offer` and `accept_answer` for our own. Hold is told apart in both of its forms: a direction, and the
address 0.0.0.0 of old telephones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import number
from bridge.protocols.sip.sdp.codecs import EVENTS, PCMA, PCMU, TELEPHONE_EVENT, Codec, payload_types, rtpmap
from bridge.protocols.sip.sdp.description import Attributes, Description, Direction, Media, Origin

_PROTOCOL: Final = "RTP/AVP"
_PACKET_MS: Final = 20


class NotAcceptableError(ProtocolError):
    """Nothing in common: 488 to an offer, and the end of the call after an answer."""


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of the media. `address` is IP, where we receive and from where we send.

    session_id, version: digits for the o= line; the version grows by one whenever the description changes.
    codecs: those we take, for an offer in this order; an answer keeps the other side's order.
    direction: what we want, before the other side has its say.
    """

    address: str
    port: int
    session_id: str
    version: int = 0
    codecs: Sequence[Codec] = (PCMA, PCMU)
    direction: Direction = Direction.SENDRECV

    def describe(self, media: Sequence[Media]) -> Description:
        origin = Origin("-", self.session_id, str(self.version), self.address)
        return Description(origin, self.address, tuple(media))


@dataclass(frozen=True, slots=True)
class PayloadTypes:
    """The numbers of one direction. `events` is that of telephone-event, None without it."""

    audio: int
    events: int | None


@dataclass(frozen=True, slots=True)
class Stream:
    """The audio that was agreed on.

    send, receive: the numbers that the other side and that we are told to expect; they differ only where an
    answer does not keep the numbers of its offer (RFC 3264 section 5.1). Nothing but `receive.events` is ever
    DTMF. direction: ours. remote, rtcp: where to send to, None while the other side has us on hold in the old
    way. packet_ms: how long the packets are that the other side asks for.
    """

    codec: Codec
    send: PayloadTypes
    receive: PayloadTypes
    direction: Direction
    remote: tuple[str, int] | None
    rtcp: tuple[str, int] | None
    packet_ms: int = _PACKET_MS

    @property
    def held(self) -> bool:
        """Whether the other side does not want to hear us."""
        return self.remote is None or not self.direction.sends


def make_answer(offer: Description, local: Local) -> tuple[Description, Stream]:
    """Return the answer to `offer` and the stream it agrees on (RFC 3264 section 6).

    The first audio that we can do is taken, with one codec and telephone-event under the numbers of the
    offer; everything else is refused with port 0. Raises NotAcceptableError.
    """
    accepted = None
    media: list[Media] = []
    for offered in offer.media:
        stream = None if accepted else _agree(offer, offered, local)
        media.append(_accept(stream, local) if stream else _refuse(offered))
        accepted = accepted or stream
    if accepted is None:
        raise NotAcceptableError("an offer without audio that we can do")
    return local.describe(media), accepted


def make_offer(local: Local) -> Description:
    """Return our offer: one audio with all our codecs and telephone-event (RFC 3264 section 5)."""
    types = {codec.payload_type: codec for codec in (*local.codecs, TELEPHONE_EVENT)}
    return local.describe([_media(types, local.port, local.direction)])


def accept_answer(answer: Description, local: Local) -> Stream:
    """Return the stream that an answer to our offer agrees on (RFC 3264 section 7).

    Raises NotAcceptableError where it refuses the audio, or takes what was not offered.
    """
    if len(answer.media) != 1:
        raise NotAcceptableError(f"an answer with {len(answer.media)} media to an offer with one")
    stream = _agree(answer, answer.media[0], local)
    if stream is None:
        raise NotAcceptableError("an answer without audio that we can do")
    events = None if stream.send.events is None else TELEPHONE_EVENT.payload_type
    return replace(stream, receive=PayloadTypes(stream.codec.payload_type, events))


def _agree(theirs: Description, media: Media, local: Local) -> Stream | None:
    """Return what we have in common in one of the other side's media, None if that is not enough."""
    address = _usable_address(theirs.address_of(media), local.address)
    if media.kind != "audio" or media.protocol != _PROTOCOL or not media.port or address is None:
        return None
    types = payload_types(media)
    audio = next(((number, codec) for number, codec in types.items() if codec in local.codecs), None)
    if audio is None:
        return None
    wanted = theirs.direction(media).mirrored
    direction = Direction.of(
        sends=wanted.sends and local.direction.sends,
        receives=wanted.receives and local.direction.receives,
    )
    old_hold = address.is_unspecified
    numbers = PayloadTypes(audio[0], _number_of(TELEPHONE_EVENT, types))
    return Stream(
        codec=audio[1],
        send=numbers,
        receive=numbers,
        direction=direction,
        remote=None if old_hold else (str(address), media.port),
        rtcp=None if old_hold else _rtcp(media, str(address)),
        packet_ms=_packet_ms(media),
    )


@lru_cache(maxsize=1024)
def _usable_address(text: str, local: str) -> IPv4Address | IPv6Address | None:
    """Return the address if our socket can send to it: of the same family, and of one host alone."""
    try:
        address = ip_address(text)
    except ValueError:
        return None  # a name: media never waits for a resolver
    if "%" in text:
        return None  # a zone, which means something on one machine only
    if address.version != ip_address(local).version or address.is_multicast:
        return None
    return None if str(address) == "255.255.255.255" else address


def _number_of(codec: Codec, types: Mapping[int, Codec]) -> int | None:
    return next((number for number, known in types.items() if known == codec), None)


def _rtcp(media: Media, address: str) -> tuple[str, int] | None:
    """Where RTCP goes: one port up, unless a=rtcp says otherwise (RFC 3605). None if that is no place."""
    words = (media.attribute("rtcp") or str(media.port + 1)).split()
    try:
        port = number(words[0] if words else "", "a port", smallest=1, largest=65535)
        return (str(ip_address(words[3])) if len(words) == 4 else address), port
    except (ProtocolError, ValueError):
        return None


def _packet_ms(media: Media) -> int:
    """The ptime asked for; what is no sensible number is 20 ms."""
    text = media.attribute("ptime")
    if not text:  # as in most
        return _PACKET_MS
    try:
        return number(text.strip(), "ptime", smallest=10, largest=200)
    except ProtocolError:
        return _PACKET_MS


def _accept(stream: Stream, local: Local) -> Media:
    types = {stream.receive.audio: stream.codec}
    if stream.receive.events is not None:
        types[stream.receive.events] = TELEPHONE_EVENT
    return _media(types, local.port, stream.direction)


def _refuse(offered: Media) -> Media:
    return Media(offered.kind, 0, offered.protocol, offered.formats)


def _media(types: Mapping[int, Codec], port: int, direction: Direction) -> Media:
    attributes: list[tuple[str, str]] = [rtpmap(number, codec) for number, codec in types.items()]
    events = _number_of(TELEPHONE_EVENT, types)
    if events is not None:
        attributes.append(("fmtp", f"{events} {EVENTS}"))
    attributes += [("ptime", str(_PACKET_MS)), (direction.value, "")]
    written: Attributes = tuple(attributes)
    return Media("audio", port, _PROTOCOL, tuple(map(str, types)), attributes=written)
