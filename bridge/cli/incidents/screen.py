"""Incidents as people read them: in a hurry, at night, on whatever terminal there is.

Nothing is ever cut off to fit: the most important columns stand on the left, and a line that is too long is
the terminal's to wrap, so that `grep` sees whole lines. What a caller or a VMS said is shown, never obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from rich.console import Console
from rich.text import Text

from bridge.config.problems import plural, visible
from bridge.model import Call, Delivery, DeliveryState, Fault, Incident, IncidentState, Tier, TimelineEntry
from bridge.response import Plan

NOBODY: Final = "NOBODY"
LONGEST: Final = 1000
"""Characters of a line of the story; what a VMS says has no end of its own."""

_WORDS: Final[Mapping[DeliveryState, str]] = MappingProxyType(
    {
        DeliveryState.PENDING: "waiting",
        DeliveryState.LEASED: "under way",
        DeliveryState.FAILED: "FAILED",
        DeliveryState.UNCERTAIN: "UNCERTAIN",
        DeliveryState.EXPIRED: "EXPIRED",
    }
)
"""Where the state's own name is no plain word, or has to stand out without colour too."""
_STYLES: Final[Mapping[DeliveryState, str]] = MappingProxyType(
    {
        DeliveryState.VERIFIED: "green",
        DeliveryState.ACCEPTED: "green",
        DeliveryState.PENDING: "yellow",
        DeliveryState.LEASED: "yellow",
        DeliveryState.SUPERSEDED: "dim",
    }
)
_GONE_WRONG: Final = frozenset({DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.EXPIRED})
_ALARM: Final = "bold red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an incident's actions so far, and of its caller."""

    actions: int
    failed: int
    """Uncertain and expired ones too."""
    waiting: int
    """Not settled yet."""
    hung_up: bool
    """It still waits for people, and no call of it is up any more."""


def outcome_of(incident: Incident, deliveries: Sequence[Delivery], calls: Sequence[Call]) -> Outcome:
    """Return what the list says of an incident besides its own line."""
    waits = incident.state not in (IncidentState.CLEARING, IncidentState.CLOSED)
    return Outcome(
        actions=len(deliveries),
        failed=sum(delivery.state in _GONE_WRONG for delivery in deliveries),
        waiting=sum(not delivery.state.settled for delivery in deliveries),
        hung_up=waits and not any(call.live for call in calls),
    )


def calmness(incident: Incident) -> tuple[bool, bool]:
    """Sort key: an SOS that nobody has comes first, then the other SOS."""
    sos = incident.tier is Tier.EMERGENCY
    return not (sos and _calls_for_help(incident)), not sos


def ending(incident: Incident) -> str:
    """Who or what ended it: `resolved by A. Weber`."""
    return visible(incident.close_reason or incident.closed_by or "cleared", LONGEST)


# --- the list ---------------------------------------------------------------------------------------


def print_list(incidents: Sequence[tuple[Incident, Outcome]], plan: Plan) -> None:
    """Print a line an incident; below it, indented, what somebody should know besides."""
    headings = ("id", "what", "state", "location", "opened", "who has it", "phone")
    below = [_besides(incident, outcome) for incident, outcome in incidents]
    print_table(headings, [tuple(_row(incident, plan)) for incident, _ in incidents], below)


def print_unfinished(unfinished: Mapping[str, int]) -> None:
    """Say which closed incidents have something to be done: id -> how many actions."""
    for incident, count in unfinished.items():
        text = f"{incident[:8]} is closed, but {plural(count, 'action')} of it not done yet"
        _console().print(Text(text, style="yellow"), soft_wrap=True)


def _besides(incident: Incident, outcome: Outcome) -> Text:
    parts = []
    if _wants_more(incident):
        parts.append((tally(incident), "yellow"))
    if outcome.failed:
        parts.append((f"{outcome.failed} of {plural(outcome.actions, 'action')} FAILED or uncertain", _ALARM))
    if outcome.waiting:
        parts.append((f"{outcome.waiting} of {plural(outcome.actions, 'action')} not done yet", "yellow"))
    if outcome.hung_up:
        parts.append(("the caller has hung up", "bold"))
    return Text("; ").join(Text(words, style=style) for words, style in parts)


def _row(incident: Incident, plan: Plan) -> Iterator[Text]:
    alarm = _ALARM if _calls_for_help(incident) else ""
    yield Text(incident.id[:8])
    yield Text(_what(incident), style=alarm)
    yield Text(incident.state.value)
    yield Text(_location(incident))
    yield Text(short_time(incident.opened_at, plan))
    nobody = NOBODY if _calls_for_help(incident) else "-"
    yield Text(visible(incident.acknowledged_by) or nobody, style=alarm)
    yield Text(visible(incident.phone))


def _wants_more(incident: Incident) -> bool:
    """Whether dispatch is rung for further people."""
    return incident.state is IncidentState.ACKNOWLEDGED and incident.wants_more


def tally(incident: Incident) -> str:
    """Return how many have acknowledged of those who are wanted, and who: `1 of 2 acknowledgements: anna`."""
    names = ", ".join(visible(name) for name in incident.acknowledgers)
    return f"{len(incident.acknowledgers)} of {incident.people_wanted} acknowledgements: {names}"


def _calls_for_help(incident: Incident) -> bool:
    """Whether somebody should take it."""
    waits = incident.state in (IncidentState.OPEN, IncidentState.CONNECTED)
    return waits and incident.tier is Tier.EMERGENCY


def _what(incident: Incident) -> str:
    word = "SOS" if incident.tier is Tier.EMERGENCY else "call"
    return f"{word} (exercise)" if incident.exercise else word


def _location(incident: Incident) -> str:
    return visible(incident.location) or "unknown"


def short_time(at: float, plan: Plan) -> str:
    """`at` in the site's time zone, without the year."""
    return datetime.fromtimestamp(at, plan.zone).strftime("%m-%d %H:%M:%S")


# --- one incident -----------------------------------------------------------------------------------


def print_incident(
    incident: Incident,
    timeline: Sequence[TimelineEntry],
    deliveries: Sequence[Delivery],
    plan: Plan,
    review: Fault | None = None,
) -> None:
    """Print how it stands, its story, and every action with its times.

    review: what somebody still has to look into.
    """
    console = _console()
    for line in _standing(incident, plan):
        console.print(line, soft_wrap=True)
    if review is not None:
        console.print(Text(f"to be looked into: {visible(review.text, LONGEST)}", _ALARM), soft_wrap=True)
    if deliveries:
        console.print(_summary(deliveries), soft_wrap=True)
    console.print()
    width = max((len(_after(entry.at, incident)) for entry in timeline), default=0)
    for entry in timeline:
        line = Text(f"{_after(entry.at, incident):>{width}} s  ", style="dim")
        console.print(line.append(visible(entry.text, LONGEST), style="not dim"), soft_wrap=True)
    if deliveries:
        console.print("\n[bold]actions[/], in seconds after the press")
        headings = ("state", "action", "asked", "sent", "settled", "")
        print_table(headings, [tuple(_action(delivery, incident)) for delivery in deliveries])


def _standing(incident: Incident, plan: Plan) -> Iterator[Text]:
    alarm = _calls_for_help(incident)
    yield Text.assemble(
        (f"{_what(incident)} {_location(incident)}", _ALARM if alarm else "bold"),
        f"  {incident.state.value}, phone {visible(incident.phone)}",
    )
    yield Text(f"opened {plan.local_time(incident.opened_at)}")
    if alarm:
        yield Text("nobody has acknowledged it", style=_ALARM)
    for words, at, who in (
        ("connected to", incident.connected_at, incident.connected_to),
        ("acknowledged by", incident.acknowledged_at, incident.acknowledged_by),
        ("cleared:", incident.clearing_at, ending(incident)),
        ("closed", incident.closed_at, ""),
    ):
        if at is not None:
            yield Text(f"{words} {visible(who, LONGEST)}".rstrip() + f", {_after(at, incident)} s")
    if incident.people_wanted > 1:
        yield Text(tally(incident), style="yellow" if _wants_more(incident) else "")
    if incident.pressed > 1:
        yield Text(f"pressed {incident.pressed} times", style="bold")
    if incident.recovered:
        yield Text("found after a blind interval, not seen live", style="bold")
    yield Text(f"incident {incident.id}", style="dim")


def _summary(deliveries: Sequence[Delivery]) -> Text:
    """What went wrong, before anything else; else that nothing did."""
    wrong = sum(delivery.state in _GONE_WRONG for delivery in deliveries)
    waiting = sum(not delivery.state.settled for delivery in deliveries)
    actions = plural(len(deliveries), "action")
    if wrong:
        return Text(f"{wrong} of {actions} FAILED or uncertain: see below", style=_ALARM)
    if waiting:
        return Text(f"{waiting} of {actions} not done yet", style="yellow")
    return Text(f"{actions}, none failed")


def _action(delivery: Delivery, incident: Incident) -> Iterator[Text]:
    yield Text(_WORDS.get(delivery.state, delivery.state.value), style=_STYLES.get(delivery.state, _ALARM))
    target = visible(delivery.params.get("camera") or delivery.target)
    yield Text(f"{delivery.driver} {delivery.operation.replace('_', ' ')} {target}")
    for at in (delivery.created_at, delivery.started_at, delivery.settled_at):
        yield Text("-" if at is None else _after(at, incident), justify="right")
    tries = f"{delivery.attempts} tries" if delivery.attempts > 1 else ""
    # The proof of what was done stands in the story.
    why = "" if delivery.state.done else visible(delivery.proof, LONGEST)
    yield Text(": ".join(filter(None, (tries, why))))


def _after(at: float, incident: Incident) -> str:
    return f"{at - incident.opened_at:+.3f}"


# --- printing ---------------------------------------------------------------------------------------


def _console() -> Console:
    return Console(highlight=False)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Text]], below: Sequence[Text] = ()) -> None:
    """Print columns as wide as they have to be, two spaces apart; what is right-justified stays so.

    below: for each row, what stands under it from the second column on, unless it is empty.
    """
    cells = [[Text(heading, style="bold") for heading in headings], *rows]
    widths = [max(row[column].cell_len for row in cells) for column in range(len(headings))]
    console = _console()
    under = [Text(), *(below or [Text()] * len(rows))]
    for row, besides in zip(cells, under, strict=True):
        line = Text("  ").join(_padded(text, width) for text, width in zip(row, widths, strict=True))
        line.rstrip()
        console.print(line, soft_wrap=True)
        if besides:
            console.print(Text(" " * (widths[0] + 2)).append_text(besides), soft_wrap=True)


def _padded(text: Text, width: int) -> Text:
    padded = text.copy()
    missing = width - text.cell_len
    if text.justify == "right":
        padded.pad_left(missing)
    else:
        padded.pad_right(missing)
    return padded
