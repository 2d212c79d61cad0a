"""What is known of the devices of one PBX, by whatever link told it first. Pure.

Each link of AMI and ARI tells a change at a moment of its own, so that no key could tell that it is one fact.
Links that watch the same PBX therefore share one `Devices`, and only what changes it is an event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MOST_CALLS: Final = 1000
"""Calls with a silence that are remembered; of more, the oldest is forgotten."""


@dataclass(slots=True)
class Devices:
    """The last state of each, as it was told."""

    _reachable: dict[str, bool] = field(default_factory=dict)
    """By endpoint."""
    _sounds: dict[str, bool] = field(default_factory=dict)
    """By call: whether sound comes from its phone."""

    def reached(self, endpoint: str, reachable: bool) -> bool:
        """Note whether the device can be reached. Return whether that is news."""
        if self._reachable.get(endpoint) is reachable:
            return False
        self._reachable[endpoint] = reachable
        return True

    def sounded(self, call: str, sounds: bool) -> bool:
        """Note whether sound comes from the phone of this call. Return whether that is news."""
        if self._sounds.get(call) is sounds:
            return False
        self._sounds[call] = sounds
        if len(self._sounds) > MOST_CALLS:
            del self._sounds[next(iter(self._sounds))]
        return True
