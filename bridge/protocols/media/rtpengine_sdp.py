"""The session descriptions with which rtpengine is told about a leg. Pure; called by `rtpengine`.

A leg is a call of its own in rtpengine with two sides: `out`, the party, and `in`, which is either nobody or
the inner port of the leg that it is joined with. So the party's port stays the same whoever it talks to.
"""

from __future__ import annotations

from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.media.facade import Law, Local, Remote
from bridge.protocols.sip.sdp import Description, Direction, Media, Origin

NOBODY_PORT: Final = 9
"""The discard service."""
_EVENT_TYPE: Final = 101


def of_party(remote: Remote) -> str:
    """Describe the party as it described itself."""
    direction = Direction.of(sends=remote.receives, receives=remote.sends)
    attributes = [(direction.value, "")]
    if remote.rtcp_port:
        attributes.append(("rtcp", str(remote.rtcp_port)))
    audio = _audio(remote.port, {remote.law: remote.payload_type}, remote.event_type, attributes)
    return _describe(remote.address, audio)


def of_inside(address: str, port: int) -> str:
    """Describe the inner side. It is always A-law: rtpengine translates for a party that speaks mu-law."""
    return _describe(address, _audio(port, {Law.PCMA: 8}, _EVENT_TYPE, [("sendrecv", "")]))


def local_of(body: bytes) -> Local:
    """Return where rtpengine listens, by its answer. Raises ProtocolError."""
    description = Description.parse(body)
    audio = next((media for media in description.media if media.kind == "audio" and media.port), None)
    if audio is None:
        raise ProtocolError("rtpengine: an answer without an audio port")
    rtcp = (audio.attribute("rtcp") or "").split()
    port = int(rtcp[0]) if rtcp and rtcp[0].isdigit() else audio.port + 1
    return Local(address=description.address_of(audio), rtp_port=audio.port, rtcp_port=port)


def _audio(port: int, laws: dict[Law, int], event_type: int | None, more: list[tuple[str, str]]) -> Media:
    formats = [str(number) for number in laws.values()]
    attributes = [("rtpmap", f"{number} {law.value}/8000") for law, number in laws.items()]
    if event_type is not None:
        formats.append(str(event_type))
        attributes += [("rtpmap", f"{event_type} telephone-event/8000"), ("fmtp", f"{event_type} 0-15")]
    return Media("audio", port, "RTP/AVP", tuple(formats), attributes=(*attributes, *more))


def _describe(address: str, audio: Media) -> str:
    kind = "IP6" if ":" in address else "IP4"
    origin = Origin.parse(f"- 1 1 IN {kind} {address}")
    return str(Description(origin=origin, address=address, media=(audio,)))
