"""Stops a cable at one exact message, so that the bridge can be killed between two steps."""

from __future__ import annotations

import threading
from typing import Final

from tests.ari.cable import Cable
from tests.parts.processes import PartError

_WORD: Final = b"sos-notify"
"""In the one action, AMI's or ARI's, that has dispatch rung."""


class Trap:
    """Sprung by the first call to dispatch that goes through the cable.

    held: the call stays in the cable with all that follows, and the PBX never hears of it. Otherwise the PBX
    gets it, and the bridge hears nothing any more.
    """

    def __init__(self, cable: Cable, *, held: bool) -> None:
        self._cable = cable
        self._held = held
        self._sprung = threading.Event()
        cable.look = self._look

    def wait(self) -> None:
        """Wait until it has gone off."""
        if not self._sprung.wait(20):
            raise PartError("no call to dispatch came through the cable")

    def open(self) -> None:
        """Let everything through again, on new connections."""
        self._cable.look = lambda _data: None
        self._cable.cut()
        self._cable.silent = self._cable.mute = False
        self._cable.plugged = True

    def _look(self, data: bytes) -> None:
        if _WORD in data:
            self._cable.silent, self._cable.mute = self._held, not self._held
            self._sprung.set()
