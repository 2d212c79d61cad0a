"""What became of each rung, as a table and as plain values. Pure; called by `sosbridge drill ladder`."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class Verdict(enum.StrEnum):
    OK = "OK"
    FAILED = "FAILED"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rung of the ladder, broken in one way."""

    rung: int
    broken: str
    took_over: str
    """What did, or why nothing did."""
    seconds: float | None = None
    """From the press (rung 7: from the server's return) until it did."""
    limit: float | None = None
    """Seconds within which it must."""
    scaled: str = ""
    """Which waiting times were shortened."""
    verdict: Verdict


HEAD = ("", "rung", "broken", "after", "what took over")


def held(rungs: Sequence[Rung]) -> bool:
    """Whether every rung that was tried has held, and some were."""
    tried = [rung for rung in rungs if rung.verdict is not Verdict.NOT_TRIED]
    return bool(tried) and all(rung.verdict is Verdict.OK for rung in tried)


def table(rungs: Sequence[Rung], seconds: float, folder: Path) -> Iterator[str]:
    """Yield the lines of the table, what was shortened, and the sum.

    seconds: that it all took. folder: where what it left lies.
    """
    rows = [HEAD, *(_row(rung) for rung in rungs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    for rung in rungs:
        if rung.scaled:
            yield f"rung {rung.rung}, {rung.broken}: {rung.scaled}"
    for rung in rungs:
        if rung.verdict is Verdict.FAILED:
            yield f"FAILED: rung {rung.rung}, {rung.broken}: {_why(rung)}"
    counts = {verdict: sum(rung.verdict is verdict for rung in rungs) for verdict in Verdict}
    words = {Verdict.OK: "held", Verdict.FAILED: "FAILED", Verdict.NOT_TRIED: "not tried"}
    told = ", ".join(f"{counts[verdict]} {words[verdict]}" for verdict in Verdict if counts[verdict])
    yield f"{told}; took {seconds:.0f} s; databases, site files and logs are in {folder}"


def line(rung: Rung) -> str:
    """Return one rung in a line, for who waits for the table."""
    verdict, number, broken, after, took_over = _row(rung)
    return f"{verdict}: rung {number}, {broken}: {took_over}{', ' if after else ''}{after}"


def _why(rung: Rung) -> str:
    if rung.seconds is None or rung.limit is None or rung.seconds <= rung.limit:
        return rung.took_over
    return f"too late, after {rung.seconds:.2f} s instead of {rung.limit:g} s: {rung.took_over}"


def _row(rung: Rung) -> tuple[str, ...]:
    after = "" if rung.seconds is None else f"{rung.seconds:.2f} s"
    if after and rung.limit is not None:
        after += f" (<= {rung.limit:g} s)"
    return rung.verdict.value, str(rung.rung), rung.broken, after, rung.took_over
