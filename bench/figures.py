"""Percentiles, and tables of them, as both benches print them. Pure but for `print_table` and `load`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

WIDTH = 118
"""Columns, also where the output goes to a file."""


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of all values do not exceed; NaN without any.

    The nearest-rank definition: every result is a value that was really measured.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def milliseconds(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1000:.1f}"


def spread(values: Sequence[float]) -> tuple[str, str, str]:
    """Return p50, p99 and the largest of these seconds, in milliseconds."""
    return (
        milliseconds(percentile(values, 0.5)),
        milliseconds(percentile(values, 0.99)),
        milliseconds(max(values, default=math.nan)),
    )


def ratio(seconds: float, base: float) -> str:
    """Return how many times `base` it is."""
    return f"{seconds / base:.2f}" if base > 0 else "-"


def load() -> str:
    """Return the load average of the last minute: how much else this machine has been doing."""
    return f"{os.getloadavg()[0]:.1f}"


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
    """Print one table; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", caption=note or None)
    table.caption_justify = "left"
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=WIDTH).print(table)
