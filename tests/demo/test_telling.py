"""What of a commit is told: each receipt once, each trouble once, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge.cli.demo.page import Page
from bridge.cli.demo.telling import Teller, account_for, calls, phrase, states_of
from bridge.engine import Decision, Reason
from bridge.ingest import Committed
from bridge.model import (
    Delivery,
    DeliveryState,
    Event,
    Incident,
    IncidentState,
    Kind,
    Operation,
    Tier,
    TimelineEntry,
)
from tests.demo.test_page import delivery

EVENT = Event(kind=Kind.CALL_DIALING, source="sip/sip", key="k", occurred_at=100.0)
INCIDENT = Incident(
    id="300bb004-aaaa",
    tier=Tier.EMERGENCY,
    state=IncidentState.OPEN,
    phone="EAST-03",
    location="POST-03",
    opened_at=100.0,
)


class Told(Page):
    """A page that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, at: float, who: str, what: str, style: str = "") -> None:
        self.lines.append(f"{who}: {what}")

    def receipt(self, delivery: Delivery, what: str) -> None:
        self.lines.append(f"{delivery.driver}: {what}: {delivery.state}")


class Place:
    spoken = "East tank farm, post three"


class SomeSite:
    file: Any = type("File", (), {"locations": {"POST-03": Place}})


def tell(*decisions: Decision) -> list[str]:
    page = Told()
    teller = Teller(page, SomeSite())  # type: ignore[arg-type]  # it looks up places only
    for decision in decisions:
        teller.take(Committed(decisions=(decision,), leased=(), at=100.0))
    return page.lines


def decided(
    reason: Reason,
    *texts: str,
    deliveries: Mapping[str, Delivery] | None = None,
    incident: Incident | None = None,
) -> Decision:
    timeline = [
        TimelineEntry(incident=INCIDENT.id, at=100.0, event="e", reason=reason, text=text) for text in texts
    ]
    incidents = {incident.id: incident} if incident else {}
    return Decision(
        event=EVENT, reason=reason, timeline=timeline, deliveries=dict(deliveries or {}), incidents=incidents
    )


def test_an_incident_is_opened_once() -> None:
    opened = decided(Reason.OPENED, "EAST-03 dialled 9110", incident=INCIDENT)
    later = decided(Reason.CONNECTED, "connected to desk-1", incident=replace(INCIDENT, pressed=2))
    assert tell(opened, later) == [
        "bridge: opens incident 300bb004: East tank farm, post three",
        "bridge: EAST-03 dialled 9110",
        "bridge: connected to desk-1",
    ]


def test_a_place_of_no_configuration() -> None:
    opened = decided(Reason.OPENED, incident=replace(INCIDENT, location=""))
    assert tell(opened) == ["bridge: opens incident 300bb004: location unknown"]


def test_a_receipt_has_a_line_of_its_own_and_its_reason_too() -> None:
    done = {"d1": delivery(DeliveryState.VERIFIED)}
    settled = decided(
        Reason.SETTLED,
        "wall show control-1: verified after 38 ms: read back",
        "no picture confirmed: dispatch is told",
        deliveries=done,
    )
    late = decided(Reason.LATE, "wall show control-1: accepted after all: HTTP 200")
    assert tell(settled, settled, late) == [
        "wall: shows 0 cameras on control-1: verified",
        "bridge: no picture confirmed: dispatch is told",
        "bridge: no picture confirmed: dispatch is told",
    ]


def test_who_cannot_be_reached_is_told_once() -> None:
    trouble = replace(
        delivery(DeliveryState.LEASED, proof="wall: PUT /x at 127.0.0.1:1: connection refused"), attempts=1
    )
    other = replace(trouble, id="d2", operation=Operation.POPUP)
    retried = [
        decided(
            Reason.RETRY,
            f"wall {what} control-1: connection refused; trying again",
            deliveries={each.id: each},
        )
        for what, each in (("show", trouble), ("popup", other))
    ]
    assert tell(*retried) == ["wall: fails, and is tried again: connection refused"]


def test_what_was_asked_for_anew_is_not_told() -> None:
    superseded = decided(Reason.CLOSED, deliveries={"d1": delivery(DeliveryState.SUPERSEDED)})
    assert tell(superseded) == []


@pytest.mark.parametrize("operation", list(Operation))
def test_every_operation_has_words(operation: Operation) -> None:
    params = {"camera": "TANKFARM-EAST-PTZ-01", "preset": "7", "views": "A,B"}
    said = phrase(replace(delivery(DeliveryState.VERIFIED), operation=operation, params=params))
    assert 5 < len(said) <= 38
    assert "None" not in said


def test_who_is_told_that_somebody_has_it_is_not_called() -> None:
    notify = replace(delivery(DeliveryState.VERIFIED), operation=Operation.NOTIFY, target="shift")
    told = replace(notify, step="acknowledged/1")
    assert (calls(notify), phrase(notify)) == (True, "calls group shift")
    assert (calls(told), phrase(told)) == (False, "tells shift: taken")


@pytest.mark.parametrize(
    ("states", "good", "says", "figures"),
    [
        ("vva", True, "of its 3 actions 3 got a receipt", "3: 2 verified, 1 accepted"),
        (
            "vvass",
            True,
            "of its 5 actions 3 got a receipt, 2 asked for anew",
            "5: 2 verified, 2 superseded, 1 accepted",
        ),
        (
            "vsf",
            False,
            "of its 3 actions 1 got a receipt, 1 asked for anew, 1 WITHOUT",
            "3: 1 verified, 1 superseded, 1 failed",
        ),
        ("v", True, "of its 1 action 1 got a receipt", "1: 1 verified"),
    ],
)
def test_the_summary_counts_the_same_actions_everywhere(
    states: str, good: bool, says: str, figures: str
) -> None:
    by_letter = {state.value[0]: state for state in (DeliveryState.VERIFIED, DeliveryState.ACCEPTED)}
    by_letter |= {"s": DeliveryState.SUPERSEDED, "f": DeliveryState.FAILED}
    deliveries = [delivery(by_letter[letter]) for letter in states]
    assert account_for(deliveries) == (good, says)
    assert states_of(deliveries) == figures
