"""The end of the demo: what happened, in figures, from the database; and where to look closer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.cli.demo.page import BAD, GOOD, Page
from bridge.cli.demo.stage import Check
from bridge.cli.demo.telling import calls, short, states_of
from bridge.config import Site
from bridge.config.build import build_store
from bridge.model import Delivery, Incident, Operation


def sum_up(page: Page, site: Site, checks: Iterable[Check], seconds: float, failure: str) -> bool:
    """Print it. False if something did not happen as told. failure: what ended the demo early."""
    checks = list(checks)
    page.title("What happened")
    with build_store(site) as store:
        incidents = sorted(store.incidents(), key=lambda incident: incident.opened_at)
        for number, incident in enumerate(incidents, 1):
            page.text(f"  {number}  {_headline(site, incident)}", "bold")
            for label, value in _figures(incident, store.deliveries(incident.id)):
                page.fact(f"   {label}", value)
    page.text()
    for check in checks:
        page.check(check.good, check.text)
    if failure:
        page.check(False, failure)
    _look_closer(page, site, incidents)
    good = bool(checks) and not failure and all(check.good for check in checks)
    ending = (
        f"done in {seconds:.0f} s: all went as told" if good else "NOT everything went as told: see above"
    )
    page.text()
    page.text(ending, GOOD if good else BAD)
    return good


def _headline(site: Site, incident: Incident) -> str:
    place = site.file.locations.get(incident.location)
    return f"{incident.phone}, {place.spoken if place else 'location unknown'}: {incident.state}"


def _figures(incident: Incident, deliveries: list[Delivery]) -> Iterator[tuple[str, str]]:
    """Yield label and value; times count from the press."""

    def after(at: float | None) -> str:
        return "never" if at is None else _duration(at - incident.opened_at)

    for label, chosen in (
        ("recording", [each for each in deliveries if each.operation is Operation.START_RECORDING]),
        ("picture", [each for each in deliveries if each.operation is Operation.SHOW]),
        ("dispatch", [each for each in deliveries if calls(each)]),
    ):
        if chosen:
            done = [each.settled_at for each in chosen if each.state.done and each.settled_at]
            yield label, after(min(done, default=None))
    for label, at, by in (
        ("answered", incident.connected_at, incident.connected_to),
        ("acknowledged", incident.acknowledged_at, incident.acknowledged_by),
        ("closed", incident.closed_at, incident.close_reason),
    ):
        yield label, f"{after(at)}, {by}" if at and by else after(at)
    yield "actions", states_of(deliveries)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _look_closer(page: Page, site: Site, incidents: list[Incident]) -> None:
    file = _short(Path(site.path))
    page.title("Look closer")
    page.fact("database", _short(site.state_dir / "sosbridge.sqlite3"))
    recordings = site.state_dir / "recordings"
    if recordings.is_dir() and any(recordings.rglob("*.wav")):
        page.fact("recordings", _short(recordings))
    page.text()
    page.text(f"  sosbridge incidents list --all --config {file}")
    for incident in incidents:
        page.text(f"  sosbridge incidents show {short(incident)} --config {file}")


def _short(path: Path) -> str:
    """Return a path as somebody who stands here would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
