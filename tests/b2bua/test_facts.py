"""What the exchange tells of its channels makes the events that an Asterisk with the pack makes."""

from __future__ import annotations

import pytest

from bridge.model import Event
from tests.b2bua.plant import INCIDENT, Plant
from tests.b2bua.site import NO_CONSOLES

CALL = "call-1@phone;tag"


def story(plant: Plant, *keys: str) -> list[str]:
    """The events of the phone's call, and of what was reported about it."""
    calls = (CALL, *keys)
    return [told(event) for event in plant.events if event.key in calls or not event.key.startswith("run1-")]


def told(event: Event) -> str:
    kind = event.kind.removeprefix("call_")
    details = ("connected_to", "ended_by", "outcome", "tier", "by", "what")
    return " ".join((kind, *(event.attributes[name] for name in details if event.attributes.get(name))))


def test_a_console_answers_and_puts_down() -> None:
    plant = Plant()
    plant.call("help-03", caller="103")
    plant.ring_all()
    plant.answer("desk-1")
    plant.wait(60)
    plant.hang_up("desk-1")
    assert story(plant) == ["dialing", "reported", "answered", "connected desk-1", "ended called connected"]
    first = plant.events[0]
    assert (first.endpoint, first.caller, first.dialled) == ("help-03", "103", "9110")


def test_a_dispatcher_takes_it_and_the_phone_hangs_up() -> None:
    plant = Plant(NO_CONSOLES)
    leg = plant.call("help-03")
    plant.takes("anna")
    plant.hang_up(leg)
    assert story(plant) == [
        *("dialing", "reported", "dispatch_started 1", "dispatch_started 1", "dispatch_started 2"),
        *("acknowledged anna", "answered", "connected anna", "ended caller connected"),
    ]


def test_who_only_listens_is_not_connected() -> None:
    plant = Plant(NO_CONSOLES)
    plant.call("help-03")
    plant.answer("anna")
    plant.wait(200)
    assert "connected" not in " ".join(map(told, plant.events))
    assert len([event for event in plant.events if "not informed" in event.attributes.get("text", "")]) == 1


def test_hung_up_too_early_hunted_for_and_called_back() -> None:
    plant = Plant()
    leg = plant.call("help-03")
    plant.ring_all()
    plant.hang_up(leg)
    plant.wait(5)
    plant.takes("anna")
    back = plant.at("help-03")
    plant.answer("help-03")
    plant.hang_up("anna")
    assert story(plant, back) == [
        *("dialing", "reported", "ended caller cancelled"),
        *("dispatch_started 1", "dispatch_started 1", "acknowledged anna"),
        *("dialing", "answered", "reported", "connected anna", "ended caller connected"),
    ]
    [returned] = [event for event in plant.events if event.key == back and event.kind == "call_dialing"]
    assert (returned.attributes["direction"], returned.endpoint) == ("in", "help-03")


def test_a_notification_names_its_incident_and_delivery() -> None:
    plant = Plant()
    plant.notify()
    started = [event for event in plant.events if event.kind == "dispatch_started"]
    assert {(event.incident, event.attributes["delivery"]) for event in started} == {(INCIDENT, "d-1")}


@pytest.mark.parametrize(
    ("endpoint", "dialled", "expected"),
    [
        ("help-03", "999", ["dialing", "failed pbx failed"]),
        ("help-03", "104", ["dialing", "answered", "connected help-04", "ended caller connected"]),
        ("", "9110", ["dialing", "reported", "answered", "connected desk-2", "ended caller connected"]),
    ],
    ids=["nobody's number", "routine", "an SOS of nobody"],
)
def test_calls(endpoint: str, dialled: str, expected: list[str]) -> None:
    plant = Plant()
    leg = plant.call(endpoint, dialled)
    for device in plant.ringing():
        plant.answer(device.endpoint)
        break
    plant.wait(10)
    if leg in plant.devices:
        plant.hang_up(leg)
    assert story(plant) == expected
    assert plant.events[0].endpoint == endpoint


def test_an_unanswered_sos_is_a_fault_that_a_1_clears() -> None:
    plant = Plant()
    plant.hang_up(plant.call("help-03"))
    plant.wait(2000)
    assert story(plant)[-1] == "fault unanswered"


def test_urn_service_sos_is_an_alarm_extension() -> None:
    plant = Plant()
    plant.call("help-03", "urn:service:sos")
    assert {event.dialled for event in plant.events if event.key == CALL} == {"9110"}
    assert [told(event) for event in plant.events if event.key == CALL] == ["dialing"]
