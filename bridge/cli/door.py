"""The door of a running bridge, for commands: they commit an event to the store, as ingest does.

The running bridge carries out what follows within a second. Not a command itself.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from bridge.config import Site, load
from bridge.config.build import build_store
from bridge.engine import Decision
from bridge.ingest import Committed, Ingest
from bridge.model import Event, Kind
from bridge.store import Store, StoreThread
from bridge.supervision.clocks import SystemClock

SILENT_AFTER: Final = 20.0
"""Seconds without a sign of life after which a bridge counts as not running; it leaves one every 5 s."""
LONGEST_NAME: Final = 100

by_option = click.option(
    "--by",
    metavar="NAME",
    help="Who you are. Default: the name you are logged in with (before sudo).",
)


def person(given: str | None) -> str:
    """Return the name of the person, who must have one. Raises UsageError."""
    if given is None:
        try:
            given = os.environ.get("SUDO_USER") or getpass.getuser()
        except (KeyError, OSError):  # this user has no name on this machine
            given = ""
    name = one_line("--by", given, LONGEST_NAME)
    if not name:
        raise click.UsageError("say who you are: --by NAME")
    return name


def one_line(option: str, text: str, limit: int) -> str:
    """Return the text without blanks around it. Raises UsageError where it is no short line."""
    if not text.isprintable() or len(text) > limit:
        raise click.UsageError(f"{option}: one line of at most {limit} characters, please")
    return text.strip()


@contextmanager
def opened(config: Path) -> Iterator[tuple[Site, Store]]:
    """Open the site's store. No secret is read, unless the database asks for a password."""
    site = load(config, secrets=False)
    with build_store(site) as store:
        yield site, store


def silence(site: Site, store: Store) -> str:
    """Say that the bridge does not run; empty where it does."""
    last = store.last_sign(site.node)
    if last is None:
        return f"no bridge named {site.node} has ever run on this database"
    if time.time() - last > SILENT_AFTER:
        since = site.plan().local_time(last)
        return f"the bridge {site.node} has not run since {since}: nothing is carried out"
    return ""


def said(kind: Kind, attributes: Mapping[str, str], *, incident: str = "") -> Event:
    """Return the event that a person at the command line says. Attributes that are empty are left out."""
    return Event(
        kind=kind,
        source="cli",
        key="/".join(filter(None, (incident, str(uuid.uuid4())))),
        occurred_at=time.time(),
        incident=incident,
        attributes={name: text for name, text in attributes.items() if text},
        via="cli",
    )


def hand_in(site: Site, store: Store, *events: Event) -> list[Decision]:
    """Return when the events, and what they decide, are committed; and what that is."""
    return asyncio.run(_hand_in(site, store, events))


async def _hand_in(site: Site, store: Store, events: Sequence[Event]) -> list[Decision]:
    decisions: list[Decision] = []

    def committed(batch: Committed) -> None:
        decisions.extend(batch.decisions)

    thread = StoreThread("store", cut=store.cut)
    ingest = Ingest(store, thread, site.plan(), SystemClock(), node=None, observers=(committed,))
    running = asyncio.create_task(ingest.run())
    try:
        for durable in [ingest.accept(event) for event in events]:
            await durable
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        thread.close()
    return decisions
