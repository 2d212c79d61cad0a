"""Where the first driver cannot ring dispatch, the fallback does: once a step, and the story says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.model import Kind
from tests.engine.control_room import DISPATCH, ControlRoom
from tests.engine.site import PLAN, WATCH, WITH_FALLBACK

FALLBACK = "trunk notify east"


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    """The plant with a fallback."""
    with ControlRoom(WITH_FALLBACK) as opened:
        yield opened


def until_dispatch(room: ControlRoom) -> None:
    """An SOS of post 03 whose picture does not come in time."""
    room.press("P-03")
    room.forget()
    room.after(4.0)


def watch_is_lost(room: ControlRoom) -> None:
    attributes = {"subject": WATCH, "what": "blind", "text": "connection refused"}
    room.event(Kind.LINK_LOST, source="bridge", attributes=attributes)


def told(room: ControlRoom) -> list[str]:
    return [text for text in room.story("P-03") if "trunk" in text and "trunk notify" not in text]


def test_a_link_known_to_be_down_is_not_waited_for(room: ControlRoom) -> None:
    room.link("dispatch", up=False)
    until_dispatch(room)
    room.expects("P-03", DISPATCH, FALLBACK, picture="not confirmed")
    assert told(room) == ["dispatch does not ring east (its link is down: no answer): trunk does"]
    assert room.delivery("P-03", FALLBACK).step == room.delivery("P-03", DISPATCH).step == "no_picture/1"
    assert "fallback" not in room.timers("P-03")


def test_a_pbx_that_is_away_rings_no_tiers_so_all_are_rung_on_and_on(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    watch_is_lost(room)
    room.forget()
    room.after(22.0)
    assert room.delivery("P-03", FALLBACK).step == "unanswered/1"
    assert "no dialplan rings dispatch (ami/pbx1: connection refused): dispatch is told" in room.story("P-03")
    room.forget()


@pytest.mark.parametrize("state", ["failed", "expired", "uncertain"])
def test_a_call_that_came_to_nothing_is_the_fallbacks_at_once(room: ControlRoom, state: str) -> None:
    until_dispatch(room)
    room.expects("P-03", DISPATCH)
    room.settle("P-03", DISPATCH, state)
    room.expects("P-03", FALLBACK)
    assert told(room) == [f"dispatch does not ring east ({state}: said the driver): trunk does"]


@pytest.mark.parametrize("state", ["verified", "accepted"])
def test_a_call_that_is_known_to_be_started_is_not_asked_for_twice(room: ControlRoom, state: str) -> None:
    until_dispatch(room)
    room.settle("P-03", DISPATCH, state)
    room.expects("P-03", DISPATCH)
    room.link("dispatch", up=False)
    watch_is_lost(room)
    assert "fallback" not in room.timers("P-03")
    room.after(10.0)


def test_a_call_in_doubt_may_be_made_twice_and_that_is_told(room: ControlRoom) -> None:
    until_dispatch(room)
    room.settle("P-03", DISPATCH, "uncertain", doubtful="yes")
    room.expects("P-03", DISPATCH, FALLBACK)
    [text] = told(room)
    assert text.endswith("trunk does, perhaps a second time")


def test_what_is_still_tried_again_after_2_s_is_the_fallbacks(room: ControlRoom) -> None:
    until_dispatch(room)
    room.after(0.5)
    room.settle("P-03", DISPATCH, "retry", proof="connection refused")
    room.expects("P-03", DISPATCH)
    room.after(1.4)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects("P-03", FALLBACK)
    assert told(room) == ["dispatch does not ring east (connection refused): trunk does"]


def test_an_attempt_that_hangs_is_the_fallbacks_where_the_pbx_is_known_to_be_away(room: ControlRoom) -> None:
    watch_is_lost(room)
    until_dispatch(room)
    room.after(1.9)
    room.expects("P-03", DISPATCH)
    room.after(0.1)
    room.expects("P-03", FALLBACK)
    assert told(room) == ["dispatch does not ring east (ami/pbx1: connection refused): trunk does"]


def test_an_attempt_that_hangs_is_the_fallbacks_as_soon_as_it_ends(room: ControlRoom) -> None:
    until_dispatch(room)
    room.after(3.0)
    room.expects("P-03", DISPATCH)
    room.settle("P-03", DISPATCH, "retry", doubtful="yes")
    room.expects("P-03", FALLBACK)
    [text] = told(room)
    assert text.endswith("trunk does, perhaps a second time")


def test_each_step_is_asked_once_however_often_the_first_fails(room: ControlRoom) -> None:
    until_dispatch(room)
    for number in range(4):
        room.after(1.0)
        room.settle("P-03", DISPATCH, "retry", proof=f"refused {number}")
    room.expects("P-03", DISPATCH, FALLBACK)
    room.settle("P-03", DISPATCH, "expired")
    room.expects_nothing_more()
    assert len(told(room)) == 1


def test_every_step_that_rings_has_it(room: ControlRoom) -> None:
    room.link("dispatch", up=False)
    call = room.press("P-03")
    room.settle_all()
    room.forget()
    room.hang_up(call)
    room.after(7.0)
    room.expects("P-03", DISPATCH, FALLBACK)
    room.settle("P-03", FALLBACK, "accepted")
    room.press("P-03")
    room.settle("P-03", "trunk notify east", "accepted")
    steps = [row.step for row in room.database.asked if row.driver == "trunk"]
    assert steps == ["unanswered/1", "pressed_again/2"]
    room.forget()


def test_nobody_is_called_twice_for_one_press(room: ControlRoom) -> None:
    """The fallback rings for the press already, so that a missing picture asks for nothing more."""
    room.link("dispatch", up=False)
    room.press("P-03")
    room.press("P-03")
    room.settle("P-03", DISPATCH, "failed")
    room.settle("P-03", FALLBACK, "accepted")
    room.forget()
    room.after(4.0)
    assert [row.step for row in room.database.asked if row.driver == "trunk"] == ["pressed_again/2"]


def test_the_first_goes_on_trying_until_somebody_has_it(room: ControlRoom) -> None:
    """Whom the fallback rings may not be there; that both rang is told."""
    room.link("dispatch", up=False)
    until_dispatch(room)
    room.settle("P-03", FALLBACK, "accepted")
    assert room.delivery("P-03", DISPATCH).state == "pending"
    room.settle("P-03", DISPATCH, "verified")
    assert "dispatch rings east after all, beside trunk: some may be called twice" in room.story("P-03")
    room.forget()


def test_a_fallback_that_has_not_begun_is_called_off_when_the_first_rings(room: ControlRoom) -> None:
    room.link("dispatch", up=False)
    until_dispatch(room)
    room.settle("P-03", DISPATCH, "verified")
    second = room.delivery("P-03", FALLBACK)
    assert (second.state, second.proof) == ("superseded", "dispatch rings after all")
    room.forget()


def test_an_acknowledgement_ends_it_at_both(room: ControlRoom) -> None:
    room.link("dispatch", up=False)
    until_dispatch(room)
    room.settle("P-03", FALLBACK, "accepted")
    room.forget()
    room.acknowledge("anna", "P-03")
    room.expects("P-03", "wall update_popup desk-1", DISPATCH, FALLBACK)
    assert room.delivery("P-03", FALLBACK).params["acknowledged_by"] == "anna"
    room.resolve("anna", "P-03")
    room.expects("P-03", "wall update_popup desk-1", DISPATCH, FALLBACK)
    assert room.delivery("P-03", FALLBACK).step == "cleared/1"


def test_a_word_that_is_tried_again_does_not_silence_the_next_alert(room: ControlRoom) -> None:
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.forget()
    word = room.delivery("P-03", DISPATCH)
    room.link("dispatch", up=False)
    room.after(600.0)
    room.expects("P-03", DISPATCH, FALLBACK)
    room.settle_delivery(word, "retry")
    room.expects_nothing_more()


def test_a_fallback_that_never_rang_need_not_fall_silent(room: ControlRoom) -> None:
    until_dispatch(room)
    room.settle("P-03", DISPATCH, "verified")
    room.forget()
    room.link("dispatch", up=False)
    room.acknowledge("anna", "P-03")
    room.expects("P-03", "wall update_popup desk-1", DISPATCH)
    room.settle("P-03", DISPATCH, "failed")


def test_an_acknowledgement_ends_the_wait(room: ControlRoom) -> None:
    until_dispatch(room)
    room.forget()
    assert room.timers("P-03")["fallback"] == 2.0
    room.acknowledge("anna", "P-03")
    room.forget()
    assert "fallback" not in room.timers("P-03")
    watch_is_lost(room)
    room.after(10.0)


def test_a_later_call_has_its_own_2_s(room: ControlRoom) -> None:
    watch_is_lost(room)
    until_dispatch(room)
    room.after(1.0)
    room.press("P-03")
    room.forget()
    room.after(1.0)
    assert [row.step for row in room.database.asked if row.driver == "trunk"] == ["no_picture/1"]
    room.after(1.0)
    steps = [row.step for row in room.database.asked if row.driver == "trunk"]
    assert steps == ["no_picture/1", "pressed_again/2"]
    room.forget()


def test_a_real_sos_ends_an_exercise_at_the_fallback_too(room: ControlRoom) -> None:
    room.link("dispatch", up=False)
    room.press("P-04", exercise="yes")
    room.after(4.0)
    room.forget()
    until_dispatch(room)
    assert room.holder("dispatch/trunk/east") == ["P-03"]
    room.forget()


def test_a_site_without_a_fallback_asks_nobody_else() -> None:
    with ControlRoom(PLAN) as room:
        room.link("dispatch", up=False)
        until_dispatch(room)
        room.settle("P-03", DISPATCH, "failed")
        room.expects("P-03", DISPATCH)
        assert "fallback" not in room.timers("P-03")
