"""Recorded AMI dialogues: text files that a person can read, diff and write by hand.

    # what it is, recorded from which Asterisk
    @0.136
    Event: Newchannel
    Timestamp: 1795345027.800964
    Uniqueid: 1795345027.0
    ...
    <blank line>

`@` gives the seconds since the beginning; one message follows, its lines ended by LF. Played again it must
be a new call, so `renewed` moves its Uniqueids and times to now. Used by the fake AMI server and by tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.errors import ProtocolError

FOLDER: Final = Path(__file__).parent / "dialogues"
"""Those that ship with the product."""

MAX_CHANNELS: Final = 10_000
"""Channels of one dialogue: what the counters of two runs are apart."""

_AT: Final = re.compile(rb"@(\d+(?:\.\d+)?)")
_TIMESTAMP: Final = re.compile(rb"^(Timestamp: )(\d+\.\d+)$", re.MULTILINE)
_UNIQUEID: Final = re.compile(rb"^\w*(?:uniqueid|linkedid): (\d{9,10})\.\d+$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Dialogue:
    """Messages with the second they came at, counted from the beginning."""

    messages: tuple[tuple[float, bytes], ...]
    """Each without its blank line, lines ended by LF."""

    @classmethod
    def load(cls, path: Path) -> Dialogue:
        """Read a file. Raises ProtocolError naming the file where it is none."""
        try:
            return cls.parse(path.read_bytes())
        except ProtocolError as error:
            raise ProtocolError(f"{path}: {error}") from None

    @classmethod
    def parse(cls, text: bytes) -> Dialogue:
        """Raises ProtocolError for a block without its time."""
        blocks = (
            block.strip(b"\n") for block in re.sub(rb"^#.*\n", b"", text, flags=re.MULTILINE).split(b"\n\n")
        )
        return cls(tuple(_message(block) for block in blocks if block))

    @classmethod
    def shipped(cls, name: str) -> Dialogue:
        """Return one of the product's own (`sos-answered`)."""
        return cls.load(FOLDER / f"{name}.ami")

    @property
    def duration(self) -> float:
        return self.messages[-1][0] if self.messages else 0.0

    def renewed(self, now: float, run: int = 0) -> Dialogue:
        """Return the same dialogue as if it began at `now` (UTC), with Uniqueids of its own.

        run: tells apart dialogues that begin in the same second.
        """
        epochs = [int(found[1]) for _, message in self.messages for found in _UNIQUEID.finditer(message)]
        shift = int(now) - min(epochs, default=int(now))
        # Everywhere, not in known headers only: a dialplan's own fields repeat them.
        known = b"|".join(b"%d" % epoch for epoch in sorted(set(epochs))) or b"(?!)"
        ids = re.compile(rb"\b(%s)\.(\d+)\b" % known)

        def moved(found: re.Match[bytes]) -> bytes:
            return b"%d.%d" % (int(found[1]) + shift, int(found[2]) + run * MAX_CHANNELS)

        return Dialogue(tuple((at, _renew(message, now + at, ids, moved)) for at, message in self.messages))

    def as_stream(self) -> bytes:
        """Return all messages as they would come over the wire."""
        return b"".join(on_the_wire(message) for _, message in self.messages)

    def __iter__(self) -> Iterator[tuple[float, bytes]]:
        return iter(self.messages)


def on_the_wire(message: bytes) -> bytes:
    """Return one message with AMI's line ends and its blank line."""
    return message.replace(b"\n", b"\r\n") + b"\r\n\r\n"


def _message(block: bytes) -> tuple[float, bytes]:
    first, _, message = block.partition(b"\n")
    at = _AT.fullmatch(first)
    if at is None or not message:
        raise ProtocolError(f"a message begins with `@seconds`, not with {first[:40]!r}")
    return float(at[1]), message


def _renew(
    message: bytes, at: float, ids: re.Pattern[bytes], moved: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    # Times first, to something without digits: a Timestamp may look like a Uniqueid.
    message = ids.sub(moved, _TIMESTAMP.sub(rb"\1@", message))
    return message.replace(b"Timestamp: @", b"Timestamp: %.6f" % at)
