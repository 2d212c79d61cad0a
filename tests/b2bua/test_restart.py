"""What outlives the process, and how many calls it bears."""

from __future__ import annotations

import json
import sys
from types import FrameType

import pytest

from bridge.b2bua import Exchange, Settings, Site
from bridge.b2bua.inputs import Due, Ended, Offered, TimerId
from bridge.b2bua.state import REMEMBERED
from bridge.calls import CallTracker
from bridge.errors import ProtocolError
from bridge.model import Phone
from tests.b2bua.invariants import check, check_rest
from tests.b2bua.plant import Plant
from tests.b2bua.site import NO_CONSOLES, SITE


def restarted(plant: Plant, *, after: float = 0.0, lost: tuple[str, ...] = ()) -> Plant:
    kept = json.loads(json.dumps(plant.exchange.snapshot()))
    plant.now += after
    for leg in lost:
        del plant.devices[leg]
    for device in plant.devices.values():
        device.with_, device.heard = "", ()
    plant.timers = {}
    plant.exchange, done = Exchange.restore(
        plant.site, plant.settings, "run2", kept, now=plant.now, alive=list(plant.devices)
    )
    plant.apply(done)
    check(plant)
    return plant


def test_a_talk_goes_on() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.answer("desk-1")
    plant.wait(10)
    restarted(plant)
    assert plant.talk(leg, "desk-1")
    plant.hang_up(leg)
    check_rest(plant)


def test_a_snapshot_made_again_is_the_same() -> None:
    plant = Plant()
    plant.hang_up(plant.call("help-03"))
    plant.notify()
    plant.wait(1)
    plant.answer("anna")
    plant.hears_all("anna")
    kept = plant.exchange.snapshot()
    restarted(plant)
    assert plant.exchange.snapshot() == kept


def test_an_announcement_that_was_broken_off_begins_anew() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.wait(20)
    plant.answer("anna")
    said = plant.hears("anna")
    restarted(plant)
    assert plant.hears("anna") == said
    assert plant.hears(leg) == ("ringback", "waiting")
    plant.press("anna")
    assert plant.talk(leg, "anna")


def test_a_dispatcher_to_whom_all_was_said_may_still_press_1() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.wait(20)
    plant.answer("anna")
    plant.hears_all("anna")
    restarted(plant)
    assert plant.hears("anna") == ()
    plant.press("anna")
    assert plant.talk(leg, "anna")


def test_an_announcement_broken_off_by_restarts_is_still_said_as_often_as_ever() -> None:
    plant = Plant()
    plant.call("help-03")
    plant.wait(20)
    plant.answer("anna")
    for _ in range(5):
        restarted(plant)
    for _ in range(plant.settings.repeats):
        assert plant.hears("anna")
        plant.hears_all("anna")
        plant.wait(plant.settings.key_wait)
    assert "anna" not in [device.endpoint for device in plant.devices.values()]


def test_a_dispatcher_hears_again_that_the_phone_rings() -> None:
    plant = Plant()
    plant.hang_up(plant.call("help-03"))
    plant.wait(5)
    plant.takes("anna")
    assert plant.hears("anna") == ("ringback",)
    restarted(plant)
    assert plant.hears("anna") == ("ringback",)
    plant.answer("help-03")
    assert plant.talk(plant.at("anna"), "help-03")


def test_who_was_being_told_that_somebody_has_it_is_let_go() -> None:
    plant = Plant()
    plant.call("help-03")
    plant.wait(20)
    plant.answer("anna")
    plant.takes("bert")
    assert plant.hears("anna")
    restarted(plant)
    assert "anna" not in [device.endpoint for device in plant.devices.values()]


def test_a_caller_who_was_lost_before_a_person_had_the_call_is_hunted_for() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    restarted(plant, lost=(leg, plant.at("desk-1"), plant.at("desk-2")), after=2)
    assert plant.rung() == []
    plant.wait(5)
    assert plant.rung() == ["anna", "bert"]


def test_a_timer_that_ran_out_meanwhile_fires_at_once() -> None:
    plant = Plant()
    plant.hang_up(plant.call("help-03"))
    restarted(plant, after=60)
    plant.wait(0)
    assert plant.rung() == ["anna", "bert"]


def test_a_person_who_was_lost_leaves_a_caller_for_whom_dispatch_rings() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.answer("desk-1")
    restarted(plant, lost=(plant.at("desk-1"),))
    assert plant.hears(leg) == ("ringback", "waiting")
    assert plant.rung() == ["anna", "bert", "carl"]


def test_a_leg_that_nobody_knows_is_hung_up() -> None:
    plant = Plant()
    kept = plant.exchange.snapshot()
    leg = plant.call("help-03")
    for device in plant.ringing():
        del plant.devices[device.leg]
    _, done = Exchange.restore(SITE, plant.settings, "run2", kept, now=plant.now, alive=[leg])
    assert [type(effect).__name__ for effect in done] == ["HangUp"]


def test_a_new_tracker_learns_what_lives() -> None:
    plant = Plant()
    plant.call("help-03", caller="103")
    plant.answer("desk-1")
    tracker = CallTracker("sip/here", via="sip")
    events = tracker.reconcile(plant.exchange.live_channels(), plant.now)
    mine = [event for event in events if event.key == "call-1@phone;tag"]
    assert [event.kind for event in mine] == ["call_dialing", "call_answered", "call_connected"]
    assert (mine[0].endpoint, mine[0].dialled, mine[0].caller) == ("help-03", "9110", "103")


@pytest.mark.parametrize(
    "kept", [{}, {"version": 2}, {"version": 1, "legs": [{}]}, {"version": 1, "legs": 3}]
)
def test_what_cannot_be_restored_says_so(kept: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match="no exchange can be made"):
        Exchange.restore(SITE, Settings(), "run2", kept, now=0.0, alive=[])


def test_short_memories_stay_short() -> None:
    plant = Plant()
    for number in range(REMEMBERED + 100):
        plant.clicks(f"d-{number}", f"unknown/{number}")
    kept = plant.exchange.snapshot()
    assert len(kept["claims"]) == len(kept["deliveries"]) == REMEMBERED
    check_rest(plant)


def many(count: int) -> Plant:
    phones = tuple(
        Phone(id=f"P-{n}", endpoint=f"help-{n}", extension=str(1000 + n), location="X") for n in range(count)
    )
    site = Site(alarm_extensions=("9110",), phones=phones, groups=NO_CONSOLES.groups, consoles=("desk-1",))
    return Plant(site)


def test_two_hundred_sos_at_once_are_all_heard_by_two_dispatchers() -> None:
    plant = many(200)
    legs = [plant.call(f"help-{n}") for n in range(200)]
    plant.wait(20)
    for _ in range(100):
        for who in ("anna", "bert"):
            plant.takes(who)
        for who in ("anna", "bert"):
            plant.hang_up(who)
    assert all(leg in plant.over for leg in legs)
    check_rest(plant)
    assert len(plant.said("SOSAck")) == 200


def test_an_sos_costs_the_same_however_many_there_are() -> None:
    assert work_of_one_more(2) == work_of_one_more(202)


def work_of_one_more(others: int) -> int:
    """How many function calls an SOS makes from its call to its end, beside so many others."""
    plant = many(others + 1)
    for n in range(others):
        plant.call(f"help-{n}")
    plant.wait(20)
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        plant.exchange.feed(
            Offered(leg="last", key=("last", "t"), endpoint=f"help-{others}", dialled="9110"), plant.now
        )
        plant.exchange.feed(Due(TimerId("tier", f"run1-{plant.exchange._state.given - 4:x}")), plant.now)
        plant.exchange.feed(Ended("last"), plant.now)
    finally:
        sys.setprofile(None)
    return calls
