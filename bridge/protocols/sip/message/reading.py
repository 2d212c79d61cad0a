"""How a message reads its header fields as values: on first use, and then kept.

Called by `message` only. An attribute declared with `Required`, `Optional`, ... is parsed when it is
asked for, so that a field nobody needs costs nothing and breaks nothing (RFC 3261 section 8.2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, Self, TypeVar, overload

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.token_list import TokenList
from bridge.protocols.sip.message.malformed import MalformedError

if TYPE_CHECKING:
    from bridge.protocols.sip.message.message import Message

T = TypeVar("T")


class Field(Generic[T]):
    """Not a data descriptor: what it writes into the message's `__dict__` is found before it next time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.attribute = ""

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    @overload
    def __get__(self, message: None, owner: type) -> Self: ...
    @overload
    def __get__(self, message: Message, owner: type) -> T: ...
    def __get__(self, message: Message | None, owner: type) -> T | Self:
        if message is None:
            return self
        try:
            value = self.read(message)
        except MalformedError:
            raise
        except ProtocolError as error:
            raise message.malformed(f"{self.name}: {error}") from error
        message.__dict__[self.attribute] = value
        return value

    def read(self, message: Message) -> T:
        raise NotImplementedError


class Required(Field[T]):
    """A field that every message has. The first value counts."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        super().__init__(name)
        self.parse = parse

    def read(self, message: Message) -> T:
        line = message.headers.first(self.name)
        if line is None:
            raise message.malformed(f"{self.name} is missing")
        return self.parse(line)


class Optional(Field[T | None]):
    """A field that may be there: None where it is not."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        super().__init__(name)
        self.parse = parse

    def read(self, message: Message) -> T | None:
        line = message.headers.first(self.name)
        return None if line is None else self.parse(line)


class Combined(Field[T]):
    """A field whose lines mean something only all together; there may be none."""

    def __init__(self, name: str, parse_lines: Callable[[Sequence[str]], T]) -> None:
        super().__init__(name)
        self.parse_lines = parse_lines

    def read(self, message: Message) -> T:
        return self.parse_lines(message.headers.all(self.name))


class Listed(Combined[tuple[T, ...]]):
    """A field of any number of values, on one line or several: () where there is none."""

    def __init__(self, name: str, parse_line: Callable[[str], tuple[T, ...]]) -> None:
        super().__init__(name, lambda lines: tuple(value for line in lines for value in parse_line(line)))


L = TypeVar("L", bound=TokenList)


class Each(Combined[L]):
    """A list of tokens, on one line or several: empty where there is none."""

    def __init__(self, name: str, parse: Callable[[str], L]) -> None:
        nothing = parse("")
        super().__init__(
            name, lambda lines: sum(map(parse, lines[1:]), parse(lines[0])) if lines else nothing
        )
