"""Logs that Asterisk 22 and 16 wrote of the recorded calls: what sipp saw of them must come of each.

What a log cannot tell its row calls unknown; which those are is written down here. See tests/ami/truth.py.
"""

from __future__ import annotations

from typing import Final

import pytest

from bridge.replay.calls import CallRow
from tests.ami import truth
from tests.ami.every import EVERY, VERSIONS
from tests.ami.stage import Scenario
from tests.ami.truth import Truth
from tests.calls.agreement import assert_agree, assert_agrees
from tests.replay.logs import ALARMS, FOLDER, read

versions = pytest.mark.parametrize("version", VERSIONS)
scenarios = pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: scenario.name)

SECONDS: Final = 1.25
"""How near a log comes that tells times in whole seconds."""
WITHOUT_END: Final = frozenset(
    (
        *("announcement", "answer_after_the_cancel", "cancelled", "cancelled_after_a_wait"),
        *("cancelled_at_once", "declined_without_more", "queue_abandoned", "queue_cancelled"),
        *("redial", "stasis_alone"),
    )
)
"""Calls nobody answered of which a CDR does not tell who ended them: the dialplan has written no more."""
LED_ON: Final = frozenset({"press_one", "press_one_of_an_answered_phone"})
"""Calls of which a CDR names another extension: where the dialplan went on (Goto)."""
UNSEEN: Final = {"picked_up_by_another": "2005"}
"""Who picks another's call up has no CDR of its own."""
ONE_MORE: Final = frozenset({("referred_by_phone", "cdr_custom"), ("stasis_bridged", "cdr_custom")})
"""Without a linkedid, a called telephone that goes on in the dialplan looks as if it had called."""


def truths_of(version: str, scenario: Scenario) -> list[Truth]:
    file = FOLDER / version / f"{scenario.name}.truth"
    return [] if scenario.no_call or not file.exists() else truth.read(file)


@versions
@scenarios
def test_cel(version: str, scenario: Scenario) -> None:
    """Of alarm calls, and, put together by shape, of calls that concern nobody."""
    file = FOLDER / version / f"{scenario.name}.cel"
    told = truths_of(version, scenario)
    assert file.exists() or not told, "calls without a log"
    if not file.exists():
        return
    tracked, by_shape = read(file, alarms=("_X.",)), read(file, alarms=())
    assert tracked.bad == by_shape.bad == []
    assert_agree(read(file).rows.values(), told)
    assert {id_: _times(row) for id_, row in by_shape.rows.items()} == {
        id_: _times(row) for id_, row in tracked.rows.items()
    }
    assert not any(row.unknown for row in tracked.rows.values())


def _times(row: CallRow) -> tuple[object, ...]:
    return (row.phone, row.dialing_at, row.picked_up_at, row.answered_at, row.ended_at, row.outcome)


@versions
@scenarios
@pytest.mark.parametrize("format_", ["cdr_csv", "cdr_custom"])
def test_cdr_as_far_as_it_can_tell(version: str, scenario: Scenario, format_: str) -> None:
    file = FOLDER / version / f"{scenario.name}.{format_}"
    told = [each for each in truths_of(version, scenario) if each.phone != UNSEEN.get(scenario.name)]
    assert file.exists() or not told, "calls without a log"
    if not file.exists():
        return
    got = read(file)
    assert got.bad == []
    rows = sorted(got.rows.values(), key=lambda row: (row.phone, float(row.id)))
    told.sort(key=lambda each: (each.phone, each.dialing_at))
    if (scenario.name, format_) in ONE_MORE:
        del rows[-1]
    assert len(rows) == len(told)
    for row, each in zip(rows, told, strict=True):
        if scenario.name in LED_ON:
            assert row.dialled == "tiers"
            row.unknown = (*row.unknown, "dialled")
        assert_agrees(row, each, within=SECONDS)
        answered = each.answered_at is not None
        assert ("answered_at" in row.unknown) is answered, "a CDR never tells when a person answered"
        in_vain = scenario.name in WITHOUT_END and not answered
        assert ("outcome" in row.unknown) is in_vain


@versions
@pytest.mark.parametrize("name", ["blind_transfer", "redirected", "referred_by_console"])
def test_a_cdr_of_a_call_that_was_led_on_does_not_tell_what_was_dialled(version: str, name: str) -> None:
    [row] = read(FOLDER / version / f"{name}.cdr_csv").rows.values()
    assert "dialled" in row.unknown


@versions
@scenarios
def test_queue_log_as_far_as_it_can_tell(version: str, scenario: Scenario) -> None:
    """It begins where the call enters the queue, whose name is all it knows of what was dialled."""
    file = FOLDER / version / f"{scenario.name}.queue_log"
    assert file.exists() is ("queue" in scenario.name)
    if not file.exists():
        return
    [row], [each] = read(file).rows.values(), truths_of(version, scenario)
    assert (row.dialled, "picked_up_at" in row.unknown) == ("console", True)
    assert ("outcome" in row.unknown) is (scenario.name in ("queue_timeout", "queue_then_dial"))
    row.unknown = (*row.unknown, "dialled")
    assert_agrees(row, each, within=SECONDS)


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
