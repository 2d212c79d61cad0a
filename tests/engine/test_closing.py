"""The post-roll is over: what is said of it, what is extended, and which cameras go home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.model import Delivery, Operation
from bridge.response import Rule, Step
from tests.engine.control_room import ControlRoom
from tests.engine.site import FULL, PLAN, RULES

PTZ = "ptz/PTZ-01"
RECALL = "wall recall_preset PTZ-01"
HOME = "wall home PTZ-01"
HOUR = 3600.0


@pytest.fixture
def room() -> Iterator[ControlRoom]:
    with ControlRoom(FULL) as opened:
        yield opened
        opened.forget()


def end(room: ControlRoom, phone: str) -> None:
    """Resolved, hung up, post-roll over."""
    room.resolve("anna", phone)
    hang_up_all(room, phone)
    room.after(60.0)


def hang_up_all(room: ControlRoom, phone: str) -> None:
    for call in list(room.database.rows.calls.values()):
        if call.phone == phone and call.live:
            room.hang_up(room.call(phone, call.dialled, key=call.key))


def asked(room: ControlRoom, operation: Operation) -> list[Delivery]:
    rows = room.database.rows.deliveries
    return [rows[row.id] for row in room.database.asked if row.operation is operation]


def homes(room: ControlRoom) -> list[str]:
    return [row.params["camera"] for row in asked(room, Operation.HOME)]


# --- words ------------------------------------------------------------------------------------------


def test_an_update_names_the_popup_that_it_changes(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", "wall popup desk-1", "accepted", reference="alarm:17")
    room.acknowledge("bert", "P-03")
    updates = {row.target: row for row in asked(room, Operation.UPDATE_POPUP)}
    assert updates["desk-1"].params["reference"] == "alarm:17"


def test_what_is_taken_back_says_who_ended_it_and_why(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.acknowledge("bert", "P-03")
    end(room, "P-03")
    for row in asked(room, Operation.CLOSE_POPUP) + asked(room, Operation.STOP_RECORDING):
        words = row.params
        assert (words["acknowledged_by"], words["closed_by"]) == ("bert", "anna")
        assert words["close_reason"] == "resolved by anna"
    assert {row.params["camera"] for row in asked(room, Operation.STOP_RECORDING)} == {"PTZ-01", "FIX-02"}
    popup = room.delivery("P-03", "wall popup desk-1")
    assert (popup.params["closed_by"], popup.params["acknowledged_by"]) == ("", ""), "the words of then"


def test_what_is_stopped_at_the_cap_has_the_words_of_then(room: ControlRoom) -> None:
    room.press("P-03")
    room.acknowledge("bert", "P-03")
    room.after(4 * HOUR)
    [stop, *_] = asked(room, Operation.STOP_RECORDING)
    assert (stop.params["acknowledged_by"], stop.params["closed_by"]) == ("bert", "")


# --- bookmarks --------------------------------------------------------------------------------------


def test_a_bookmark_is_extended_when_it_is_over(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", "zm bookmark PTZ-01", "verified", reference="mark:17")
    end(room, "P-03")
    [extended] = asked(room, Operation.EXTEND_BOOKMARK)
    assert (extended.params["camera"], extended.params["reference"]) == ("PTZ-01", "mark:17")
    assert extended.deadline - extended.created_at == 4 * HOUR


def test_of_several_bookmarks_the_latest_is_extended(room: ControlRoom) -> None:
    again = Rule(step=Step.PRESSED_AGAIN, operation=Operation.BOOKMARK, driver="zm", max_views=1)
    room.database.plan = replace(FULL, rules=(*FULL.rules, again))
    room.press("P-03")
    room.settle("P-03", "zm bookmark PTZ-01", "verified", reference="mark:17")
    room.press("P-03")
    room.settle("P-03", "zm bookmark PTZ-01", "verified", reference="mark:18")
    end(room, "P-03")
    assert [row.params["reference"] for row in asked(room, Operation.EXTEND_BOOKMARK)] == ["mark:18"]


@pytest.mark.parametrize("state", ["failed", "expired", "uncertain", None])
def test_without_a_bookmark_nothing_is_extended(room: ControlRoom, state: str | None) -> None:
    room.press("P-03")
    if state:
        room.settle_all(state)
    end(room, "P-03")
    assert asked(room, Operation.EXTEND_BOOKMARK) == []


@pytest.mark.parametrize("operation", [Operation.BOOKMARK, Operation.LOCK_EVIDENCE])
def test_what_keeps_the_past_is_still_done_afterwards(room: ControlRoom, operation: Operation) -> None:
    lock = Rule(step=Step.SOS, operation=Operation.LOCK_EVIDENCE, driver="zm", max_views=1)
    room.database.plan = replace(FULL, rules=(*FULL.rules, lock))
    room.press("P-03")
    end(room, "P-03")
    assert room.delivery("P-03", f"zm {operation} PTZ-01").state == "pending"


def test_nothing_is_begun_when_it_is_over(room: ControlRoom) -> None:
    """Nobody would be left to take it back."""
    shows = [Rule(step=Step.CLOSED, operation=op, driver="wall") for op in (Operation.SHOW, Operation.POPUP)]
    news = Rule(step=Step.CLOSED, operation=Operation.UPDATE_POPUP, driver="wall")
    room.database.plan = replace(PLAN, rules=(*RULES, *shows, news))
    room.press("P-03", "20")
    hang_up_all(room, "P-03")
    room.forget()
    room.after(30.0)
    room.expects(
        "P-03",
        *("zm stop_recording PTZ-01", "wall hide desk-1", "wall close_popup desk-1"),
        "wall update_popup desk-1",
        closed_by="caller",
    )


# --- home -------------------------------------------------------------------------------------------


def test_a_camera_goes_home_when_it_is_over(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle("P-03", RECALL, "verified", reference="at:12,40,3")
    end(room, "P-03")
    [home] = asked(room, Operation.HOME)
    assert (home.target, home.params["camera"], home.params["preset"]) == ("wall-PTZ-01", "PTZ-01", "7")
    assert home.params["reference"] == "at:12,40,3", "so that the driver can ask whether it was moved since"
    assert (home.params["closed_by"], home.deadline - home.created_at) == ("anna", 4 * HOUR)
    assert room.database.rows.holds == {}


def test_the_wider_cameras_of_an_sos_go_home_too(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    assert homes(room) == ["PTZ-01", "MAST"]


@pytest.mark.parametrize("state", ["failed", "expired", "uncertain", "superseded", None])
def test_a_camera_that_the_incident_did_not_move_is_not_sent_home(
    room: ControlRoom, state: str | None
) -> None:
    room.press("P-03")
    if state:
        room.settle("P-03", RECALL, state)
    end(room, "P-03")
    assert homes(room) == []


def test_a_camera_that_another_driver_moved_is_not_sent_home_by_this_one(room: ControlRoom) -> None:
    rules = tuple(
        replace(rule, driver="zm") if rule.operation is Operation.HOME else rule for rule in FULL.rules
    )
    room.database.plan = replace(FULL, rules=rules)
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    assert homes(room) == []


def test_a_camera_is_not_sent_home_while_another_incident_has_it(room: ControlRoom) -> None:
    """The second SOS waits for it and gets it when the first is cleared."""
    room.press("P-03")
    room.settle_all()
    room.press("P-04")
    end(room, "P-03")
    assert (homes(room), room.holder(PTZ)) == (["MAST"], ["P-04"])
    room.settle_all()
    end(room, "P-04")
    assert homes(room) == ["MAST", "PTZ-01"]
    assert room.delivery("P-04", HOME).params["preset"] == "8"


def test_a_camera_is_not_sent_home_while_another_incident_looks_through_it(room: ControlRoom) -> None:
    """A post without a preset for it records it all the same."""
    post = replace(FULL.locations["POST-04"], views=(replace(FULL.locations["POST-04"].views[0], preset=""),))
    room.database.plan = replace(FULL, locations={**FULL.locations, "POST-04": post})
    room.press("P-03")
    room.settle_all()
    room.press("P-04")
    end(room, "P-03")
    assert homes(room) == ["MAST"]


def test_a_camera_that_goes_home_stays_when_somebody_needs_it(room: ControlRoom) -> None:
    """The video system is away; by the time the camera could go home, it looks at the next incident."""
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    room.settle("P-03", HOME, "retry")
    room.press("P-04")
    assert room.delivery("P-03", HOME).state == "superseded"
    assert "not sent home" in room.delivery("P-03", HOME).proof
    assert room.delivery("P-03", "wall home MAST").state == "pending"


def test_a_camera_that_goes_home_stays_when_somebody_looks_through_it(room: ControlRoom) -> None:
    post = replace(FULL.locations["POST-04"], views=(replace(FULL.locations["POST-04"].views[0], preset=""),))
    room.database.plan = replace(FULL, locations={**FULL.locations, "POST-04": post})
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    room.press("P-04")
    assert room.delivery("P-03", HOME).state == "superseded"


def test_an_incident_that_is_opened_again_in_its_post_roll_sends_nothing_home(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.resolve("anna", "P-03")
    room.after(30.0)
    room.press("P-03")
    room.after(120.0)
    assert (homes(room), room.holder(PTZ)) == ([], ["P-03"])


def test_the_stop_at_the_cap_sends_nothing_home(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    room.after(4 * HOUR)
    assert homes(room) == []
    assert room.holder(PTZ) == ["P-03"]


def test_an_sos_does_not_send_home_what_it_took_while_the_losers_call_lives(room: ControlRoom) -> None:
    room.press("P-03", "20")
    room.settle("P-03", RECALL, "verified", reference="first")
    room.press("P-04")
    room.settle("P-04", RECALL, "verified", reference="theirs")
    end(room, "P-04")
    assert (homes(room), room.holder(PTZ)) == ([], ["P-03"])
    room.settle("P-03", RECALL, "verified", reference="again")
    assert room.delivery("P-03", RECALL).params["preset"] == "7", "it looks at its own place again"
    hang_up_all(room, "P-03")
    room.after(30.0)
    [home] = asked(room, Operation.HOME)
    assert (home.incident, home.params["reference"]) == (room.incident("P-03").id, "again")


def test_an_sos_sends_home_what_it_took_when_the_losers_call_is_over(room: ControlRoom) -> None:
    routine = room.press("P-03", "20")
    room.settle_all()
    room.press("P-04")
    room.settle_all()
    room.hang_up(routine)
    room.after(30.0)
    assert homes(room) == []
    end(room, "P-04")
    assert [row.incident for row in asked(room, Operation.HOME)] == [room.incident("P-04").id]


def test_two_that_end_together_send_the_camera_home_once(room: ControlRoom) -> None:
    room.press("P-03")
    room.press("P-04")
    room.settle_all()
    room.resolve("anna", "P-04")
    room.resolve("anna", "P-03")
    for phone in ("P-03", "P-04"):
        hang_up_all(room, phone)
    room.after(60.0)
    assert homes(room).count("PTZ-01") == 1


# --- home at another step, where a site wants it so ---------------------------------------------------


def at_once() -> tuple[Rule, ...]:
    return tuple(
        replace(rule, step=Step.CLEARED) if rule.operation is Operation.HOME else rule for rule in FULL.rules
    )


def test_a_camera_that_was_sent_home_looks_again_when_the_phone_is_pressed_again(room: ControlRoom) -> None:
    room.database.plan = replace(FULL, rules=at_once())
    room.press("P-03")
    room.settle_all()
    room.resolve("anna", "P-03")
    room.settle_all()
    assert homes(room) == ["PTZ-01", "MAST"]
    room.forget()
    room.press("P-03")
    room.expects("P-03", RECALL, "wall recall_preset MAST", "wall popup desk-1", "dispatch notify east")


def test_a_camera_on_its_way_home_stays_when_the_phone_is_pressed_again(room: ControlRoom) -> None:
    room.database.plan = replace(FULL, rules=at_once())
    room.press("P-03")
    room.settle_all()
    room.resolve("anna", "P-03")
    room.settle("P-03", HOME, "retry")
    room.press("P-03")
    assert room.delivery("P-03", HOME).state == "superseded"


def test_a_camera_that_an_operator_has_moved_is_left_alone_and_that_is_no_fault(room: ControlRoom) -> None:
    room.press("P-03")
    room.settle_all()
    end(room, "P-03")
    room.settle("P-03", HOME, "superseded", proof="an operator has moved it since")
    home = room.delivery("P-03", HOME)
    assert (home.state, home.proof) == ("superseded", "an operator has moved it since")
    assert room.story("P-03")[-1].endswith("superseded after 0 ms: an operator has moved it since")
    assert room.database.rows.faults == {}
