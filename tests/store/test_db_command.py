"""`sosbridge db`, as a person types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.store import Store
from bridge.store.schema import SCHEMA
from tests.store.kinds import sqlite_only
from tests.store.rows import decision, hold, incident


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
    assert refused.exit_code == 1
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
    assert found.stdout == "error    holds ptz/1 i\\u001b[1m  it is still held, but its incident is closed\n"
    assert found.stderr == f"1 finding in {own_url}\n"


@pytest.mark.parametrize("command", ["upgrade", "current", "verify"])
def test_a_wrong_url_is_refused_without_repeating_a_password(command: str) -> None:
    refused = sosbridge_db(command, "--url", "postgresql://user:hush@host/name")
    assert refused.exit_code == 1
    assert "never written in the URL" in refused.stderr
    assert "hush" not in refused.output
