"""`sosbridge replay --reconcile --open`: lost calls get their incidents, once, and nothing old is set off."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.model import IncidentState, Operation, derive_id
from bridge.store import Database, Store
from bridge.store.migrate import upgrade
from tests.cli.test_reconcile import live
from tests.cli.test_replay import KEYS, LAB, SITE, replay

DISPATCH = """\
dispatch:
  originate: {username: sos-calls, secret: {env: NOT_SET}}
  heartbeat: {username: sos-beat, secret: {env: NOT_SET}}
  groups: {shift: {tiers: [["2001"]]}}
"""
PAST = """\
      bookmark: {method: POST, path: "/marks/{target}", capability: repeatable}
      bookmark_past: {method: POST, path: "/marks/{target}", text: "{ended_ts}", capability: repeatable}
"""
HOUR, DAY = 3600.0, 86400.0
_SECOND = re.compile(r"\b1[67]\d{8}\b")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    text = SITE.replace("      close_popup:", f"{PAST}      close_popup:")
    path.write_text(f"{text}{DISPATCH}state_dir: {tmp_path}\n")
    with Database(f"sqlite:///{tmp_path}/sosbridge.sqlite3") as database:
        upgrade(database)
    return path


@pytest.fixture
def store(site: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{site.parent}/sosbridge.sqlite3") as store:
        yield store


def began(log: Path) -> float:
    return float(re.findall(r"\d{10}\.\d+", log.read_text())[0])


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """Make a log of one recorded call, as it would be had it been made `ago` seconds ago."""

    def make(name: str, *, ago: float) -> Path:
        recorded = LAB / f"{name}.cel"
        shift = round(time.time() - ago - began(recorded))
        path = tmp_path / "logs" / f"{name}-{ago:.0f}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_SECOND.sub(lambda found: str(int(found[0]) + shift), recorded.read_text()))
        return path

    return make


def old_event(site: Path, ago: float = 30 * DAY) -> None:
    """The bridge has run since then."""
    live(site, key="long-ago", at=time.time() - ago)


def filed(site: Path, *logs: Path) -> tuple[int, list[dict[str, Any]]]:
    ran = replay(*logs, "-c", site, "--reconcile", "--open", "--by", "A. Weber", "--json")
    lines = [json.loads(line) for line in ran.output.splitlines() if line.startswith("{")]
    rows = [row for row in lines if row["type"] == "filed"]
    assert (lines[-1]["filed"], lines[-1]["rung"]) == (len(rows), sum(row["rings"] for row in rows))
    return ran.code, rows


def asked(store: Store, incident: str) -> list[tuple[str, Operation]]:
    return [(row.driver, row.operation) for row in store.deliveries(incident)]


MARKED = ("wall", Operation.BOOKMARK_PAST)
TOLD = ("dispatch", Operation.NOTIFY)


@pytest.mark.parametrize(
    ("call", "due", "expected"),
    [
        pytest.param(("busy", HOUR), "missed", [MARKED, MARKED, TOLD], id="missed"),
        pytest.param(("answered", HOUR), "review", [MARKED, MARKED], id="answered"),
        pytest.param(("busy", 25 * HOUR), "review", [MARKED, MARKED], id="older"),
    ],
)
def test_what_is_filed(  # noqa: PLR0917  a table and its fixtures
    call: tuple[str, float],
    due: str,
    expected: list[tuple[str, Operation]],
    site: Path,
    store: Store,
    log: Callable[..., Path],
) -> None:
    old_event(site)
    name, ago = call
    path = log(name, ago=ago)
    code, [row] = filed(site, path)
    assert code == 1, "a lost call was found"
    assert list(row) == KEYS["filed"]
    assert (row["due"], row["rings"]) == (due, TOLD in expected)
    assert row["incident"] == derive_id("incident", "asterisk/pbx1", row["call"], 0)
    incident = store.incident(row["incident"])
    assert (incident.state, incident.recovered) == (IncidentState.CLOSED, True)
    assert incident.opened_at == pytest.approx(began(path))
    assert sorted(asked(store, incident.id)) == sorted(expected)
    assert [fault.subject for fault in store.faults(what="review")] == [f"incident/{incident.id}"]
    assert any("filed by A. Weber" in entry.text for entry in store.timeline(incident.id))
    for delivery in store.deliveries(incident.id):
        if delivery.operation is Operation.BOOKMARK_PAST:
            assert float(delivery.params["opened_ts"]) == pytest.approx(began(path))
            assert float(delivery.params["ended_ts"]) > float(delivery.params["opened_ts"])


def test_the_second_run_files_nothing(site: Path, store: Store, log: Callable[..., Path]) -> None:
    old_event(site)
    logs = (log("busy", ago=HOUR), log("answered", ago=2 * HOUR))
    assert len(filed(site, *logs)[1]) == 2
    before = store.journal()
    assert filed(site, *logs) == (0, [])
    assert store.journal() == before
    output = replay(*logs, "-c", site, "--reconcile", "--open").output
    assert "Each of 2 alarm calls has its incident in the store." in output
    assert "nothing was filed" in output


def test_the_journal_gives_the_same_decisions(site: Path, log: Callable[..., Path]) -> None:
    old_event(site)
    _, [row] = filed(site, log("busy", ago=HOUR))
    incidents("resolve", row["incident"], "-c", site, "--by", "B. Smit")
    ran = replay(site.parent / "sosbridge.sqlite3", "-c", site, "--json")
    assert ran.of("parting") == []
    # The one of long ago was decided by another site file.
    assert row["incident"] not in {each["incident"] for each in ran.of("unlike")}
    assert ran.of("journal")[0]["events"] == 3


def test_nobody_is_rung_for_what_came_before_the_bridge(
    site: Path, store: Store, log: Callable[..., Path]
) -> None:
    old_event(site, ago=HOUR)
    _, [row] = filed(site, log("busy", ago=2 * HOUR))
    assert (row["due"], row["rings"]) == ("review", False)
    assert TOLD not in asked(store, row["incident"])


def test_a_store_without_an_event_rings_nobody(site: Path, log: Callable[..., Path]) -> None:
    _, [row] = filed(site, log("busy", ago=HOUR))
    assert row["rings"] is False


def test_a_call_of_this_moment_is_an_sos(site: Path, store: Store, log: Callable[..., Path]) -> None:
    path = log("busy", ago=30.0)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    _, [row] = filed(site, path)
    assert row["due"] == "new"
    incident = store.incident(row["incident"])
    assert (incident.state, incident.recovered) == (IncidentState.OPEN, True)
    assert incident.id == derive_id("incident", "asterisk/pbx1", row["call"], 0)


def test_the_phones_living_incident_goes_on(site: Path, store: Store, log: Callable[..., Path]) -> None:
    live(site, key="now", at=time.time())
    [living] = store.incidents()
    old = store.deliveries(living.id)
    _, [row] = filed(site, log("busy", ago=HOUR))
    assert store.incident(living.id) == living
    assert store.deliveries(living.id) == old
    assert row["incident"] != living.id


def test_the_live_events_that_come_late_join_it(site: Path, store: Store, log: Callable[..., Path]) -> None:
    old_event(site)
    path = log("busy", ago=HOUR)
    _, [row] = filed(site, path)
    before = store.deliveries(row["incident"])
    live(site, key=row["call"], at=began(path))
    assert len(store.incidents()) == 2  # with the one of long ago
    assert store.incident(row["incident"]).state is IncidentState.CLOSED
    assert store.deliveries(row["incident"]) == before


def test_a_named_person_clears_the_review(site: Path, store: Store, log: Callable[..., Path]) -> None:
    old_event(site)
    _, [row] = filed(site, log("busy", ago=HOUR))
    incident = row["incident"]
    assert "review" in incidents("list", "-c", site)
    shown = incidents("show", incident[:8], "-c", site)
    assert "to be looked into: an SOS of P-01" in shown
    assert f"sosbridge incidents resolve {incident[:8]}" in shown
    assert json.loads(incidents("show", incident, "-c", site, "--json"))["review"]["what"] == "review"
    said = incidents("resolve", incident[:8], "-c", site, "--by", "B. Smit", "--reason", "a trial")
    assert said == f"{incident[:8]} has been looked into by B. Smit\n"
    assert store.faults(what="review") == []
    assert store.timeline(incident)[-1].text == "looked into by B. Smit: a trial (B. Smit)"
    told = [each for each in store.deliveries(incident) if each.operation is Operation.NOTIFY]
    assert [each.state for each in told] == ["superseded"]
    again = incidents("resolve", incident[:8], "-c", site, "--by", "B. Smit")
    assert "was over already" in again


def incidents(*arguments: object) -> str:
    done = CliRunner(env={}).invoke(main, ["incidents", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_people_see_what_was_filed(site: Path, log: Callable[..., Path]) -> None:
    old_event(site)
    ran = replay(log("busy", ago=HOUR), "-c", site, "--reconcile", "--open")
    assert "1 incident filed, to be looked into; dispatch is told of 1" in ran.output
    assert "warning: no bridge named" in ran.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--open"], "--open files what --reconcile finds"),
        (["--reconcile", "--by", "me"], "--by says who files"),
        (["--reconcile", "--open", "--by", " "], "say who you are"),
    ],
)
def test_what_cannot_be_filed(arguments: list[str], why: str, site: Path, log: Callable[..., Path]) -> None:
    ran = replay(log("busy", ago=HOUR), "-c", site, *arguments)
    assert ran.code == 2
    assert why in ran.output


def test_of_several_pbxs_it_must_be_clear_whose_logs_these_are(
    site: Path, store: Store, log: Callable[..., Path]
) -> None:
    second = "  - {name: pbx2, type: ami, host: b.example, username: u, secret: {env: NOT_SET}}\n"
    site.write_text(
        site.read_text().replace("vms:\n", f"{second}vms:\n", 1).replace("groups:", "pbx: pbx1\n  groups:")
    )
    path = log("busy", ago=HOUR)
    ran = CliRunner(env={}).invoke(main, ["replay", str(path), "-c", str(site), "--reconcile", "--open"])
    assert ran.exit_code != 0
    assert "--pbx NAME" in str(ran.output) + str(ran.exception)
    assert store.incidents() == []
