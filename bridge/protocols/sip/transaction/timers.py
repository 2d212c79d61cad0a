"""The timers of RFC 3261 table 4 and RFC 6026, as values. Nobody here waits: the endpoint does."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Timer(enum.StrEnum):
    """By their letters in the standards."""

    A = "A"
    """INVITE client: send the request again."""
    B = "B"
    """INVITE client: nobody answered at all."""
    D = "D"
    """INVITE client: how long a repeated final response may still come."""
    E = "E"
    """Non-INVITE client: send the request again."""
    F = "F"
    """Non-INVITE client: no final response."""
    G = "G"
    """INVITE server: send the final response again."""
    H = "H"
    """INVITE server: no ACK."""
    I = "I"  # noqa: E741 - its name in the standard
    """INVITE server: how long a repeated ACK may still come."""
    J = "J"
    """Non-INVITE server: how long a repeated request may still come."""
    K = "K"
    """Non-INVITE client: how long a repeated response may still come."""
    L = "L"
    """INVITE server: how long it takes repeated INVITEs after a 2xx (RFC 6026)."""
    M = "M"
    """INVITE client: how long further 2xx may come, from other branches of a fork too (RFC 6026)."""
    TRYING = "trying"
    """INVITE server: send 100 unless something was sent (section 17.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """In seconds. Those of the standards; tests of real telephones shorten them."""

    t1: float = 0.5
    """Round trip time, as estimated."""
    t2: float = 4.0
    """Longest time between repetitions of a non-INVITE request and of a final response to INVITE."""
    t4: float = 5.0
    """Longest time that a message stays in the network."""
    trying: float = 0.2
    completed: float = 32.0
    """Timer D on an unreliable transport."""

    @property
    def timeout(self) -> float:
        """64 * T1: timers B, F, H, J, M, and L without T4."""
        return 64 * self.t1


STANDARD = Times()
