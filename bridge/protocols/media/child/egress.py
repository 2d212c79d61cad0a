"""The stream to one party: one SSRC, one numbering, whatever its content comes from (RFC 3550 section 5.1).

Content is either paced frames of our own (`frame`) or packets of another leg (`align`, then `relay.py` and,
for those that are simply next, `ingress.py`). The numbers go on from one to the other.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from bridge.protocols.media.child.sockets import SocketAddress
from bridge.protocols.media.rtp import FRAME, FRAME_SECONDS, UINT16, UINT32, Packet, build

Send = Callable[[bytes | memoryview], int]


class Alignment:
    """What is added to the numbers of a relayed source to make them ours."""

    __slots__ = ("first", "sequence", "ssrc", "timestamp")

    def __init__(self, source: Packet, sequence: int, timestamp: int) -> None:
        self.ssrc = source.ssrc
        self.first = source.sequence
        """Sequence number of the source's first packet that we forward: older ones have no room."""
        self.sequence = (sequence - source.sequence) & UINT16
        self.timestamp = (timestamp - source.timestamp) & UINT32


class Egress:
    """Numbers of the last packet sent, and the way to send one.

    `octets` counts whole packets. The fields are public because a running relay writes them for each packet.
    """

    __slots__ = (
        "alignment",
        "octets",
        "paced",
        "packets",
        "send",
        "sent_at",
        "sequence",
        "ssrc",
        "timestamp",
        "unsent",
    )

    def __init__(self) -> None:
        # Unpredictable, so that nobody who cannot see them can guess them (RFC 3550 sections 5.1 and 8.1).
        self.ssrc = _random(32)
        self.sequence = _random(16)
        self.timestamp = _random(32)
        self.sent_at = 0.0
        self.packets = self.octets = self.unsent = 0
        self.paced = False
        """The last packet was a frame of our own."""
        self.alignment: Alignment | None = None
        self.send: Send | None = None

    def aim(self, twin: socket.socket | None, target: SocketAddress | None) -> None:
        """Send by `twin`, to whom it is connected with or, if that is another, to `target`."""
        if twin is None:
            self.send = None
        elif target is None:
            self.send = twin.send
        else:
            self.send = lambda datagram: twin.sendto(datagram, target)

    def frame(
        self, payload_type: int, payload: bytes, now: float, frames: int, back: int, *, marker: bool
    ) -> None:
        """Send a frame of our own. frames: since the last one. back: so far back lies its timestamp."""
        self.skip(now, frames)
        begins = marker or not self.packets
        timestamp = (self.timestamp - back) & UINT32
        sequence = (self.sequence + 1) & UINT16
        self.transmit(build(Packet(payload_type, begins, sequence, timestamp, self.ssrc, payload)), now)
        self.sequence = sequence

    def skip(self, now: float, frames: int) -> None:
        """Let the time of a frame of our own pass; nothing is sent."""
        self.timestamp = (self.timestamp + frames * FRAME) & UINT32 if self.paced else self._timestamp_at(now)
        self.paced, self.alignment, self.sent_at = True, None, now

    def align(self, source: Packet, now: float) -> Alignment:
        """Begin to forward a source: its packet becomes the next one, at the time it is now."""
        sequence = (self.sequence + 1) & UINT16
        self.alignment = Alignment(source, sequence, self._timestamp_at(now))
        self.paced = False
        return self.alignment

    def transmit(self, datagram: bytes, now: float) -> None:
        """Send and count; what the kernel does not take is counted and gone."""
        if self.send is None:
            return
        self.sent_at = now
        try:
            self.send(datagram)
        except OSError:
            # Full buffers, no route, or an earlier packet's "port unreachable", which the reader tells.
            self.unsent += 1
            return
        self.packets += 1
        self.octets += len(datagram)

    def _timestamp_at(self, now: float) -> int:
        """The timestamp of a packet that is sent now and does not follow evenly on the last one."""
        if not self.packets:
            return self.timestamp
        elapsed = max(1, round((now - self.sent_at) / FRAME_SECONDS))
        return (self.timestamp + elapsed * FRAME) & UINT32


def _random(bits: int) -> int:
    return int.from_bytes(os.urandom(bits // 8), "big")
