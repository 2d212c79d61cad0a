"""`sosbridge drill`: an exercise on the real path of the running bridge, with a receipt for each step.

The event goes through the door that `incidents acknowledge` takes, marked as an exercise: everything that is
shown, bookmarked and spoken says so, and a real SOS ends it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from bridge.cli.door import by_option, hand_in, opened, person, said, silence
from bridge.cli.drill.ladder import ladder
from bridge.cli.drill.receipts import (
    Answer,
    Receipt,
    Report,
    ended_early,
    is_over,
    receipts,
    settled,
    unread_displays,
)
from bridge.cli.drill.seeing import Ask, does_show, hand_in_answers
from bridge.cli.drill.seeing import told as told_answers
from bridge.cli.drill.withheld import withheld
from bridge.cli.named import phone_named
from bridge.cli.options import FAILED, config_option, json_option
from bridge.config import Site
from bridge.config.problems import plural, visible
from bridge.engine.needs import subject_of_camera
from bridge.engine.wanted import MISSING
from bridge.errors import SosBridgeError
from bridge.model import Delivery, Incident, IncidentState, Kind, Phone
from bridge.response import Step, actions_for
from bridge.store import Store

TIERS: Final = {"sos": Kind.SOS, "routine": Kind.OFF_HOOK}
LOOK_EVERY: Final = 0.2
"""Seconds between looks at what has become of it."""
LIVE: Final = tuple(state for state in IncidentState if state is not IncidentState.CLOSED)
MOST_OPEN: Final = 10_000
LONGEST: Final = 300
"""Characters of a proof; what a VMS says has no end of its own."""


@click.group(name="drill", invoke_without_command=True)
@config_option
@click.option("--phone", metavar="ID", help="Its id, its extension, or its location's tag.")
@click.option(
    "--tier", type=click.Choice(list(TIERS)), default="sos", show_default=True, help="What it makes believe."
)
@click.option("--yes", is_flag=True, help="Do not ask before it starts (it asks on a terminal only).")
@click.option("--confirm", is_flag=True, help="Ask whether the displays that cannot be asked show it.")
@click.option("--within", default=60.0, show_default=True, help="Seconds that all steps may take together.")
@click.option("--to-the-end", is_flag=True, help="Also wait for the post-roll and what is stopped then.")
@by_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    /,
    config: Path,
    *,
    phone: str | None,
    tier: str,
    yes: bool,
    confirm: bool,
    within: float,
    to_the_end: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Play an SOS or a routine call of one phone as an exercise, on the real cameras, screens and recorders.

    Prints a receipt for each step, then ends the exercise. Everybody who sees or hears of it is told that it
    is one. Exits with 0 only when every step ended verified or accepted.

    With --confirm you are asked what you see on the displays that cannot be asked themselves. As long as
    somebody says yes once in times.picture_proof, they count as showing what they accept.
    """
    if context.invoked_subcommand is not None:
        return
    if phone is None:
        raise click.UsageError("which phone? --phone ID")
    if confirm and not sys.stdin.isatty():
        raise click.UsageError("--confirm asks a person who sees the displays: run it on a terminal")
    name = person(by)
    with opened(config) as (site, store):
        exercise = Exercise(site, store, phone_named(site, phone), name)
        exercise.require_free()
        if not yes and sys.stdin.isatty():
            what = f"Play an exercise ({tier}) of {exercise.phone.id} at {exercise.phone.location}"
            click.confirm(f"{what}: cameras move, screens show it. Start?", abort=True, err=True)
        ask = does_show if confirm else None
        report = exercise.run(TIERS[tier], within=within, to_the_end=to_the_end, ask=ask)
    if as_json:
        click.echo(json.dumps({"ok": report.ok} | asdict(report), indent=2))
    else:
        for line in _told(report):
            click.echo(line)
    sys.exit(0 if report.ok else FAILED)


command.add_command(ladder)


class Exercise:
    """One exercise of one phone beside the running bridge."""

    def __init__(self, site: Site, store: Store, phone: Phone, by: str) -> None:
        self.phone = phone
        self._site = site
        self._store = store
        self._by = by

    def require_free(self) -> None:
        """Raise where nobody would carry it out, or where the phone has an incident already."""
        self._store.require_writable()
        if words := silence(self._site, self._store):
            raise SosBridgeError(f"no exercise: {words}")
        for incident in self._incidents():
            what = "exercise" if incident.exercise else "incident"
            raise SosBridgeError(f"no exercise: {self.phone.id} has an open {what} ({incident.id[:8]})")

    def run(self, kind: Kind, *, within: float, to_the_end: bool, ask: Ask | None = None) -> Report:
        """Play it, follow it until everything is settled, end it. It is ended whatever comes between.

        ask: before it is ended, of every display that cannot be asked itself.
        """
        told = {"phone": self.phone.id, "exercise": "yes", "by": self._by}
        missing = self._missing()
        self._say(kind, told)
        incident = next(found for found in self._incidents() if found.exercise)
        end = time.monotonic() + within
        try:
            ended = self._follow(incident, end)
            deliveries = self._store.deliveries(incident.id)
            answers = self._asked(incident, deliveries, ask) if ask and not ended else ()
            ended = ended or ended_early(self._store.incident(incident.id))
        finally:
            self._resolve(incident)
        if ended:
            answers = ()  # by then they may have shown something else
        elif answers:
            hand_in_answers(answers, self._say, by=self._by, phone=self.phone.id)
        late = not settled(deliveries)
        if to_the_end:
            times = self._site.plan().times
            late = not self._over(incident, end + max(times.post_roll_emergency, times.post_roll_routine))
            deliveries = self._store.deliveries(incident.id)
        return Report(
            incident=incident.id,
            phone=self.phone.id,
            location=self.phone.location,
            tier=incident.tier,
            ended=ended,
            late=late,
            steps=(*receipts(deliveries), *self._withheld(incident, kind, missing, deliveries)),
            answers=answers if ask else None,
        )

    def _missing(self) -> list[str]:
        """Return the tags of the cameras known to be missing, the longest missing first."""
        cameras = {subject_of_camera(tag): tag for tag in self._site.file.cameras}
        faults = sorted(self._store.faults(what=MISSING), key=lambda fault: (fault.opened_at, fault.subject))
        return [cameras[fault.subject] for fault in faults if fault.subject in cameras]

    def _withheld(
        self, incident: Incident, kind: Kind, missing: Sequence[str], deliveries: Sequence[Delivery]
    ) -> tuple[Receipt, ...]:
        """Return what `sosbridge plan` promises and the exercise did not get."""
        step = Step.SOS if kind is Kind.SOS else Step.OFF_HOOK
        plan = self._site.plan()
        planned = actions_for(step, incident, plan, missing)
        return withheld(planned, deliveries, self._store.timeline(incident.id), plan)

    def _asked(self, incident: Incident, deliveries: Sequence[Delivery], ask: Ask) -> tuple[Answer, ...]:
        """Ask a person about the displays, who has the exercise meanwhile: nobody else is called for it."""
        displays = unread_displays(deliveries, self._site.unread)
        if displays:
            self._say(Kind.ACKNOWLEDGED, {"by": self._by, "how": "drill"}, incident.id)
        return tuple(Answer(display=display, seen=ask(display)) for display in displays)

    def _say(self, kind: Kind, told: Mapping[str, str], incident: str = "") -> None:
        hand_in(self._site, self._store, said(kind, told, incident=incident))

    def _follow(self, incident: Incident, end: float) -> str:
        """Wait until all is settled, somebody ends it, or the time is up; return who ended it."""
        while True:
            if ended := ended_early(self._store.incident(incident.id)):
                return ended
            if settled(self._store.deliveries(incident.id)) or time.monotonic() > end:
                return ""
            time.sleep(LOOK_EVERY)

    def _over(self, incident: Incident, end: float) -> bool:
        """Wait until it is closed and all that follows is settled; False where the time is up before."""
        while True:
            closed = not self._store.incident(incident.id).live
            if closed and settled(self._store.deliveries(incident.id)):
                return True
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_EVERY)

    def _resolve(self, incident: Incident) -> None:
        if not is_over(self._store.incident(incident.id)):
            told = {"by": self._by, "reason": f"the exercise is over ({self._by})"}
            self._say(Kind.RESOLVED, told, incident.id)

    def _incidents(self) -> Iterator[Incident]:
        for incident in self._store.incidents(LIVE, limit=MOST_OPEN):
            if incident.phone == self.phone.id:
                yield incident


def _told(report: Report) -> Iterator[str]:
    yield f"EXERCISE ({report.tier}) {report.location}, phone {report.phone}, incident {report.incident[:8]}"
    rows = [_row(step) for step in report.steps]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for state, ms, what, proof in rows:
        yield f"{state:{widths[0]}}  {ms:>{widths[1]}}  {what:{widths[2]}}  {proof}".rstrip()
    wrong = sum(not step.state.done for step in report.steps)
    if report.answers is not None and not report.ended:
        yield from told_answers(report.answers)
    if report.ended:
        yield f"ENDED EARLY: {visible(report.ended, LONGEST)}"
    if report.late:
        yield "NOT SETTLED in time: see above"
    if not report.steps:
        yield "NOTHING was asked of anybody: sosbridge plan shows what would be"
    elif wrong:
        yield f"{wrong} of {plural(len(report.steps), 'step')} neither verified nor accepted"
    else:
        yield f"{plural(len(report.steps), 'step')}, each verified or accepted"


def _row(step: Receipt) -> tuple[str, str, str, str]:
    state = step.state.value if step.state.done else step.state.value.upper()
    what = f"{step.driver} {step.operation.replace('_', ' ')} {visible(step.name)}"
    return state, "-" if step.ms is None else f"{step.ms} ms", what, visible(step.proof, LONGEST)
