"""Keys pressed, told by INFO: `application/dtmf-relay` and `application/dtmf`. Called by `talking`.

No standard has these two; every telephone does. RFC 4733 is the better way, where media go by us.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten
from bridge.protocols.sip.message import Request

RELAY: Final = "application/dtmf-relay"
PLAIN: Final = "application/dtmf"

_KEYS: Final = frozenset("0123456789*#ABCD")
_BY_NUMBER: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_LINE: Final = re.compile(
    r"^[ \t]*+(signal|duration)[ \t]*+=[ \t]*+([0-9A-Da-d*#]{1,6})[ \t]*+$", re.M | re.I
)
_LONGEST_MS: Final = 60_000
_LONGEST_BODY: Final = 200


def read_digit(request: Request) -> tuple[str, int] | None:
    """Return the key and how many milliseconds it was pressed (0 if not said), None if this is no key."""
    content_type = request.content_type
    if content_type is None or len(request.body) > _LONGEST_BODY:
        return None
    text = request.body.decode("latin-1").replace("\r\n", "\n")
    if content_type.name == PLAIN:
        return _key(text.strip(), 0)
    if content_type.name != RELAY:
        return None
    values = {name.lower(): value for name, value in _LINE.findall(text)}
    duration = values.get("duration", "0")
    milliseconds = int(duration) if duration.isdigit() else 0
    return _key(values.get("signal", ""), min(milliseconds, _LONGEST_MS))


def _key(text: str, milliseconds: int) -> tuple[str, int] | None:
    key = _BY_NUMBER.get(text, text.upper())
    return (key, milliseconds) if key in _KEYS else None


def write_digit(digit: str, milliseconds: int) -> bytes:
    """Return the body of type `RELAY` for a key. Raises ProtocolError if there is no such key."""
    if digit not in _KEYS or not 0 < milliseconds <= _LONGEST_MS:
        raise ProtocolError(f"no key of a telephone: {shorten(digit)} for {milliseconds} ms")
    return f"Signal={digit}\r\nDuration={milliseconds}\r\n".encode()
