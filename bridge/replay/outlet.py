"""What the readers give, whatever the format. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bridge.model import Event
from bridge.replay.calls import CallRow


class Outlet(Protocol):
    """Takes what a log tells, in the log's order."""

    def event(self, event: Event) -> None:
        """Something that may matter to the site: it goes through the engine, and makes the call's row."""

    def call(self, row: CallRow, events: Iterable[Event] = ()) -> None:
        """A call that the log has in one piece: it is over, or the log ends before it.

        events: what the engine is to hear of it, where it may matter to the site.
        """
