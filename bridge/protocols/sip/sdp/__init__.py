"""SDP for a telephone call: G.711 and telephone-event over RTP/AVP (RFC 8866, RFC 3264, RFC 4733).

`description` is the text, `codecs` what we speak, `negotiation` offer and answer as pure functions.
"""

from bridge.protocols.sip.sdp.codecs import PCMA, PCMU, Codec
from bridge.protocols.sip.sdp.description import Description, Direction, Media, Origin
from bridge.protocols.sip.sdp.negotiation import (
    Local,
    NotAcceptableError,
    PayloadTypes,
    Stream,
    accept_answer,
    make_answer,
    make_offer,
)

__all__ = [
    "PCMA",
    "PCMU",
    "Codec",
    "Description",
    "Direction",
    "Local",
    "Media",
    "NotAcceptableError",
    "Origin",
    "PayloadTypes",
    "Stream",
    "accept_answer",
    "make_answer",
    "make_offer",
]
