"""The few rules of RFC 3261 section 25.1 that every header needs: tokens, quoted strings, numbers, lists.

Called by all value types of this package. Everything here takes time linear in its input: repetitions are
possessive, so no pattern ever goes back over what it has read.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.errors import ProtocolError

TOKEN_CHARS: Final = r"A-Za-z0-9\-.!%*_+`'~"  # noqa: S105 - the grammar's token, no secret
QUOTED: Final = r'"(?:[^"\\]++|\\.)*+"'
"""Pattern of a quoted string. To be compiled with re.DOTALL: any character may be escaped."""
WORD: Final = rf"[{TOKEN_CHARS}()<>:\\\"/\[\]?{{}}]++"
"""Pattern of a `word`, of which a Call-ID is made."""

_TOKEN: Final = re.compile(rf"[{TOKEN_CHARS}]++")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_UNDIVIDED: Final = r'"(?:[^"\\]++|\\.)*+"?+|<[^<>]*+>?+'
"""What a comma or semicolon does not divide. The closing mark may be missing: then it reaches to the end, and
the text after it is read once, not once for every mark in it."""
_PIECES: Final = {
    mark: re.compile(rf'(?:^|{mark})((?:[^"<{mark}]++|{_UNDIVIDED})*+)', re.DOTALL) for mark in (",", ";")
}
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")

_LONGEST_NUMBER: Final = 18

LARGEST: Final = 2**32 - 1
"""The largest delta-seconds (RFC 3261 section 20.19)."""


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def require_token(text: str, what: str) -> str:
    """Return `text`; raise ProtocolError unless it is a token."""
    if _TOKEN.fullmatch(text) is None:
        raise ProtocolError(f"{what} is no token: {shorten(text)}")
    return text


def require_clean(text: str, what: str) -> str:
    """Return `text`; raise ProtocolError if it would break out of its line on the wire."""
    if _FORBIDDEN.search(text):
        raise ProtocolError(f"{what} holds CR, LF or NUL: {shorten(text)}")
    return text


def quote(text: str) -> str:
    """Return `text` as a quoted string. Raises ProtocolError on CR, LF or NUL."""
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{require_clean(text, "a quoted string")}"'


def unquote(quoted: str) -> str:
    """Return what a quoted string says. `quoted` includes the quotation marks."""
    inner = quoted[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def value_of(text: str) -> str:
    """Return the text of a token or quoted string that stands for a value."""
    text = text.strip(" \t")
    return unquote(text) if text[:1] == '"' == text[1:][-1:] else text


def token_or_quoted(text: str) -> str:
    """Return `text` as it may stand behind a `=`."""
    return text if _TOKEN.fullmatch(text) else quote(text)


def number(text: str, what: str, *, largest: int, smallest: int = 0) -> int:
    """Return the decimal `text`. Raises ProtocolError unless it is within the bounds."""
    # Unicode has other digits; and int() of a long text is slow, and refused beyond 4,300 digits.
    if len(text) <= _LONGEST_NUMBER and text.isdigit() and text.isascii():
        value = int(text)
        if smallest <= value <= largest:
            return value
    raise ProtocolError(f"{what} must be a number from {smallest} to {largest}, not {shorten(text)}")


def clamped(text: str, what: str, *, largest: int = LARGEST) -> int:
    """Return the decimal `text`, or `largest` where it is more than that (RFC 4475 section 3.1.2.4)."""
    if not (text.isdigit() and text.isascii()):
        raise ProtocolError(f"{what} is no number: {shorten(text)}")
    digits = text.lstrip("0") or "0"
    return largest if len(digits) > _LONGEST_NUMBER else min(int(digits), largest)


def in_range(value: int, what: str, *, largest: int, smallest: int = 0) -> int:
    """Return `value` for the wire. Raises ProtocolError unless it is within the bounds."""
    if not smallest <= value <= largest:
        raise ProtocolError(f"{what} must be {smallest} to {largest}, not {value}")
    return value


def split_list(line: str) -> list[str]:
    """Split a line of several values at its commas (RFC 3261 section 7.3.1).

    Raises ProtocolError on an empty value.
    """
    if "," not in line:
        return [line.strip(" \t")]
    values = [value.strip(" \t") for value in split_outside(line, ",")]
    if not all(values):
        raise ProtocolError(f"an empty value in a list: {shorten(line)}")
    return values


def split_outside(text: str, mark: str) -> list[str]:
    """Split `text` at each `mark` (a comma or semicolon) outside quotation marks and angle brackets.

    A quotation mark or bracket that is never closed reaches to the end of the text.
    """
    if '"' not in text and "<" not in text:
        return text.split(mark)
    return _PIECES[mark].findall(text)


def shorten(text: str, limit: int = 60) -> str:
    """Return `text` for an error message: quoted, printable, on one line."""
    return ascii(text if len(text) <= limit else text[:limit] + "...")
