"""`--json`: one object a line, as the reading goes. The rows are described in docs/replay.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from bridge.cli.replay.result import Result
from bridge.model import Delivery, Incident, TimelineEntry
from bridge.replay import CallRow, Summary, owed_to
from bridge.replay.difference import Act, Change, View
from bridge.store.plain import to_plain


class Lines:
    """Prints rows of the types `call`, `incident`, `action`; last `change`, `lost`, `filed`, `bad_line` and
    `summary`.

    timeline: id of the only incident to show, or of one of its calls; then with rows of the type `story`.
    """

    def __init__(self, *, timeline: str | None) -> None:
        self._timeline = timeline
        self.found = timeline is None

    def call(self, row: CallRow) -> None:
        if self._timeline in (None, row.id):
            print_row("call", asdict(row))

    def incident(
        self, incident: Incident, deliveries: list[Delivery], calls: set[str], story: list[TimelineEntry]
    ) -> None:
        if self._timeline is not None:
            if not is_of(self._timeline, incident, calls):
                return
            self.found = True
        print_row("incident", to_plain(incident) | {"calls": sorted(calls)})
        for delivery in deliveries:
            print_row("action", to_plain(delivery))
        for entry in story if self._timeline is not None else ():
            print_row("story", to_plain(entry))

    def end(self, result: Result) -> None:
        difference, troubles, summary = result.difference, result.troubles, result.summary
        for change in difference.changes if difference else ():
            print_row("change", _change(change))
        for lost in result.lost.lost if result.lost else ():
            print_row("lost", asdict(lost.row) | {"due": owed_to(lost)})
        for filed in result.filed or ():
            print_row("filed", asdict(filed))
        for bad in troubles.named:
            print_row("bad_line", asdict(bad))
        print_row(
            "summary",
            {
                "records": result.reading.progress.records,
                "bad_lines": troubles.total,
                "formats": result.reading.formats,
                "left_out": [asdict(each) for each in result.left_out],
                "calls": summary.calls,
                "alarm_calls": summary.alarms,
                "outcomes": summary.outcomes,
                "alarm_outcomes": summary.alarm_outcomes,
                "longest_wait": summary.longest_wait,
                "longest_wait_of": summary.longest_wait_of,
                **_would_do(summary),
                "first": summary.first,
                "last": summary.last,
                "ambiguous_times": result.times.ambiguous,
                "changes": len(difference.changes) if difference else None,
                "against": _would_do(result.there) if difference else None,
                "lost": len(result.lost.lost) if result.lost else None,
                "filed": None if result.filed is None else len(result.filed),
                "rung": None if result.filed is None else sum(each.rings for each in result.filed),
            },
        )


def is_of(timeline: str, incident: Incident, calls: set[str]) -> bool:
    """Whether `--timeline` means this incident: by the beginning of its id, or by the id of a call."""
    return timeline in calls or incident.id.startswith(timeline)


def print_row(type_: str, row: Mapping[str, Any]) -> None:
    """Print one row. ASCII: a name in a log, or of a file, may be no UTF-8."""
    click.echo(json.dumps({"type": type_, **row}))


def _would_do(summary: Summary) -> dict[str, Any]:
    """Return what a site's bridge would have done, in figures."""
    return {
        "incidents": summary.incidents,
        "actions": summary.actions,
        "dispatch_calls": summary.dispatch_calls,
        "popups": {name: load.popups for name, load in summary.load.items()},
        "popups_per_hour": {name: summary.per_hour(name) for name in summary.load},
        "worst_popups_in_10_min": {name: load.worst for name, load in summary.load.items()},
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "now": _view(change.now),
        "then": _view(change.then),
        "added": _acts(change.added),
        "gone": _acts(change.gone),
    }


def _view(view: View | None) -> dict[str, Any] | None:
    if view is None:
        return None
    return {name: value for name, value in asdict(view).items() if name != "acts"}


def _acts(acts: frozenset[Act]) -> list[dict[str, str]]:
    names = ("step", "driver", "operation", "target")
    return [dict(zip(names, act, strict=True)) for act in sorted(acts)]
