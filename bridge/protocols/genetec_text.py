"""How values are written into a Web SDK command, and read out of its answers. Pure; called by `genetec.py`.

A command rides in the query string: `q=AddCameraBookmark({guid},{time},{text})`, several joined by commas.
A comma inside a text is written with a backslash before it, and `#` cannot be said at all (Web SDK guide;
the WebSDKStudio sample). How a backslash, a parenthesis or an angle bracket would be written in a text is
nowhere documented, so none ever leaves: a person can still read it, and no text can end its own argument.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.template import escape_line

TEXT_LENGTH: Final = 300
"""Characters of a text; longer ones are cut. The Web SDK names no limit but that of the whole query."""
NOWHERE: Final = str(uuid.UUID(int=0))
"""The guid that stands for nobody and nothing."""

LAST_MOMENT: Final = 253_402_300_799.0
"""9999-12-31T23:59:59Z: no calendar writes a later one."""

_GUID: Final = re.compile(
    r"\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?", re.IGNORECASE
)
_UNSAYABLE: Final = str.maketrans({"#": " ", "\\": "/", "(": "[", ")": "]", "<": "[", ">": "]"})
_DIGITS_OF_SECOND: Final = re.compile(r"(\.[0-9]{1,6})[0-9]*")


def guid(text: str) -> str:
    """Return a GUID in small letters with dashes. Raises ProtocolError if `text` is none."""
    match = _GUID.fullmatch(text.strip())
    if match is None:
        raise ProtocolError(f"{text[:60]!r} is not a GUID (as 00000001-0000-babe-0000-2b2fbe79920b)")
    return "-".join(match.groups()).lower()


def guids_in(text: str) -> list[str]:
    """Every GUID that stands in `text`, in order, each once."""
    found = ("-".join(match).lower() for match in _GUID.findall(text))
    return list(dict.fromkeys(found))


def plain(text: str, limit: int = TEXT_LENGTH) -> str:
    """Return `text` on one line, without what the Web SDK cannot be told."""
    return escape_line(text.translate(_UNSAYABLE))[:limit].rstrip()


def argument(text: str, limit: int = TEXT_LENGTH) -> str:
    """Return `text` as one argument of a command."""
    return plain(text, limit).replace(",", "\\,")


def stamp(at: float) -> str:
    """Return UTC epoch seconds as the Web SDK's clients write a time: `2026-01-01T00:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float | None:
    """UTC epoch seconds of a time in an answer; None if it is none that can be meant. Without an offset it is
    UTC."""
    try:
        parsed = datetime.fromisoformat(_DIGITS_OF_SECOND.sub(r"\1", text.strip()))
    except ValueError:
        return None
    at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    return at if 0 <= at <= LAST_MOMENT else None


def checked_command(text: str) -> str:
    """Return a whole `q=`, or raise ProtocolError for what would change or cut the request."""
    if not text or any(char < " " or char == "\x7f" for char in text):
        raise ProtocolError("a Web SDK command is one line of text without control characters")
    if "#" in text:
        raise ProtocolError("a Web SDK command cannot hold the character #")
    return text


def live_video(camera: str) -> str:
    """The content of a tile that shows one camera live (WebSDKStudio's DisplayInTile)."""
    video = f'<VideoContent Camera="{guid(camera)}" VideoMode="Live"/>'
    return f"<TileContentGroup><Contents>{video}</Contents></TileContentGroup>"
