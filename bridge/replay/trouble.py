"""What could not be read of a log, counted and named. Filled by the readers, shown by the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

MOST_NAMED: Final = 100
"""Bad lines that are named one by one; the others are only counted, so that memory stays flat."""
EXCERPT: Final = 80


@dataclass(frozen=True, slots=True)
class BadLine:
    file: str
    line: int
    """From 1; 0 where the whole file is meant."""
    text: str
    """What is wrong, for a person."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass(slots=True)
class Troubles:
    """Of one run."""

    named: list[BadLine] = field(default_factory=list)
    """The first `MOST_NAMED`."""
    counts: Counter[str] = field(default_factory=Counter)
    """By what is wrong, without the details."""

    def note(self, file: str, line: int, what: str, detail: str = "") -> None:
        self.counts[what] += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(BadLine(file, line, f"{what}: {detail}" if detail else what))

    def forget(self) -> None:
        """What was noted so far does not matter."""
        self.named.clear()
        self.counts.clear()

    @property
    def total(self) -> int:
        return self.counts.total()


def read_each(
    file: str, first: int, lines: Sequence[bytes], take: Callable[[bytes], None], troubles: Troubles
) -> int:
    """Let `take` have each line, and note those that it cannot read (ValueError); return how many it could.

    first: number of the first line.
    """
    bad = 0
    for number, line in enumerate(lines, first):
        try:
            take(line)
        except ValueError as error:
            bad += 1
            troubles.note(file, number, str(error), excerpt(line))
    return len(lines) - bad


def excerpt(raw: bytes) -> str:
    """Return the beginning of a line as a person can read it, whatever bytes it holds."""
    text = raw[:EXCERPT].decode("utf-8", "backslashreplace")
    return repr(text) + ("..." if len(raw) > EXCERPT else "")
