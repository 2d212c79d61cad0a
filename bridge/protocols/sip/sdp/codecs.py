"""What we speak: G.711 in both laws, and telephone-event for DTMF (RFC 3551, RFC 4733).

Called by `negotiation`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.protocols.sip.sdp.description import Media


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoding by the name that rtpmap gives it; `payload_type` is the static or the usual number."""

    name: str
    payload_type: int
    clock: int = 8000


PCMU: Final = Codec("PCMU", 0)
PCMA: Final = Codec("PCMA", 8)
TELEPHONE_EVENT: Final = Codec("telephone-event", 101)
EVENTS: Final = "0-15"
"""The DTMF events that we understand: 0 to 9, *, #, A to D."""

_STATIC: Final = {"0": PCMU, "8": PCMA}
_KNOWN: Final = {codec.name.lower(): codec for codec in (PCMU, PCMA, TELEPHONE_EVENT)}
_RTPMAP: Final = re.compile(r"[ \t]*+([0-9]{1,3})[ \t]++([^/\s]++)/([0-9]{1,6})(?:/([0-9]++))?+[ \t]*+")
_LARGEST_PAYLOAD_TYPE: Final = 127


def payload_types(media: Media) -> Mapping[int, Codec]:
    """Return payload type -> codec of what we speak, in the order of the m= line.

    An rtpmap line wins over the static meaning of a number; other clock rates and more than one channel are
    other codecs.
    """
    mapped = dict(filter(None, map(_read_rtpmap, media.values("rtpmap"))))
    found: dict[int, Codec] = {}
    for text in media.formats:
        codec = mapped[text] if text in mapped else _STATIC.get(text)
        if codec is not None and int(text) <= _LARGEST_PAYLOAD_TYPE:
            found.setdefault(int(text), codec)
    return found


def _read_rtpmap(value: str) -> tuple[str, Codec | None] | None:
    """Return payload type and codec (None: one that we do not speak), or None if it is no rtpmap."""
    match = _RTPMAP.fullmatch(value)
    if match is None:
        return None
    payload_type, name, clock, channels = match.groups()
    codec = _KNOWN.get(name.lower())
    if codec is None or int(clock) != codec.clock or channels not in (None, "1"):
        return payload_type, None
    return payload_type, codec


def rtpmap(payload_type: int, codec: Codec) -> tuple[str, str]:
    """Return the attribute that names `codec`."""
    return "rtpmap", f"{payload_type} {codec.name}/{codec.clock}"
