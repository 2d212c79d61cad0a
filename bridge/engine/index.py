"""Who belongs to whom in a `State`, so that no question costs a walk over all of it.

`State` keeps it up to date in its `put_` and `drop_` methods. Replay has thousands of calls in one state.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

from bridge.model import Call, Delivery, Hold, Incident, Timer

G = TypeVar("G", bound=Hashable)
K = TypeVar("K", bound=Hashable)


class Groups(Generic[G, K]):
    """Keys by group, each group in the order of its first entries."""

    def __init__(self) -> None:
        self._members: dict[G, dict[K, None]] = {}

    def of(self, group: G) -> Iterable[K]:
        return self._members.get(group, ())

    def add(self, group: G, key: K) -> None:
        members = self._members.get(group)
        if members is None:
            self._members[group] = {key: None}
        else:
            members[key] = None

    def remove(self, group: G, key: K) -> None:
        members = self._members.get(group)
        if members is not None:
            members.pop(key, None)
            if not members:
                del self._members[group]


class Index:
    """The questions that decisions ask, answered by keys."""

    def __init__(self) -> None:
        self.live: Groups[tuple[str, bool], str] = Groups()
        """(phone, exercise) -> its incidents that are not closed."""
        self.calls_with: Groups[tuple[str, str], str] = Groups()
        """(source, key) -> calls."""
        self.calls_of: Groups[str, str] = Groups()
        self.deliveries_of: Groups[str, str] = Groups()
        self.unsettled_on: Groups[str, str] = Groups()
        """resource -> deliveries that are not settled."""
        self.holds_on: Groups[str, tuple[str, str]] = Groups()
        self.holds_of: Groups[str, tuple[str, str]] = Groups()
        self.timers_of: Groups[str, str] = Groups()

    @classmethod
    def over(
        cls,
        incidents: Mapping[str, Incident],
        calls: Mapping[str, Call],
        deliveries: Mapping[str, Delivery],
        timers: Mapping[tuple[str, str], Timer],
        holds: Mapping[tuple[str, str], Hold],
    ) -> Index:
        """Return the index of what was loaded."""
        index = cls()
        for incident in incidents.values():
            index.incident(incident)
        for call in calls.values():
            index.call(call)
        for delivery in sorted(deliveries.values(), key=lambda delivery: delivery.order):
            index.delivery(delivery)
        for owner, name in timers:
            index.timers_of.add(owner, name)
        for hold in holds.values():
            index.hold(hold)
        return index

    def incident(self, incident: Incident) -> None:
        change = self.live.add if incident.live else self.live.remove
        change((incident.phone, incident.exercise), incident.id)

    def call(self, call: Call) -> None:
        self.calls_with.add((call.source, call.key), call.id)
        if call.incident:
            self.calls_of.add(call.incident, call.id)

    def delivery(self, delivery: Delivery) -> None:
        self.deliveries_of.add(delivery.incident, delivery.id)
        if delivery.resource:
            change = self.unsettled_on.remove if delivery.state.settled else self.unsettled_on.add
            change(delivery.resource, delivery.id)

    def hold(self, hold: Hold) -> None:
        self.holds_on.add(hold.resource, (hold.resource, hold.incident))
        self.holds_of.add(hold.incident, (hold.resource, hold.incident))

    def no_hold(self, hold: Hold) -> None:
        self.holds_on.remove(hold.resource, (hold.resource, hold.incident))
        self.holds_of.remove(hold.incident, (hold.resource, hold.incident))
