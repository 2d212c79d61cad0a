"""Which channels of a PBX's logs have begun: a log that holds a part twice tells of each once more. Pure."""

from __future__ import annotations

from typing import Final

FEWEST: Final = 100_000
"""Channels that are remembered for certain, the latest. Of those before twice as many nothing is known."""


class Begun:
    """Of all files of one PBX. Used by the reader of CEL."""

    def __init__(self) -> None:
        self._times: dict[bytes, float] = {}
        """By Uniqueid."""
        self._older: dict[bytes, float] = {}

    def again(self, uniqueid: bytes, at: float) -> bool:
        """Remember the beginning of a channel; return whether it is remembered already, of the same time.

        A PBX whose clock was set back may use a Uniqueid for another channel.
        """
        if at in (self._times.get(uniqueid), self._older.get(uniqueid)):
            return True
        if len(self._times) >= FEWEST:
            self._older, self._times = self._times, {}
        self._times[uniqueid] = at
        return False
