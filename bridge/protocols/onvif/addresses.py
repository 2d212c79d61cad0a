"""What a camera says of its own addresses. Pure.

A camera behind NAT, or one whose address was changed, names hosts that nobody can reach; and one that is not
what it seems could name a host of its own choice. So only the path and the query are believed: everything is
asked of the host and port that the site wrote down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from bridge.errors import ProtocolError
from bridge.model import NOTHING
from bridge.protocols.http_outgoing import checked_path


@dataclass(frozen=True, slots=True)
class Address:
    """A service at the camera: `path` percent-encoded, `query` decoded. `told`: what the camera said."""

    path: str
    query: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    told: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises ProtocolError if it is no http URL."""
        try:
            parts = urlsplit(url.strip())
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
        except ValueError:
            raise ProtocolError(f"the camera names an address that is none: {url!r:.100}") from None
        if parts.scheme not in ("http", "https"):
            raise ProtocolError(f"the camera names an address that is not HTTP: {url!r:.100}")
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
        return cls(checked_path(path), query, url.strip())

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        return f"{self.path}?{urlencode(list(self.query.items()))}" if self.query else self.path
