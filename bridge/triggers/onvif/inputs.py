"""Messages of a device -> events. Called by `trigger`; keeps only the last known state of each input.

A message `Initialized` tells a state, not a press: what is active when it is read for the first time is
marked `first_read`, and what became active while nobody listened `recovered`. A state that is known already
is no event, however often a device repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.model import Event, Kind
from bridge.protocols.onvif.events import Notification
from bridge.triggers.onvif.settings import InputConfig, Means

TOPIC: Final = "Device/Trigger/DigitalInput"
_STATES: Final = {"true": True, "1": True, "active": True, "false": False, "0": False, "inactive": False}
_OPENS: Final = {
    Means.SOS: Kind.SOS,
    Means.OFF_HOOK: Kind.OFF_HOOK,
    Means.TAMPER: Kind.TAMPER,
    Means.FAULT: Kind.FAULT,
}


class Inputs:
    """The configured inputs of one device. source: the device's name in stored events."""

    def __init__(self, source: str, inputs: Mapping[str, InputConfig]) -> None:
        self._source = source
        self._inputs = inputs
        self._active: dict[str, bool] = {}
        """Token -> the last known state; an input that was never read is not here."""

    @property
    def unread(self) -> list[str]:
        """Tokens of configured inputs that the device has told nothing of."""
        return sorted(self._inputs.keys() - self._active.keys())

    def news(self, message: Notification, *, offset: float, now: float) -> Event | None:
        """Return what the message tells, None if that is nothing new.

        offset: seconds that the device's clock is ahead of ours. now: UTC epoch seconds.
        """
        token = message.source.get("InputToken", "")
        told = self._inputs.get(token)
        state = _STATES.get(message.data.get("LogicalState", "").lower())
        if message.topic != TOPIC or told is None:
            return None
        if message.operation == "Deleted":
            self._active.pop(token, None)
            return None
        if state is None:
            return None
        active, before = state is not told.normally_closed, self._active.get(token)
        self._active[token] = active
        how = {"first_read": "yes"} if before is None else {"recovered": "yes"}
        return self._event(
            token,
            told,
            active=active,
            before=before,
            at=now if message.at is None else message.at - offset,
            key=f"{token}/{now if message.at is None else message.at:.3f}",
            how=how if message.operation == "Initialized" else {},
        )

    def _event(
        self,
        token: str,
        told: InputConfig,
        *,
        active: bool,
        before: bool | None,
        at: float,
        key: str,
        how: Mapping[str, str],
    ) -> Event | None:
        kind = _OPENS[told.means] if active else _closing(told, before)
        if active is before or kind is None:
            return None
        attributes = {"phone": told.phone, "input": token, **how}
        if told.means in (Means.TAMPER, Means.FAULT):
            attributes |= {"what": told.means, "text": f"input {token} of {self._source}"}
        return Event(
            kind=kind, source=self._source, key=key, occurred_at=at, via="onvif", attributes=attributes
        )


def _closing(told: InputConfig, before: bool | None) -> Kind | None:
    """What it says when the input is not active.

    A tamper or fault that an earlier run left open is cleared by the first read; an SOS is not: another way
    may have raised it, and only a reset that was seen clears it.
    """
    if told.means in (Means.TAMPER, Means.FAULT):
        return Kind.FAULT_CLEARED
    return Kind.SOS_CLEARED if told.means is Means.SOS and told.latching and before else None
