"""What a leg says by itself: pressed keys, else a prompt. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bridge.errors import ProtocolError
from bridge.protocols.media.g711 import SILENCE, Law
from bridge.protocols.media.rtp import FRAME
from bridge.protocols.media.telephone_event import Step, press

MOST_DIGITS: Final = 64


class Frame(NamedTuple):
    """20 ms. `event`: a telephone-event, no voice. An empty payload: nothing is sent."""

    payload: bytes
    event: bool = False
    marker: bool = False
    back: int = 0


class Programme:
    """The frames that come next. `on_ended(prompt)` is called when a prompt was played to its end."""

    def __init__(self, on_ended: Callable[[int], None]) -> None:
        self._on_ended = on_ended
        self._steps: deque[Step] = deque()
        self._pieces: Sequence[bytes] = ()
        self._piece = self._offset = self._prompt = 0
        self._loop = self._begins = False

    @property
    def running(self) -> bool:
        """Whether there is something to say before silence."""
        return bool(self._steps or self._pieces)

    def play(self, prompt: int, pieces: Sequence[bytes], *, loop: bool) -> None:
        """Play encoded sound, a piece after the other, instead of what is played now."""
        self._prompt, self._pieces, self._loop = prompt, pieces, loop
        self._piece = self._offset = 0
        self._begins = True

    def stop(self) -> None:
        """End the prompt; keys that wait are pressed all the same."""
        self._pieces = ()

    def press(self, digits: str) -> None:
        """Press keys after those that wait. Raises ProtocolError for no key, or too many."""
        steps = list(press(digits))
        if len(digits) > MOST_DIGITS or len(self._steps) > 10 * MOST_DIGITS:
            raise ProtocolError(f"more than {MOST_DIGITS} digits at a time")
        self._steps.extend(steps)

    def next(self) -> Frame | None:
        """Return the next frame; None when there is nothing to say."""
        if self._steps:
            step = self._steps.popleft()
            return Frame(step.payload, bool(step.payload), step.marker, step.offset)
        return self._next_of_prompt() if self._pieces else None

    def _next_of_prompt(self) -> Frame:
        piece = self._pieces[self._piece]
        payload = piece[self._offset : self._offset + FRAME]
        frame = Frame(payload, marker=self._begins)
        self._begins = False
        self._offset += FRAME
        if self._offset >= len(piece):
            self._offset = 0
            self._piece += 1
        if self._piece >= len(self._pieces):
            self._piece = 0
            if not self._loop:
                self._pieces = ()
                self._on_ended(self._prompt)
        return frame


def fill(law: Law, codes: bytes) -> bytes:
    """Return encoded sound, made a whole number of frames with silence."""
    return codes + bytes((SILENCE[law],)) * (-len(codes) % FRAME)


def silent_frame(law: Law) -> bytes:
    return bytes((SILENCE[law],)) * FRAME
