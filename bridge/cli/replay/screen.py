"""A replay as people read it: the calls that matter, what the bridge would have done, and the figures."""

from __future__ import annotations

import zoneinfo
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from bridge.cli.replay.filing import Filed
from bridge.cli.replay.lines import is_of
from bridge.cli.replay.result import Result
from bridge.config.problems import plural, visible
from bridge.model import Delivery, Incident, Tier, TimelineEntry
from bridge.replay import (
    STEADY,
    UPSET,
    CallRow,
    Change,
    Difference,
    Due,
    LeftOut,
    Reading,
    Reconciliation,
    Summary,
    Times,
    Troubles,
    owed_to,
)

MOST: Final = 1000
"""Rows of a table; of a log of years the latest are shown, and all are counted."""
FEW: Final = 20
"""Files and bad lines named on the screen; `--json` names more."""
LONGEST: Final = 500
_SOS: Final = "bold red"
_NEVER: Final = "-"
_DUE: Final = {
    Due.NEW: "may be live: help now",
    Due.MISSED: "missed: tell dispatch",
    Due.REVIEW: "look into it",
}


class Screen:
    """timezone: in which times are shown. timeline: id of the only incident to show, or of one of its calls.

    Every alarm call has a row; of the other calls those of phones that the site file names are in incidents.
    """

    def __init__(self, console: Console, timezone: str, *, timeline: str | None) -> None:
        self._console = console
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._zone_name = timezone
        self._timeline = timeline
        self._calls: list[CallRow] = []
        self._incidents: list[tuple[Incident, list[Delivery]]] = []
        self.found = timeline is None

    def call(self, row: CallRow) -> None:
        if row.alarm:
            self._calls.append(row)
            del self._calls[:-MOST]

    def incident(
        self, incident: Incident, deliveries: list[Delivery], calls: set[str], story: list[TimelineEntry]
    ) -> None:
        if self._timeline is None:
            self._incidents.append((incident, deliveries))
            del self._incidents[:-MOST]
        elif is_of(self._timeline, incident, calls):
            self.found = True
            self._tell(incident, deliveries, story)

    def end(self, result: Result) -> None:
        if self._timeline is not None:
            if not self.found:
                self._console.print(f"no incident {visible(self._timeline)} in these logs", markup=False)
        else:
            self._show_calls()
            self._show_incidents()
            if result.difference is not None:
                self._show_changes(result.difference)
                self._show_loads(result.summary, result.there)
            if result.lost is not None:
                self._show_lost(result.lost)
            if result.filed is not None:
                self._show_filed(result.filed)
            self._show_figures(result.summary, result.reading)
        self._show_left_out(result.left_out)
        self._show_troubles(result.troubles, result.times)

    # --- tables -------------------------------------------------------------------------------------

    def _show_calls(self) -> None:
        if not self._calls:
            return
        names = ("dialled at", "phone", "extension", "picked up", "a person", "ended", "outcome", "id")
        rows = [names, *map(self._call_row, sorted(self._calls, key=lambda row: row.dialing_at))]
        self._print_table(
            f"Alarm calls (times in {self._zone_name})", rows, loud=6, calm=("answered", "outcome")
        )

    def _call_row(self, row: CallRow) -> tuple[str, ...]:
        answered = _after(row.answered_at, row.dialing_at)
        return (
            self._moment(row.dialing_at),
            visible(row.phone),
            visible(row.dialled),
            "unknown" if "picked_up_at" in row.unknown else _after(row.picked_up_at, row.dialing_at),
            "time unknown" if "answered_at" in row.unknown else answered,
            _after(row.ended_at, row.dialing_at),
            row.outcome or ("unknown" if "outcome" in row.unknown else "no end in the log"),
            visible(row.id),
        )

    def _show_incidents(self) -> None:
        if not self._incidents:
            return
        names = ("opened at", "incident", "phone", "location", "tier", "ended", "actions")
        rows = [names]
        for incident, deliveries in sorted(self._incidents, key=lambda each: each[0].opened_at):
            closed = f"{_after(incident.closed_at, incident.opened_at)} {visible(incident.close_reason)}"
            rows.append(
                (
                    self._moment(incident.opened_at),
                    incident.id[:8],
                    visible(incident.phone),
                    visible(incident.location) or "unknown",
                    "SOS" if incident.tier is Tier.EMERGENCY else "routine",
                    str(incident.state) if incident.closed_at is None else closed,
                    _counted(Counter(str(each.operation) for each in deliveries)) or _NEVER,
                )
            )
        self._print_table("What the bridge would have done", rows, loud=4, calm=("routine", "tier"))

    def _show_lost(self, found: Reconciliation) -> None:
        if not found.lost:
            text = f"\nEach of {plural(found.checked, 'alarm call')} has its incident in the store."
            self._console.print(text, highlight=False)
            return
        names = ("dialled at", "phone", "extension", "outcome", "what is due", "id")
        rows = [names]
        for lost in found.lost[-MOST:]:
            row = lost.row
            rows.append(
                (
                    self._moment(row.dialing_at),
                    visible(row.phone),
                    visible(row.dialled),
                    row.outcome or "unknown",
                    _DUE[owed_to(lost)],
                    visible(row.id),
                )
            )
        self._print_table("Alarm calls without an incident in the store", rows, loud=4, calm=(names[4],))
        if found.before:
            text = f"{found.before} of them came before the store's first event: no bridge ran yet"
            self._console.print(text, style="yellow", highlight=False)

    def _show_filed(self, filed: Sequence[Filed]) -> None:
        if not filed:
            self._console.print("nothing was filed", highlight=False)
            return
        rows = [("incident", "dispatch", "id")]
        rows += [
            (each.incident[:8], "is told" if each.rings else _NEVER, visible(each.call)) for each in filed
        ]
        self._print_table("Filed", rows[: MOST + 1], loud=1, calm=(_NEVER, "dispatch"))
        rung = sum(each.rings for each in filed)
        text = f"{plural(len(filed), 'incident')} filed, to be looked into; dispatch is told of {rung}"
        self._console.print(text, highlight=False, soft_wrap=True)

    def _print_table(
        self, title: str, rows: Sequence[tuple[str, ...]], *, loud: int, calm: tuple[str, ...]
    ) -> None:
        """Print aligned columns, never cut. loud: the column that stands out unless it is `calm`."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        self._console.print(f"\n{title}", style="bold")
        for number, row in enumerate(rows):
            line = Text(style="dim" if not number else "")
            for position, (text, width) in enumerate(zip(row, widths, strict=True)):
                style = _SOS if position == loud and text not in calm else ""
                line.append(f"{text:<{width}}  ", style)
            line.rstrip()
            self._console.print(line, soft_wrap=True)

    def _tell(self, incident: Incident, deliveries: list[Delivery], story: list[TimelineEntry]) -> None:
        where = visible(incident.location) or "location unknown"
        self._console.print(
            Text(f"{incident.id}  {visible(incident.phone)}, {where}, {incident.tier}", "bold"),
            soft_wrap=True,
        )
        lines = [(entry.at, visible(entry.text, LONGEST)) for entry in story]
        lines += [
            (
                each.created_at,
                f"would ask {each.driver} to {each.operation} {visible(each.target)} ({each.step})",
            )
            for each in deliveries
        ]
        for at, text in sorted(lines, key=lambda line: line[0]):
            after = f"+{at - incident.opened_at:.3f} s"
            self._console.print(f"  {self._moment(at)}  {after:>12}  {text}", markup=False, soft_wrap=True)

    def _show_changes(self, difference: Difference) -> None:
        count = len(difference.changes)
        if not count:
            self._console.print(f"\nNothing would be different in {plural(difference.same, 'incident')}.")
            return
        self._console.print(f"\n{plural(count, 'incident')} would be different, {difference.same} the same:")
        for change in difference.changes[:MOST]:
            for line in self._difference(change):
                self._console.print(line, markup=False, soft_wrap=True)

    def _difference(self, change: Change) -> Iterable[str]:
        view = change.view
        head = f"  {self._moment(view.opened_at)}  {change.id[:8]}  {visible(view.phone)}"
        if change.now is None:
            yield f"{head}: opened as well, {view.tier}"
        elif change.then is None:
            yield f"{head}: not opened any more (was {view.tier})"
        elif change.now.tier != change.then.tier:
            yield f"{head}: {change.then.tier} instead of {change.now.tier}"
        else:
            yield head
        for sign, acts in (("+", change.added), ("-", change.gone)):
            for step, driver, operation, target in sorted(acts):
                yield f"      {sign} {step}: {driver} {operation} {visible(target)}"

    def _show_loads(self, now: Summary, then: Summary) -> None:
        """What the other site means for people, where that differs."""
        lines = [("calls to dispatch", f"{now.dispatch_calls}", f"{then.dispatch_calls}")]
        for console in sorted({*now.load, *then.load}):
            name = f"pop-ups an hour on {visible(console)}"
            lines.append((name, f"{now.per_hour(console):.2f}", f"{then.per_hour(console):.2f}"))
        for name, before, after in lines:
            if before != after:
                self._console.print(f"  {name}: {after} instead of {before}", markup=False, highlight=False)

    # --- figures ------------------------------------------------------------------------------------

    def _show_figures(self, summary: Summary, reading: Reading) -> None:
        formats = ", ".join(f"{count} {name}" for name, count in reading.formats.items()) or "nothing"
        lines = [
            ("read", f"{plural(reading.progress.records, 'record')} ({formats})"),
            ("calls", f"{summary.calls}: {_counted(summary.outcomes)}"),
            ("alarm calls", f"{summary.alarms}: {_counted(summary.alarm_outcomes)}"),
        ]
        if summary.longest_wait is not None:
            text = f"{summary.longest_wait:.1f} s until a person took {visible(summary.longest_wait_of)}"
            lines.append(("longest wait", text))
        if summary.incidents:
            lines.append(("incidents", _counted(summary.incidents)))
            lines.append(("would-be actions", _counted(summary.actions) or "none"))
        for console, load in sorted(summary.load.items()):
            mean = summary.in_windows(load)
            verdict = "too many" if mean > STEADY or load.worst > UPSET else "bearable"
            text = (
                f"{plural(load.popups, 'pop-up')}, {mean:.2f} in 10 min on average (EEMUA 191: {STEADY:g}),"
                f" at worst {load.worst} (manageable: {UPSET}) at {self._moment(load.worst_at)}: {verdict}"
            )
            lines.append((f"load of {visible(console)}", text))
        self._console.print()
        width = max(len(name) for name, _ in lines)
        for name, text in lines:
            self._console.print(f"{name:>{width}}  {text}", markup=False, soft_wrap=True, highlight=False)

    def _show_left_out(self, left_out: Sequence[LeftOut]) -> None:
        for each in left_out[:FEW]:
            why = f"--format {each.format} reads it instead" if each.format else "no log of calls"
            text = f"not read: {visible(each.file, LONGEST)} ({why})"
            self._console.print(text, markup=False, soft_wrap=True, highlight=False)
        if (more := len(left_out) - FEW) > 0:
            self._console.print(f"not read: {plural(more, 'file')} more", highlight=False)

    def _show_troubles(self, troubles: Troubles, times: Times) -> None:
        if times.ambiguous:
            text = (
                f"{times.ambiguous} minutes of the log came twice (end of summer time): the first was taken"
            )
            self._console.print(text, style="yellow", soft_wrap=True)
        if times.in_utc:
            self._console.print("the log's times are UTC, as its Uniqueids tell", style="yellow")
        if not troubles.total:
            return
        self._console.print(
            Text(f"\n{plural(troubles.total, 'line')} could not be read: {_counted(troubles.counts)}", _SOS)
        )
        for bad in troubles.named[:FEW]:
            self._console.print(
                f"  {visible(str(bad), LONGEST)}", markup=False, soft_wrap=True, highlight=False
            )
        if (more := troubles.total - min(FEW, len(troubles.named))) > 0:
            self._console.print(f"  and {more} more", highlight=False)

    def _moment(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._zone).strftime("%Y-%m-%d %H:%M:%S")


def _after(at: float | None, start: float) -> str:
    return _NEVER if at is None else f"+{at - start:.1f} s"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
