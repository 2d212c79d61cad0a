"""What waits in one lane, in the order it will start. Pure; every step costs O(log n)."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Collection

from bridge.model import Delivery, Tier


def urgency(delivery: Delivery) -> tuple[bool, float, int]:
    """Order of starting: SOS first, then the older decision, then the order within the incident."""
    return delivery.tier is not Tier.EMERGENCY, delivery.created_at, delivery.order


class LaneQueue:
    """Deliveries that wait for their time, their target, or their turn.

    A target is busy from `pop` to `free`: its next delivery waits. Heap entries of deliveries that were
    withdrawn or put anew stay behind and are skipped when they surface.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Delivery] = {}
        self._targets: defaultdict[str, int] = defaultdict(int)
        self._busy: set[str] = set()
        self._parked: defaultdict[str, list[Delivery]] = defaultdict(list)
        """Ready, but their target is busy."""
        self._ready: list[tuple[tuple[bool, float, int], int, Delivery]] = []
        self._later: list[tuple[float, int, Delivery]] = []
        self._deadlines: list[tuple[float, int, Delivery]] = []
        self._tie = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, delivery_id: str) -> bool:
        return delivery_id in self._waiting

    @property
    def ids(self) -> Collection[str]:
        return self._waiting.keys()

    def concerns(self, target: str) -> bool:
        """Whether anything for `target` waits or runs."""
        return target in self._busy or self._targets[target] > 0

    def put(self, delivery: Delivery) -> None:
        self.withdraw(delivery.id)
        self._waiting[delivery.id] = delivery
        self._targets[delivery.target] += 1
        if delivery.next_attempt_at is None:
            self._make_ready(delivery)
        else:
            heapq.heappush(self._later, (delivery.next_attempt_at, next(self._tie), delivery))
        heapq.heappush(self._deadlines, (delivery.deadline, next(self._tie), delivery))

    def withdraw(self, delivery_id: str) -> None:
        delivery = self._waiting.pop(delivery_id, None)
        if delivery is not None:
            self._targets[delivery.target] -= 1

    def peek(self, now: float) -> Delivery | None:
        """Return the delivery that should start next, or None."""
        while self._later and self._later[0][0] <= now:
            self._make_ready(heapq.heappop(self._later)[2])
        while self._ready:
            delivery = self._ready[0][2]
            if self._current(delivery) and delivery.target not in self._busy:
                return delivery
            heapq.heappop(self._ready)
            if self._current(delivery):
                self._parked[delivery.target].append(delivery)
        return None

    def start(self, delivery: Delivery) -> None:
        """Take out what `peek` returned; its target is busy until `free`."""
        self.withdraw(delivery.id)
        self._busy.add(delivery.target)

    def free(self, target: str) -> None:
        self._busy.discard(target)
        for delivery in self._parked.pop(target, ()):
            self._make_ready(delivery)

    def expired(self, now: float) -> list[Delivery]:
        """Take out and return what waits past its deadline."""
        over = []
        while self._deadlines and self._deadlines[0][0] <= now:
            delivery = heapq.heappop(self._deadlines)[2]
            if self._current(delivery):
                self.withdraw(delivery.id)
                over.append(delivery)
        return over

    @property
    def next_deadline(self) -> float | None:
        """UTC epoch seconds, or None if nothing waits."""
        return self._soonest(self._deadlines)

    @property
    def next_start(self) -> float | None:
        """UTC epoch seconds from which something may start, 0.0 for at once; None if nothing waits."""
        return 0.0 if self._ready else self._soonest(self._later)

    @property
    def next_retry(self) -> float | None:
        return self._soonest(self._later)

    def _soonest(self, heap: list[tuple[float, int, Delivery]]) -> float | None:
        while heap and not self._current(heap[0][2]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def _current(self, delivery: Delivery) -> bool:
        return self._waiting.get(delivery.id) is delivery

    def _make_ready(self, delivery: Delivery) -> None:
        heapq.heappush(self._ready, (urgency(delivery), next(self._tie), delivery))
