"""Authorization and Proxy-Authorization: Digest credentials (RFC 3261 section 20.7, RFC 7616).

Called by `message` and `digest`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import quote as escape
from urllib.parse import unquote as unescape

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import quote, require_token, shorten
from bridge.protocols.sip.headers.auth_params import read_digest, required

_COUNT: Final = re.compile(r"[0-9A-Fa-f]{8}")
_LARGEST_COUNT: Final = 16**8 - 1
_EXTENDED: Final = re.compile(r"[uU][tT][fF]-8'[^']*+'(.*+)")


@dataclass(frozen=True, slots=True)
class Credentials:
    """`algorithm` is '' where none was sent (it means MD5); `nonce_count` is None without a qop.

    What can be tried against a word list is kept out of `repr`.
    """

    username: str
    realm: str
    nonce: str = field(repr=False)
    uri: str
    response: str = field(repr=False)
    algorithm: str = ""
    cnonce: str = field(default="", repr=False)
    opaque: str = ""
    qop: str = ""
    nonce_count: int | None = None
    userhash: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError, also on any scheme but Digest. Its text repeats no secret."""
        params = read_digest(text)
        count = params.get("nc")
        if count is not None and _COUNT.fullmatch(count) is None:
            raise ProtocolError("a nonce count that is not eight hexadecimal digits")
        return cls(
            username=_username(params.get("username*")) or required(params, "username"),
            realm=required(params, "realm"),
            nonce=required(params, "nonce"),
            uri=required(params, "uri"),
            response=required(params, "response"),
            algorithm=_token(params.get("algorithm", ""), "an algorithm"),
            cnonce=params.get("cnonce", ""),
            opaque=params.get("opaque", ""),
            qop=_token(params.get("qop", ""), "a qop"),
            nonce_count=None if count is None else int(count, 16),
            userhash=params.get("userhash", "").lower() == "true",
        )

    def __str__(self) -> str:
        parts = [
            self._write_username(),
            f"realm={quote(self.realm)}",
            f"nonce={quote(self.nonce)}",
            f"uri={quote(self.uri)}",
            f"response={quote(self.response)}",
        ]
        if self.algorithm:
            parts.append(f"algorithm={_token(self.algorithm, 'an algorithm')}")
        if self.cnonce:
            parts.append(f"cnonce={quote(self.cnonce)}")
        if self.opaque:
            parts.append(f"opaque={quote(self.opaque)}")
        if self.qop:
            parts.append(f"qop={_token(self.qop, 'a qop')}")
        if self.nonce_count is not None:
            parts.append(f"nc={_write_count(self.nonce_count)}")
        if self.userhash:
            parts.append("userhash=true")
        return f"Digest {', '.join(parts)}"

    def _write_username(self) -> str:
        """RFC 7616 section 3.4.4 for names beyond ASCII; with a user hash the name is ASCII anyhow."""
        if self.username.isascii():
            return f"username={quote(self.username)}"
        try:
            return f"username*=UTF-8''{escape(self.username, safe='')}"
        except UnicodeEncodeError:
            raise ProtocolError(f"no text: {shorten(self.username)}") from None


def _token(text: str, what: str) -> str:
    return require_token(text, what) if text else ""


def _username(extended: str | None) -> str:
    """Return the name that `username*` holds (RFC 5987), or '' where there is none."""
    match = _EXTENDED.fullmatch(extended) if extended else None
    return unescape(match[1]) if match else ""


def _write_count(count: int) -> str:
    if not 0 <= count <= _LARGEST_COUNT:
        raise ProtocolError(f"a nonce count must have eight hexadecimal digits: {count}")
    return f"{count:08x}"
