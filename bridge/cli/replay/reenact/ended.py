"""What a training came to: handed to whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.cli.demo.stage import Seen
from bridge.cli.replay.reenact.site import Training


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    training: Training
    seen: Seen
    complete: bool
    """False: somebody has interrupted it."""
    skipped: float
    """Seconds of silence that were left out."""
    database: Path | None
    """Where it is kept; None where it is not."""
