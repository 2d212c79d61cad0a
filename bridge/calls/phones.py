"""What a PBX says about devices outside calls -> events: refused, trusted again, reachable or not. Pure.

An alarm call that fails authentication makes no channel; the security report is all there is of it.
"""

from __future__ import annotations

from typing import Final

from bridge.calls.devices import Devices
from bridge.calls.facts import Fact, Reachability, Refused, Trusted
from bridge.model import Event, Kind

WINDOW: Final = 10.0
"""Seconds in which the same refusal of the same account is one fault."""
MAX_ACCOUNTS: Final = 50
"""Accounts reported one by one in a window. Whoever tries out more is a scanner, and gets one fault."""
REFUSED: Final = "refused"


class PhoneWatch:
    """Knows each device's last state, so that only changes become events. devices: see `Devices`."""

    def __init__(self, source: str, via: str, devices: Devices) -> None:
        self._source = source
        self._via = via
        self._devices = devices
        self._trusted: set[str] = set()
        self._window = 0
        self._refused: set[str] = set()
        """Accounts reported in this window."""

    def feed(self, fact: Fact) -> list[Event]:
        match fact:
            case Refused():
                return self._refusal(fact)
            case Trusted():
                return self._trust(fact)
            case Reachability():
                return self._reachability(fact)
            case _:
                return []

    def _refusal(self, fact: Refused) -> list[Event]:
        window = int(fact.at // WINDOW)
        if window != self._window:
            self._window = window
            self._refused.clear()
        self._trusted.discard(fact.account)
        if fact.account in self._refused or len(self._refused) > MAX_ACCOUNTS:
            return []
        self._refused.add(fact.account)
        if len(self._refused) > MAX_ACCOUNTS:
            text = (
                f"the PBX refused more than {MAX_ACCOUNTS} accounts in {WINDOW:g} s, last from {fact.remote}"
            )
            return [self._fault("endpoint/many", f"many/{window}", fact.at, "", text)]
        text = (
            f"the PBX refused {fact.account} ({fact.what}, from {fact.remote}): its calls do not get through"
        )
        return [
            self._fault(f"endpoint/{fact.account}", f"{fact.account}/{window}", fact.at, fact.account, text)
        ]

    def _fault(self, subject: str, key: str, at: float, account: str, text: str) -> Event:
        return Event(
            kind=Kind.FAULT,
            source=self._source,
            key=f"refused/{key}",
            occurred_at=at,
            endpoint=account,
            via=self._via,
            attributes={"subject": subject, "what": REFUSED, "text": text},
        )

    def _trust(self, fact: Trusted) -> list[Event]:
        """The first proof after a start clears, too: the fault may be from before it."""
        if fact.account in self._trusted:
            return []
        self._trusted.add(fact.account)
        return [
            Event(
                kind=Kind.FAULT_CLEARED,
                source=self._source,
                key=f"trusted/{fact.account}/{fact.at:.3f}",
                occurred_at=fact.at,
                endpoint=fact.account,
                via=self._via,
                attributes={"subject": f"endpoint/{fact.account}", "what": REFUSED},
            )
        ]

    def _reachability(self, fact: Reachability) -> list[Event]:
        if not self._devices.reached(fact.endpoint, fact.reachable):
            return []
        text = "" if fact.reachable else f"the PBX cannot reach {fact.endpoint}"
        return [
            Event(
                kind=Kind.ONLINE if fact.reachable else Kind.OFFLINE,
                source=self._source,
                key=f"reach/{fact.endpoint}/{fact.at:.3f}",
                occurred_at=fact.at,
                endpoint=fact.endpoint,
                via=self._via,
                attributes={"text": text} if text else {},
            )
        ]
