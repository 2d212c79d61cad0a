"""How the demo looks: lines of a table that grows, legible at 80 columns, coloured on a terminal only.

A line is the time, who, what and, for an action, its receipt: `0.048 wall  shows 2 cameras  ✓ verified`.
What happens at the same moment comes to be known one after the other. So lines wait a little, until those of
an earlier time are in: `settle` prints what has waited enough.
"""

from __future__ import annotations

import io
import math
import sys
from operator import itemgetter
from typing import Final, Self

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from bridge.model import Delivery

_TIME: Final = 7
_WHO: Final = 14
_WHAT: Final = 39
_RECEIPT: Final = 19
_INDENT: Final = _TIME + 1 + _WHO
_LONGEST_WORD: Final = 48
_SETTLES: Final = 0.3
"""Seconds that a line waits for those of an earlier time; a commit takes a few milliseconds."""
_LEAST_PROOF: Final = 24
"""Columns below which a proof is left out."""

PEOPLE: Final = "cyan"
BRIDGE: Final = "bold"
GOOD: Final = "green"
BAD: Final = "bold red"
QUIET: Final = "bright_black"


class Page:
    """Where everything is printed. began_at: of the story being told; times count from it."""

    def __init__(self, console: Console) -> None:
        self._console: Final = console
        self.began_at = 0.0
        self._waiting: Final[list[tuple[float, list[Text]]]] = []
        plain = "utf" not in (console.encoding or "").lower()
        self.good, self.bad, self.dash = ("+", "!", "-") if plain else ("✓", "✗", "─")

    @classmethod
    def on_stdout(cls) -> Self:
        if isinstance(sys.stdout, io.TextIOWrapper):  # a camera's name must not end the demo
            sys.stdout.reconfigure(errors="replace")
        return cls(Console(file=sys.stdout, highlight=False, emoji=False, markup=False))

    def settle(self, now: float) -> None:
        """Print what nothing earlier can come before any more. now: UTC."""
        self._print_until(now - _SETTLES)

    def _print_until(self, at: float) -> None:
        due = [entry for entry in self._waiting if entry[0] <= at]
        self._waiting[:] = [entry for entry in self._waiting if entry[0] > at]
        for _, lines in sorted(due, key=itemgetter(0)):
            for line in lines:
                self._print(line)

    def title(self, text: str) -> None:
        """A heading over the whole width; everything before it is printed first."""
        self._print_until(math.inf)
        rest = max(0, min(self._console.width, 100) - cell_len(text) - 4)
        line = Text().append(f"{self.dash * 2} ", style=QUIET)
        line.append(text, style="bold").append(f" {self.dash * rest}", style=QUIET)
        self._print(Text(""))
        self._print(line)

    def text(self, text: str = "", style: str = "") -> None:
        """A line without time."""
        self._print(Text(text, style=style))

    def fact(self, label: str, value: str) -> None:
        """A name and what it is, below each other."""
        self._print(Text().append(f"  {label:<16}", style=QUIET).append(value))

    def check(self, good: bool, text: str) -> None:
        """Something that was to happen, and whether it did."""
        mark = Text().append(f"  {self.good if good else self.bad} ", style=GOOD if good else BAD)
        self._print(mark.append(text, style="" if good else BAD))

    def line(self, at: float, who: str, what: str, style: str = "") -> None:
        """Somebody does something; a long text goes on below itself."""
        first, *others = self._wrapped(what)
        lines = [self._start(at, who, style).append(first, style=style)]
        lines += [Text(" " * _INDENT).append(other, style=style) for other in others]
        self._waiting.append((at, lines))

    def receipt(self, delivery: Delivery, what: str) -> None:
        """An action and how it ended. The proof is for who has the columns; of bad news it is always told."""
        good, proof = delivery.state.done, delivery.proof
        at = delivery.settled_at or delivery.created_at
        millis = (at - delivery.created_at) * 1000
        mark = self.good if good else self.bad
        style = GOOD if good else BAD
        line = self._start(at, delivery.driver, "").append(set_cell_size(what, _WHAT - 1)).append(" ")
        line.append(f"{mark} {delivery.state:<9}", style=style).append(f"{millis:5.0f} ms", style=style)
        room = self._console.width - _INDENT - _WHAT - _RECEIPT - 2
        if good and room >= _LEAST_PROOF:
            line.append(f"  {_cut(proof, room)}", style=QUIET)
        why = [] if good else [Text(" " * _INDENT).append(text, style=QUIET) for text in self._wrapped(proof)]
        self._waiting.append((at, [line, *why]))

    def _start(self, at: float, who: str, style: str) -> Text:
        start = Text().append(f"{at - self.began_at:{_TIME}.3f} ", style=QUIET)
        return start.append(set_cell_size(who, _WHO - 1), style=style).append(" ")

    def _wrapped(self, text: str) -> list[str]:
        words = " ".join(map(_bearable, text.split()))
        lines = Text(words).wrap(self._console, max(20, self._console.width - _INDENT - 1))
        return [line.plain.rstrip() for line in lines] or [""]

    def _print(self, line: Text) -> None:
        # Whole lines as they are: whoever reads a log greps them.
        self._console.print(line, soft_wrap=True)


def _bearable(word: str) -> str:
    """Shorten what nobody reads to its end: the name of a recording, a path."""
    return word if len(word) <= _LONGEST_WORD else f"{word[:12]}…{word[-8:]}"


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
