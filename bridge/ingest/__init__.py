"""The one door in: `Ingest.accept(event)`; and the timers whose due times come in by the same door."""

from bridge.ingest.door import Committed, Ingest
from bridge.ingest.timers import Timers

__all__ = ["Committed", "Ingest", "Timers"]
