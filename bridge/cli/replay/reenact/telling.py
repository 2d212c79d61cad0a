"""A training as people see it: the demo's page, where every line says that it is an exercise.

Called by the enactment and, before and after it, by `reenact`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from bridge.cli.demo.page import BAD, QUIET, Page
from bridge.cli.demo.telling import Teller, short, states_of
from bridge.cli.replay.reenact.ended import Ended
from bridge.cli.replay.reenact.site import Training
from bridge.cli.replay.reenact.trainee import KEYS
from bridge.config import Site
from bridge.config.problems import plural, visible
from bridge.ingest import Committed
from bridge.model import Delivery, Incident, Tier
from bridge.protocols.incident_note import EXERCISE
from bridge.replay import Troubles

FEW: Final = 10
LONGEST: Final = 500
_SPAN: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


class ExercisePage(Page):
    """A page on which no line can be taken for the real thing."""

    recorded: Collection[str] = ()
    """Drivers whose receipts say all that there is to be seen of what they do."""

    def line(self, at: float, who: str, what: str, style: str = "") -> None:
        super().line(at, who, f"{EXERCISE}: {what}", style)

    def receipt(self, delivery: Delivery, what: str) -> None:
        if delivery.driver in self.recorded and delivery.state.done:
            self.line(
                delivery.settled_at or delivery.created_at, delivery.driver, f"{what}; {delivery.proof}"
            )
        else:
            super().receipt(delivery, what)


class Screen:
    """For people. site: its zone is the one of all times. listens: whether somebody may type."""

    def __init__(self, site: Site, *, listens: bool) -> None:
        self._page: Final = ExercisePage.on_stdout()
        self._site: Final = site
        self._zone: Final = zoneinfo.ZoneInfo(site.site.timezone)
        self._teller: Final = Teller(self._page, site)
        self._listens: Final = listens

    def introduce(self, training: Training, database: Path | None) -> None:
        """Say what is simulated, and what only recorded."""
        page = self._page
        page.recorded = training.recorded.keys()
        page.text(f"{EXERCISE}: the log's calls again; nothing real is moved, nobody is called", "bold")
        page.text()
        page.fact("simulated", _named(training.simulated))
        if training.recorded:
            page.fact("recorded", f"{_named(training.recorded)}: you see what would have been sent")
        if self._site.file.syslog:
            page.fact("syslog", "is told nothing")
        page.fact("database", str(database) if database else "thrown away at the end (--database keeps it)")
        if self._listens:
            page.fact("you type", KEYS)

    def begin(self, at: float) -> None:
        self._at(at)

    def skip(self, seconds: float, at: float) -> None:
        self._page.settle(at)
        self._page.title(f"{EXERCISE}  nothing happens for {_span(seconds)}: skipped")
        self._at(at)

    def take(self, committed: Committed) -> None:
        self._teller.take(committed)

    def settle(self, now: float) -> None:
        self._page.settle(now)

    def say(self, text: str) -> None:
        self._page.text(f"{EXERCISE}: {text}", QUIET)

    def end(self, ended: Ended) -> None:
        page, seen = self._page, ended.seen
        what = "what happened" if ended.complete else "interrupted: what happened so far"
        page.title(f"{EXERCISE}  {what}")
        for incident in sorted(seen.incidents.values(), key=lambda each: each.opened_at):
            self._sum_up(incident, states_of(seen.of(incident)))
        if not seen.incidents:
            page.text("  no incident")

    def tell_troubles(self, troubles: Troubles) -> None:
        if troubles.total:
            self._page.text(f"{plural(troubles.total, 'line')} could not be read", BAD)
            for bad in troubles.named[:FEW]:
                self._page.text(f"  {visible(str(bad), LONGEST)}")

    def _sum_up(self, incident: Incident, actions: str) -> None:
        place = self._site.file.locations.get(incident.location)
        where = place.spoken if place else "location unknown"
        word = "SOS" if incident.tier is Tier.EMERGENCY else "call"
        self._page.text(
            f"  {short(incident)}  {word} {visible(incident.phone)}, {where}: {incident.state}", "bold"
        )
        after = "nobody acknowledged it"
        if incident.acknowledged_at is not None:
            seconds = incident.acknowledged_at - incident.opened_at
            after = f"after {seconds:.1f} s, {visible(incident.acknowledged_by)}"
        if incident.tier is Tier.EMERGENCY:
            self._page.fact("   acknowledged", after)
        self._page.fact("   actions", actions)

    def _at(self, at: float) -> None:
        moment = datetime.fromtimestamp(at, self._zone).strftime("%Y-%m-%d %H:%M:%S")
        self._page.title(f"{EXERCISE}  {moment} in the log; seconds since then")
        self._page.began_at = at


def _named(drivers: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({type_})" for name, type_ in drivers.items()) or "nothing"


def _span(seconds: float) -> str:
    """`2 h 13 min`: the two largest units."""
    left, parts = round(seconds), list[str]()
    for size, unit in _SPAN:
        count, left = divmod(left, int(size))
        if count and len(parts) < 2:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
