"""Open faults by their cause: a VMS that is away is one line, not one for each of its cameras."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from bridge.cli.incidents.screen import print_table, short_time
from bridge.config.problems import listing, visible
from bridge.engine.segments import CUT_OFF, parts_of
from bridge.model import Fault
from bridge.response import Plan

LONGEST: Final = 200
"""Characters of what is said of a cause; `sosbridge check` says the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The open faults of one kind."""

    what: str
    subjects: tuple[str, ...]
    """What is faulty, the longest so first."""
    since: float
    text: str
    """What is said of it; of most of them, where it differs."""


def by_cause(faults: Iterable[Fault], plan: Plan) -> list[Cause]:
    """Group the faults, without those that are part of another: the cause with the most of them first."""
    faults = list(faults)
    parts = parts_of(faults, plan)
    alike: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for fault in sorted(faults, key=lambda fault: fault.opened_at):
        if (fault.subject, fault.what) in parts:
            continue
        # Of a segment its text is what matters: which phones.
        alike[fault.what, fault.subject if fault.what == CUT_OFF else ""].append(fault)
    causes = [_cause(what, found) for (what, _), found in alike.items()]
    return sorted(causes, key=lambda cause: (-len(cause.subjects), cause.since))


def _cause(what: str, faults: Sequence[Fault]) -> Cause:
    [(text, _)] = Counter(fault.text for fault in faults).most_common(1)
    subjects = dict.fromkeys(fault.subject for fault in faults)
    return Cause(what=what, subjects=tuple(subjects), since=faults[0].opened_at, text=text)


def print_causes(causes: Sequence[Cause], plan: Plan) -> None:
    """Print a line a cause, with how many and which; below it, indented, what is said of it."""
    headings = ("fault", "how many", "since", "which")
    rows = [
        (
            Text(visible(cause.what), style="yellow"),
            Text(str(len(cause.subjects)), justify="right"),
            Text(short_time(cause.since, plan)),
            Text(listing(cause.subjects)),
        )
        for cause in causes
    ]
    print_table(headings, rows, [Text(visible(cause.text, LONGEST)) for cause in causes])
