"""Logs that Asterisk 22 and 16 wrote of the calls of the AMI recordings: the same must come of them.

The truth is what tests/ami/scenarios.py expects of each call, which sipp's own logs confirm there.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bridge.replay.calls import ABANDONED, ANSWERED, UNANSWERED, CallRow
from tests.ami.scenarios import SCENARIOS
from tests.ami.stage import Scenario
from tests.replay.logs import ALARMS, FOLDER, read

Seen = tuple[str, bool, bool, str | None]
"""Of one call: phone, PBX picked up, a person answered, outcome."""

versions = pytest.mark.parametrize("version", ["22", "16"])
scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)

FROM_UNKNOWN_ENDS = {"announcement", "no_answer"}
"""A CDR does not tell who ended a call that the PBX alone picked up, or whose Dial ran out just then."""


def expected(scenario: Scenario) -> list[tuple[str, Seen]]:
    """Return (dialled, what is to be seen) of every call that a phone makes, by the scenario's words."""
    told: list[tuple[str, Seen]] = []
    for call, words in scenario.expected.items():
        kind, _, rest = call.partition(" ")
        if kind != "out" or words[-1] == "ended pbx redirected":
            continue
        endpoint, dialled = rest.split(" ")
        told.append((dialled, (endpoint, "answered" in words, _connected(words), _outcome(words))))
    return sorted(told)


def _connected(words: Sequence[str]) -> bool:
    return any(word.startswith("connected") for word in words)


def _outcome(words: Sequence[str]) -> str:
    if _connected(words):
        return ANSWERED
    return ABANDONED if words[-1].startswith("ended caller") else UNANSWERED


def seen(rows: dict[str, CallRow]) -> list[tuple[str, Seen]]:
    return sorted(
        (
            row.dialled,
            (row.phone, row.picked_up_at is not None, row.answered_at is not None, row.outcome),
        )
        for row in rows.values()
    )


@versions
@scenarios
def test_cel_of_alarm_calls(version: str, scenario: Scenario) -> None:
    file = FOLDER / version / f"{scenario.name}.cel"
    if not file.exists():
        assert not expected(scenario), "recorded without a call"
        return
    got = read(file)
    assert got.bad == []
    assert seen(got.rows) == expected(scenario)


@versions
@scenarios
def test_cel_of_calls_that_concern_nobody(version: str, scenario: Scenario) -> None:
    """Put together by shape, they come out as the tracker has them."""
    file = FOLDER / version / f"{scenario.name}.cel"
    if not file.exists():
        return
    by_shape, tracked = read(file, alarms=()), read(file, alarms=("_X.",))
    assert {id_: _times(row) for id_, row in by_shape.rows.items()} == {
        id_: _times(row) for id_, row in tracked.rows.items()
    }


def _times(row: CallRow) -> tuple[object, ...]:
    return (row.phone, row.dialing_at, row.picked_up_at, row.answered_at, row.ended_at, row.outcome)


@versions
@scenarios
@pytest.mark.parametrize("format_", ["cdr_csv", "cdr_custom"])
def test_cdr_as_far_as_it_can_tell(version: str, scenario: Scenario, format_: str) -> None:
    file = FOLDER / version / f"{scenario.name}.{format_}"
    if not file.exists():
        return
    got = read(file)
    assert got.bad == []
    wanted = {told[0]: told for _, told in expected(scenario)}
    for row in got.rows.values():
        phone, picked_up, answered, outcome = next(
            told for _, told in expected(scenario) if told[0] == row.phone
        )
        assert (row.phone, row.picked_up_at is not None) == (phone, picked_up)
        assert row.answered_at is None, "a CDR never tells when a person answered"
        assert ("answered_at" in row.unknown) is answered
        if scenario.name in FROM_UNKNOWN_ENDS:
            assert (row.outcome, "outcome" in row.unknown) == (None, True)
        else:
            assert row.outcome == outcome
    # Who picks another's call up has no CDR of its own.
    assert {row.phone for row in got.rows.values()} == set(wanted) - {"2005"}


@versions
@pytest.mark.parametrize(("name", "outcome"), [("queue", ANSWERED), ("queue_abandoned", ABANDONED)])
def test_queue_log(version: str, name: str, outcome: str) -> None:
    queue = read(FOLDER / version / f"{name}.queue_log")
    cel = read(FOLDER / version / f"{name}.cel")
    [row], [truth] = queue.rows.values(), cel.rows.values()
    assert (row.id, row.outcome) == (truth.id, outcome)
    assert (row.answered_at is None) is (truth.answered_at is None)
    if row.answered_at is not None and truth.answered_at is not None:
        assert abs(row.answered_at - truth.answered_at) < 1.1


@versions
def test_all_in_one_file_is_as_one_by_one(version: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    files = sorted((FOLDER / version).glob("*.cel"), key=lambda file: file.read_bytes().split(b'"')[3])
    whole = tmp_path_factory.mktemp("logs") / "Master.csv"
    whole.write_bytes(b"".join(file.read_bytes() for file in files))
    one_by_one = {id_: row for file in files for id_, row in read(file).rows.items()}
    assert read(whole).rows == one_by_one


@versions
def test_the_ids_are_those_of_live_events(version: str) -> None:
    """The same call, seen live and found in a log, is one row in the store."""
    got = read(FOLDER / version / "answered.cel")
    dialing = got.events[0]
    assert (dialing.source, dialing.key, dialing.endpoint, dialing.dialled) == (
        "asterisk/pbx1",
        next(iter(got.rows)),
        "1001",
        "9110",
    )
    assert ALARMS[0] == dialing.dialled
