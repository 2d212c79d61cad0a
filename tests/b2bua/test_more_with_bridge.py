"""Bridge and exchange together, where two people must acknowledge an SOS: each knows only what it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.drivers.sip_dispatch.request import command_of
from bridge.model import IncidentState, Location, Operation
from bridge.response import Plan, Rule, Step
from tests.b2bua.invariants import check
from tests.b2bua.plant import Plant
from tests.b2bua.site import NO_CONSOLES
from tests.engine.control_room import ControlRoom

PHONE: Final = "P-03"
PLAN: Final = Plan(
    site="Plant",
    phones=NO_CONSOLES.phones,
    locations={tag: Location(tag=tag, spoken=tag) for tag in ("TANK-EAST", "GATE", "QUAY")},
    alarm_extensions=("9110",),
    capabilities={"dispatch": frozenset({Operation.NOTIFY})},
    rules=tuple(
        Rule(step=step, operation=Operation.NOTIFY, driver="dispatch", groups=("shift",))
        for step in (Step.ACKNOWLEDGED, Step.MORE_WANTED, Step.PRESSED_AGAIN, Step.CLEARED)
    ),
    acknowledgements=(2, 2),
)


class House:
    """What one says, the other is told at once; `wait` lets time pass for both."""

    def __init__(self) -> None:
        self.plant = Plant(NO_CONSOLES)
        self.room = ControlRoom(PLAN)
        self._heard = self._asked = 0

    def settle(self) -> None:
        """Pass on until neither has anything new to say."""
        while self._news():
            pass
        check(self.plant)

    def _news(self) -> bool:
        events = self.plant.events[self._heard :]
        self._heard += len(events)
        for event in events:
            self.room.accept(replace(event, occurred_at=self.room.now))
        asked = self.room.database.asked[self._asked :]
        self._asked += len(asked)
        for delivery in asked:
            if not self.room.database.rows.deliveries[delivery.id].state.settled:
                self.plant.feed(command_of(delivery))
                self.room.settle_delivery(delivery, "accepted")
        return bool(events or asked)

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.plant.wait(1.0)
            self.settle()
            self.room.after(1.0)
            self.settle()

    def takes(self, dispatcher: str) -> None:
        self.plant.takes(dispatcher)
        self.settle()


def called() -> tuple[House, str]:
    house = House()
    leg = house.plant.call("help-03")
    house.settle()
    return house, leg


def test_the_second_is_rung_until_they_press_1() -> None:
    house, leg = called()
    house.takes("anna")
    assert house.plant.rung() == ["bert"], "anna has it, and carl is of the second tier"
    house.wait(45)
    assert "carl" in house.plant.rung()
    house.takes("carl")
    assert house.plant.rung() == []
    assert house.plant.talk(leg, "anna")
    incident = house.room.incident(PHONE)
    assert (incident.acknowledged_by, list(incident.acknowledgers)) == ("anna", ["anna", "carl"])
    assert not incident.wants_more
    house.wait(100)
    assert house.plant.rung() == []


def test_a_click_and_a_1_are_two() -> None:
    house, leg = called()
    house.room.acknowledge("olga", PHONE)
    house.settle()
    assert house.plant.rung() == ["anna", "bert"]
    house.takes("bert")
    assert house.plant.rung() == []
    assert house.plant.talk(leg, "bert"), "nobody talked with the caller yet"
    incident = house.room.incident(PHONE)
    assert (incident.acknowledged_by, list(incident.acknowledgers)) == ("olga", ["olga", "bert"])


def test_a_1_and_a_click_are_two() -> None:
    house, _ = called()
    house.takes("anna")
    assert house.plant.rung() == ["bert"]
    house.room.acknowledge("olga", PHONE)
    house.settle()
    assert house.plant.rung() == []


def test_the_hangup_that_clears_ends_the_ringing_for_more() -> None:
    house, leg = called()
    house.takes("anna")
    house.plant.answer("bert")
    house.plant.hang_up(leg)
    house.settle()
    assert house.room.state(PHONE) is IncidentState.CLEARING
    assert house.plant.hears("bert") == ("over",)
    house.wait(50)
    assert house.plant.rung() == []


def test_pressed_again_both_are_wanted_anew() -> None:
    house, leg = called()
    house.takes("anna")
    house.plant.hang_up(leg)
    house.settle()
    again = house.plant.call("help-03")
    house.settle()
    assert "bert" in house.plant.rung()
    house.takes("bert")
    assert house.plant.talk(again, "bert")
    assert "1 of 2 acknowledgements: bert; one more is wanted" in house.room.story(PHONE)
    assert house.plant.rung() == ["anna"]
    house.takes("anna")
    assert house.plant.rung() == []
    assert house.plant.talk(again, "bert")
