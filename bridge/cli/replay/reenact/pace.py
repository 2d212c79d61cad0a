"""When the training's clock may be where: the speed, and which silence nobody wants to sit through. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MOST: Final = math.inf
"""The speed that waits for nothing but what is under way."""
SPEEDS: Final = {"1x": 1.0, "10x": 10.0, "max": MOST}
FEW: Final = 3.0
"""Real seconds that are left of a silence at either end."""
OPEN: Final = 15.0
"""Real seconds for which it is waited at first while an incident is open: somebody may be about to act."""
SILENCE: Final = 60.0
"""Seconds in which nothing happens from which a pause is silence."""


@dataclass(slots=True)
class Pace:
    """speed: of `SPEEDS`. now: what the clock shows; real: seconds that never step, at the same moment.

    silence: longer than any time in which somebody is to acknowledge, for that is what is trained.
    """

    speed: float
    now: float
    real: float
    silence: float = SILENCE

    def may_be(self, real: float) -> float:
        """What the clock may show at this moment, were nothing under way."""
        return MOST if self.speed == MOST else self.now + (real - self.real) * self.speed

    def silent(self, now: float, until: float, *, quiet_for: float, is_open: bool) -> float:
        """How many of the seconds until something happens are left out; 0 where it is no silence (yet).

        quiet_for: real seconds since something happened. is_open: whether an incident is.
        """
        if self.speed == MOST or until - now <= self.silence or quiet_for < (OPEN if is_open else FEW):
            return 0.0
        return max(0.0, until - now - FEW * self.speed)

    def go_on_from(self, now: float, real: float) -> None:
        """The clock was skipped: from here on the speed counts anew."""
        self.now, self.real = now, real
