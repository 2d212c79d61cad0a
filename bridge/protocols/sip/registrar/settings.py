"""How long telephones may stay registered. Called by `registrar`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrarSettings:
    """Seconds.

    A dead telephone is missed after `longest` at the latest, sooner by OPTIONS. No more than an hour may be
    asked of anybody by `shortest` (RFC 3261 section 10.3).
    """

    shortest: int = 60
    longest: int = 600
    usual: int = 300
    """For a telephone that asks for nothing."""

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.usual <= self.longest or self.shortest > HOUR:
            raise ValueError("registration times must be 0 < shortest <= usual <= longest, shortest <= 3600")
