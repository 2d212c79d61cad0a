"""URIs: sip, sips, tel, and every other by its scheme (`urn:service:sos`, `http://...`).

RFC 3261 section 19.1, RFC 3966, RFC 5031. Called by all header types that hold an address, and for the
Request-URI. When two SIP URIs are the same is in `uri_equality`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Self, TypeAlias
from urllib.parse import unquote as unescape

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten
from bridge.protocols.sip.hosts import HOST, read_host, read_port, write_host, write_port
from bridge.protocols.sip.params import URI_NONE, UriParameters

# What must be escaped is refused; what RFC 3261 wants escaped but phones send bare (`#`) is not.
_USER: Final = r"[^\x00-\x20\x7f\"<>@:]++"
_PASSWORD: Final = r"[^\x00-\x20\x7f\"<>@:]*+"  # noqa: S105 - a pattern
_QUERY: Final = r"[^\x00-\x20\x7f\"<>]*+"
_SIP: Final = re.compile(
    rf"([sS][iI][pP][sS]?+):(?:({_USER})(?::({_PASSWORD}))?+@)?+({HOST})(?::([0-9]++))?+"
    rf"(;[^?]*+)?+(?:\?({_QUERY}))?+"
)
_TEL: Final = re.compile(r"[tT][eE][lL]:(\+?+[0-9A-Fa-f*#\-.()]++)(;.*+)?+")
_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+\-.]*+):([^\x00-\x20\x7f\"<>]++)")
_USERINFO: Final = re.compile(rf"{_USER}(?::{_PASSWORD})?+")
_RESERVED_IN_USER: Final = re.compile(r"[^A-Za-z0-9\-_.!~*'()&=+$,;?/#]")

_OWN_SCHEMES: Final = ("sip", "sips", "tel")

_REMEMBERED: Final = 2048
_WORTH_REMEMBERING: Final = 120
"""Longer URIs are rare, and would let a stranger fill the memory."""

SIP_PORT: Final = 5060
SIPS_PORT: Final = 5061


@dataclass(frozen=True, slots=True)
class SipUri:
    """A sip or sips URI, its parts escaped as on the wire.

    `host` has no brackets; `user` and `query` (the `?` part) are empty when there is none.
    """

    host: str
    user: str = ""
    port: int | None = None
    params: UriParameters = URI_NONE
    query: str = ""
    password: str | None = field(default=None, repr=False)
    scheme: str = "sip"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a sip or sips URI without the angle brackets. Raises ProtocolError."""
        match = _SIP.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no SIP URI: {shorten(text)}")
        scheme, user, password, host, port, params, query = match.groups()
        return cls(
            host if host[0] != "[" else read_host(host),
            user or "",
            read_port(port) if port else None,
            UriParameters.parse(params) if params else URI_NONE,
            query or "",
            password,
            scheme.lower(),
        )

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        userinfo = f"{self._userinfo()}@" if self.user or self.password is not None else ""
        text = f"{userinfo}{write_host(self.host)}{write_port(self.port)}{self.params}{query}"
        if self.scheme not in ("sip", "sips") or re.fullmatch(_QUERY, self.query) is None:
            raise ProtocolError(f"no SIP URI: {shorten(text)}")
        return f"{self.scheme}:{text}"

    def _userinfo(self) -> str:
        text = self.user if self.password is None else f"{self.user}:{self.password}"
        if _USERINFO.fullmatch(text) is None or ":" in self.user:
            raise ProtocolError(f"the user of a SIP URI must be escaped: {shorten(text)}")
        return text

    @property
    def username(self) -> str:
        """The user as text, without what telephone numbers carry behind a semicolon. Untrusted."""
        return unescape(self.user.partition(";")[0])

    @property
    def secure(self) -> bool:
        return self.scheme == "sips"

    @property
    def transport(self) -> str:
        """The transport parameter in lower case, or nothing."""
        return self.params.get("transport").lower()

    @property
    def loose(self) -> bool:
        """Whether the `lr` parameter marks a loose router (RFC 3261 section 19.1.1)."""
        return "lr" in self.params

    def bare(self) -> Self:
        """Return the URI as a Request-URI may be: without headers (RFC 3261 table 1)."""
        return replace(self, query="") if self.query else self


@dataclass(frozen=True, slots=True)
class TelUri:
    """A tel URI (RFC 3966): `number` as written, with its visual separators."""

    number: str
    params: UriParameters = URI_NONE

    scheme = "tel"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _TEL.fullmatch(text)
        if match is None:
            raise ProtocolError(f"no tel URI: {shorten(text)}")
        return cls(match[1], UriParameters.parse(match[2] or ""))

    def __str__(self) -> str:
        text = f"tel:{self.number}{self.params}"
        if _TEL.fullmatch(f"tel:{self.number}") is None:
            raise ProtocolError(f"no tel URI: {shorten(text)}")
        return text

    @property
    def username(self) -> str:
        """The number as it is dialled, without visual separators."""
        return re.sub(r"[\-.()]", "", self.number)


@dataclass(frozen=True, slots=True)
class AbsoluteUri:
    """Any other URI: its scheme in lower case, and what follows the colon."""

    scheme: str
    rest: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        match = _ABSOLUTE.fullmatch(text)
        if match is None or match[1].lower() in _OWN_SCHEMES:
            raise ProtocolError(f"no absolute URI: {shorten(text)}")
        return cls(match[1].lower(), match[2])

    def __str__(self) -> str:
        text = f"{self.scheme}:{self.rest}"
        if self != self.parse(text):
            raise ProtocolError(f"no absolute URI: {shorten(text)}")
        return text

    @property
    def username(self) -> str:
        """Nothing: such a URI names no user."""
        return ""


Uri: TypeAlias = SipUri | TelUri | AbsoluteUri


def parse_uri(text: str) -> Uri:
    """Read a URI by its scheme. Raises ProtocolError.

    A plant's few telephones are in every message over and over, so what was read last is kept.
    """
    return _remembered(text) if len(text) <= _WORTH_REMEMBERING else _parse(text)


def _parse(text: str) -> Uri:
    scheme = text.partition(":")[0].lower()
    if scheme in ("sip", "sips"):
        return SipUri.parse(text)
    return TelUri.parse(text) if scheme == "tel" else AbsoluteUri.parse(text)


_remembered: Final = lru_cache(_REMEMBERED)(_parse)


def escape_user(text: str) -> str:
    """Return `text` as the user of a SIP URI; what a URI cannot hold bare becomes `%XX`."""
    try:
        return _RESERVED_IN_USER.sub(_escape, text)
    except UnicodeEncodeError:
        raise ProtocolError(f"no text: {shorten(text)}") from None


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def asks_for_help(uri: Uri) -> bool:
    """Whether `uri` is the emergency service or one of its branches (RFC 5031: `urn:service:sos.fire`)."""
    if not isinstance(uri, AbsoluteUri) or uri.scheme != "urn":
        return False
    namespace, _, service = uri.rest.lower().partition(":")
    return namespace == "service" and service.partition(".")[0] == "sos"
