"""`sosbridge incidents`: what happened, and who has it. Works beside a running bridge or without one.

`acknowledge` and `resolve` go through the same door as everything else: they commit an event to the
store, and a running bridge carries out what follows within a second. No secret is read, unless the
database asks for a password. Who may only read an SQLite file can list and show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from bridge.cli.door import by_option, hand_in, one_line, opened, person, said, silence
from bridge.cli.incidents import screen
from bridge.cli.incidents.faults import by_cause, print_causes
from bridge.cli.options import DEFAULT_CONFIG, config_option, json_option
from bridge.config import Site
from bridge.config.problems import unknown, visible
from bridge.engine.needs import review_of as review_key
from bridge.engine.segments import parts_of
from bridge.errors import ConfigError, SosBridgeError
from bridge.model import Fault, Incident, IncidentState, Kind, Tier
from bridge.response import Plan, ptz
from bridge.store import Store
from bridge.store.plain import to_plain

OPEN: Final = tuple(state for state in IncidentState if state is not IncidentState.CLOSED)
MOST_OPEN: Final = 10_000
LONGEST_REASON: Final = 500


@click.group(name="incidents")
def command() -> None:
    """List, show, acknowledge and resolve incidents."""


@command.command("list")
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Closed ones too, in the order of time.")
@click.option("--limit", default=50, show_default=True, help="At most so many.", type=click.IntRange(min=1))
def list_(config: Path, as_json: bool, everything: bool, limit: int) -> None:
    """List the open incidents: an SOS that nobody has comes first, then the newest; then open faults."""
    with opened(config) as (site, store):
        if everything:
            found = store.incidents(limit=limit + 1)
        else:
            found = sorted(store.incidents(OPEN, limit=MOST_OPEN), key=screen.calmness)
        if not everything or any(incident.live for incident in found):
            _warn_of_silence(site, store)
        shown = [(incident, _outcome(store, incident)) for incident in found[:limit]]
        unfinished = store.unfinished()
        faults = [] if everything else store.faults()
    if as_json:
        for incident, outcome in shown:
            click.echo(json.dumps(to_plain(incident) | asdict(outcome)))
        parts = parts_of(faults, site.plan())
        for fault in faults:
            part_of = {"part_of": parts.get((fault.subject, fault.what), "")}
            click.echo(json.dumps({"type": "fault"} | to_plain(fault) | part_of))
        return
    if shown:
        screen.print_list(shown, site.plan())
    else:
        click.echo("no incidents" if everything else "no open incidents (--all shows closed ones)")
    if len(found) > limit:
        click.echo("there are more: --limit shows them")
    if not everything:
        screen.print_unfinished(unfinished)
        if faults:
            click.echo()
            print_causes(by_cause(faults, site.plan()), site.plan())


@command.command()
@config_option
@json_option
@click.argument("incident_id", metavar="ID")
def show(config: Path, as_json: bool, incident_id: str) -> None:
    """Show one incident step by step. ID: its id or the beginning of it."""
    with opened(config) as (site, store):
        incident = _named(store, incident_id)
        if as_json:
            click.echo(json.dumps(whole(store, incident), indent=2))
            return
        review = review_of(store, incident)
        deliveries, timeline = store.deliveries(incident.id), store.timeline(incident.id)
        if incident.live:
            _warn_of_silence(site, store)
    screen.print_incident(incident, timeline, deliveries, site.plan(), review)
    if hint := _what_to_do(incident, config, review):
        click.echo(f"\n{hint}")


@command.command()
@config_option
@click.argument("incident_id", metavar="ID")
@by_option
def acknowledge(config: Path, incident_id: str, by: str | None) -> None:
    """Say by name that you have this incident. It stays open until it is resolved."""
    name = person(by)
    before, incident, plan = _steer(
        config, incident_id, Kind.ACKNOWLEDGED, {"by": name, "how": "command line"}
    )
    short = incident.id[:8]
    if not before.live:
        click.echo(f"{short} was closed at {_when(before.closed_at, plan)}: your name is noted, nothing else")
    elif before.state is IncidentState.CLEARING:
        click.echo(f"{short} is over, {screen.ending(before)}: your name is noted, nothing else changes")
    elif before.acknowledged_at is not None:
        since = _when(before.acknowledged_at, plan)
        click.echo(f"{visible(before.acknowledged_by)} has had {short} since {since}; your name is noted too")
    else:
        click.echo(f"{short} is acknowledged by {visible(name)}; resolve it when it is over")
    if incident.live and incident.people_wanted > 1:
        click.echo(screen.tally(incident))


@command.command()
@config_option
@click.argument("incident_id", metavar="ID")
@by_option
@click.option("--reason", default="", help="Why it is over, for the record.")
def resolve(config: Path, incident_id: str, by: str | None, reason: str) -> None:
    """Say by name that this incident is over. Recording goes on for the post-roll, then stops.

    Of one that was found in a PBX's log when it was over: that you have looked into it.
    """
    name, why = person(by), one_line("--reason", reason, LONGEST_REASON)
    told = {"by": name, "reason": f"{why} ({name})" if why else ""}
    with opened(config) as (_, store):
        review = review_of(store, _named(store, incident_id))
    before, incident, plan = _steer(config, incident_id, Kind.RESOLVED, told)
    short = incident.id[:8]
    if review is not None:
        click.echo(f"{short} has been looked into by {visible(name)}")
    elif not before.live or before.state is IncidentState.CLEARING:
        at = _when(before.clearing_at, plan)
        click.echo(f"{short} was over already, at {at}, {screen.ending(before)}: noted, nothing else changes")
    else:
        times, sos = plan.times, incident.tier is Tier.EMERGENCY
        roll = times.post_roll_emergency if sos else times.post_roll_routine
        click.echo(
            f"{short} is over, {screen.ending(incident)}; what was started is stopped in {roll:g} s,"
            " or when the phone hangs up, if that is later"
        )


@command.command()
@config_option
@click.argument("incident_id", metavar="ID")
@click.argument("camera", metavar="CAMERA")
@by_option
def swap(config: Path, incident_id: str, camera: str, by: str | None) -> None:
    """Say by name that this incident gets the camera that another one holds. CAMERA: its tag.

    Two SOS that want one PTZ: the first keeps it, until a person decides otherwise. The loser gets it back
    when this incident is over, if it still lives.
    """
    name = person(by)
    with opened(config) as (site, store):
        store.require_writable()
        if camera not in site.file.cameras:
            raise ConfigError(f"{site.path}: {unknown('camera', camera, site.file.cameras)}")
        incident = _named(store, incident_id)
        event = said(Kind.SWAPPED, {"by": name, "resource": ptz(camera)}, incident=incident.id)
        hand_in(site, store, event)
        _warn_of_silence(site, store)
        told = [entry.text for entry in store.timeline(incident.id) if entry.event == event.id]
        holder = next((hold for hold in store.holds() if hold.resource == ptz(camera) and hold.held), None)
    for text in told:
        click.echo(visible(text, LONGEST_REASON))
    if holder is None or holder.incident != incident.id:
        raise SosBridgeError(f"{incident.id[:8]} has not got {camera}")
    click.echo(f"{incident.id[:8]} has {camera}")


def review_of(store: Store, incident: Incident) -> Fault | None:
    """Return the open review item of an incident that was over before the bridge knew of it."""
    if incident.live or not incident.recovered:
        return None
    subject, what = review_key(incident.id)
    open_ = store.faults(what=what, limit=MOST_OPEN)
    return next((fault for fault in open_ if fault.subject == subject), None)


def whole(store: Store, incident: Incident) -> dict[str, Any]:
    """Return what `show --json` prints: the incident with its calls, deliveries and story."""
    parts: dict[str, Sequence[object]] = {
        "calls": store.calls(incident.id),
        "deliveries": store.deliveries(incident.id),
        "timeline": store.timeline(incident.id),
    }
    review = review_of(store, incident)
    parts_plain = {name: [to_plain(row) for row in rows] for name, rows in parts.items()}
    return to_plain(incident) | parts_plain | {"review": to_plain(review) if review else None}


# --- what it comes to -------------------------------------------------------------------------------


def _what_to_do(incident: Incident, config: Path, review: Fault | None) -> str:
    """Return the command that an operator who looks at this needs next."""
    where = "" if config == DEFAULT_CONFIG else f" --config {config}"
    if review is not None:
        return f"When you have looked into it:  sosbridge incidents resolve {incident.id[:8]}{where}"
    match incident.state:
        case IncidentState.OPEN | IncidentState.CONNECTED:
            return f"Take it:  sosbridge incidents acknowledge {incident.id[:8]}{where}"
        case IncidentState.ACKNOWLEDGED:
            return f"When it is over:  sosbridge incidents resolve {incident.id[:8]}{where}"
        case _:
            return ""


def _when(at: float | None, plan: Plan) -> str:
    return "an unknown time" if at is None else plan.local_time(at)


# --- the store --------------------------------------------------------------------------------------


def _outcome(store: Store, incident: Incident) -> screen.Outcome:
    return screen.outcome_of(incident, store.deliveries(incident.id), store.calls(incident.id))


def _named(store: Store, beginning: str) -> Incident:
    return store.incident(beginning.strip().lower())


def _warn_of_silence(site: Site, store: Store) -> None:
    """On stderr: without a bridge, what is stored is all that happens."""
    if words := silence(site, store):
        click.echo(f"warning: {words}", err=True)


def _steer(
    config: Path, incident_id: str, kind: Kind, attributes: Mapping[str, str]
) -> tuple[Incident, Incident, Plan]:
    """Hand in an event about the incident; return the incident before and after it."""
    with opened(config) as (site, store):
        store.require_writable()
        before = _named(store, incident_id)
        hand_in(site, store, said(kind, attributes, incident=before.id))
        _warn_of_silence(site, store)
        return before, store.incident(before.id), site.plan()
