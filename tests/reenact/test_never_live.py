"""A training as a whole: the real drivers do everything at simulated systems, and nothing else is asked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from bridge.cli.replay.reenact.in_hand import STALE
from bridge.cli.replay.reenact.site import training_of
from bridge.cli.replay.reenact.standins import VARIABLE
from bridge.config import load
from bridge.model import DeliveryState
from bridge.protocols.incident_note import EXERCISE
from bridge.store import Reader
from tests.fake_clock import FakeClock
from tests.reenact.running import Ran, run
from tests.reenact.site_file import CALL, LATER, twice, write_site

VERIFIED: Final = ("zm", "genetec", "milestone", "nx", "frigate", "onvif", "relay")
"""The drivers that read back what they did: their protocol was spoken."""
RECORDED: Final = ["dispatch", "wall"]
_LOOPBACK: Final = re.compile(r"\('127\.0\.0\.1', [1-9]\d*\)\)$")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def ran(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One training of a site whose systems and secrets do not exist, kept in a database."""
    site = write_site(tmp_path_factory.mktemp("site"))
    kept = site.with_name("kept.sqlite3")
    return run(home, twice(site.parent), "--config", site, "--speed", "max", "--json", "--database", kept)


@pytest.fixture(scope="module")
def kept(ran: Ran) -> Path:
    [training] = ran.of("training")
    return Path(training["database"])


def actions_of(ran: Ran, incident: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [action for action in ran.of("action") if action["incident"] == incident["id"]]


def test_it_ends_well_without_any_secret(ran: Ran) -> None:
    assert ran.code == 0, ran.errors
    [training] = ran.of("training")
    assert training["complete"] is True
    assert training["simulated"] == sorted(VERIFIED)
    assert training["recorded"] == RECORDED


def test_every_connection_is_to_the_loopback(ran: Ran) -> None:
    connected = [each.arguments for each in ran.asked if each.name == "socket.connect"]
    assert len(connected) >= len(VERIFIED)
    assert [each for each in connected if not _LOOPBACK.search(each)] == []


def test_no_name_of_the_site_is_looked_up(ran: Ran) -> None:
    asked = [each for each in ran.asked if each.name.startswith("socket.")]
    assert [each for each in asked if ".example" in each.arguments] == []


def test_no_file_with_a_secret_or_certificate_is_opened(ran: Ran) -> None:
    opened = [each.arguments for each in ran.asked if each.name == "open"]
    assert any("site.yaml" in each for each in opened)
    assert [each for each in opened if "/not/there" in each or "not-there" in each] == []


def test_the_sites_own_folder_and_store_are_not_touched(ran: Ran, home: Path) -> None:
    """All that is left in the home is what this test had written; the training's own folder is gone."""
    assert ran.code == 0
    assert [each.name for each in home.iterdir()] == ["asked"]


def test_the_real_drivers_spoke_their_protocols(ran: Ran) -> None:
    states = defaultdict(set)
    for action in ran.of("action"):
        states[action["driver"]].add(action["state"])
    assert {name for name in states if DeliveryState.VERIFIED in states[name]} == set(VERIFIED)
    done = {DeliveryState.VERIFIED, DeliveryState.ACCEPTED, DeliveryState.SUPERSEDED}
    assert {state for each in states.values() for state in each} <= done


def test_a_recorder_says_what_would_have_been_sent(ran: Ran) -> None:
    incident, _ = ran.of("incident")
    proofs = {action["driver"]: action["proof"] for action in reversed(actions_of(ran, incident))}
    said = f'not sent: PUT /popups/{incident["id"]} {{"title": "EXERCISE SOS POST-1"}}'
    assert proofs["wall"] == said
    assert "plant-manager" in proofs["dispatch"]
    assert '"This is an exercise. S O S.' in proofs["dispatch"]


def test_the_rows_are_those_of_a_replay(ran: Ran) -> None:
    first, second = ran.of("incident")
    assert first["calls"] == [CALL]
    assert {incident["exercise"] for incident in (first, second)} == {True}
    assert second["opened_at"] - first["opened_at"] == pytest.approx(LATER)
    assert {action["incident"] for action in ran.of("action")} == {first["id"], second["id"]}


def test_what_nobody_ends_is_over_before_the_phones_next_call(ran: Ran) -> None:
    first, second = ran.of("incident")
    assert (first["state"], first["closed_by"]) == ("closed", "the training")
    assert STALE < first["closed_at"] - first["opened_at"] < LATER
    assert second["state"] == "open"


def test_everything_that_anybody_sees_says_exercise(ran: Ran) -> None:
    titles = [action["params"]["title"] for action in ran.of("action")]
    assert titles
    assert all(title.startswith(EXERCISE) for title in titles)
    assert all(action["params"]["exercise"] == "yes" for action in ran.of("action"))


def test_the_times_are_the_logs_and_the_sites_own_escalation_runs_on_them(ran: Ran) -> None:
    incident, _ = ran.of("incident")
    assert int(incident["opened_at"]) == int(float(CALL))
    steps = {action["step"].partition("/")[0]: action["created_at"] for action in actions_of(ran, incident)}
    # The clock is never early, and stands at the due time or shortly behind it.
    assert 60.0 <= steps["escalate_2"] - incident["opened_at"] < 120.0


def test_the_kept_database_holds_only_exercises(kept: Path) -> None:
    with Reader(f"sqlite:///{kept}") as reader:
        incidents = reader.incidents()
    assert [incident.exercise for incident in incidents] == [True, True]


async def test_the_plan_is_the_site_files_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown, recorded and escalated when is what the site file says, whoever stands in."""
    monkeypatch.setenv(VARIABLE, "")  # which a training sets, goes with the test
    site = load(write_site(tmp_path), secrets=False)
    async with training_of(site, tmp_path / "training", None, FakeClock()) as training:
        assert training.site.plan() == site.plan()
        assert training.site.file.syslog == ()
        assert training.site.triggers == ()
