"""What-if: what another site file would have made of the same log. Pure; keeps what differs and lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.model import Delivery, Incident

ONLY_HERE: Final = "not opened any more"
ONLY_THERE: Final = "opened as well"

Act = tuple[str, str, str, str]
"""Step, driver, operation, target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one site makes of an incident."""

    tier: str
    phone: str
    location: str
    opened_at: float
    acts: frozenset[Act]

    @classmethod
    def of(cls, incident: Incident, deliveries: Sequence[Delivery]) -> View:
        return cls(
            tier=incident.tier,
            phone=incident.phone,
            location=incident.location,
            opened_at=incident.opened_at,
            acts=frozenset((each.step, each.driver, str(each.operation), each.target) for each in deliveries),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One incident that differs. None: that site does not open it."""

    id: str
    now: View | None
    then: View | None

    @property
    def view(self) -> View:
        """What one of the sites makes of it, as it is rather than as it would be."""
        return self.now or self.then or _NOWHERE

    @property
    def added(self) -> frozenset[Act]:
        return _acts(self.then) - _acts(self.now)

    @property
    def gone(self) -> frozenset[Act]:
        return _acts(self.now) - _acts(self.then)


@dataclass(slots=True)
class Difference:
    """Pairs the incidents of two reruns by id. An incident's id derives from its first call alone."""

    changes: list[Change] = field(default_factory=list)
    same: int = 0
    _now: dict[str, View] = field(default_factory=dict)
    _then: dict[str, View] = field(default_factory=dict)

    def now(self, incident: Incident, deliveries: list[Delivery]) -> None:
        """The site as it is has finished with an incident."""
        self._pair(incident.id, View.of(incident, deliveries), self._now, self._then, first=True)

    def then(self, incident: Incident, deliveries: list[Delivery]) -> None:
        """The other site has."""
        self._pair(incident.id, View.of(incident, deliveries), self._then, self._now, first=False)

    def end(self) -> None:
        """Both are through: what one of them has, and the other not, differs."""
        self.changes += [Change(id=id_, now=view, then=None) for id_, view in self._now.items()]
        self.changes += [Change(id=id_, now=None, then=view) for id_, view in self._then.items()]
        self.changes.sort(key=lambda change: (change.view.opened_at, change.id))
        self._now.clear()
        self._then.clear()

    def _pair(
        self, id_: str, view: View, mine: dict[str, View], others: dict[str, View], *, first: bool
    ) -> None:
        other = others.pop(id_, None)
        if other is None:
            mine[id_] = view
        elif other == view:
            self.same += 1
        else:
            now, then = (view, other) if first else (other, view)
            self.changes.append(Change(id=id_, now=now, then=then))


_NOWHERE: Final = View(tier="", phone="", location="", opened_at=0.0, acts=frozenset())


def _acts(view: View | None) -> frozenset[Act]:
    return view.acts if view else frozenset()
