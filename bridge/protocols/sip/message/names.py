"""Names of header fields: one spelling for each, compact forms, and the order we write them in.

RFC 3261 sections 7.3.1, 7.3.3 and 20. Called by `fields`.
"""

from __future__ import annotations

from typing import Final

from bridge.protocols.sip.grammar import is_token

_IN_ORDER: Final = (
    # What a proxy needs comes first (section 7.3.1), what frames the body last.
    *("Via", "Route", "Record-Route", "Max-Forwards", "Proxy-Require", "Proxy-Authorization"),
    *("From", "To", "Call-ID", "CSeq", "Contact", "Expires", "Min-Expires", "Retry-After", "Date"),
    *("Require", "Supported", "Unsupported", "Allow", "Accept", "Accept-Encoding", "Accept-Language"),
    *("Authorization", "WWW-Authenticate", "Proxy-Authenticate", "Authentication-Info"),
    *("Session-Expires", "Min-SE", "RSeq", "RAck", "Reason", "Replaces", "Refer-To", "Referred-By"),
    *("Event", "Allow-Events", "Subscription-State", "Join", "Path", "Service-Route", "Identity"),
    *("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy", "Diversion"),
    *("History-Info", "Alert-Info", "Call-Info", "Geolocation", "Geolocation-Routing", "Priority"),
    *("Subject", "Organization", "Reply-To", "In-Reply-To", "Error-Info", "Warning", "Timestamp"),
    *("User-Agent", "Server", "MIME-Version", "Content-Disposition", "Content-Encoding"),
    *("Content-Language", "Content-Transfer-Encoding", "Content-ID", "Content-Type", "Content-Length"),
)
_COMPACT: Final = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
_BY_LOWER_CASE: Final = {name.lower(): name for name in (*_IN_ORDER, *_COMPACT.values())} | _COMPACT
SPELLINGS: Final = {name: name for name in _BY_LOWER_CASE.values()} | _BY_LOWER_CASE
"""The usual spellings, looked up before a name is taken apart."""
_RANK: Final = {name: rank for rank, name in enumerate(_IN_ORDER)}
_BEFORE_BODY: Final = _RANK["MIME-Version"] - 0.5
"""Where fields go that nobody has heard of."""


def canonical(name: str) -> str:
    """Return the one spelling of a field's name (`Call-ID` for `i`, `x-Foo` as `X-Foo`), '' if it is none."""
    if name in SPELLINGS:
        return SPELLINGS[name]
    name = name.rstrip(" \t")
    known = _BY_LOWER_CASE.get(name.lower())
    if known is not None:
        return known
    return "-".join(part.capitalize() for part in name.split("-")) if is_token(name) else ""


def rank(name: str) -> float:
    """Return the place of a field in a message that we write: lower is earlier."""
    return _RANK.get(name, _BEFORE_BODY)
