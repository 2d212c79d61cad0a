"""How long each thing may take, and how often it is said. Seconds unless a name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """tiers: from the call until tier 1, 2, ... rings; further tiers follow at the last distance."""

    tiers: tuple[float, ...] = (20.0, 60.0)
    in_sequence: bool = False
    """Ring the people of a tier one after the other instead of all together."""
    provisional: float = 4.0
    """Until a device must have said anything at all, else it counts as missing."""
    provisional_trunk: float = 15.0
    ring: float = 20.0
    """One dispatcher's phone rings so long, then pauses, while the caller lives."""
    pause: float = 5.0
    """Until a dispatcher or console that was busy, missing or silent is tried again."""
    console_ring: float = 60.0
    """A console rings so long in one go; user agents give up by themselves after a few minutes."""
    console_settle: float = 5.0
    """A console that talked shorter than this did not have the call."""
    key_wait: float = 6.0
    """To press 1 after the announcement."""
    repeats: int = 3
    """How often the announcement is said before the dispatcher counts as not informed."""
    longest_prompt: float = 60.0
    """An announcement whose end is not told counts as said after this."""
    redial_wait: float = 5.0
    """After a hangup too early: wait so long for the phone to dial again, then hunt."""
    hunt: float = 1800.0
    """Dispatch is rung so long for a phone that hung up too early."""
    callback_ring: float = 45.0
    """A phone rings so long when it is called back."""
    routine_ring: float = 60.0
    """A phone or console rings so long in a routine call."""
    silence: float = 5.0
    """A phone that sent no sound before it was answered may still send none for so long."""
    record: bool = True
    """Whether SOS calls are recorded."""

    def starts(self, tier: int) -> float:
        """Return when tier `tier` (from 1) rings, counted from the call."""
        if tier <= len(self.tiers):
            return self.tiers[tier - 1]
        last = self.tiers[-1] if self.tiers else 0.0
        return last + (tier - len(self.tiers)) * self.gap(len(self.tiers))

    def gap(self, tier: int) -> float:
        """Return how long tier `tier` waits after the one before it."""
        if not self.tiers:
            return 0.0
        starts = (0.0, *self.tiers)
        last = min(tier, len(self.tiers))
        return max(0.0, starts[last] - starts[last - 1])
