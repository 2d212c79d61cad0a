"""A training for programs: `--json` prints each incident with its actions once it is over.

The rows are described in docs/replay.md; those of incidents and actions are `lines`'. Called by `reenact`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from bridge.cli.demo.stage import Seen
from bridge.cli.replay.lines import Lines, print_row
from bridge.cli.replay.reenact.ended import Ended
from bridge.cli.replay.reenact.site import Training
from bridge.ingest import Committed
from bridge.model import Incident
from bridge.replay import Troubles


class Rows:
    """What an enactment is shown to."""

    def __init__(self) -> None:
        self._lines: Final = Lines(timeline=None)
        self._seen: Final = Seen()
        self._calls: Final[dict[str, set[str]]] = {}
        self._printed: Final[set[str]] = set()
        self._actions = 0

    def introduce(self, training: Training, database: Path | None) -> None:
        """The last row says it."""

    def begin(self, at: float) -> None:
        """Rows have times of their own."""

    def skip(self, seconds: float, at: float) -> None:
        print_row("skipped", {"seconds": seconds, "at": at})

    def settle(self, now: float) -> None:
        """Nothing waits to be printed in order."""

    def say(self, text: str) -> None:
        """On stderr: a row has no text for people."""
        click.echo(text, err=True)

    def take(self, committed: Committed) -> None:
        self._seen.take(committed)
        for decision in committed.decisions:
            for call in decision.calls.values():
                self._calls.setdefault(call.incident, set()).add(call.key)
        for incident in list(self._seen.incidents.values()):
            if not incident.live and all(each.state.settled for each in self._seen.of(incident)):
                self._print(incident)

    def end(self, ended: Ended) -> None:
        """Print what is not over either, and what it was all about."""
        for incident in list(self._seen.incidents.values()):
            self._print(incident)
        print_row(
            "training",
            {
                "incidents": len(self._printed),
                "actions": self._actions,
                "complete": ended.complete,
                "skipped_seconds": ended.skipped,
                "simulated": sorted(ended.training.simulated),
                "recorded": sorted(ended.training.recorded),
                "database": str(ended.database) if ended.database else None,
            },
        )

    def tell_troubles(self, troubles: Troubles) -> None:
        for bad in troubles.named:
            print_row("bad_line", asdict(bad))

    def _print(self, incident: Incident) -> None:
        """Print it once, and forget it: a log may have thousands."""
        deliveries, calls = self._seen.of(incident), self._calls.pop(incident.id, set())
        if incident.id not in self._printed:
            self._printed.add(incident.id)
            self._actions += len(deliveries)
            self._lines.incident(incident, deliveries, calls, [])
        del self._seen.incidents[incident.id]
        for delivery in deliveries:
            del self._seen.deliveries[delivery.id]
