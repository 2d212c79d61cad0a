"""`sosbridge db`: the tables of a site's database. Makes and changes them, proves that what they hold is
whole, takes out the past, makes a copy."""

from __future__ import annotations

import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from bridge.cli.options import FAILED, REFUSED, config_option, json_option
from bridge.config import load
from bridge.config.problems import plural, visible
from bridge.errors import StoreError
from bridge.model import Finding
from bridge.store import DAY, LEAST_DAYS, Cuts, Database, Head, Pruning, migrate
from bridge.store.backup import back_up
from bridge.store.chain import heads
from bridge.store.limits import PATIENT
from bridge.store.pruning import Pruned, last_pruning
from bridge.store.schema import SCHEMA
from bridge.store.verify import verify as findings_of

url_option = click.option(
    "--url",
    metavar="URL",
    help="The database itself, instead of a site file. A PostgreSQL password comes from PGPASSWORD or"
    " ~/.pgpass.",
)


REST: Final = 0.02
"""Seconds between two transactions of pruning, in which a bridge writes."""


@click.group(name="db")
def command() -> None:
    """Create, upgrade, verify, prune and copy the database."""


def _on_database(function: Callable[..., None]) -> Callable[..., None]:
    return config_option(url_option(function))


def _database(config: Path, url: str | None) -> Database:
    where, password = (url, None) if url is not None else load(config, secrets=False).database()
    option = f"--config {config}" if url is None else "--url URL"
    command = f"sosbridge db upgrade {option}"
    return Database(where, password=password, limits=PATIENT, upgrade_command=command)


@command.command()
@_on_database
def upgrade(config: Path, url: str | None) -> None:
    """Bring the tables to this version, keeping what they hold; create them where there are none.

    Stop every sosbridge that uses the database first. A backup before it costs nothing.
    """
    with _database(config, url) as database:
        before = database.revision()
        migrate.upgrade(database)
        if before == database.revision():
            click.echo(f"{database} is at schema {before} already")
        else:
            click.echo(f"{database} is at schema {database.revision()} now (before: {before or 'no tables'})")


@command.command()
@_on_database
@click.argument("revision")
@click.option("--yes", is_flag=True, help="Do not ask before everything is removed.")
def downgrade(config: Path, url: str | None, revision: str, yes: bool) -> None:
    """Bring the tables back to schema REVISION, for an older version of sosbridge.

    REVISION `base` removes every table with everything that ever happened.
    """
    with _database(config, url) as database:
        before = database.revision()
        if revision == migrate.NOTHING and not yes:
            click.confirm(f"Remove every incident in {database}?", abort=True)
        migrate.downgrade(database, revision)
        click.echo(f"{database} is at schema {database.revision() or 'none'} now (before: {before})")


@command.command()
@_on_database
def current(config: Path, url: str | None) -> None:
    """Show the schema of the database, and the one that this version needs.

    Exits with 1 when they differ.
    """
    with _database(config, url) as database:
        found = database.revision()
    click.echo(f"{database} is at schema {found or 'none'}; this version needs {SCHEMA}")
    if found != SCHEMA:
        sys.exit(FAILED)


@command.command()
@_on_database
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="HASH",
    help="An end of a chain as `verify` or the log told it earlier: is it still there? May be repeated.",
)
@json_option
def verify(config: Path, url: str | None, expected: tuple[str, ...], as_json: bool) -> None:
    """Read the whole database and report what is damaged, was changed, or does not hang together.

    May run beside a working bridge. Prints where each chain over the evidence ends now: kept elsewhere, and
    given to --expect later, it shows that nothing before it was changed.

    Exit codes: 0 sound, 1 something was found, 2 it could not be read.
    """
    with _database(config, url) as database:
        try:
            found = _verified(database, expected, _as_row if as_json else _as_line)
        except StoreError as error:
            click.echo(str(error), err=True)
            sys.exit(REFUSED)
        if as_json:
            _print_row("database", {"url": str(database), "schema": SCHEMA, "findings": found})
        elif not found:
            click.echo(f"{database} is sound")
    if found:
        raise StoreError(f"{plural(found, 'finding')} in {database}")


def _verified(database: Database, expected: Sequence[str], tell: Callable[[object], None]) -> int:
    """Tell everything that is found, and the ends of the chains; return how many findings there were."""
    database.require_schema()
    count = 0
    for finding in findings_of(database, expected):
        tell(finding)
        count += 1
    with database.read() as connection:
        for head in heads(connection):
            tell(head)
        if pruned := last_pruning(connection):
            tell(pruned)
    return count


def _as_line(told: object) -> None:
    match told:
        case Finding():
            click.echo(f"{told.level:8} {visible(told.subject, 200)}  {visible(told.text, 1000)}")
        case Head():
            click.echo(f"{told.name:14} up to {told.seq:<9} {told.hash}")
        case Pruned():
            click.echo(f"pruned last {_date(told.at)} by {visible(told.by)}, in all: {_counted(told.rows)}")


def _as_row(told: object) -> None:
    match told:
        case Finding():
            _print_row("finding", asdict(told))
        case Head():
            _print_row("chain", asdict(told))
        case Pruned():
            _print_row("pruned", asdict(told))


def _print_row(type_: str, row: Mapping[str, object]) -> None:
    click.echo(json.dumps({"type": type_, **row}))


# --- pruning ----------------------------------------------------------------------------------------


@command.command()
@_on_database
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="What ended before this day (UTC, YYYY-MM-DD) goes, whatever `retention` in the site file says.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(config: Path, url: str | None, before: datetime | None, dry_run: bool) -> None:
    """Take out incidents, calls, faults and events that are older than the site keeps them.

    The running bridge does it each night by itself. May run beside it: each transaction is a short one.
    """
    now = time.time()
    keep = load(config, secrets=False).keep if url is None else None
    if before is not None:
        cuts = _cuts_at(before, now)
    elif keep is not None:
        cuts = keep.cuts(now)
    else:
        raise click.UsageError("--url says nothing of how long to keep what is there: --before DATE, please")
    with _database(config, url) as database:
        database.require_schema()
        if not dry_run:
            database.require_writable()
        told = keep.forwarders if keep else None
        pruning = Pruning(database, cuts, by=f"user/{_user()}", now=now, forwarders=told)
        if dry_run:
            click.echo(f"would go from {database}: {_counted(pruning.would_go())}")
            click.echo("and the events that nothing else comes of")
            return
        while batches := pruning.find():
            for batch in batches:
                pruning.take(batch)
                time.sleep(REST)
        click.echo(f"gone from {database}: {_counted(pruning.taken)}")


def _cuts_at(before: datetime, now: float) -> Cuts:
    cut = before.replace(tzinfo=UTC).timestamp()
    if cut > now - LEAST_DAYS * DAY:
        raise click.UsageError(f"--before: what is younger than {LEAST_DAYS} days is kept in any case")
    return Cuts(emergency=cut, routine=cut, faults=cut)


def _user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return str(os.getuid())


def _counted(rows: Mapping[str, int]) -> str:
    """Return how many rows of which table, in words: `3 incidents, 20 timeline`."""
    return ", ".join(f"{count} {name}" for name, count in rows.items() if count) or "nothing"


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


# --- backup -----------------------------------------------------------------------------------------


@command.command()
@_on_database
@click.argument("file", type=click.Path(path_type=Path))
def backup(config: Path, url: str | None, file: Path) -> None:
    """Copy a live SQLite database into the new FILE, and read the copy back.

    The bridge works on meanwhile. For PostgreSQL it says what to type instead.
    """
    with _database(config, url) as database:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(file.name, total=None)
            back_up(database, file, lambda done, total: bar.update(task, completed=done, total=total))
    click.echo(f"{file} is a sound copy of {database}, {file.stat().st_size} bytes")
