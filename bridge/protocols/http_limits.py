"""What one call over HTTP may take. Called by the protocols over `http` and by their drivers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bridge.model import Clock, Delivery, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one call may take, and whether it goes before others. deadline: UTC epoch seconds."""

    deadline: float | None = None
    urgent: bool = False
    within: float | None = None
    """Seconds for this one request, instead of `timeouts.total`."""
    max_body: int | None = None
    """Bytes of this one answer, where it may be longer than the settings say."""

    @classmethod
    def of(cls, delivery: Delivery) -> Limits:
        """Until the delivery's deadline; an SOS goes before everything else."""
        return cls(deadline=delivery.deadline, urgent=delivery.tier is Tier.EMERGENCY)

    def earlier(self, seconds: float) -> Limits:
        """The same, with a deadline that is `seconds` before this one."""
        return self if self.deadline is None else replace(self, deadline=self.deadline - seconds)

    def wait(self, clock: Clock, seconds: float) -> float:
        """When a wait of `seconds` ends (monotonic seconds): not after the deadline."""
        left = seconds if self.deadline is None else min(seconds, self.deadline - clock.now())
        return clock.monotonic() + max(0.0, left)


NO_LIMITS: Final = Limits()
