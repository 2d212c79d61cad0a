"""Which event records for which incident, as far as this process forced it. Called by the driver."""

from __future__ import annotations

from bridge.model import Delivery, Receipt
from bridge.protocols.recent import Recent


class ForcedAlarms:
    """What the forced alarms of one ZoneMinder recorded. A restart forgets it."""

    def __init__(self) -> None:
        self._going_on: Recent[tuple[str, str], str] = Recent()
        self._over: Recent[tuple[str, str], str] = Recent()

    def began(self, delivery: Delivery, receipt: Receipt) -> None:
        self._over.forget(_at(delivery))
        self._going_on.note(_at(delivery), receipt.reference)

    def ended(self, delivery: Delivery) -> None:
        if reference := self._going_on.get(_at(delivery)):
            self._over.note(_at(delivery), reference)

    def reference_after(self, delivery: Delivery) -> str:
        """The event that recorded for an incident whose alarm was taken back, as receipts call it.

        What is recorded at its camera now may be another incident's. Empty while the alarm goes on, and where
        nothing is known.
        """
        return self._over.get(_at(delivery)) or ""


def _at(delivery: Delivery) -> tuple[str, str]:
    return delivery.incident, delivery.target
