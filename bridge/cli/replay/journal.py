"""`sosbridge replay --journal`, or with an SQLite file: the journal again, and where its decisions part."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import click

from bridge.cli.options import FAILED, REFUSED
from bridge.cli.replay.database import needed
from bridge.cli.replay.lines import print_row
from bridge.config import Site, load
from bridge.config.build import build_store
from bridge.config.problems import plural, visible
from bridge.errors import ConfigError, StoreError
from bridge.replay import Choice, Comparison, Troubles, Unlike, compare
from bridge.store import Database, Reader

SQLITE: Final = b"SQLite format 3\0"
FEW: Final = 20


def rerun_journal(choice: Choice, site: Site | None, troubles: Troubles, *, as_json: bool) -> int:
    """Print what the second run gave; return the exit code. Raises UsageError, ConfigError."""
    if site is None:
        raise click.UsageError("a journal is run again by its own site file: --config FILE")
    if len(choice.logs) > 1:
        raise click.UsageError("one journal at a time, please")
    place = choice.logs[0].place
    if place.path is None:
        raise ConfigError("a database cannot come from standard input: name the file")
    with place.path.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            raise ConfigError(f"{place.name}: unpack the database first")
    url = f"sqlite:///{place.path.absolute()}"
    with needed(), Database(url) as database:
        if database.revision() is None:
            raise StoreError(f"{place.name} is no journal: name the bridge's own database, or use --journal")
    bad = [str(each) for each in troubles.named]
    return _rerun(lambda: Reader(url), site, bad=bad, total=troubles.total, as_json=as_json)


def rerun_store(config: Path | None, files: Collection[str], *, as_json: bool) -> int:
    """The same for the site's own database, SQLite or PostgreSQL. Raises the same."""
    if config is None or files:
        raise click.UsageError("--journal is the site's own database: --config FILE, and no log")
    site = load(config, secrets=False)
    return _rerun(lambda: build_store(site), site, as_json=as_json)


def _rerun(
    journal: Callable[[], Reader],
    site: Site,
    *,
    bad: Sequence[str] = (),
    total: int = 0,
    as_json: bool,
) -> int:
    """total: how many bad files there were; `bad` names the first."""
    with needed(), journal() as reader:
        try:
            found = compare(reader, site.plan())
        except (ValueError, TypeError) as error:  # a finding: the database works
            words = f"{reader}: a row was changed so that it cannot be read: {error}"
            click.echo(words, err=True)
            return FAILED
    (_print_rows if as_json else _tell)(found)
    for line in bad:
        click.echo(line, err=True)
    if not found.events:
        return REFUSED
    return 0 if found.same and not total else FAILED


def _tell(found: Comparison) -> None:
    events = f"{plural(found.events, 'event')}, {plural(found.incidents, 'incident')}"
    if found.pruned:
        click.echo(
            f"events up to {found.pruned} were pruned: what followed from those that are gone may part"
        )
    if found.same:
        click.echo(f"{events}: the same decisions")
        return
    click.echo(f"{events}: {plural(found.parted, 'event')} decided otherwise")
    for parting in found.partings[:FEW]:
        event = parting.event
        click.echo(
            f"  event {parting.seq}, {event.kind} of {visible(event.source)} {visible(event.key)}:"
            f" stored as {parting.stored}, now {visible(parting.now, 200)}"
        )
    if (more := found.parted - min(FEW, len(found.partings))) > 0:
        click.echo(f"  and {more} more")
    for unlike in found.unlike[:FEW]:
        click.echo(f"  incident {unlike.incident[:8]}, {_told(unlike)}")
    if (more := len(found.unlike) - FEW) > 0:
        click.echo(f"  and {more} more")


def _told(unlike: Unlike) -> str:
    stored, now = (visible(text) or "nothing" for text in (unlike.stored, unlike.now))
    return f"{visible(unlike.what, 200)}: stored {stored}, now {now}"


def _print_rows(found: Comparison) -> None:
    for parting in found.partings:
        event = parting.event
        print_row(
            "parting",
            {
                "seq": parting.seq,
                "kind": event.kind,
                "source": event.source,
                "key": event.key,
                "stored": parting.stored,
                "now": parting.now,
            },
        )
    for unlike in found.unlike:
        names = ("incident", "what", "stored", "now")
        print_row("unlike", {name: getattr(unlike, name) for name in names})
    figures = {"events": found.events, "incidents": found.incidents, "parted": found.parted}
    figures["pruned"] = found.pruned
    print_row("journal", {**figures, "unlike": len(found.unlike), "same": found.same})
