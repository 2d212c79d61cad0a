"""Makes any value fit for a log line: no secret, no control character, no end.

Called by `sink` on every fact of every line. What is logged may come from a caller's name, a VMS's
error page or a library that prints what it sends.
"""

from __future__ import annotations

import enum
import math
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus

from bridge.protocols.scrub import MASK, SHORTEST, Scrubber
from bridge.protocols.secret import Secret

LONGEST: Final = 2000
"""Characters of one value."""
MOST_ITEMS: Final = 50
"""Items of one list or mapping."""
DEEPEST: Final = 4

_SECRET_KEY: Final = re.compile(
    r"(?i)secret|passw|passphrase|pwd|token|authorization|api_?key|private_?key|credential|cookie|session_?id"
)
_WORDS: Final = r"(?:secret|passw(?:or)?d|passphrase|token|api[_-]?key|private[_-]?key)"
_PATTERNS: Final = (
    # The whole of a header: its scheme says nothing a reader needs.
    (re.compile(r"(?i)((?:authorization|cookie)['\"]?\s*[:=]\s*b?['\"]?)[^'\"\\]+"), rf"\1{MASK}"),
    # `Secret: hunter2` of an AMI action and 'password': 'x' of a repr. No word boundary in front: in a
    # repr the letter of an escaped line end stands there.
    (re.compile(rf"(?i)({_WORDS}['\"]?\s*[:=]\s*b?['\"]?)[^\s'\"\\,;&<>)}}\]]+"), rf"\1{MASK}"),
)
_TAME: Final = re.compile(r"[ -~]*")
_SIGNS: Final = ('"', "'", "=", "@")
_HINTS: Final = (
    "basic",
    "bearer",
    "digest",
    "eyj",
    "secret",
    "pass",
    "token",
    "key",
    "authorization",
    "cookie",
)
"""Every pattern, here and in `scrub`, needs a sign or a hint to match: most text has neither, and looking
for them costs a tenth of matching."""
_SHORT: Final = 64
_MOST_REMEMBERED: Final = 4096
_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Line ends of every kind, escapes of terminals, and what turns the direction of text round."""


class LogScrubber:
    """Knows the secrets of the site, and what secrets look like in general (`scrub`)."""

    def __init__(self) -> None:
        self._patterns = Scrubber()
        self._known: list[str] = []
        """Every form of every secret, the longest first."""
        self._harmless: set[str] = set()
        """Short texts found to be as safe as they are: names and states come again in every line."""

    def conceal(self, secret: str) -> None:
        """From now on remove `secret`, also where it stands percent-encoded or inside a repr.

        A secret shorter than `scrub.SHORTEST` is removed only where its place gives it away.
        """
        if len(secret) >= SHORTEST:
            forms = {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
            self._known = sorted({*self._known, *forms}, key=len, reverse=True)
            self._harmless.clear()

    def text(self, text: str) -> str:
        """Return `text` on one line, without secrets, control characters as `\\n`, `\\x1b`, `\\u202e`."""
        if text in self._harmless:
            return text
        if len(text) <= LONGEST and _is_harmless(text) and not self._holds_known(text):
            self._remember(text)
            return text
        # Known secrets go first, whole: a pattern would stop at a comma inside one.
        for secret in self._known:
            text = text.replace(secret, MASK)
        return _masked(self._patterns.clean(_escaped(text[: LONGEST * 4]), limit=LONGEST))

    def plain(self, value: object, depth: int = 0) -> Any:
        """Return `value` as JSON knows it: None, bool, number, text, list or mapping of these."""
        match value:
            case str():  # first, because most are; a StrEnum is one
                return self.text(value)
            case None | bool() | int():
                return value
            case Mapping() if depth < DEEPEST:
                items = list(value.items())[:MOST_ITEMS]
                return {self.text(str(key)): self.fact(str(key), item, depth + 1) for key, item in items}
            case list() | tuple() | set() | frozenset() if depth < DEEPEST:
                return [self.plain(item, depth + 1) for item in list(value)[:MOST_ITEMS]]
        return self._single(value)

    def _single(self, value: object) -> Any:
        match value:
            case float() if math.isfinite(value):
                return value
            case enum.Enum():
                return self.plain(value.value)
            case Secret():
                return f"{MASK} ({value})"
            case BaseException():
                return self.text(f"{type(value).__name__}: {value}")
        return self.text(repr(value))

    def fact(self, key: str, value: object, depth: int = 0) -> Any:
        """Return the value of a fact; a mask where its name says that it is a secret."""
        if _is_secret(key) and value is not None and not isinstance(value, bool | Secret):
            return MASK
        return self.plain(value, depth)

    def _holds_known(self, text: str) -> bool:
        return any(map(text.__contains__, self._known))

    def _remember(self, text: str) -> None:
        if len(text) <= _SHORT:
            if len(self._harmless) >= _MOST_REMEMBERED:
                self._harmless.clear()
            self._harmless.add(text)


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _is_harmless(text: str) -> bool:
    if not _TAME.fullmatch(text) or any(map(text.__contains__, _SIGNS)):
        return False
    return not any(map(text.lower().__contains__, _HINTS))


def _masked(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _escaped(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _CONTROLS else char
        for char in text
    )
