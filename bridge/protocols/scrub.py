"""Take secrets out of text that a person, a log or the database will see.

Called by `bridge.protocols.http` on every error text: the other side's words may hold ours (ZoneMinder
repeats the token of the request in the `url` field of its error answers).
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
SHORTEST: Final = 4
"""Known secrets shorter than this are not searched for: masking every "a" would hide the message itself."""
REMEMBERED: Final = 120
"""Forms of secrets that are searched for; of tokens that are renewed for years only the last matter."""

_NAMES: Final = (
    r"(?:access_?|refresh_?|id_?)?token|pass(?:word|wd)?|pwd|secret|auth|api[_-]?key|session(?:_?id)?|sid"
)
_PATTERNS: Final = (
    # name=value in a query string, form body or cookie
    (re.compile(rf"(?i)\b({_NAMES})=[^&\s\"'<>;,]+"), rf"\1={MASK}"),
    # "name": "value" in JSON
    (re.compile(rf'(?i)("(?:{_NAMES})"\s*:\s*)"[^"]*"?'), rf'\1"{MASK}"'),
    # Authorization: Basic ... / Bearer ...
    (re.compile(r"(?i)\b(basic|bearer|digest)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    # an NTLM message in base64, which begins with NTLMSSP (MS-NLMP 2.2.1)
    (re.compile(r"\bTlRMTVNTUA[A-Za-z0-9+/=]*"), MASK),
    # user:password@ in a URL
    (re.compile(r"://[^/\s@\"'<>]{1,200}@"), f"://{MASK}@"),
    # a JSON Web Token wherever it stands (RFC 7519)
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), MASK),
)
_CODE_POINT: Final = re.compile(r"\\u([0-9a-f]{4})")


class Scrubber:
    """Knows the secrets of one link, and what secrets look like in general."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def conceal(self, secret: str) -> None:
        """From now on remove `secret`, also where it stands percent-encoded or escaped for HTML or JSON."""
        if len(secret) < SHORTEST:
            return
        for form in _forms(secret):
            self._known.pop(form, None)
            self._known[form] = None
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def clean(self, text: str, *, limit: int = 300) -> str:
        """Return `text` on one line without secrets and control characters, at most `limit` characters."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, MASK)
        # Cut before the patterns run: their cost is bounded, and a secret cut in two lies far past the limit.
        text = text[: limit * 16]
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        printable = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
        line = " ".join(printable.split())
        return line if len(line) <= limit else line[: limit - 1] + "…"

    def __repr__(self) -> str:
        return f"Scrubber({len(self._known)} known)"


def _forms(secret: str) -> dict[str, None]:
    """The secret as it may stand in an answer, each form once."""
    percent = [quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")]
    marked = [html.escape(secret, quote=quotes_too) for quotes_too in (False, True)]
    marked += [marked[1].replace("&#x27;", apostrophe) for apostrophe in ("'", "&#39;", "&#039;", "&apos;")]
    written = [json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True)]
    written += [form.replace("/", "\\/") for form in written]  # as PHP does
    return dict.fromkeys((secret, *percent, *marked, *written, _as_dotnet(secret)))


def _as_dotnet(secret: str) -> str:
    """In JSON as .NET writes it: what HTML escapes is a code point as well, with capitals."""
    written = json.dumps(secret)[1:-1].replace('\\"', "\\u0022")
    for char in "&<>'+`":
        written = written.replace(char, f"\\u{ord(char):04x}")
    return _CODE_POINT.sub(lambda match: f"\\u{match[1].upper()}", written)
