"""What became of each rung, as a table and as plain values. Pure; called by `sosbridge drill ladder`."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


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


HEAD = ("rung", "broken", "what took over", "after", "")


def held(rungs: Sequence[Rung]) -> bool:
    """Whether every rung that was tried has held, and some were."""
    tried = [rung for rung in rungs if rung.verdict is not Verdict.NOT_TRIED]
    return bool(tried) and all(rung.verdict is Verdict.OK for rung in tried)


def table(rungs: Sequence[Rung], seconds: float) -> Iterator[str]:
    """Yield the lines of the table, what was shortened, and the sum. seconds: that it all took."""
    rows = [HEAD, *(_row(rung) for rung in rungs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    for rung in rungs:
        if rung.scaled:
            yield f"rung {rung.rung}: {rung.scaled}"
    counts = {verdict: sum(rung.verdict is verdict for rung in rungs) for verdict in Verdict}
    words = {Verdict.OK: "held", Verdict.FAILED: "FAILED", Verdict.NOT_TRIED: "not tried"}
    told = ", ".join(f"{counts[verdict]} {words[verdict]}" for verdict in Verdict if counts[verdict])
    yield f"{told}; took {seconds:.0f} s"


def _row(rung: Rung) -> tuple[str, ...]:
    after = "" if rung.seconds is None else f"{rung.seconds:.2f} s"
    if after and rung.limit is not None:
        after += f" (<= {rung.limit:g} s)"
    return str(rung.rung), rung.broken, rung.took_over, after, rung.verdict.value
