"""WWW-Authenticate and Proxy-Authenticate: a Digest challenge (RFC 3261 section 20.44, RFC 7616, RFC 8760).

Called by `message` and `digest`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bridge.protocols.sip.grammar import quote, require_token
from bridge.protocols.sip.headers.auth_params import read_digest, required


@dataclass(frozen=True, slots=True)
class Challenge:
    """`algorithm` as written, `MD5` where none is; `qop` what is offered, () by an RFC 2069 server."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    opaque: str = ""
    stale: bool = False
    domain: str = ""
    userhash: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError, also on any scheme but Digest."""
        params = read_digest(text)
        return cls(
            realm=required(params, "realm"),
            nonce=required(params, "nonce"),
            algorithm=require_token(params.get("algorithm") or "MD5", "an algorithm"),
            qop=_options(params.get("qop", "")),
            opaque=params.get("opaque", ""),
            stale=params.get("stale", "").lower() == "true",
            domain=params.get("domain", ""),
            userhash=params.get("userhash", "").lower() == "true",
        )

    def __str__(self) -> str:
        parts = [
            f"realm={quote(self.realm)}",
            f"nonce={quote(self.nonce)}",
            f"algorithm={require_token(self.algorithm, 'an algorithm')}",
        ]
        if self.qop:
            qop = ",".join(require_token(option, "a qop") for option in self.qop)
            parts.append(f"qop={quote(qop)}")
        if self.opaque:
            parts.append(f"opaque={quote(self.opaque)}")
        if self.stale:
            parts.append("stale=true")
        if self.domain:
            parts.append(f"domain={quote(self.domain)}")
        if self.userhash:
            parts.append("userhash=true")
        return f"Digest {', '.join(parts)}"


def _options(qop: str) -> tuple[str, ...]:
    options = (option.strip(" \t") for option in qop.split(","))
    return tuple(require_token(option, "a qop") for option in options if option)
