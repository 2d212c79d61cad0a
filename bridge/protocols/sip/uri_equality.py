"""When two URIs are the same resource (RFC 3261 section 19.1.4).

Called by the registrar (is this the contact of before?) and by digest (is this the URI that was signed?).
"""

from __future__ import annotations

import re
from typing import Final

from bridge.protocols.sip.params import UriParameters
from bridge.protocols.sip.uri import SipUri, TelUri, Uri

_ALWAYS_COMPARED: Final = ("transport", "user", "ttl", "method", "maddr")
"""Parameters that must be alike even if only one URI has them. Others matter only when both do."""
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_RESERVED: Final = frozenset(";/?:@&=+$,%")


def same_uri(one: Uri, other: Uri) -> bool:
    """Whether the two are equivalent. A sip and a sips URI never are."""
    if isinstance(one, SipUri) and isinstance(other, SipUri):
        return _same_sip(one, other)
    if isinstance(one, TelUri) and isinstance(other, TelUri):
        return one.username.lower() == other.username.lower() and _all(one.params) == _all(other.params)
    return one == other


def _same_sip(one: SipUri, other: SipUri) -> bool:
    return (
        one.scheme == other.scheme
        and _unescape(one.user) == _unescape(other.user)
        and _unescape(one.password or "") == _unescape(other.password or "")
        and one.host.lower() == other.host.lower()
        and one.port == other.port
        and _same_params(one.params, other.params)
        and _headers(one.query) == _headers(other.query)
    )


def _same_params(one: UriParameters, other: UriParameters) -> bool:
    ours, theirs = _all(one), _all(other)
    compared = set(_ALWAYS_COMPARED) | (ours.keys() & theirs.keys())
    return all(ours.get(name) == theirs.get(name) for name in compared)


def _all(params: UriParameters) -> dict[str, str]:
    """The parameters with names and values as they compare: unescaped, in one case."""
    return {_unescape(name).lower(): _unescape(value).lower() for name, value in params.items}


def _headers(query: str) -> list[tuple[str, str]]:
    """The headers of a URI, in no order; names in one case."""
    pairs = (header.partition("=") for header in query.split("&") if header)
    return sorted((_unescape(name).lower(), _unescape(value)) for name, _, value in pairs)


def _unescape(text: str) -> str:
    """Resolve the escapes of characters that mean the same escaped or not; the reserved stay escaped."""
    return _ESCAPE.sub(_resolve, text) if "%" in text else text


def _resolve(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char not in _RESERVED and char.isprintable() and char.isascii() else match[0].upper()
