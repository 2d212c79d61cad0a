"""`sosbridge db`, as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.model import IncidentState
from bridge.store import Store
from bridge.store.schema import SCHEMA
from tests.store.kinds import sqlite_only
from tests.store.rows import decision, event, hold, incident


def sosbridge_db(*arguments: str | Path, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["db", *map(str, arguments)], input=typed)


def test_upgrade_creates_and_then_has_nothing_to_do(empty_url: Callable[[], str]) -> None:
    url = empty_url()
    assert sosbridge_db("current", "--url", url).exit_code == 1
    made = sosbridge_db("upgrade", "--url", url)
    assert made.exit_code == 0
    assert made.stdout == f"{url} is at schema {SCHEMA} now (before: no tables)\n"
    assert sosbridge_db("upgrade", "--url", url).stdout == f"{url} is at schema {SCHEMA} already\n"
    current = sosbridge_db("current", "--url", url)
    assert (current.exit_code, current.stdout) == (
        0,
        f"{url} is at schema {SCHEMA}; this version needs {SCHEMA}\n",
    )


def test_the_site_file_says_where_the_database_is(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    minimal = 'site: {name: Plant, timezone: UTC}\nalarm: {extensions: ["9110"]}\n'
    site.write_text(f"{minimal}state_dir: {tmp_path}/state\n")
    refused = sosbridge_db("verify", "--config", site)
    assert refused.exit_code == 2
    assert f"type: sosbridge db upgrade --config {site}" in refused.stderr
    assert sosbridge_db("upgrade", "--config", site).exit_code == 0
    assert sosbridge_db("verify", "--config", site).exit_code == 0
    assert list((tmp_path / "state").glob("*.sqlite3"))


@sqlite_only
def test_downgrade_to_nothing_asks_first(own_url: str) -> None:
    with Store(own_url) as store, store.transaction() as transaction:
        transaction.write([decision(incident())])
    refused = sosbridge_db("downgrade", "base", "--url", own_url, typed="n\n")
    assert refused.exit_code == 1
    assert "Remove every incident" in refused.stdout
    with Store(own_url) as store:
        assert store.incidents() == [incident()]
    assert sosbridge_db("downgrade", "base", "--url", own_url, "--yes").exit_code == 0
    assert sosbridge_db("current", "--url", own_url).stdout.startswith(f"{own_url} is at schema none")


def test_verify_tells_every_finding_and_fails(own_url: str) -> None:
    assert sosbridge_db("verify", "--url", own_url).stdout == f"{own_url} is sound\n"
    with Store(own_url) as store:
        with store.transaction() as transaction:
            transaction.write([decision(incident("i\x1b[1m"), hold(of="i\x1b[1m"))])
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE incidents SET state = 'closed'")
    found = sosbridge_db("verify", "--url", own_url)
    assert found.exit_code == 1
    told = found.stdout.splitlines()
    assert told[0] == "error    holds ptz/1 i\\u001b[1m  it is still held, but its incident is closed"
    assert told[1].startswith("events         up to 1  ")
    assert found.stderr == f"1 finding in {own_url}\n"


def test_verify_tells_programs_the_same(own_url: str) -> None:
    with Store(own_url) as store, store.transaction() as transaction:
        transaction.write([decision(incident())])
    [chain, database] = map(
        json.loads, sosbridge_db("verify", "--url", own_url, "--json").stdout.splitlines()
    )
    assert (chain["type"], chain["name"], chain["seq"]) == ("chain", "events", 1)
    assert database == {"type": "database", "url": own_url, "schema": SCHEMA, "findings": 0}
    assert sosbridge_db("verify", "--url", own_url, "--expect", chain["hash"]).exit_code == 0
    lost = sosbridge_db("verify", "--url", own_url, "--expect", "ab" * 32, "--json")
    assert lost.exit_code == 1
    assert json.loads(lost.stdout.splitlines()[0])["subject"] == f"expected {'ab' * 6}"


OLD = 1_500_000_000.0


def test_prune_says_what_would_go_and_takes_it(own_url: str) -> None:
    ended = incident(state=IncidentState.CLOSED, opened_at=OLD, closed_at=OLD + 60)
    with Store(own_url) as store, store.transaction() as transaction:
        transaction.write([decision(ended, caused_by=event(received_at=OLD))])
    day = ("--url", own_url, "--before", "2020-01-01")
    would = sosbridge_db("prune", *day, "--dry-run").stdout
    assert would.splitlines()[0] == f"would go from {own_url}: 1 emergency"
    with Store(own_url) as store:
        assert store.incidents() == [ended]
    assert sosbridge_db("prune", *day).stdout == f"gone from {own_url}: 1 incidents, 1 events\n"
    assert sosbridge_db("prune", *day).stdout == f"gone from {own_url}: nothing\n"
    assert "in all: 1 incidents, 1 events" in sosbridge_db("verify", "--url", own_url).stdout
    with Store(own_url) as store:
        assert store.incidents() == []


def test_what_is_young_is_never_pruned(own_url: str) -> None:
    young = sosbridge_db("prune", "--url", own_url, "--before", "2999-01-01")
    assert (young.exit_code, "8 days is kept" in young.stderr) == (2, True)
    unsaid = sosbridge_db("prune", "--url", own_url)
    assert (unsaid.exit_code, "--before DATE" in unsaid.stderr) == (2, True)


def test_backup_writes_a_file_or_says_what_to_type(own_url: str, tmp_path: Path) -> None:
    path = tmp_path / "copy.sqlite3"
    made = sosbridge_db("backup", path, "--url", own_url)
    if own_url.startswith("sqlite"):
        assert made.stdout.startswith(f"{path} is a sound copy of {own_url}, ")
        assert sosbridge_db("verify", "--url", f"sqlite:///{path}").exit_code == 0
        assert sosbridge_db("backup", path, "--url", own_url).exit_code == 1
    else:
        url = own_url.replace("+psycopg", "")
        assert made.exit_code == 1
        assert f"pg_dump --format=custom --file={path} '{url}'" in made.stderr


@pytest.mark.parametrize("command", ["upgrade", "current"])
def test_a_wrong_url_is_refused_without_repeating_a_password(command: str) -> None:
    refused = sosbridge_db(command, "--url", "postgresql://user:hush@host/name")
    assert refused.exit_code == 1
    assert "never written in the URL" in refused.stderr
    assert "hush" not in refused.output
