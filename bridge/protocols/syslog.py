"""Syslog messages as bytes (RFC 5424), and how a stream tells one from the next (RFC 6587). Pure.

Called by `bridge.supervision.forwarder`, which decides what is said, and `syslog_wire`, which sends it.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridge.errors import ProtocolError

SHORTEST_LIMIT: Final = 1024
"""Bytes that a message is never cut below: header and structured data fit in it (RFC 5424, 6.1: every
receiver takes 480 bytes, and should take 2048)."""
LONGEST_VALUE: Final = 128
"""Bytes of one value in the structured data, after escaping."""
NIL: Final = "-"
BOM: Final = b"\xef\xbb\xbf"
ELLIPSIS: Final = "..."

_HEADER_FIELD: Final = re.compile(r"[!-~]+")
_SD_NAME: Final = re.compile(r'(?:(?![="\]])[!-~]){1,32}')
_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Line ends of every kind, escapes of terminals, lone surrogates, what turns the direction of text round."""


class Facility(enum.IntEnum):
    """Which kind of program speaks (RFC 5424, table 1)."""

    USER = 1
    DAEMON = 3
    AUTH = 4
    AUTHPRIV = 10
    AUDIT = 13
    ALERT = 14
    LOCAL0 = 16
    LOCAL1 = 17
    LOCAL2 = 18
    LOCAL3 = 19
    LOCAL4 = 20
    LOCAL5 = 21
    LOCAL6 = 22
    LOCAL7 = 23


class Severity(enum.IntEnum):
    """How urgent it is (RFC 5424, table 2)."""

    ALERT = 1
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message before it has its bytes.

    Header fields are printable ASCII without blanks, and empty where there is nothing to say.
    """

    facility: Facility
    severity: Severity
    at: float
    """UTC epoch seconds."""
    hostname: str = ""
    app_name: str = ""
    procid: str = ""
    msgid: str = ""
    sd_id: str
    """Of the one element of structured data: `name@enterprise number`."""
    data: Mapping[str, str]
    """Its parameters, in order. The values may be anything."""
    text: str
    """For people. May be anything."""


def encode(message: Message, limit: int) -> bytes:
    """Return the message as `SYSLOG-MSG` of RFC 5424, of at most `limit` bytes.

    Only the text is cut, between two characters, and ends with `...` then. The BOM stands in front of a text
    that is not plain ASCII (6.4): in front of ASCII, which is the same in every encoding that a receiver may
    guess, it would only be shown as dirt. Raises ProtocolError where a header field cannot be sent as it is.
    """
    header = " ".join(
        (
            f"<{message.facility * 8 + message.severity}>1",
            _timestamp(message.at),
            _field("HOSTNAME", message.hostname, 255),
            _field("APP-NAME", message.app_name, 48),
            _field("PROCID", message.procid, 128),
            _field("MSGID", message.msgid, 32),
            _element(message.sd_id, message.data),
        )
    )
    head = header.encode() + b" "
    text = visible(message.text)
    if not text.isascii():
        head += BOM
    return head + _cut(text, limit - len(head))


def octet_counted(message: bytes) -> bytes:
    """Return the message as it stands in a stream: its length, a blank, itself (RFC 6587, 3.4.1)."""
    return b"%d %s" % (len(message), message)


def visible(text: str) -> str:
    """Return `text` on one line: control characters as `\\n`, `\\x1b`, `\\u202e`, and none of them raw."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _CONTROLS else char
        for char in text
    )


def _timestamp(at: float) -> str:
    """As RFC 3339 with microseconds; a time that no calendar has is not said at all."""
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return NIL
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _field(name: str, value: str, longest: int) -> str:
    if not value:
        return NIL
    if len(value) > longest or not _HEADER_FIELD.fullmatch(value):
        raise ProtocolError(f"{name} of a syslog message is not 1 to {longest} printable ASCII characters")
    return value


def _element(sd_id: str, data: Mapping[str, str]) -> str:
    return f"[{' '.join((_sd_name(sd_id), *_parameters(data)))}]"


def _parameters(data: Mapping[str, str]) -> list[str]:
    return [f'{_sd_name(name)}="{_value(value)}"' for name, value in data.items()]


def _sd_name(name: str) -> str:
    if not _SD_NAME.fullmatch(name):
        raise ProtocolError(f"{name!r} cannot be a name in the structured data of a syslog message")
    return name


def _value(value: str) -> str:
    """Return a PARAM-VALUE: `"`, `\\` and `]` escaped (RFC 5424, 6.3.3), never cut inside an escape."""
    escaped = [f"\\{char}" if char in '"\\]' else char for char in visible(value)]
    if len("".join(escaped).encode()) <= LONGEST_VALUE:
        return "".join(escaped)
    room, kept = LONGEST_VALUE - len(ELLIPSIS), []
    for part in escaped:
        room -= len(part.encode())
        if room < 0:
            break
        kept.append(part)
    return "".join(kept) + ELLIPSIS


def _cut(text: str, room: int) -> bytes:
    """Return the text as UTF-8 of at most `room` bytes, all of its characters whole."""
    if room < len(ELLIPSIS):
        raise ProtocolError("header and structured data leave no room for the text of a syslog message")
    encoded = text.encode()
    if len(encoded) <= room:
        return encoded
    kept = encoded[: room - len(ELLIPSIS)].decode(errors="ignore")
    return (kept + ELLIPSIS).encode()
