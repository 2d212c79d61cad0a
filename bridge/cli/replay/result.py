"""What a replay came to, once all is read: handed to whoever shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.cli.replay.filing import Filed
from bridge.replay import Difference, LeftOut, Reading, Reconciliation, Summary, Times, Troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    summary: Summary
    there: Summary
    """What the site of `--against` would have done."""
    difference: Difference | None
    """None without `--against`."""
    troubles: Troubles
    times: Times
    reading: Reading
    left_out: Sequence[LeftOut]
    lost: Reconciliation | None
    """None without `--reconcile`."""
    filed: Sequence[Filed] | None
    """None without `--open`."""
