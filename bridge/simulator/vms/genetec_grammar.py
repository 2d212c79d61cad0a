"""Takes the Web SDK's `q=` apart as its guide describes it. Called by `genetec.py` beside it.

Commands and arguments are separated by commas; a comma that is part of a text has a backslash before it.
Parentheses and angle brackets enclose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

OPENING: Final = {"(": ")", "<": ">"}


class GrammarError(ValueError):
    """What the role would answer with HTTP 400 and a web page."""


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    arguments: tuple[str, ...]


def pieces(text: str) -> list[str]:
    """Split at the commas that separate, and take the backslashes away."""
    found: list[str] = []
    closing: list[str] = []
    piece = ""
    rest = iter(text)
    for char in rest:
        if char == "\\":
            if (escaped := next(rest, "")) != ",":
                raise GrammarError(f"a backslash before {escaped!r}")
            # Inside a command the arguments are split by another pass.
            piece += "\\," if closing else ","
            continue
        if char == "," and not closing:
            found.append(piece)
            piece = ""
            continue
        if char in OPENING:
            closing.append(OPENING[char])
        elif char in OPENING.values() and (not closing or closing.pop() != char):
            raise GrammarError(f"{char} closes nothing")
        piece += char
    if closing:
        raise GrammarError(f"{closing[-1]} is missing")
    return [*found, piece]


def commands(text: str) -> list[Command]:
    """`Name(argument,...)`, several joined by commas."""
    found = []
    for piece in pieces(text):
        match = re.fullmatch(r"([A-Za-z]+)\((.*)\)", piece.strip(), re.DOTALL)
        if match is None:
            raise GrammarError(f"{piece!r} is no command")
        found.append(Command(match[1], tuple(part.strip() for part in pieces(match[2]))))
    return found


def entities(text: str) -> list[tuple[str, list[str]]]:
    """`entity={guid},Name,...,entity={guid},...` -> the entities, each with the properties asked for."""
    found: list[tuple[str, list[str]]] = []
    for piece in pieces(text):
        name, equals, value = piece.partition("=")
        if equals and name == "entity":
            found.append((value.lower(), []))
        elif found and not equals:
            found[-1][1].append(piece)
        else:
            raise GrammarError(f"{piece!r} belongs to no entity")
    return found
