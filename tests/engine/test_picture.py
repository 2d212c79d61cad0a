"""Semantics, "Picture confirmed": when dispatch is told that nobody is known to see the place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.engine import UNPROVEN
from bridge.model import Kind, Operation
from bridge.response import Step
from tests.engine.control_room import DISPATCH, SOS_AT_03, TOLD, ControlRoom, Dialled
from tests.engine.site import PLAN, RULES

SHOW = "wall show desk-1"
RECORD = "zm start_recording PTZ-01"
RECORD_FIX = "zm start_recording FIX-02"


def test_without_a_confirmed_picture_dispatch_is_told_after_4_s(room: ControlRoom) -> None:
    call = room.press("P-03")
    room.expects("P-03", *SOS_AT_03)
    room.after(3.9)
    room.expects_nothing_more()
    room.after(0.1)
    room.expects(
        "P-03",
        DISPATCH,
        picture="not confirmed",
        spoken="Tank farm east, post three",
        extension="1003",
        endpoint="1003",
        caller="1003",
        call_key=call.key,
        title="SOS POST-03",
    )


def test_with_a_camera_live_and_its_display_verified_dispatch_is_not_told(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", RECORD, "verified")
    room.settle("P-03", SHOW, "verified")
    room.forget()
    room.after(19.9)


def test_a_camera_that_looks_at_another_sos_confirms_nothing(room: ControlRoom) -> None:
    """Post 04 gets the screens' picture of PTZ-01, which post 03 holds: dispatch hears of it at once."""
    only_ptz = {tag: replace(place, views=place.views[:1]) for tag, place in PLAN.locations.items()}
    room.database.plan = replace(PLAN, locations=only_ptz)
    room.press("P-03")
    room.settle_all()
    room.forget()
    room.press("P-04")
    assert room.delivery("P-04", DISPATCH).params["picture"] == "not confirmed"
    room.forget()


@pytest.mark.parametrize("state", ["failed", "uncertain", "expired"])
def test_a_camera_that_could_not_be_turned_confirms_nothing(room: ControlRoom, state: str) -> None:
    room.press("P-03")
    room.settle("P-03", "wall recall_preset PTZ-01", state)
    room.settle("P-03", RECORD, "verified")
    room.settle("P-03", SHOW, "verified")
    room.forget()
    room.after(4.0)
    room.expects("P-03", DISPATCH, picture="not confirmed")


@pytest.mark.parametrize(
    ("recording", "display"),
    [
        ("verified", "accepted"),
        ("accepted", "verified"),
        ("verified", None),
        (None, "verified"),
        ("verified", "retry"),
        ("uncertain", "uncertain"),
    ],
)
def test_less_than_that_confirms_nothing(
    room: ControlRoom, recording: str | None, display: str | None
) -> None:
    room.press("P-03")
    for line, state in ((RECORD, recording), (RECORD_FIX, recording), (SHOW, display)):
        if state:
            room.settle("P-03", line, state)
    room.after(4.0)
    assert room.delivery("P-03", DISPATCH).params["picture"] == "not confirmed"
    room.forget()


# --- a display that cannot be asked what it shows ---------------------------------------------------

UNREAD = replace(PLAN, unread=frozenset({"wall"}))


def proof(room: ControlRoom, kind: Kind) -> None:
    room.event(kind, source="bridge", attributes={"subject": "driver/wall", "what": UNPROVEN})


def sos_that_is_shown(room: ControlRoom, *, live: bool = True) -> Dialled:
    """An SOS with a camera that is live, as long as it takes to tell dispatch otherwise."""
    call = room.press("P-03")
    room.settle("P-03", RECORD, "verified" if live else "accepted")
    room.settle("P-03", SHOW, "accepted")
    room.expects("P-03", *SOS_AT_03)
    room.after(4.0)
    return call


def over(room: ControlRoom, call: Dialled) -> None:
    room.settle_all("verified")
    room.hang_up(call)
    room.resolve("anna", "P-03")
    room.after(100.0)
    room.settle_all("verified")
    room.forget()


def test_what_it_accepts_counts_from_one_proof_until_the_next_is_due(room: ControlRoom) -> None:
    room.database.plan = UNREAD
    proof(room, Kind.FAULT)
    call = sos_that_is_shown(room)
    room.expects("P-03", DISPATCH, picture="not confirmed")
    over(room, call)
    proof(room, Kind.FAULT_CLEARED)
    call = sos_that_is_shown(room)
    room.after(15.9)
    room.expects_nothing_more()
    over(room, call)
    room.after(26 * 3600.0)
    proof(room, Kind.FAULT)
    sos_that_is_shown(room)
    room.expects("P-03", DISPATCH, picture="not confirmed")


def test_a_proof_of_the_display_makes_no_camera_live(room: ControlRoom) -> None:
    room.database.plan = UNREAD
    sos_that_is_shown(room, live=False)
    room.expects("P-03", DISPATCH, picture="not confirmed")


def test_a_display_that_can_be_asked_is_not_believed_without_an_answer(room: ControlRoom) -> None:
    """It has no fault `proof`, for it needs none: that is no proof."""
    room.database.plan = replace(PLAN, unread=frozenset({"zm"}))
    sos_that_is_shown(room)
    room.expects("P-03", DISPATCH, picture="not confirmed")


@pytest.mark.parametrize("state", ["uncertain", "retry"])
def test_a_proven_display_still_has_to_say_yes(room: ControlRoom, state: str) -> None:
    room.database.plan = UNREAD
    room.press("P-03")
    room.settle("P-03", RECORD, "verified")
    room.settle("P-03", SHOW, state)
    room.expects("P-03", *SOS_AT_03, *([DISPATCH] if state == "uncertain" else []))
    room.after(4.0)
    assert room.delivery("P-03", DISPATCH).params["picture"] == "not confirmed"
    room.forget()


def test_a_proven_display_is_waited_for_and_counts_as_soon_as_it_says_yes(room: ControlRoom) -> None:
    room.database.plan = UNREAD
    room.press("P-03")
    room.settle("P-03", RECORD, "verified")
    room.after(3.9)
    room.settle("P-03", SHOW, "accepted")
    room.expects("P-03", *SOS_AT_03)
    room.after(16.0)


# --- what proves a camera ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation", [Operation.START_RECORDING, Operation.EVENT_START, Operation.PROVE_LIVE]
)
def test_a_camera_is_proven_live_by_what_is_read_back_of_it(room: ControlRoom, operation: Operation) -> None:
    rules = tuple(
        replace(rule, operation=operation) if rule.operation is Operation.START_RECORDING else rule
        for rule in RULES
    )
    room.database.plan = replace(PLAN, rules=rules)
    room.press("P-03")
    room.settle("P-03", f"zm {operation} PTZ-01", "verified")
    room.settle("P-03", SHOW, "verified")
    room.forget()
    room.after(19.9)


def test_a_display_of_another_camera_than_the_live_one_confirms_nothing(room: ControlRoom) -> None:
    rules = tuple(
        replace(rule, max_views=1) if (rule.step, rule.operation) == (Step.SOS, Operation.SHOW) else rule
        for rule in RULES
    )
    room.database.plan = replace(PLAN, rules=rules)
    room.press("P-03")
    room.settle("P-03", RECORD_FIX, "verified")
    room.settle("P-03", SHOW, "verified")
    room.after(4.0)
    assert room.delivery("P-03", DISPATCH).params["picture"] == "not confirmed"
    room.forget()


@pytest.mark.parametrize("driver", ["wall", "zm"])
def test_dispatch_is_told_at_once_if_the_breaker_is_open(room: ControlRoom, driver: str) -> None:
    room.link(driver, up=False)
    room.press("P-03")
    room.expects("P-03", *SOS_AT_03, DISPATCH, picture="not confirmed")
    room.after(19.9)


def test_dispatch_is_told_at_once_if_the_breaker_opens_meanwhile(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(1.0)
    room.link("wall", up=False)
    room.settle("P-03", SHOW, "retry")
    room.expects("P-03", *SOS_AT_03, DISPATCH, picture="not confirmed")
    room.after(18.9)


def test_a_breaker_that_closed_again_is_waited_for(room: ControlRoom) -> None:
    room.link("wall", up=False)
    room.link("wall", up=True)
    room.press("P-03")
    room.expects("P-03", *SOS_AT_03)


def test_dispatch_is_told_at_once_if_the_location_is_unknown(room: ControlRoom) -> None:
    room.press("1999")
    room.expects("unknown/1999", "wall popup desk-1", DISPATCH, picture="none", spoken="location unknown")


def test_dispatch_is_told_at_once_if_the_location_has_no_camera(room: ControlRoom) -> None:
    post = replace(PLAN.locations["POST-03"], views=())
    room.database.plan = replace(PLAN, locations={"POST-03": post})
    room.press("P-03")
    room.expects("P-03", "wall popup desk-1", DISPATCH, picture="none")


def test_dispatch_is_told_at_once_when_every_display_refused(room: ControlRoom) -> None:
    room.press("P-03")
    room.after(0.5)
    room.settle("P-03", SHOW, "failed")
    room.expects("P-03", *SOS_AT_03, DISPATCH, picture="none")
    room.after(10.0)


def test_dispatch_is_told_at_once_when_no_camera_can_be_proven_live(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", RECORD, "failed", missing="unknown")
    room.expects("P-03", *SOS_AT_03, TOLD, missing="PTZ-01")
    room.settle("P-03", RECORD_FIX, "failed", missing="unknown")
    room.expects("P-03", TOLD, DISPATCH, picture="not confirmed")


def test_no_video_available_is_said_only_when_that_is_known(room: ControlRoom) -> None:
    """A display that did not answer may show the picture all the same."""
    room.press("P-03")
    room.settle("P-03", SHOW, "uncertain")
    room.expects("P-03", *SOS_AT_03, DISPATCH, picture="not confirmed")


def test_the_caller_of_an_unknown_phone_is_told_to_dispatch(room: ControlRoom) -> None:
    room.says(Kind.CALL_DIALING, room.call("trunk", caller="0401"))
    room.expects("unknown/trunk", "wall popup desk-1", DISPATCH, caller="0401", endpoint="trunk")


def test_after_a_press_again_dispatch_is_not_called_twice_for_it(room: ControlRoom) -> None:
    """The call "pressed again" says already what there is of a picture."""
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.forget()
    room.press("P-03")
    room.expects("P-03", "wall popup desk-1", DISPATCH, picture="not confirmed")
    room.after(19.9)


def test_a_call_that_failed_does_not_count_as_told(room: ControlRoom) -> None:
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.press("P-03")
    room.settle("P-03", DISPATCH, "failed")
    room.forget()
    room.after(4.0)
    room.expects("P-03", DISPATCH)


def test_a_reminder_of_an_earlier_press_does_not_count_as_told(room: ControlRoom) -> None:
    """Its number is not the number of the press."""
    rules = tuple(rule for rule in RULES if rule.step is not Step.PRESSED_AGAIN)
    room.database.plan = replace(PLAN, rules=rules)
    room.press("P-03")
    room.acknowledge("anna", "P-03")
    room.after(1200.0)
    for row in room.database.rows.deliveries.values():
        if row.operation is Operation.NOTIFY and not row.state.settled:
            room.settle_delivery(row, "accepted")
    room.press("P-03")
    room.forget()
    room.after(4.0)
    room.expects("P-03", DISPATCH)


def test_a_routine_call_never_calls_dispatch(room: ControlRoom) -> None:
    room.link("wall", up=False)
    call = room.press("P-03", "20")
    room.settle_all("failed")
    room.after(100.0)
    room.hang_up(call)
    assert not [row for row in room.database.asked if row.operation is Operation.NOTIFY]
    room.forget()
