"""What an exercise was to do and did not get, with the reason from the incident's story."""

from __future__ import annotations

from dataclasses import replace

from bridge.cli.drill.withheld import UNEXPLAINED, withheld
from bridge.model import DeliveryState, Operation, TimelineEntry
from bridge.response import Action, Plan
from tests.store.rows import delivery

RECORD = Action(
    operation=Operation.START_RECORDING,
    driver="zm",
    target="1",
    params={"camera": "PTZ-01"},
    resource="start_recording/zm/1",
)
SHOW = Action(
    operation=Operation.SHOW,
    driver="wall",
    target="M-1",
    params={"console": "desk-1"},
    resource="screen/wall/M-1",
)


PLAN = Plan(
    site="Tank farm",
    cameras={"PTZ-01": {"zm": "1"}, "FIX-02": {"zm": "11"}},
    console_ids={"desk-1": {"wall": "M-1"}},
)


def entry(text: str) -> TimelineEntry:
    return TimelineEntry(incident="i1", at=1.0, event="e1", reason="opened", text=text)


def test_what_was_asked_is_not_withheld() -> None:
    asked = [delivery(state=state) for state in (DeliveryState.VERIFIED, DeliveryState.FAILED)]
    assert withheld([RECORD], asked, [entry("start_recording/zm/PTZ-01 is used by x")], PLAN) == ()


def test_the_newest_reason_is_told() -> None:
    story = [
        entry("EAST-03 dialled 9110"),
        entry("start_recording/zm/PTZ-01 is used by emergency 1111: not taken from it"),
        entry("start_recording/zm/PTZ-01 is used by emergency 2222: not taken from it"),
        entry("start_recording/zm/FIX-02 is used by emergency 3333: not taken from it"),
        entry("screen/wall/desk-1 is used by emergency 2222: not taken from it"),
    ]
    found = withheld([RECORD, SHOW], [delivery(driver="other")], story, PLAN)
    assert [(each.operation, each.name, each.proof) for each in found] == [
        (
            "start_recording",
            "PTZ-01",
            "start_recording/zm/PTZ-01 is used by emergency 2222: not taken from it",
        ),
        ("show", "desk-1", "screen/wall/desk-1 is used by emergency 2222: not taken from it"),
    ]
    assert {(each.state, each.ms) for each in found} == {(DeliveryState.SUPERSEDED, None)}


def test_what_nobody_explains_is_withheld_too() -> None:
    popup = Action(operation=Operation.POPUP, driver="wall", target="M-1")
    [found] = withheld([popup], [], [entry(" is used by somebody")], PLAN)
    assert (found.name, found.proof) == ("M-1", UNEXPLAINED)


def test_what_follows_something_else_is_not_expected() -> None:
    for operation in (Operation.UPDATE_POPUP, Operation.HOME, Operation.EXTEND_BOOKMARK):
        assert withheld([replace(RECORD, operation=operation)], [], [], PLAN) == ()
