"""A small site whose incidents the real engine decides. Used by the tests of metrics and of log lines."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.engine import Decision, State, fold
from bridge.model import (
    NOTHING,
    Delivery,
    DeliveryState,
    Event,
    Kind,
    Location,
    Operation,
    Phone,
    View,
)
from bridge.response import Plan, Rule, Step, identify
from tests.fake_clock import START

PHONE = Phone(id="P-03", endpoint="post03", extension="2103", location="TANKFARM-EAST-POST-03")
PLAN = Plan(
    site="Tank farm",
    timezone="Europe/Berlin",
    phones=(PHONE,),
    locations={
        PHONE.location: Location(
            tag=PHONE.location,
            spoken="tank farm east",
            views=(View(camera="PTZ-01", preset="7"),),
            consoles=("desk-1",),
        )
    },
    cameras={"PTZ-01": {"zm": "1", "wall": "cam1"}},
    alarm_extensions=("9110",),
    capabilities={"zm": frozenset(Operation), "wall": frozenset(Operation)},
    rules=(
        Rule(step=Step.SOS, operation=Operation.SHOW, driver="wall"),
        Rule(step=Step.SOS, operation=Operation.START_RECORDING, driver="zm"),
    ),
)


class Scene:
    """Feeds events to `fold`, one decision each. `at` is seconds after START."""

    def __init__(self) -> None:
        self.state = State()
        self.told: list[Decision] = []

    def call(
        self,
        kind: Kind,
        at: float,
        *,
        key: str = "1.1",
        dialled: str = "9110",
        attributes: Mapping[str, str] = NOTHING,
    ) -> Decision:
        """A fact about a call of the phone, received 20 ms after it happened."""
        return self.tell(
            Event(
                kind=kind,
                source="asterisk/pbx1",
                key=key,
                occurred_at=START + at,
                endpoint=PHONE.endpoint,
                dialled=dialled,
                attributes={"direction": "out", **attributes},
                received_at=START + at + 0.02,
                via="ami",
            )
        )

    def person(self, kind: Kind, at: float) -> Decision:
        """Somebody at a desk acknowledges or resolves the phone's incident."""
        return self.tell(
            Event(
                kind=kind,
                source="console",
                key=f"{kind}/{at}",
                occurred_at=START + at,
                received_at=START + at,
                incident=self.incident,
                attributes={"by": "Ann"},
            )
        )

    def settle(self, delivery: Delivery, state: str, at: float, *, attempts: int = 1) -> Decision:
        """The lane's word about an attempt that started 8 ms after the decision."""
        attributes = {
            "delivery": delivery.id,
            "state": state,
            "attempts": str(attempts),
            "proof": "status 2" if state == DeliveryState.VERIFIED else "no answer",
            "started_at": repr(delivery.created_at + 0.008),
            "next_attempt_at": repr(START + at + 1),
        }
        return self.tell(
            Event(
                kind=Kind.DELIVERY_SETTLED,
                source="outbox",
                key=f"{delivery.id}/{attempts}/{state}",
                occurred_at=START + at,
                received_at=START + at,
                incident=delivery.incident,
                attributes=attributes,
            )
        )

    def timer(self, name: str, incident: str = "") -> Decision:
        """The timer of the incident (the only one, if none is named) is due, at its time."""
        timer = self.state.timers[incident or self.incident, name]
        return self.tell(
            Event(
                kind=Kind.TIMER_DUE,
                source="timer",
                key=f"{timer.incident}/{name}/{timer.due_at!r}",
                occurred_at=timer.due_at,
                received_at=timer.due_at,
                incident=timer.incident,
                attributes={"name": name, "due_at": repr(timer.due_at)},
            )
        )

    def tell(self, event: Event) -> Decision:
        identified = identify(event, PLAN)
        assert identified is not None
        [decision] = fold([identified], self.state, PLAN, event.received_at or event.occurred_at)
        self.told.append(decision)
        return decision

    @property
    def incident(self) -> str:
        """Id of the only incident that is open."""
        [incident] = [incident.id for incident in self.state.incidents.values() if incident.live]
        return incident

    def delivery(self, operation: Operation) -> Delivery:
        """The last delivery of this operation."""
        return [d for d in self.state.deliveries.values() if d.operation is operation][-1]
