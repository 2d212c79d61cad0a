"""The one door out: deliveries, already leased, are performed by a lane and settled by events."""

from bridge.outbox.breaker import Breaker
from bridge.outbox.lane import Down, Lane
from bridge.outbox.outbox import Outbox

__all__ = ["Breaker", "Down", "Lane", "Outbox"]
