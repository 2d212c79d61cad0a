"""`incidents list --json`: the open incidents, an object a line, then the open faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bridge.cli import main
from bridge.store import Database, Lease, Store
from bridge.store.migrate import upgrade
from tests.store.rows import NOW, decision, fault, incident, needs

SITE = """\
site: {{name: Plant, timezone: UTC}}
node: bridge-1
state_dir: {folder}
alarm: {{extensions: ["9110"]}}
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "site.yaml").write_text(SITE.format(folder=tmp_path))
    url = f"sqlite:///{tmp_path}/sosbridge.sqlite3"
    with Database(url) as database:
        upgrade(database)
    with Store(url) as opened:
        yield opened


def write(store: Store, *values: Any) -> None:
    with store.transaction() as transaction:
        transaction.load(needs())
        transaction.write([decision(*values)], Lease(node="bridge-1", now=NOW))


def listed(folder: Path, *more: str) -> list[dict[str, Any]]:
    """The objects on stdout; that no bridge runs here is said on stderr."""
    arguments = ["incidents", "list", "--json", "-c", str(folder / "site.yaml"), *more]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_open_faults_follow_the_incidents(store: Store, tmp_path: Path) -> None:
    write(store, incident("i1"), fault(), fault("zm", "delivery", NOW + 1, text="away"))
    write(store, fault("wall", "delivery", cleared_at=NOW + 2))
    first, *faults = listed(tmp_path)
    assert (first["id"], first["actions"], "type" in first) == ("i1", 0, False), "as it ever was"
    assert faults == [
        {
            "type": "fault",
            "subject": "zm",
            "what": "delivery",
            "text": "away",
            "opened_at": NOW + 1,
            "cleared_at": None,
            "part_of": "",
        },
        {
            "type": "fault",
            "subject": "ami/pbx1",
            "what": "blind",
            "text": "link lost",
            "opened_at": NOW,
            "cleared_at": None,
            "part_of": "",
        },
    ]


def test_a_phone_of_a_segment_that_is_cut_off_says_so(store: Store, tmp_path: Path) -> None:
    """P-3 is in no segment: it is a fault of its own."""
    site = yaml.safe_load((tmp_path / "site.yaml").read_text())
    site["locations"] = {"POST-1": {"spoken": "post one"}}
    site["phones"] = {
        f"P-{n}": {"endpoint": f"p{n}", "extension": f"10{n}", "location": "POST-1", "segment": "east"}
        for n in (1, 2)
    }
    site["phones"]["P-3"] = {"endpoint": "p3", "extension": "103", "location": "POST-1"}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
    parts = [fault(subject, "offline", NOW) for subject in ("P-1", "P-2", "P-3")]
    write(store, *parts, fault("segment/east", "cut_off", NOW))
    assert {each["subject"]: each["part_of"] for each in listed(tmp_path)} == {
        "P-1": "segment/east",
        "P-2": "segment/east",
        "P-3": "",
        "segment/east": "",
    }


def test_with_all_incidents_there_are_no_faults(store: Store, tmp_path: Path) -> None:
    write(store, incident("i1"), fault())
    assert [each["id"] for each in listed(tmp_path, "--all")] == ["i1"]


def test_nothing_to_say_is_nothing(store: Store, tmp_path: Path) -> None:
    assert listed(tmp_path) == []
