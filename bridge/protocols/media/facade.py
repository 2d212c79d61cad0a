"""What the user agent sees of its media: a protocol, values, events; kept by `builtin` and `rtpengine`.

A leg is one RTP stream in each direction with one party. The user agent names it, opens it, tells the party
its address in SDP, says where the party is, and then plays to it, joins it with another leg, records it.

Every call may raise `Retryable` (there is no media now; nothing was done), `MediaRefused` (it cannot be done;
the text says why) and `Uncertain` (no answer in time). Events come through the function that was given to the
media when it was made; it must not block. A leg closed by `close` gives no more events.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.errors import Permanent
from bridge.protocols.media.g711 import Law

__all__ = [
    "Digit",
    "FirstRtp",
    "Law",
    "Layout",
    "Local",
    "Media",
    "MediaEvent",
    "MediaFault",
    "MediaLost",
    "MediaReady",
    "MediaRefused",
    "OnEvent",
    "PromptEnded",
    "Recording",
    "RecordingFailed",
    "Remote",
    "RtpBack",
    "RtpSilent",
    "Statistics",
    "Unreachable",
]


class MediaRefused(Permanent):
    """The media cannot do this; the text says why (no such leg, a file that is no WAV, no free port)."""


class Layout(enum.StrEnum):
    """Of a recording: both voices on one track, or the party left and what it heard right."""

    MONO = "mono"
    STEREO = "stereo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Where a leg listens: what goes into the SDP."""

    address: str
    rtp_port: int
    rtcp_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What was negotiated with the party.

    address, port: its RTP, from its SDP; 0.0.0.0, :: or port 0 = it wants nothing (an old way to hold).
    rtcp_port: 0 = `port` + 1. payload_type: the number of `law` in both directions. event_type: that of
    telephone-event, None = no digits either way. sends, receives: from our side, by the SDP's direction.
    behind_nat: the address its signalling comes from, where media from there is as good as from `address`;
    empty = only `address`.
    """

    address: str
    port: int
    rtcp_port: int = 0
    law: Law = Law.PCMA
    payload_type: int = 8
    event_type: int | None = 101
    sends: bool = True
    receives: bool = True
    behind_nat: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of one leg since it was opened. None = not known (yet). Times in seconds.

    lost, late, duplicate: of what we were sent. foreign: packets from elsewhere, dropped. malformed: no RTP,
    or of a payload type that was not negotiated. remote_*: what the party reports about what we send.
    """

    received: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    jitter: float = 0.0
    foreign: int = 0
    malformed: int = 0
    sent: int = 0
    unsent: int = 0
    """Packets that the kernel did not take."""
    remote_lost: int | None = None
    remote_jitter: float | None = None
    round_trip: float | None = None
    said_bye: bool = False
    """The party ended its stream (RTCP BYE)."""
    silent_for: float | None = None
    source: str = ""
    """Address and port that the party's RTP really comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording that is complete on disk. dropped: seconds that the disk was too slow for."""

    file: Path
    seconds: float
    dropped: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaEvent:
    """Something happened. `leg` is empty when it is about all of them."""

    leg: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit(MediaEvent):
    """The party pressed a key: one of 0-9 * # A-D."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRtp(MediaEvent):
    """The party's first packet came, from `source`."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpSilent(MediaEvent):
    """No RTP for `seconds`; `never`: since it was told where we are. Told once, until `RtpBack`."""

    seconds: float
    never: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpBack(MediaEvent):
    """RTP after an `RtpSilent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptEnded(MediaEvent):
    """A prompt was played to its end (not: stopped, or replaced). `prompt` is the number `play` returned."""

    prompt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(MediaEvent):
    """The party's host says that nobody listens on its RTP port. Told once, until RTP comes from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFailed(MediaEvent):
    """A recording ended early; `why` is the system's word."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLost(MediaEvent):
    """The media process is gone, and with it these legs: whoever needs one opens it again."""

    legs: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaReady(MediaEvent):
    """There is media (again)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFault(MediaEvent):
    """Something that a person should know; `text` says it. The media goes on."""

    text: str


OnEvent = Callable[[MediaEvent], None]


class Media(Protocol):
    """The media of the user agent. Leg ids are the caller's: 1 to 64 printable characters, one call each."""

    async def run(self) -> None:
        """Keep the media there until cancelled; then every leg is closed."""

    async def open(self, leg: str, *, address: str = "") -> Local:
        """Take a pair of ports. address: which of our own to listen on; empty = the configured one."""

    async def set_remote(self, leg: str, remote: Remote) -> None:
        """Say where the party is. From now on it is heard, and hears silence until something is played.

        Again after a re-INVITE; a new address or port is latched to anew.
        """

    async def play(self, leg: str, files: Sequence[Path], *, loop: bool = False) -> int:
        """Play WAV files one after the other, instead of what was played before. Returns the prompt's number.

        While it plays, the party does not hear the leg that its own is joined with.
        """

    async def stop_playing(self, leg: str) -> None:
        """End the prompt, if one plays."""

    async def send_digits(self, leg: str, digits: str) -> None:
        """Press keys, one after the other, after those that still wait."""

    async def join(self, one: str, other: str) -> None:
        """Let two parties hear each other; both leave whom they were joined with."""

    async def leave(self, leg: str) -> None:
        """Part a leg and the one it is joined with. Both stay open."""

    async def start_recording(self, leg: str, file: Path, layout: Layout = Layout.STEREO) -> None:
        """Record what the party says and hears. The file must not exist."""

    async def stop_recording(self, leg: str) -> Recording:
        """End the recording and return when it is on disk."""

    async def statistics(self, leg: str) -> Statistics: ...

    async def close(self, leg: str) -> None:
        """Say goodbye (RTCP BYE), end a recording, free the ports. A leg that is not open is no error."""
