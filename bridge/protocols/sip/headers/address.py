"""From, To, Route, Record-Route, Reply-To, Refer-To, Referred-By, P-Asserted-Identity, Diversion.

A name-addr or addr-spec with parameters (RFC 3261 sections 20.10, 20.20, 20.30, 20.34, 20.39; RFC 3325, RFC
3515, RFC 5806). Contact is one more of them, with a file of its own. Called by `message`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import QUOTED, quote, shorten, split_list, unquote
from bridge.protocols.sip.params import NONE, Parameters
from bridge.protocols.sip.uri import Uri, parse_uri

_NAME_ADDR: Final = re.compile(rf"[ \t]*+(?:({QUOTED})[ \t]*+|([^\"<]*+))<([^>]*+)>", re.DOTALL)
_WITH_PARAMETERS: Final = re.compile(rf"((?:{QUOTED}|[^\"<]++)*+<[^>]*+>)[ \t]*+(;.*+)?+", re.DOTALL)


@lru_cache(maxsize=2048)
def _read_name_addr(text: str) -> tuple[Uri, str]:
    """Read URI and display name. A plant's few telephones are in every message over and over."""
    match = _NAME_ADDR.fullmatch(text)
    if match is None:
        raise ProtocolError(f"no address: {shorten(text)}")
    quoted, words, uri = match.groups()
    return parse_uri(uri.strip(" \t")), unquote(quoted) if quoted else words.rstrip(" \t")


@dataclass(frozen=True, slots=True)
class Address:
    """Somebody: `"Display Name" <uri>;params`. Untrusted text, as all of a message."""

    uri: Uri
    display_name: str = ""
    params: Parameters = NONE

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one address. Raises ProtocolError.

        Without angle brackets everything behind the first semicolon belongs to the header (section 20), and
        a question mark or comma before it is refused. Spaces within the brackets and characters in an
        unquoted name that are no token (`Bell, Alexander <...>`) are forgiven: RFC 4475 sections 3.1.2.14
        and 3.1.2.15 leave that to us, and a call for help is worth more than a comma.
        """
        match = _WITH_PARAMETERS.fullmatch(text)
        if match is None:
            return cls._parse_bare(text)
        name_addr, params = match.groups()
        uri, display_name = _read_name_addr(name_addr)
        return cls(uri, display_name, Parameters.parse(params) if params else NONE)

    @classmethod
    def _parse_bare(cls, text: str) -> Self:
        uri, semicolon, params = text.partition(";")
        if "?" in uri or "," in uri or "<" in uri:
            raise ProtocolError(f"a URI with a question mark or comma must be in <>: {shorten(text)}")
        return cls(parse_uri(uri.strip(" \t")), "", Parameters.parse(semicolon + params))

    @classmethod
    def parse_list(cls, line: str) -> tuple[Self, ...]:
        """Read a line of several addresses. Raises ProtocolError."""
        return tuple(map(cls.parse, split_list(line)))

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{self.params}"

    @property
    def tag(self) -> str:
        """The tag of From or To, or nothing (RFC 3261 section 19.3)."""
        return self.params.get("tag")

    def with_tag(self, tag: str) -> Self:
        return replace(self, params=self.params.with_("tag", tag))
