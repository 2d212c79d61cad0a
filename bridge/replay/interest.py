"""Which calls of a log may matter to a site: the others are only counted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from bridge.calls.channels import endpoint_of
from bridge.model import CALL_KINDS, Event
from bridge.replay.records import text_of
from bridge.response import Plan

K = TypeVar("K")

_MOST: Final = 100_000
"""Names remembered at most; a log of callers from outside has no end of them."""


class Interest:
    """plans: of every site that the log is looked at for."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans
        self._alarms: dict[str, bool] = {}
        self._endpoints: dict[str, bool] = {}
        self._channels: dict[bytes, bool] = {}

    def is_alarm(self, extension: str) -> bool:
        """Whether any of the sites takes a call of this extension for an SOS."""
        known = self._alarms.get(extension)
        if known is None:
            known = any(plan.is_alarm(extension) for plan in self._plans)
            _room_in(self._alarms)[extension] = known
        return known

    def of_endpoint(self, endpoint: str) -> bool:
        """Whether it is a configured phone's, or a gateway's behind which one may be."""
        return any(endpoint in plan.own_endpoint or endpoint in plan.shared_endpoints for plan in self._plans)

    def of_event(self, event: Event) -> bool:
        """Whether the engine of any of the sites makes something of it."""
        if event.kind not in CALL_KINDS or "phone" in event.attributes or self._of_phone(event.endpoint):
            return True
        return event.attributes.get("direction", "out") == "out" and self.is_alarm(event.dialled)

    def _of_phone(self, endpoint: str) -> bool:
        known = self._endpoints.get(endpoint)
        if known is None:
            known = _room_in(self._endpoints)[endpoint] = self.of_endpoint(endpoint)
        return known

    def of_channel(self, channel: bytes) -> bool:
        """As `of_endpoint`, of a channel by its name in a log."""
        device = channel.rpartition(b"-")[0]
        known = self._channels.get(device)
        if known is None:
            known = self.of_endpoint(endpoint_of(text_of(channel)))
            _room_in(self._channels)[device] = known
        return known

    def of_number(self, number: str) -> bool:
        """Whether a configured phone has this extension, in a log that names no endpoint."""
        return any(phone.extension == number for plan in self._plans for phone in plan.phones if number)


def _room_in(cache: dict[K, bool]) -> dict[K, bool]:
    if len(cache) >= _MOST:
        cache.clear()
    return cache
