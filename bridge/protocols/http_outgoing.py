"""What may stand in a request: its method, path, header fields and body. Pure.

Called by `bridge.protocols.http`, and where a site's own paths and headers are checked as they are read.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from bridge.errors import ProtocolError

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A field name is a token (RFC 9110 5.1).
TOKEN_CHARS: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def checked_method(method: str) -> str:
    """Return `method`, or raise ProtocolError if it is none that is spoken here."""
    if method not in METHODS:
        raise ProtocolError(f"{method!r} is not an HTTP method")
    return method


def checked_path(path: str) -> str:
    """Return `path`, or raise ProtocolError if it could lead to another place than it says."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        raise ProtocolError(f"the path {path!r} must begin with one / and hold no backslash")
    if any(not "!" <= char <= "~" or char in "?#" for char in path):
        raise ProtocolError(f"the path {path!r} must be percent-encoded and hold no query")
    if any(segment.lower().replace("%2e", ".") in (".", "..") for segment in path.split("/")):
        raise ProtocolError(f"the path {path!r} must not climb with . or ..")
    return path


def checked_header(name: str, value: str) -> bytes:
    """Return `value` as bytes, or raise ProtocolError if it would end its line (RFC 9110 5.5)."""
    if not name or not TOKEN_CHARS.issuperset(name):
        raise ProtocolError(f"{name!r} is not the name of an HTTP header")
    if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in value):
        raise ProtocolError(f"the header {name} would hold a control character, or half of a character")
    return value.strip().encode()


def body_of(json: Any, data: Mapping[str, str] | bytes | None) -> tuple[bytes | None, dict[str, str | bytes]]:
    """Return the body of a JSON value, of form fields or of bytes, and the header that names its type."""
    if json is not None:
        text = jsonlib.dumps(json, ensure_ascii=False)
        return text.encode("utf-8", "replace"), {"Content-Type": "application/json"}
    if isinstance(data, Mapping):
        form = urlencode(list(data.items()), errors="replace")
        return form.encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return data, {}
