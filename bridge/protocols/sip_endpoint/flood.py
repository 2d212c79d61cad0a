"""Who may send how much: token buckets for strangers, none for the allowed networks.

A telephone of the plant is never limited, whatever anybody else does: an SOS is not to be lost to a rule.
Called by `inbox` before anything is read, and by `connections`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from bridge.model import Clock
from bridge.protocols.sip_endpoint import settings
from bridge.protocols.sip_endpoint.drops import Drop

_REMEMBERED: Final = 4096
"""Addresses; the source of a datagram is easily forged, so the longest silent ones are forgotten."""


class Bucket:
    """Tokens that come back at `rate` a second, `burst` at most."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token, if there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Flood:
    """Judges addresses. One for an endpoint."""

    def __init__(self, limits: settings.Flood, allowed: Sequence[settings.Network], clock: Clock) -> None:
        self._limits = limits
        self._allowed = tuple(allowed)
        self._clock = clock
        self._known: dict[str, bool] = {}
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._total = Bucket(limits.total_rate, limits.total_burst, clock.monotonic())

    def is_allowed(self, host: str) -> bool:
        """Whether an IP address is in the allowed networks."""
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            address = ip_address(host)
            known = self._known[host] = any(address in network for network in self._allowed)
        return known

    def judge(self, host: str) -> Drop | None:
        """Return why a message from `host` is not to be looked at, None if it is."""
        if self.is_allowed(host):
            return None
        now = self._clock.monotonic()
        if not self._bucket(host, now).take(now):
            return Drop.SOURCE_FLOOD
        return None if self._total.take(now) else Drop.TOTAL_FLOOD

    def _bucket(self, host: str, now: float) -> Bucket:
        bucket = self._buckets.get(host)
        if bucket is None:
            if len(self._buckets) >= _REMEMBERED:
                self._buckets.popitem(last=False)
            bucket = self._buckets[host] = Bucket(self._limits.rate, self._limits.burst, now)
        else:
            self._buckets.move_to_end(host)
        return bucket
