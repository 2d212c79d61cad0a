"""One recording: what a party says and what it hears, evened out and written to a WAV file."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bridge.protocols.media.child.files import Files
from bridge.protocols.media.facade import Layout
from bridge.protocols.media.jitter import JitterBuffer
from bridge.protocols.media.rtp import FRAME, FRAME_SECONDS
from bridge.protocols.media.wav import WavWriter

_FRAMES_A_WRITE: Final = 50
_LARGEST, _SMALLEST = 32767, -32768

Told = Callable[[Any], None]


class Recorder:
    """Runs from `start` to `finish`. `tick` is called every 20 ms; sound comes in between."""

    def __init__(self, files: Files, file: Path, layout: Layout, on_failed: Callable[[str], None]) -> None:
        self.file = file
        self._files, self._layout, self._on_failed = files, layout, on_failed
        self._said, self._heard = JitterBuffer(), JitterBuffer()
        self._pending = bytearray()
        self._frames = 0
        self._writer: WavWriter | None = None
        self._failed = ""
        self.dropped = 0.0
        """Seconds that could not be queued for the disk."""

    def start(self, told: Told) -> None:
        """Make the file; `told` is given None, or the exception that says why there is none."""
        channels = 2 if self._layout is Layout.STEREO else 1

        def made(result: Any) -> None:
            if isinstance(result, WavWriter):
                self._writer = result
                result = None
            told(result)

        if not self._files.submit(lambda: WavWriter(self.file, channels), made):
            told(OSError("the disk is too slow: too much waits to be written"))

    def said(self, timestamp: int, linear: bytes) -> None:
        """Add sound that came from the party."""
        self._said.put(timestamp, linear)

    def heard(self, timestamp: int, linear: bytes) -> None:
        """Add sound that was sent to the party."""
        self._heard.put(timestamp, linear)

    def tick(self, frames: int) -> None:
        """Take what is due of both."""
        samples = frames * FRAME
        said, heard = self._said.take(samples), self._heard.take(samples)
        self._pending += interleave(said, heard) if self._layout is Layout.STEREO else mix(said, heard)
        self._frames += frames
        if self._frames >= _FRAMES_A_WRITE:
            self._flush()

    def finish(self, told: Told) -> None:
        """Write what waits and close; `told` is given the seconds recorded, or the exception."""
        self._flush()
        writer, self._writer = self._writer, None
        if writer is None:
            told(OSError(self._failed or "it never began"))
        elif not self._files.submit(writer.close, told):
            told(OSError("the disk is too slow: too much waits to be written"))

    def _flush(self) -> None:
        writer, linear, seconds = self._writer, bytes(self._pending), self._frames * FRAME_SECONDS
        self._pending.clear()
        self._frames = 0
        if writer is None or not linear:
            return
        if not self._files.submit(lambda: writer.write(linear), self._written):
            self.dropped += seconds

    def _written(self, result: Any) -> None:
        if isinstance(result, Exception) and not self._failed:
            self._failed = getattr(result, "strerror", None) or str(result)
            self._on_failed(self._failed)


def interleave(left: bytes, right: bytes) -> bytes:
    """Return two tracks of 16 bit samples as one of two channels."""
    both = array("h", bytes(2 * len(left)))
    both[0::2], both[1::2] = array("h", left), array("h", right)
    return both.tobytes()


def mix(one: bytes, other: bytes) -> bytes:
    """Return the sum of two tracks of 16 bit samples, cut off where it is too loud."""
    pairs = zip(array("h", one), array("h", other), strict=True)
    return array("h", [max(_SMALLEST, min(_LARGEST, a + b)) for a, b in pairs]).tobytes()
