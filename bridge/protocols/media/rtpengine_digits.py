"""rtpengine's DTMF log: one JSON object a key, by UDP (`--dtmf-log-dest`). Pure; called by `rtpengine`."""

from __future__ import annotations

import json
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.media.telephone_event import DIGITS

PARTY: Final = "out"
"""The tag of a leg's party; the inner side tells every key a second time."""


def digit_of(datagram: bytes) -> tuple[str, str]:
    """Return the call id and the key that its party pressed. Raises ProtocolError for anything else."""
    try:
        told = json.loads(datagram)
        call, event = told["callid"], told["event"]
        if told["source_tag"] != PARTY or told["type"] != "DTMF" or not isinstance(call, str):
            raise ProtocolError("rtpengine: no key of a party")
        if type(event) is not int or event not in range(len(DIGITS)):  # true is no 1
            raise ProtocolError("rtpengine: no key")
        return call, DIGITS[event]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProtocolError("rtpengine: a DTMF log that is none") from error
