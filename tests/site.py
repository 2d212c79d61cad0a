"""A small site as a `Plan`, and the events of its phones: shared by the tests of the core."""

from __future__ import annotations

from typing import Final

from bridge.model import Event, Kind, Location, Operation, Phone, View
from bridge.response import Plan, Rule, Step

POST_03: Final = "TANKFARM-EAST-POST-03"

PLAN: Final = Plan(
    site="Tank farm",
    timezone="Europe/Berlin",
    phones=(Phone(id=POST_03, endpoint="1003", extension="1003", location=POST_03),),
    locations={
        POST_03: Location(
            tag=POST_03,
            spoken="Tank farm east, post three",
            views=(View(camera="PTZ-01", preset="7"), View(camera="FIX-02")),
            consoles=("desk-1",),
        )
    },
    cameras={"PTZ-01": {"zm": "1", "wall": "cam-1"}, "FIX-02": {"zm": "2", "wall": "cam-2"}},
    alarm_extensions=("9110",),
    capabilities={
        "zm": frozenset({Operation.START_RECORDING, Operation.STOP_RECORDING, Operation.BOOKMARK}),
        "wall": frozenset(Operation) - {Operation.HOME},
    },
    rules=(
        Rule(step=Step.SOS, operation=Operation.START_RECORDING, driver="zm"),
        Rule(step=Step.SOS, operation=Operation.BOOKMARK, driver="zm"),
        Rule(step=Step.SOS, operation=Operation.SHOW, driver="wall"),
        Rule(step=Step.SOS, operation=Operation.RECALL_PRESET, driver="wall"),
        Rule(step=Step.SOS, operation=Operation.POPUP, driver="wall"),
    ),
)


def call_event(kind: Kind, at: float, *, key: str = "1700000000.1", **attributes: str) -> Event:
    """Return an event of the call that post 03 makes to the alarm extension."""
    return Event(
        kind=kind,
        source="asterisk/pbx1",
        key=key,
        endpoint="1003",
        caller="1003",
        dialled="9110",
        occurred_at=at,
        attributes=attributes,
        via="ami",
    )
