"""`sosbridge db`: make and change the tables of a site's database, and prove that they hang together."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from bridge.cli.options import FAILED, config_option
from bridge.config import load
from bridge.config.problems import plural, visible
from bridge.errors import StoreError
from bridge.store import Database, migrate
from bridge.store.limits import PATIENT
from bridge.store.schema import SCHEMA
from bridge.store.verify import verify as findings_of

url_option = click.option(
    "--url",
    metavar="URL",
    help="The database itself, instead of a site file. A PostgreSQL password comes from PGPASSWORD or"
    " ~/.pgpass.",
)


@click.group(name="db")
def command() -> None:
    """Create, upgrade and verify the database."""


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
def verify(config: Path, url: str | None) -> None:
    """Read the whole database and report what is damaged or does not hang together.

    May run beside a working bridge. Exits with 1 when something was found.
    """
    with _database(config, url) as database:
        database.require_schema()
        count = 0
        for finding in findings_of(database):
            click.echo(f"{finding.level:8} {visible(finding.subject)}  {visible(finding.text, 1000)}")
            count += 1
    if count:
        raise StoreError(f"{plural(count, 'finding')} in {database}")
    click.echo(f"{database} is sound")
