"""`sosbridge incidents`: what happened, and who has it. Works beside a running bridge or without one.

`acknowledge` and `resolve` go through the same door as everything else: they commit an event to the
store, and a running bridge carries out what follows within a second.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.cli.options import config_option, json_option
from bridge.config import Site, load
from bridge.config.build import build_store
from bridge.ingest import Ingest
from bridge.model import Delivery, DeliveryState, Event, Incident, IncidentState, Kind, Tier
from bridge.response import Plan
from bridge.store import Store, StoreThread
from bridge.store.plain import to_plain
from bridge.supervision.clocks import SystemClock

STYLES = {
    DeliveryState.VERIFIED: "green",
    DeliveryState.ACCEPTED: "green",
    DeliveryState.PENDING: "yellow",
    DeliveryState.LEASED: "yellow",
    DeliveryState.SUPERSEDED: "dim",
}
LIVE = tuple(state for state in IncidentState if state is not IncidentState.CLOSED)


@click.group(name="incidents")
def command() -> None:
    """List, show, acknowledge and resolve incidents."""


@command.command("list")
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--limit", default=50, show_default=True, help="At most so many, newest first.")
def list_(config: Path, as_json: bool, everything: bool, limit: int) -> None:
    """List the open incidents, newest first."""
    with _opened(config) as (plan, store):
        found = store.incidents(() if everything else LIVE, limit=limit)
    if as_json:
        for incident in found:
            click.echo(json.dumps(to_plain(incident)))
        return
    if not found:
        click.echo("no incidents" if everything else "no open incidents (--all shows closed ones)")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "opened", "tier", "state", "location", "phone", "acknowledged by"):
        table.add_column(heading, no_wrap=heading != "acknowledged by")
    for incident in found:
        table.add_row(
            incident.id[:8],
            plan.local_time(incident.opened_at),
            Text("SOS" if incident.tier is Tier.EMERGENCY else "call", style=_urgent(incident)),
            incident.state.value,
            Text(incident.location or "unknown"),
            Text(incident.phone),
            Text(incident.acknowledged_by or "-"),
        )
    _console().print(table)


@command.command()
@config_option
@json_option
@click.argument("incident_id", metavar="ID")
def show(config: Path, as_json: bool, incident_id: str) -> None:
    """Show one incident step by step. ID: its id or the beginning of it."""
    with _opened(config) as (plan, store):
        incident = store.incident(incident_id)
        if as_json:
            click.echo(json.dumps(whole(store, incident), indent=2))
            return
        deliveries = store.deliveries(incident.id)
        timeline = store.timeline(incident.id)
    console = _console()
    console.print(_headline(incident, plan))
    story = Table(box=None, pad_edge=False, show_header=False)
    story.add_column(justify="right", no_wrap=True)
    story.add_column()
    for entry in timeline:
        story.add_row(f"{entry.at - incident.opened_at:+.3f} s", Text(entry.text))
    console.print(story)
    if deliveries:
        console.print(_deliveries(deliveries, incident))


@command.command()
@config_option
@click.argument("incident_id", metavar="ID")
@click.option("--by", default=getpass.getuser, help="Who has it. Default: the name you are logged in with.")
def acknowledge(config: Path, incident_id: str, by: str) -> None:
    """Say by name that you have this incident. It stays open until it is resolved."""
    incident, plan = _steer(config, incident_id, Kind.ACKNOWLEDGED, {"by": by, "how": "command line"})
    if incident.acknowledged_by != by:
        since = plan.local_time(incident.acknowledged_at or incident.opened_at)
        click.echo(f"{incident.acknowledged_by} was first, at {since}; yours is recorded")
    else:
        click.echo(f"{incident.id[:8]} is acknowledged by {by}; resolve it when it is over")


@command.command()
@config_option
@click.argument("incident_id", metavar="ID")
@click.option("--by", default=getpass.getuser, help="Who says so. Default: the name you are logged in with.")
@click.option("--reason", default="", help="Why it is over, for the record.")
def resolve(config: Path, incident_id: str, by: str, reason: str) -> None:
    """Say by name that this incident is over. Recording goes on for the post-roll, then stops."""
    told = {"by": by, "reason": f"{reason} ({by})" if reason else ""}
    incident, _ = _steer(config, incident_id, Kind.RESOLVED, told)
    click.echo(f"{incident.id[:8]} is {incident.state.value}: {incident.close_reason}")


def whole(store: Store, incident: Incident) -> dict[str, Any]:
    """Return what `show --json` prints: the incident with its calls, deliveries and story."""
    parts: dict[str, Sequence[object]] = {
        "calls": store.calls(incident.id),
        "deliveries": store.deliveries(incident.id),
        "timeline": store.timeline(incident.id),
    }
    return to_plain(incident) | {name: [to_plain(row) for row in rows] for name, rows in parts.items()}


# --- the store --------------------------------------------------------------------------------------


@contextmanager
def _opened(config: Path) -> Iterator[tuple[Plan, Store]]:
    site = load(config, secrets=False)
    with build_store(site) as store:
        yield site.plan(), store


def _steer(config: Path, incident_id: str, kind: Kind, attributes: dict[str, str]) -> tuple[Incident, Plan]:
    """Hand in an event about the incident and return what became of it."""
    site = load(config, secrets=False)
    with build_store(site) as store:
        incident = store.incident(incident_id)
        event = Event(
            kind=kind,
            source="cli",
            key=f"{incident.id}/{uuid.uuid4()}",
            occurred_at=time.time(),
            incident=incident.id,
            attributes={name: text for name, text in attributes.items() if text},
            via="cli",
        )
        asyncio.run(_hand_in(site, store, event))
        return store.incident(incident.id), site.plan()


async def _hand_in(site: Site, store: Store, event: Event) -> None:
    thread = StoreThread("store", cut=store.cut)
    ingest = Ingest(store, thread, site.plan(), SystemClock(), node=None)
    running = asyncio.create_task(ingest.run())
    try:
        await ingest.accept(event)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        thread.close()


# --- for people -------------------------------------------------------------------------------------


def _console() -> Console:
    """Text that fits any width off a terminal, so that `grep` and a log see whole lines."""
    console = Console()
    if not console.is_terminal:
        console.width = 240
    return console


def _urgent(incident: Incident) -> str:
    return "bold red" if incident.tier is Tier.EMERGENCY and incident.live else ""


def _headline(incident: Incident, plan: Plan) -> Text:
    text = Text()
    word = "SOS" if incident.tier is Tier.EMERGENCY else "Call"
    text.append(f"{word} {incident.location or 'location unknown'}", style=_urgent(incident) or "bold")
    text.append(
        f"  {incident.state.value}, phone {incident.phone}, opened {plan.local_time(incident.opened_at)}"
    )
    for word, at, who in (
        ("connected to", incident.connected_at, incident.connected_to),
        ("acknowledged by", incident.acknowledged_at, incident.acknowledged_by),
        ("cleared by", incident.clearing_at, incident.closed_by),
        ("closed", incident.closed_at, ""),
    ):
        if at is not None:
            text.append(f"\n{word} {who}".rstrip() + f" {at - incident.opened_at:+.3f} s")
    text.append(f"\nincident {incident.id}", style="dim")
    if incident.pressed > 1:
        text.append(f", pressed {incident.pressed} times", style="bold")
    if incident.exercise:
        text.append(", EXERCISE", style="bold")
    if incident.recovered:
        text.append(", found after a blind interval", style="bold")
    text.append("\n")
    return text


def _deliveries(deliveries: list[Delivery], incident: Incident) -> Table:
    table = Table(box=None, pad_edge=False, title="\nactions", title_justify="left", title_style="bold")
    for heading in ("asked at", "sent", "settled", "driver", "action", "target", "state", "tries", "proof"):
        table.add_column(heading, no_wrap=heading != "proof")
    for delivery in deliveries:
        table.add_row(
            f"{delivery.created_at - incident.opened_at:+.3f} s",
            _millis(delivery.started_at, delivery),
            _millis(delivery.settled_at, delivery),
            delivery.driver,
            delivery.operation.value,
            Text(delivery.params.get("camera") or delivery.target),
            Text(delivery.state.value, style=STYLES.get(delivery.state, "bold red")),
            str(delivery.attempts),
            Text(delivery.proof),
        )
    return table


def _millis(at: float | None, delivery: Delivery) -> str:
    return "-" if at is None else f"{(at - delivery.created_at) * 1000:.0f} ms"
