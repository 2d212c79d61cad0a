"""The world goes on while the bridge is dead: what happened meanwhile is found when it is back."""

from __future__ import annotations

import time

import pytest

from bridge.simulator.vms.faults import Fault, Rule
from tests.app.plant import Call
from tests.app.scene import Scene, settled, steps, texts
from tests.app.story import acknowledge


def begin(scene: Scene) -> Call:
    """Start the bridge and press; return when all actions are done."""
    scene.start()
    call = Call(scene.plant)
    call.press()
    scene.until_incident(settled, "opened and settled")
    return call


def test_a_press_while_it_was_dead_opens_its_incident(scene: Scene) -> None:
    scene.start()
    scene.kill()
    Call(scene.plant).press()
    scene.start()
    story = scene.until_incident(settled, "found")
    assert (story["recovered"], story["location"]) == (True, "TANKFARM-EAST-POST-03")
    assert {state for _, _, state in steps(story, "start_recording", "show")} == {"verified"}


def test_an_answer_while_it_was_dead_is_found(scene: Scene) -> None:
    call = begin(scene)
    scene.kill()
    call.answer()
    scene.start()
    story = scene.until_incident(lambda found: found["connected_at"], "connected")
    assert (story["connected_to"], story["pressed"], len(story["calls"])) == ("desk-1", 1, 1)


def test_a_hangup_while_it_was_dead_ends_an_acknowledged_incident(scene: Scene) -> None:
    call = begin(scene)
    call.answer()
    scene.until_incident(lambda found: found["connected_at"], "connected")
    acknowledge(scene)
    scene.kill()
    call.hang_up()
    scene.start()
    story = scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed")
    assert steps(story, "stop_recording") == [
        ("stop_recording", "TANKFARM-EAST-PTZ-01", "verified"),
        ("stop_recording", "TANKFARM-EAST-FIX-02", "verified"),
    ]
    assert scene.plant.wall.state.popups == {}


def test_a_hangup_while_it_was_dead_does_not_clear_an_unanswered_sos(scene: Scene) -> None:
    call = begin(scene)
    scene.kill()
    call.hang_up()
    scene.start()
    story = scene.until_incident(lambda found: found["calls"][0]["ended_at"], "known to be over")
    scene.until(lambda: "hung up before anybody had it" in "".join(texts(scene.incident())), "looked after")
    assert story["state"] == "open"
    assert steps(story, "stop_recording") == []
    assert scene.plant.zoneminder.state.monitors[1].forced


def test_another_press_while_it_was_dead_counts_as_pressed_again(scene: Scene) -> None:
    first, second = begin(scene), Call(scene.plant)
    scene.kill()
    first.hang_up()
    second.press()
    scene.start()
    story = scene.until_incident(lambda found: found["pressed"] == 2, "pressed again")
    over = {each["key"]: each["ended_at"] is not None for each in story["calls"]}
    assert over == {first.uniqueid: True, second.uniqueid: False}


def test_an_acknowledgement_while_it_was_dead_is_carried_out_afterwards(scene: Scene) -> None:
    begin(scene)
    scene.kill()
    acknowledge(scene)
    told = len(steps(scene.incident(), "update_popup"))
    assert told == 2
    scene.start()
    story = scene.until_incident(settled, "told")
    assert (story["state"], story["acknowledged_by"]) == ("acknowledged", "A. Weber")
    assert steps(story, "update_popup") == [
        ("update_popup", console, "accepted") for console in ("control-1", "shift-office")
    ]


def test_a_press_that_only_the_spool_holds_is_not_lost(scene: Scene) -> None:
    scene.start()
    call = Call(scene.plant)
    with scene.locked_store():
        call.press()
        call.hang_up()  # so that no snapshot of the PBX can tell of it
        scene.until(lambda: scene.metric("sosbridge_spool_events") == 2, "in the spool")
        scene.kill()
    assert scene.incidents() == []
    scene.start()
    story = scene.until_incident(settled, "taken out of the spool")
    assert (story["state"], story["pressed"]) == ("open", 1)
    assert story["calls"][0]["ended_by"] == "caller"
    assert scene.metric("sosbridge_spool_events") == 0


def test_downtime_is_a_blind_interval(scene: Scene) -> None:
    scene.start()
    scene.until(lambda: scene.metric("sosbridge_canary_age_seconds") < 5, "alive")
    assert scene.metric("sosbridge_blind_intervals_total") == 0
    died = time.time()
    scene.kill()
    time.sleep(0.3)
    scene.start()
    scene.until(lambda: all(b.cleared_at for b in scene.store.blind_intervals(0)), "known to be over")
    back = time.time()
    [blind] = scene.store.blind_intervals(0)
    assert (blind.subject, blind.text) == ("node/bridge-1", "the bridge was not running")
    assert blind.opened_at <= died
    assert blind.cleared_at is not None
    assert died < blind.cleared_at <= back
    scene.until(lambda: scene.metric("sosbridge_blind_intervals_total") == 1, "counted")
    scene.until(lambda: scene.metric("sosbridge_blind_intervals_open") == 0, "counted as over")
    assert scene.metric("sosbridge_blind_seconds_total") == pytest.approx(
        blind.cleared_at - blind.opened_at, abs=0.01
    )


def test_what_a_closed_incident_left_on_is_stopped_at_the_next_start(scene: Scene) -> None:
    begin(scene).hang_up()
    refuses = Rule(fault=Fault.STATUS, status=403, path="command:off")
    scene.plant.do(scene.plant.zoneminder.faults.order, refuses)
    scene.sosbridge("incidents", "resolve", scene.incident()["id"], "--by", "A. Weber")
    scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed in vain")
    monitors = scene.plant.zoneminder.state.monitors.values()
    assert any(monitor.forced for monitor in monitors)
    scene.kill()
    scene.plant.do(scene.plant.zoneminder.faults.clear)
    scene.start()
    scene.until(lambda: not any(monitor.forced for monitor in monitors), "stopped")
