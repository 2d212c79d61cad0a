"""What a lane tells of its attempts and of its driver, as events. Called by `lane`."""

from __future__ import annotations

from bridge.model import Accept, Clock, Delivery, Event, Kind


class Reports:
    """The events of one lane. name: the driver instance's."""

    def __init__(self, name: str, accept: Accept, clock: Clock) -> None:
        self._name = name
        self._accept = accept
        self._clock = clock

    def delivery(self, delivery: Delivery, state: str, proof: str, **more: str) -> None:
        """Tell what became of an attempt. state: of DeliveryState, or `retry`."""
        attributes = {
            "delivery": delivery.id,
            "state": state,
            "attempts": str(delivery.attempts),
            "proof": proof,
            "camera": delivery.params.get("camera", ""),
            "started_at": repr(delivery.started_at) if delivery.started_at else "",
            "doubtful": "yes" if delivery.doubtful else "",
            **more,
        }
        self._accept(
            Event(
                kind=Kind.DELIVERY_SETTLED,
                source="outbox",
                key=f"{delivery.id}/{delivery.attempts}/{state}",
                occurred_at=self._clock.now(),
                incident=delivery.incident,
                attributes={name: text for name, text in attributes.items() if text},
            )
        )

    def link(self, kind: Kind, text: str) -> None:
        """Tell that the driver's system answers no more, or again."""
        now = self._clock.now()
        self._accept(
            Event(
                kind=kind,
                source="outbox",
                key=f"driver/{self._name}/{now!r}",
                occurred_at=now,
                attributes={"subject": f"driver/{self._name}", "text": text},
            )
        )
