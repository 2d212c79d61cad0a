"""Mistakes and hints with the place they stand at, and how they read. Used by all of `bridge.config`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from bridge.errors import ConfigError
from bridge.model import Finding

Path: TypeAlias = tuple[str | int, ...]
"""A place in the file: keys and indices from the root."""

MAX_NAMES: Final = 20
"""A message that lists more names than this is not read."""


class Position(NamedTuple):
    """Both count from 1, as editors do."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to say about one place."""

    path: Path
    text: str
    level: str = "error"
    """As in `Finding`: `error`, `warning`, or `ok` for a hint."""
    key: bool = False
    """It is about the name of the setting, not about its value."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A problem and where its line is."""

    problem: Problem
    position: Position

    def finding(self, file: str) -> Finding:
        """Return what `sosbridge check` prints: the subject is file:line:column."""
        where = path_text(self.problem.path)
        return Finding(
            level=self.problem.level,
            subject=f"{file}:{self.position.line}:{self.position.column}",
            text=f"{where}: {self.problem.text}" if where else self.problem.text,
        )


class SiteError(ConfigError):
    """The file cannot be used. `findings` hold every mistake, in the order of the lines."""

    def __init__(self, file: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = sum(finding.level == "error" for finding in findings)
        lines = (f"{finding.subject}: {finding.text}" for finding in findings if finding.level == "error")
        super().__init__("\n".join([f"{file}: {plural(count, 'mistake')}", *lines]))


def site_error(file: str, placed: Iterable[Placed]) -> SiteError:
    return SiteError(file, [found.finding(file) for found in in_order(placed)])


def in_order(placed: Iterable[Placed]) -> list[Placed]:
    """Sort by line and column, each message once."""
    return sorted(dict.fromkeys(placed), key=lambda found: (found.position, found.problem.text))


def path_text(path: Path) -> str:
    """Write a path as people do: `vms[0].host`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{visible(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def visible(text: str, limit: int = 80) -> str:
    """Make text from the file safe to print: no control characters, not endless."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:limit])
    return shown + ("…" if len(text) > limit else "")


def plural(count: int, word: str) -> str:
    if count == 1:
        return f"1 {word}"
    return f"{count} {word.removesuffix('y')}ies" if word.endswith("y") else f"{count} {word}s"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; allowed: ...` for a name that is not among `known`, after a guess where one is near."""
    names = list(dict.fromkeys(known))
    lowered = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower()[:100], lowered, n=1, cutoff=0.6)
    guess = f", did you mean `{lowered[near[0]]}`? Allowed: " if near else "; allowed: "
    return guess + listing(names)


def unknown(what: str, name: str, known: Iterable[str], *, none: str = "") -> str:
    """Say that nothing of that name exists. `none`: what to add when there is nothing at all to choose."""
    names = list(known)
    return f"unknown {what} `{visible(name)}`{did_you_mean(name, names) if names else none}"


def listing(names: Sequence[str]) -> str:
    shown = ", ".join(visible(name) for name in names[:MAX_NAMES])
    left = len(names) - MAX_NAMES
    return f"{shown} and {left} more" if left > 0 else shown
