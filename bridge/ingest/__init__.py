"""The one door in: `Ingest.accept(event)`; what comes in by it of itself: due timers, and at the start what
was left on."""

from bridge.ingest.deciding import Committed
from bridge.ingest.door import Ingest
from bridge.ingest.left_on import stop_what_is_left_on
from bridge.ingest.timers import Timers

__all__ = ["Committed", "Ingest", "Timers", "stop_what_is_left_on"]
