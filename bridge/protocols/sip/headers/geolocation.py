"""Geolocation (RFC 6442): where the caller's position is to be found, in a body (`cid:`) or elsewhere.

Called by `message` and `bodies.caller_facts`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocols.sip.headers.link import Link


@dataclass(frozen=True, slots=True)
class Geolocation(Link):
    @property
    def content_id(self) -> str:
        """The Content-ID of the body part that holds the location, or '' where the URI leads elsewhere."""
        scheme, _, rest = str(self.uri).partition(":")
        return rest if scheme == "cid" else ""
