"""The bridge's own journal: run again it gives the same decisions, and where one is changed that is found."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.engine import fold, further_needs, needs_of
from bridge.replay import compare
from bridge.response import Plan
from bridge.store import Cuts, Database, Lease, Pruning, Reader, Store
from bridge.store.limits import PATIENT
from bridge.store.migrate import upgrade
from tests.engine.control_room import ControlRoom
from tests.engine.site import FULL, PLAN
from tests.engine.test_replay import play
from tests.parts.postgres import Postgres
from tests.replay.logs import FOLDER
from tests.store.rows import NOW


def stored(url: str, room: ControlRoom) -> None:
    """Let the room's day go through the store as ingest lets it, some hundredths of a second late."""
    plan = room.database.plan
    with Database(url, limits=PATIENT) as database:
        upgrade(database)
    with Store(url, limits=PATIENT) as store:
        for number, (event, now) in enumerate(room.history):
            event = replace(event, received_at=now - 0.01 * (number % 4))  # noqa: PLW2901  as it was received
            with store.transaction() as transaction:
                needs = needs_of([event], plan)
                state = transaction.load(needs)
                if further := further_needs(needs, [event], state, plan):
                    state = transaction.load(further)
                transaction.write(fold([event], state, plan, now), Lease(node="bridge-1", now=now))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    room = ControlRoom()
    play(room)
    path = tmp_path_factory.mktemp("journal") / "site.sqlite3"
    stored(f"sqlite:///{path}", room)
    return path.read_bytes()


@pytest.fixture
def journal(tmp_path: Path, day: bytes) -> Path:
    path = tmp_path / "site.sqlite3"
    path.write_bytes(day)
    return path


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def again(
    journal: Path | str, plan: Plan = PLAN
) -> tuple[int, list[tuple[int, str, str]], list[tuple[str, str, str]]]:
    with Reader(journal if isinstance(journal, str) else f"sqlite:///{journal}") as reader:
        found = compare(reader, plan)
    assert found.parted == len(found.partings)
    partings = [(each.seq, each.stored, each.now) for each in found.partings]
    return found.events, partings, [(each.what, each.stored, each.now) for each in found.unlike]


def test_the_same_events_give_the_same_decisions(journal: Path) -> None:
    events, partings, unlike = again(journal)
    with closing(sqlite3.connect(journal)) as connection:
        [stored_events] = connection.execute("SELECT count(*) FROM events").fetchone()
    assert events == stored_events > 0
    assert (partings, unlike) == ([], [])


@pytest.mark.real("postgres")
def test_the_same_in_postgresql(postgres: Postgres) -> None:
    url = postgres.create_database("journal")
    room = ControlRoom()
    play(room)
    stored(url, room)
    events, partings, unlike = again(url)
    assert (events > 0, partings, unlike) == (True, [], [])


def test_a_moment_that_was_changed_is_found(journal: Path) -> None:
    """A minute later, and the timers that it set would not have been due yet."""
    change(journal, "UPDATE events SET decided_at = decided_at + 60 WHERE seq = 2")
    _, partings, _ = again(journal)
    assert partings


def test_of_before_there_were_moments_it_parts_by_hundredths(journal: Path) -> None:
    """Where an event was decided when it was received, nothing parts; the others' timers are a little off."""
    change(journal, "UPDATE events SET decided_at = NULL WHERE seq = 1")
    _, partings, unlike = again(journal)
    assert (partings, unlike) == ([], [])


def test_a_pruned_journal_says_so(journal: Path, site: Path) -> None:
    cuts = Cuts(emergency=0, routine=4e9, faults=0)
    with Database(f"sqlite:///{journal}") as database:
        pruning = Pruning(database, cuts, by="test", now=NOW, forwarders=())
        while batches := pruning.find():
            for batch in batches:
                pruning.take(batch)
    result = CliRunner(env={}).invoke(main, ["replay", str(journal), "-c", str(site)])
    assert pruning.taken["events"] > 0
    assert result.output.startswith("events up to ")
    assert "were pruned" in result.output


def test_it_is_only_read(journal: Path, day: bytes) -> None:
    again(journal)
    assert journal.read_bytes() == day


def test_a_reason_that_was_changed_is_found(journal: Path) -> None:
    change(journal, "UPDATE events SET reason = 'late' WHERE seq = 3")
    _, [(seq, reason, now)], unlike = again(journal)
    assert (seq, reason, unlike) == (3, "late", [])
    assert now != "late"


def test_an_event_that_was_taken_out_is_found(journal: Path) -> None:
    """All that follows from it parts, the first place being the nearest to it."""
    change(journal, "DELETE FROM events WHERE seq = 1")
    _, partings, unlike = again(journal)
    assert partings[0][:2] == (3, "settled")
    assert unlike


def test_another_phone_in_an_event_is_found(journal: Path) -> None:
    change(journal, "UPDATE events SET dialled = '9119' WHERE seq = 2")
    _, partings, _ = again(journal)
    assert partings[0][0] == 2
    assert "another event" in partings[0][2]


P_05 = "(SELECT id FROM incidents WHERE phone = 'P-05')"


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE incidents SET close_reason = 'resolved by zoe' WHERE phone = 'P-05'", "close_reason"),
        (
            f"UPDATE deliveries SET target = 'x' WHERE operation = 'bookmark' AND incident = {P_05}",
            "delivery",
        ),
    ],
)
def test_an_outcome_that_was_changed_is_found(journal: Path, statement: str, what: str) -> None:
    change(journal, statement)
    _, partings, unlike = again(journal)
    assert partings == []
    assert {told.partition(" ")[0] for told, _, _ in unlike} == {what}


def test_under_another_plan_it_parts(journal: Path) -> None:
    _, partings, unlike = again(journal, replace(FULL, alarm_extensions=("9999",)))
    assert partings
    assert unlike


# --- the command ----------------------------------------------------------------------------------------

SITE = """\
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def test_a_journal_without_events_is_nothing_usable(tmp_path: Path, site: Path) -> None:
    empty = tmp_path / "empty.sqlite3"
    stored(f"sqlite:///{empty}", ControlRoom())
    result = CliRunner(env={}).invoke(main, ["replay", str(empty), "-c", str(site)])
    assert (result.exit_code, result.output) == (2, "0 events, 0 incidents: the same decisions\n")


def test_where_it_parts_is_said(journal: Path, site: Path) -> None:
    """This site file is not the one that it was written under."""
    result = CliRunner(env={}).invoke(main, ["replay", str(journal), "-c", str(site)])
    assert result.exit_code == 1
    assert "decided otherwise" in result.output
    assert "  event 3, delivery_settled of outbox" in result.output
    rows = CliRunner(env={}).invoke(main, ["replay", str(journal), "-c", str(site), "--json"])
    told = [json.loads(line) for line in rows.output.splitlines()]
    assert list(told[0]) == ["type", "seq", "kind", "source", "key", "stored", "now"]
    assert list(told[-1]) == ["type", "events", "incidents", "parted", "pruned", "unlike", "same"]
    assert (told[-1]["type"], told[-1]["same"]) == ("journal", False)


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        ("UPDATE events SET kind = 'nonsense' WHERE seq = 3", 1, "cannot be read"),
        ("UPDATE events SET attributes = 'x' WHERE seq = 3", 1, "cannot be read"),
        ("UPDATE events SET attributes = '{}' WHERE kind = 'timer_due' AND seq = 11", 1, "undecidable"),
        ("UPDATE events SET decided_at = 'soon' WHERE seq = 1", 1, "undecidable"),
        ("UPDATE incidents SET state = 'gone' WHERE phone = 'P-05'", 1, "cannot be read"),
    ],
)
def test_a_row_that_makes_no_sense_is_said(
    journal: Path, site: Path, statement: str, code: int, said: str
) -> None:
    change(journal, statement)
    result = CliRunner(env={}).invoke(main, ["replay", str(journal), "-c", str(site)])
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_the_sites_own_database(tmp_path: Path, journal: Path, site: Path) -> None:
    site.write_text(f"{SITE}store: {{url: 'sqlite:///{journal}'}}\n")
    file = CliRunner(env={}).invoke(main, ["replay", str(journal), "-c", str(site)])
    own = CliRunner(env={}).invoke(main, ["replay", "--journal", "-c", str(site)])
    assert (own.exit_code, own.output) == (file.exit_code, file.output)
    both = CliRunner(env={}).invoke(main, ["replay", "--journal", str(journal), "-c", str(site)])
    assert (both.exit_code, "no log" in both.output) == (2, True)
    neither = CliRunner(env={}).invoke(main, ["replay", "-c", str(site)])
    assert (neither.exit_code, "FILE" in neither.output) == (2, True)


def test_it_needs_the_site_file(journal: Path) -> None:
    result = CliRunner(env={}).invoke(main, ["replay", str(journal), "--alarm", "9110"])
    assert result.exit_code == 2
    assert "--config" in result.output


@pytest.mark.parametrize("content", [b"", b"\0" * 4000])
def test_a_database_of_somebody_else(tmp_path: Path, site: Path, content: bytes) -> None:
    path = tmp_path / "astdb.sqlite3"
    path.write_bytes(b"SQLite format 3\0" + content)
    result = CliRunner(env={}).invoke(main, ["replay", str(path), "-c", str(site)])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert "sosbridge db verify" in result.output


def test_a_database_without_a_journal(tmp_path: Path, site: Path) -> None:
    path = tmp_path / "astdb.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE astdb (key TEXT, value TEXT)")
    result = CliRunner(env={}).invoke(main, ["replay", str(path), "-c", str(site)])
    assert (result.exit_code, "is no journal: name the bridge's own" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{folder}/none.sqlite3", "sosbridge db upgrade --config"),
        ("sqlite:///{folder}/damaged.sqlite3", "sosbridge db verify"),
        ("postgresql://sosbridge@127.0.0.1:1/sosbridge", "see that its server runs"),
    ],
    ids=["not there", "damaged", "away"],
)
@pytest.mark.parametrize("reads", ["--journal", "--reconcile"])
def test_a_store_that_cannot_be_used(tmp_path: Path, site: Path, url: str, said: str, reads: str) -> None:
    (tmp_path / "damaged.sqlite3").write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    site.write_text(f"{SITE}store: {{url: '{url.format(folder=tmp_path)}'}}\n")
    log = [str(FOLDER / "22" / "answered.cel")] if reads == "--reconcile" else []
    result = CliRunner(env={}).invoke(main, ["replay", *log, reads, "-c", str(site)])
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, said in result.output) == (2, True), result.output
