"""How the media process is set up. Written by `builtin`, read by `child`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EF: Final = 46
"""Expedited forwarding, the DSCP of voice (RFC 3246, RFC 4594 section 4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSettings:
    """Durations in seconds.

    address: where legs listen that name no address. first_port, last_port: both included; a leg takes an even
    port for RTP and the next one for RTCP. silence_after: without RTP, until it is told. orphan_after:
    without RTP on any leg, until a process whose parent died ends itself. niceness: tried, not required.
    """

    address: str = "127.0.0.1"
    first_port: int = 16384
    last_port: int = 18383
    dscp: int = EF
    silence_after: float = 5.0
    orphan_after: float = 30.0
    niceness: int = -15

    def __post_init__(self) -> None:
        if not 1024 <= self.first_port < self.last_port <= 65535:
            raise ValueError(
                f"RTP ports {self.first_port} to {self.last_port}: write 1024 to 65535, ascending"
            )
        if not 0 <= self.dscp < 64:
            raise ValueError(f"DSCP {self.dscp}: write 0 to 63")
        if self.silence_after <= 0 or self.orphan_after <= 0:
            raise ValueError("silence_after and orphan_after: write seconds above 0")
