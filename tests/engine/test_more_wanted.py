"""Sites where one acknowledgement of an SOS is not enough: who counts, who is rung, and when it is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from bridge.engine import Reason
from bridge.model import DeliveryState, IncidentState, Kind
from tests.engine.control_room import DISPATCH, TOLD, ControlRoom, Dialled
from tests.engine.site import MORE

PHONE: Final = "P-03"
DISTANCE: Final = 40.0
"""From one tier to the next, at the default times."""
ONE_OF_TWO: Final = "1 of 2 acknowledgements: anna; one more is wanted"
ENOUGH: Final = "2 of 2 acknowledgements: anna, bert; enough: dispatch need not ring any more"


pytestmark = pytest.mark.usefixtures("call")


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """A plant where two people are wanted by tier 1, three from tier 2 on."""
    with ControlRoom(MORE) as opened:
        yield opened


@pytest.fixture
def call(room: ControlRoom) -> Dialled:
    """An SOS that nobody has yet."""
    dialled = room.press(PHONE)
    room.settle_all()
    room.forget()
    return dialled


def rung(room: ControlRoom) -> list[str]:
    """The tiers that were rung for more people, in their order."""
    return [row.params["ring_tier"] for row in room.database.asked if row.step.startswith("more_wanted/")]


def step_of_latest(room: ControlRoom) -> tuple[str, str]:
    latest = room.delivery(PHONE, DISPATCH)
    return latest.step, latest.params.get("more", "")


# --- the first and the second -----------------------------------------------------------------------


def test_the_first_has_it_and_one_more_is_rung_for_at_once(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    assert (room.state(PHONE), room.incident(PHONE).acknowledged_by) == (IncidentState.ACKNOWLEDGED, "anna")
    room.expects(PHONE, TOLD, DISPATCH, DISPATCH, ring_tier="1", more="yes")
    assert room.story(PHONE)[-2:] == ["acknowledged by anna (click)", ONE_OF_TWO]
    assert room.timers(PHONE)["more_wanted"] == DISTANCE
    assert room.timers(PHONE)["unresolved"] == 600.0


def test_the_word_that_somebody_has_it_says_that_more_are_wanted(room: ControlRoom) -> None:
    """It must not silence those who are rung for more."""
    room.acknowledge("anna", PHONE)
    words = {row.step: row.params.get("more") for row in room.database.asked if row.driver == "dispatch"}
    assert words == {"acknowledged/1": "yes", "more_wanted/1": "yes"}
    room.forget()


def test_the_second_is_enough_and_dispatch_is_told_to_stop(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    room.settle_all()
    room.forget()
    room.acknowledge("bert", PHONE)
    room.expects(PHONE, DISPATCH)
    assert step_of_latest(room) == ("acknowledged/1-2", "")
    assert room.story(PHONE)[-2:] == ["also acknowledged by bert (click); anna was first", ENOUGH]
    assert room.incident(PHONE).acknowledged_by == "anna"
    assert dict(room.incident(PHONE).acknowledgers) == {"anna": "click", "bert": "click"}
    assert "more_wanted" not in room.timers(PHONE)
    room.after(599.0)


def test_what_still_waits_to_be_rung_for_more_is_called_off_when_enough_have_it(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    room.acknowledge("bert", PHONE)
    states = {row.step: row.state for row in room.database.rows.deliveries.values()}
    assert states["more_wanted/1"] is DeliveryState.SUPERSEDED
    assert states["acknowledged/1-2"] is DeliveryState.PENDING
    room.forget()


@pytest.mark.parametrize("by", ["anna", "anna "])
def test_only_another_name_is_another_person(room: ControlRoom, by: str) -> None:
    room.acknowledge("anna", PHONE)
    room.forget()
    room.acknowledge(by, PHONE)
    assert room.incident(PHONE).wants_more == (by == "anna")
    room.forget()


def test_a_click_and_a_key_of_two_people_count_alike(room: ControlRoom, call: Dialled) -> None:
    for by, how in (("lead", "dtmf"), ("anna", "command line")):
        room.event(Kind.ACKNOWLEDGED, attributes={"by": by, "how": how, "call_key": call.key})
    assert dict(room.incident(PHONE).acknowledgers) == {"lead": "dtmf", "anna": "command line"}
    assert not room.incident(PHONE).wants_more
    room.forget()


def test_the_third_is_told_and_changes_nothing(room: ControlRoom) -> None:
    for by in ("anna", "bert"):
        room.acknowledge(by, PHONE)
    before = room.incident(PHONE)
    room.forget()
    room.acknowledge("carl", PHONE)
    assert (room.incident(PHONE), room.decisions[-1].reason) == (before, Reason.NOTED)


# --- the loop ---------------------------------------------------------------------------------------


def test_the_tiers_are_rung_in_a_loop_until_enough_have_it(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    assert room.delivery(PHONE, DISPATCH).params["acknowledgers"] == "anna"
    for tier in ("2", "1", "2", "1"):
        room.forget()
        room.after(DISTANCE - 0.1)
        room.expects_nothing_more()
        room.after(0.1)
        room.expects(PHONE, DISPATCH, ring_tier=tier)
        assert room.decisions[-1].reason is Reason.DISPATCHED
    room.acknowledge("bert", PHONE)
    room.forget()
    room.after(500.0 - 4 * DISTANCE)


def test_the_story_does_not_repeat_that_more_are_wanted(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    room.after(10 * DISTANCE)
    assert sum("wanted" in text for text in room.story(PHONE)) == 1
    room.forget()


def test_it_still_alerts_again_when_unresolved(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    room.after(600.0)
    assert "acknowledged by anna, but unresolved" in room.story(PHONE)
    assert "unresolved/1" in {row.step for row in room.database.asked}
    room.forget()


def test_it_goes_on_while_the_phone_has_hung_up(room: ControlRoom, call: Dialled) -> None:
    room.acknowledge("anna", PHONE)
    room.hang_up(call)
    assert room.state(PHONE) is IncidentState.ACKNOWLEDGED
    room.forget()
    room.after(DISTANCE)
    room.expects(PHONE, DISPATCH, ring_tier="2")


@pytest.mark.parametrize("ends", ["resolved", "hung up", "reset"])
def test_it_ends_when_the_sos_is_cleared_and_dispatch_is_told(
    room: ControlRoom, call: Dialled, ends: str
) -> None:
    room.connect(call, "2002")
    room.acknowledge("anna", PHONE)
    room.settle_all()
    room.forget()
    if ends == "resolved":
        room.resolve("bert", PHONE)
    elif ends == "hung up":
        room.hang_up(call)
    else:
        room.event(Kind.SOS_CLEARED, source="relay", attributes={"phone": PHONE})
    assert room.state(PHONE) is IncidentState.CLEARING
    room.expects(PHONE, TOLD, DISPATCH)
    assert room.delivery(PHONE, DISPATCH).step == "cleared/1"
    assert "more_wanted" not in room.timers(PHONE)
    room.after(50.0)


def test_a_hangup_that_clears_needs_no_word_when_enough_have_it(room: ControlRoom, call: Dialled) -> None:
    room.connect(call, "2002")
    for by in ("anna", "bert"):
        room.acknowledge(by, PHONE)
    room.forget()
    room.hang_up(call)
    room.expects(PHONE, TOLD)


def test_pressing_again_begins_the_count_anew(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    room.press(PHONE)
    incident = room.incident(PHONE)
    assert (incident.people_wanted, dict(incident.acknowledgers)) == (1, {})
    assert "more_wanted" not in room.timers(PHONE)
    room.forget()
    room.acknowledge("bert", PHONE)
    assert room.story(PHONE)[-1] == "1 of 2 acknowledgements: bert; one more is wanted"
    assert step_of_latest(room) == ("more_wanted/2", "yes")
    room.acknowledge("anna", PHONE)
    assert not room.incident(PHONE).wants_more
    room.forget()


# --- how many ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0.0, 2), (59.9, 2), (60.0, 3), (99.9, 3), (100.0, 1), (139.0, 1), (300.0, 1)],
    ids=str,
)
def test_the_tier_rung_last_says_how_many(room: ControlRoom, seconds: float, wanted: int) -> None:
    room.database.plan = replace(MORE, acknowledgements=(2, 3, 1))
    room.after(seconds)
    room.acknowledge("anna", PHONE)
    assert room.incident(PHONE).people_wanted == wanted
    room.forget()


def test_a_suspended_escalation_has_not_rung_the_second_tier(room: ControlRoom, call: Dialled) -> None:
    room.connect(call, "console-1")
    room.after(30.0)
    room.acknowledge("anna", PHONE)
    assert room.incident(PHONE).people_wanted == 2
    room.forget()


def test_who_has_acknowledged_need_not_be_asked(room: ControlRoom) -> None:
    room.database.plan = replace(MORE, acknowledgements=(3, 3))
    for by in ("anna", "bert"):
        room.acknowledge(by, PHONE)
    room.forget()
    room.after(DISTANCE)
    room.expects(PHONE, DISPATCH, ring_tier="2", acknowledgers="anna\nbert")


def test_three_of_three(room: ControlRoom) -> None:
    room.after(60.0)
    for by in ("anna", "bert", "carl"):
        room.acknowledge(by, PHONE)
    told = [text for text in room.story(PHONE) if "acknowledgements" in text]
    assert told == [
        "1 of 3 acknowledgements: anna; 2 more are wanted",
        "2 of 3 acknowledgements: anna, bert; one more is wanted",
        "3 of 3 acknowledgements: anna, bert, carl; enough: dispatch need not ring any more",
    ]
    assert rung(room) == ["1"]
    room.forget()


@pytest.mark.parametrize(("dialled", "exercise"), [("20", ""), ("9110", "yes")], ids=["routine", "exercise"])
def test_of_a_routine_call_and_of_an_exercise_one_is_enough(
    room: ControlRoom, dialled: str, exercise: str
) -> None:
    room.acknowledge("anna", PHONE)
    room.press("P-05", dialled, exercise=exercise)
    room.acknowledge("anna", "P-05")
    assert not room.incident("P-05").wants_more
    assert rung(room) == ["1"]
    room.forget()


def test_a_site_that_wants_one_stores_and_rings_as_ever(room: ControlRoom) -> None:
    room.database.plan = replace(MORE, acknowledgements=(1, 1))
    room.acknowledge("anna", PHONE)
    room.expects(PHONE, TOLD, DISPATCH)
    assert "more" not in room.delivery(PHONE, DISPATCH).params
    incident = room.incident(PHONE)
    assert (incident.people_wanted, dict(incident.acknowledgers)) == (1, {})
    assert room.story(PHONE)[-1] == "acknowledged by anna (click)"
    room.after(599.0)


def test_a_site_that_rings_nobody_for_more_says_so(room: ControlRoom) -> None:
    rules = tuple(rule for rule in MORE.rules if rule.step != "more_wanted")
    room.database.plan = replace(MORE, rules=rules)
    room.acknowledge("anna", PHONE)
    assert room.story(PHONE)[-1] == "nobody is configured to be told that more are wanted"
    assert "more_wanted" not in room.timers(PHONE)
    room.forget()


def test_a_site_that_wants_fewer_since_a_reload_goes_on_with_what_was_wanted(room: ControlRoom) -> None:
    room.acknowledge("anna", PHONE)
    room.database.plan = replace(MORE, acknowledgements=())
    room.after(DISTANCE)
    assert rung(room) == ["1", "1"]
    room.acknowledge("bert", PHONE)
    assert not room.incident(PHONE).wants_more
    room.forget()
