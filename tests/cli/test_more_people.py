"""A site where two people must acknowledge an SOS: what the commands say of it, each after a new start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.store import Database, Lease, Store
from bridge.store.migrate import upgrade
from tests.store.rows import NOW, decision, incident

SITE = """\
site: {{name: Plant, timezone: UTC}}
node: bridge-1
state_dir: {folder}
alarm: {{extensions: ["9110"]}}
dispatch:
  originate: {{username: originate, secret: {{env: NOWHERE}}}}
  heartbeat: {{username: heartbeat, secret: {{env: NOWHERE}}}}
  groups:
    shift: {{tiers: [[lead, desk], [boss]], acknowledgements: [2, 3]}}
locations:
  POST-1: {{spoken: post one}}
phones:
  P-1: {{endpoint: p1, extension: 101, location: POST-1}}
"""
SHORT = "abcdef01"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a site with an SOS that nobody has yet."""
    (tmp_path / "site.yaml").write_text(SITE.format(folder=tmp_path))
    url = f"sqlite:///{tmp_path}/sosbridge.sqlite3"
    with Database(url) as database:
        upgrade(database)
    with Store(url) as store, store.transaction() as transaction:
        sos = incident(f"{SHORT}-0000-5000-8000-000000000000")
        transaction.write([decision(sos)], Lease(node="bridge-1", now=NOW))
    return tmp_path


def said(folder: Path, *arguments: str) -> str:
    """Run a command, each time in a store opened anew; return its output."""
    result = CliRunner().invoke(main, [*arguments, "-c", str(folder / "site.yaml")])
    assert result.exit_code == 0, result.output
    return result.stdout


def acknowledge(folder: Path, by: str) -> list[str]:
    return said(folder, "incidents", "acknowledge", SHORT, "--by", by).splitlines()


def test_how_many_have_acknowledged_is_said_wherever_a_person_looks(folder: Path) -> None:
    one = "1 of 2 acknowledgements: Anna"
    assert acknowledge(folder, "Anna")[1:] == [one]
    assert one in said(folder, "incidents", "show", SHORT).splitlines()
    assert "; one more is wanted" in said(folder, "incidents", "show", SHORT)
    assert one in said(folder, "incidents", "list")
    assert acknowledge(folder, "Anna")[1:] == [one]
    two = "2 of 2 acknowledgements: Anna, Bert"
    assert acknowledge(folder, "Bert")[1:] == [two]
    assert two in said(folder, "incidents", "show", SHORT).splitlines()
    assert "acknowledgements" not in said(folder, "incidents", "list"), "nobody is wanted any more"
    [shown] = [json.loads(line) for line in said(folder, "incidents", "list", "--json").splitlines()]
    assert (shown["people_wanted"], shown["acknowledged_by"]) == (2, "Anna")
    assert shown["acknowledgers"] == {"Anna": "command line", "Bert": "command line"}


def test_where_one_is_enough_nothing_is_said(folder: Path) -> None:
    site = folder / "site.yaml"
    site.write_text(site.read_text().replace(", acknowledgements: [2, 3]", ""))
    assert acknowledge(folder, "Anna")[1:] == []
    for words in (("incidents", "show", SHORT), ("incidents", "list")):
        assert "acknowledgements" not in said(folder, *words)


@pytest.mark.parametrize(
    ("event", "tier", "lines"),
    [
        ("acknowledged", "emergency", 1),
        ("more_wanted", "emergency", 1),
        ("acknowledged", "routine", 0),
        ("escalate_2", "emergency", 0),
    ],
)
def test_the_plan_says_how_many_are_wanted(folder: Path, event: str, tier: str, lines: int) -> None:
    output = said(folder, "plan", "--phone", "P-1", "--event", event, "--tier", tier)
    wanted = (
        "people who must acknowledge until dispatch is quiet: 2 for tier 1, 3 for tier 2 (the tier rung last)"
    )
    assert output.splitlines().count(wanted) == lines
    assert ("notify shift" in output) == (tier == "emergency")
