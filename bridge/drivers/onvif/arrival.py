"""Whether a camera has arrived where it was sent. Called by `steering`.

A camera's yes only says that it heard. Its position says more: where the preset's own position is known, it
must be reached. Where it is not, nothing proves the arrival: that the camera has moved and come to rest may
be an operator's doing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bridge.model import Clock
from bridge.protocols.onvif.ptz import Position, Status

ASK_EVERY: Final = 0.3
"""Seconds between two questions where the camera stands."""
REST: Final = 0.002
"""Positions as near as this are the same: cameras round and tremble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """before: where it stood; goal: where the preset is. Of both, nothing may be known."""

    before: Position
    goal: Position
    tolerance: float

    def arrived(self, now: Status) -> bool:
        """Whether the reading proves the arrival."""
        return not now.moving and now.position.near(self.goal, self.tolerance)

    def over(self, last: Status | None, now: Status) -> bool:
        """Whether the last two readings show the end of it, proven or not."""
        if self.goal.comparable(now.position):
            return self.arrived(now)
        return self.moved(now) and at_rest(last, now)

    def moved(self, now: Status) -> bool:
        """Whether it stands elsewhere than before."""
        return self.before.known and not now.position.near(self.before, self.tolerance)


def at_rest(last: Status | None, now: Status) -> bool:
    """Whether it stands still: by its own word, or by the last two readings."""
    if now.moving is not None:
        return not now.moving
    return last is not None and last.position.near(now.position, REST)


async def watch(
    ask: Callable[[], Awaitable[Status | None]],
    done: Callable[[Status | None, Status], bool],
    *,
    clock: Clock,
    wait: float,
) -> tuple[Status | None, Status | None]:
    """Ask until `done` of the last two readings, or for `wait` seconds; return these two.

    The second is None where the camera does not tell its position: more questions would not help.
    """
    end = clock.monotonic() + wait
    last: Status | None = None
    while (now := await ask()) is not None and now.position.known:
        if done(last, now) or clock.monotonic() >= end:
            return last, now
        last = now
        await clock.sleep(ASK_EVERY)
    return last, None
