"""A session description as a value (RFC 8866; RFC 4566 before it).

Only what a telephone call needs is kept: origin, addresses, media, attributes. Called by `negotiation`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import number, shorten

_LONGEST: Final = 16_384
_MOST_MEDIA: Final = 16
_LARGEST_PORT: Final = 65535
_NO_SPACE: Final = re.compile(r"[^\s\0]++")
_ADDRESS: Final = re.compile(r"[^\s\0/]++")
_NAME: Final = re.compile(r"[^\r\n\0]++")
_VALUE: Final = re.compile(r"[^\r\n\0]*+")
_ATTRIBUTE: Final = re.compile(r"[^\s\0:]++")

Attributes = tuple[tuple[str, str], ...]


class Direction(enum.StrEnum):
    """Who sends, as the describing side sees it (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def mirrored(self) -> Direction:
        """The same as the other side sees it."""
        return self.of(sends=self.receives, receives=self.sends)


_DIRECTIONS: Final = {direction.value: direction for direction in Direction}


@dataclass(frozen=True, slots=True)
class Origin:
    """The o= line (section 5.2). `address` is IP or name; the version grows by one with each change."""

    username: str
    session_id: str
    version: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError."""
        parts = text.split()
        if len(parts) != 6:
            raise ProtocolError(f"no o= line: {shorten(text)}")
        return cls(parts[0], parts[1], parts[2], parts[5])

    def __str__(self) -> str:
        for part in (self.username, self.session_id, self.version):
            _require(_NO_SPACE, part, "a part of the o= line")
        return f"{self.username} {self.session_id} {self.version} {_write_address(self.address)}"


NO_ORIGIN: Final = Origin("-", "0", "0", "unknown.invalid")
"""Stands for the o= line of a description without one."""


@dataclass(frozen=True, slots=True)
class Media:
    """One m= line with what belongs to it. `port` 0 refuses it; `address` is '' where the session's holds."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    address: str = ""
    attributes: Attributes = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an m= line. Raises ProtocolError, also on a port beyond 65535."""
        parts = text.split()
        if len(parts) < 4:
            raise ProtocolError(f"no m= line: {shorten(text)}")
        port = number(parts[1].partition("/")[0], "a port", largest=_LARGEST_PORT)
        return cls(parts[0], port, parts[2], tuple(parts[3:]))

    def __str__(self) -> str:
        if not 0 <= self.port <= _LARGEST_PORT or not self.formats:
            raise ProtocolError(f"no m= line: port {self.port}, {len(self.formats)} formats")
        for part in (self.kind, self.protocol, *self.formats):
            _require(_NO_SPACE, part, "a part of the m= line")
        lines = [f"m={self.kind} {self.port} {self.protocol} {' '.join(self.formats)}"]
        if self.address:
            lines.append(f"c={_write_address(self.address)}")
        return "\r\n".join([*lines, *_write_attributes(self.attributes)])

    def attribute(self, name: str) -> str | None:
        """Return the value of the first a=`name`, '' for a flag, None if there is none."""
        return next((value for known, value in self.attributes if known == name), None)

    def values(self, name: str) -> Iterator[str]:
        """Yield the values of all a=`name`."""
        return (value for known, value in self.attributes if known == name)


@dataclass(frozen=True, slots=True)
class Description:
    """A whole session description."""

    origin: Origin
    address: str = ""
    media: tuple[Media, ...] = ()
    attributes: Attributes = ()
    name: str = "-"
    times: str = "0 0"

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a body of type application/sdp. Raises ProtocolError.

        Lines may end in LF alone, text that is not UTF-8 is taken for Latin-1, a missing s= or t= line is
        forgiven, lines of types we do not use are left out.
        """
        if len(body) > _LONGEST:
            raise ProtocolError(f"a session description of {len(body)} bytes, {_LONGEST} at most")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = body.decode("latin-1")
        lines = [line.rstrip("\r") for line in text.replace("\0", " ").split("\n")]
        if lines[0].rstrip() != "v=0":
            raise ProtocolError(f"a session description must begin with v=0: {shorten(lines[0])}")
        session, *medias = _sections(lines[1:])
        return cls(
            origin=Origin.parse(session.first["o"]) if "o" in session.first else NO_ORIGIN,
            address=session.address,
            media=tuple(_read_media(section) for section in medias),
            attributes=tuple(session.attributes),
            name=session.first.get("s") or "-",
            times=session.first.get("t") or "0 0",
        )

    def __str__(self) -> str:
        lines = ["v=0", f"o={self.origin}", f"s={_require(_NAME, self.name, 'the s= line')}"]
        if self.address:
            lines.append(f"c={_write_address(self.address)}")
        lines.append(f"t={_require(_NAME, self.times, 'the t= line')}")
        lines += _write_attributes(self.attributes)
        return "\r\n".join([*lines, *map(str, self.media), ""])

    def __bytes__(self) -> bytes:
        """Return the body. Raises ProtocolError where a value would break out of its line."""
        try:
            return str(self).encode()
        except UnicodeEncodeError:
            raise ProtocolError("a session description with half a character in it") from None

    def direction(self, media: Media) -> Direction:
        """Return the direction of one of the media: its own, else the session's, else sendrecv."""
        for name, _ in (*media.attributes, *self.attributes):
            if name in _DIRECTIONS:
                return _DIRECTIONS[name]
        return Direction.SENDRECV

    def address_of(self, media: Media) -> str:
        """Return where one of the media is received: its own address, else the session's, else ''."""
        return media.address or self.address


class _Section:
    """The lines of the session, or of one of the media."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        """The value of the first line of each type."""
        self.attributes: list[tuple[str, str]] = []

    def add(self, line: str) -> None:
        kind, _, value = line.partition("=")
        if kind == "a":
            name, _, value = value.partition(":")
            self.attributes.append((name, value))
        else:
            self.first.setdefault(kind, value)

    @property
    def address(self) -> str:
        """The address of the c= line, '' if there is none; a multicast one loses its TTL."""
        if "c" not in self.first:
            return ""
        parts = self.first["c"].split()
        if len(parts) != 3 or parts[0].upper() != "IN":
            raise ProtocolError(f"no c= line: {shorten(self.first['c'])}")
        return parts[2].partition("/")[0]


def _sections(lines: list[str]) -> list[_Section]:
    sections = [_Section()]
    for line in lines:
        if line.startswith("m="):
            sections.append(_Section())
            if len(sections) > _MOST_MEDIA + 1:
                raise ProtocolError(f"more than {_MOST_MEDIA} media in a session description")
        sections[-1].add(line)
    return sections


def _read_media(section: _Section) -> Media:
    return replace(
        Media.parse(section.first["m"]),
        address=section.address,
        attributes=tuple(section.attributes),
    )


@lru_cache(maxsize=1024)
def _write_address(address: str) -> str:
    try:
        version = ip_address(_require(_ADDRESS, address, "an address")).version
    except ValueError:
        version = 4  # a name; which kind of address it has, its resolver will say
    return f"IN IP{version} {address}"


def _write_attributes(attributes: Attributes) -> list[str]:
    lines = []
    for name, value in attributes:
        _require(_ATTRIBUTE, name, "an attribute's name")
        _require(_VALUE, value, "an attribute")
        lines.append(f"a={name}:{value}" if value else f"a={name}")
    return lines


def _require(pattern: re.Pattern[str], text: str, what: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ProtocolError(f"{what} cannot be written: {shorten(text)}")
    return text
