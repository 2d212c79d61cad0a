"""The header fields of a message as text, by name. Called by `message`, which reads them as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten
from bridge.protocols.sip.message.names import canonical, rank

Lines = Mapping[str, tuple[str, ...]]
"""Canonical name -> the values of its lines, in their order.

Tuples: of those that hold text only the garbage collector loses sight, and messages live for half a minute.
"""


class Headers:
    """Immutable. Fields of one name keep their order, which has a meaning (RFC 3261 section 7.3.1); that of
    different names has none, and is ours when written.

    Names are found in any spelling, values are text without the line's end; anything with a `str()` may be
    put in.
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: Lines | None = None) -> None:
        """`lines` is taken as it is and must not change afterwards; `Headers.of` is for people."""
        self._lines: Final[Lines] = {} if lines is None else lines

    @classmethod
    def of(cls, *fields: tuple[str, object]) -> Headers:
        """Make headers of (name, value) pairs. Raises ProtocolError on a name that is no token."""
        return cls().adding(*fields)

    def first(self, name: str) -> str | None:
        """Return the first value of `name`, None if there is none."""
        lines = self._lines.get(name) or self._lines.get(canonical(name))
        return lines[0] if lines else None

    def all(self, name: str) -> Sequence[str]:
        """Return the values of all lines of `name`; a line may hold several, separated by commas."""
        return self._lines.get(name) or self._lines.get(canonical(name)) or ()

    def adding(self, *fields: tuple[str, object]) -> Headers:
        """Return these headers with more lines. Raises ProtocolError on a name that is no token."""
        lines = dict(self._lines)
        for name, value in fields:
            spelled = _checked(name)
            lines[spelled] = (*lines.get(spelled, ()), str(value))
        return Headers(lines)

    def setting(self, name: str, *values: object) -> Headers:
        """Return these headers with exactly `values` as the lines of `name`. Raises ProtocolError."""
        name = _checked(name)
        lines = dict(self._lines)
        lines.pop(name, None)
        if values:
            lines[name] = tuple([str(value) for value in values])
        return Headers(lines)

    def only(self, names: Iterable[str]) -> Headers:
        """Return the fields of these canonical names."""
        return Headers({name: self._lines[name] for name in names if name in self._lines})

    def __contains__(self, name: str) -> bool:
        return bool(self._lines.get(name) or self._lines.get(canonical(name)))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield (name, value) in the order of the wire."""
        for name in sorted(self._lines, key=rank):
            for value in self._lines[name]:
                yield name, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._lines == other._lines

    def __hash__(self) -> int:
        return hash(frozenset((name, *values) for name, values in self._lines.items()))

    def __repr__(self) -> str:
        """Names only: values may be credentials."""
        return f"Headers({', '.join(sorted(self._lines, key=rank))})"


def _checked(name: str) -> str:
    spelled = canonical(name)
    if not spelled:
        raise ProtocolError(f"no name of a header field: {shorten(name)}")
    return spelled
