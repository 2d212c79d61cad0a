"""What one leg hears: who may be heard, what is a packet, and the fast way of a relayed one.

Media is taken from the negotiated address (and, where the site allows it, from the address that the party's
signalling comes from) and latched to the first port that sends good RTP; from then on everybody else is
counted and dropped. A party that was silent for `RELATCH_AFTER` may come back from another port of the same
addresses: NAT forgets.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.media.child.egress import Egress
from bridge.protocols.media.child.loop import Loop
from bridge.protocols.media.child.sockets import Ports, SocketAddress, connect_twin
from bridge.protocols.media.reception import Arrival, Reception
from bridge.protocols.media.rtp import HEADER, LONGEST, PLAIN, UINT16, UINT32, Packet, parse

RELATCH_AFTER: Final = 2.0
"""Seconds."""

# One buffer for all legs: a datagram is done with before the next one is read.
_BUFFER: Final = bytearray(LONGEST + 1)
_WHOLE: Final = memoryview(_BUFFER)
_VIEWS: Final = [_WHOLE[:size] for size in range(LONGEST + 2)]

Take = Callable[[Packet, Arrival], None]


class Route:
    """A running relay: the next packets of this source go to `egress` with nothing but other numbers.

    kinds: second header byte as it comes in -> as it goes out. A kind that is not there goes the long way.
    """

    __slots__ = ("egress", "kinds", "sequence", "ssrc", "timestamp")

    def __init__(self, egress: Egress, kinds: dict[int, int]) -> None:
        alignment = egress.alignment
        assert alignment is not None, "a relay is aligned by its first packet"  # noqa: S101  # our own order
        self.egress, self.kinds = egress, kinds
        self.sequence, self.timestamp = alignment.sequence, alignment.timestamp
        self.ssrc = egress.ssrc


class Ingress:
    """Reads the RTP sockets of one leg. `take` is given every good packet that no route forwards."""

    __slots__ = (
        "_allowed",
        "_loop",
        "_on_unreachable",
        "_original",
        "_ports",
        "_receive",
        "_take",
        "_types",
        "expecting",
        "foreign",
        "heard_at",
        "latched",
        "malformed",
        "reception",
        "route",
        "source",
        "twin",
    )

    def __init__(
        self,
        loop: Loop,
        ports: Ports,
        original: socket.socket,
        take: Take,
        on_unreachable: Callable[[], None],
    ) -> None:
        self._loop, self._ports, self._original = loop, ports, original
        self._take, self._on_unreachable = take, on_unreachable
        self._allowed: frozenset[str] = frozenset()
        self._types: frozenset[int] = frozenset()
        self._receive = original.recv_into
        self.twin: socket.socket | None = None
        self.source: SocketAddress | None = None
        """Whom the twin is connected with."""
        self.latched = self.expecting = False
        self.route: Route | None = None
        self.reception = Reception()
        self.heard_at: float | None = None
        self.foreign = self.malformed = 0
        loop.add(original, self._read_strangers)

    def expect(self, party: SocketAddress | None, allowed: frozenset[str], types: frozenset[int]) -> None:
        """Hear `party`, or another port of the `allowed` addresses, saying packets of these payload types.

        None: nobody is to be heard. Where no packet can go to (a private address behind NAT), it is
        unreachable and may yet be heard.
        """
        self._allowed, self._types = allowed, types
        self.expecting, self.route = party is not None, None
        if party is None:
            self._drop_twin()
        elif party != self.source or not self.latched:
            self.latched = False
            if not self._connect(party):
                self._on_unreachable()

    def close(self) -> None:
        """Free the ports."""
        self.route = None
        self._drop_twin()
        self._loop.remove(self._original)
        self._original.close()

    def read(self) -> None:
        """Take one datagram of the party. The way of every relayed packet: kept short, and in one piece."""
        try:
            size = self._receive(_BUFFER)
        except BlockingIOError:
            return
        except OSError:
            self._on_unreachable()
            return
        if size < 12:
            self.malformed += 1
            return
        first, second, sequence, timestamp, ssrc = HEADER.unpack_from(_BUFFER)
        loop = self._loop
        if (
            first != PLAIN
            or size > LONGEST
            or not self.reception.in_order(sequence, timestamp, ssrc, size, loop.samples)
        ):
            self._take_odd(size)
            return
        self.heard_at = now = loop.now
        route = self.route
        if route is None or second not in route.kinds:
            self._take_next(size)
            return
        egress = route.egress
        egress.sequence = sequence = (sequence + route.sequence) & UINT16
        egress.timestamp = timestamp = (timestamp + route.timestamp) & UINT32
        HEADER.pack_into(_BUFFER, 0, PLAIN, route.kinds[second], sequence, timestamp, route.ssrc)
        egress.sent_at = now
        try:
            egress.send(_VIEWS[size])  # type: ignore[misc]  # a route leads only to one that can send
        except OSError:
            egress.unsent += 1
        else:
            egress.packets += 1
            egress.octets += size

    def _take_next(self, size: int) -> None:
        """A packet that is in order and counted, but not simply forwarded."""
        packet = parse(_VIEWS[size]) if _BUFFER[1] & 0x7F in self._types else None
        if packet is None:
            self.malformed += 1
        else:
            self._take(packet, Arrival.NEW)

    def _take_odd(self, size: int) -> None:
        try:
            packet = parse(_VIEWS[size])
        except ProtocolError:
            self.malformed += 1
            return
        if packet.payload_type not in self._types:
            self.malformed += 1
            return
        loop = self._loop
        arrival = self.reception.take(packet.sequence, packet.timestamp, packet.ssrc, size, loop.samples)
        if arrival in (Arrival.DUPLICATE, Arrival.DOUBTFUL):
            return
        self.heard_at, self.latched = loop.now, True
        if arrival is Arrival.RESTART:
            self.route = None
        self._take(packet, arrival)

    def _read_strangers(self) -> None:
        try:
            size, source = self._original.recvfrom_into(_BUFFER)
        except OSError:
            return
        if source != self.source:
            if not self._may_latch(source, size) or not self._connect(source):
                self.foreign += 1
                return
            self.route = None
        self._take_odd(size)

    def _may_latch(self, source: SocketAddress, size: int) -> bool:
        if source[0] not in self._allowed:
            return False
        if self.latched and self._loop.now - (self.heard_at or 0.0) < RELATCH_AFTER:
            return False
        try:
            return parse(_VIEWS[size]).payload_type in self._types
        except ProtocolError:
            return False

    def _connect(self, party: SocketAddress) -> bool:
        """Connect the twin; False, and no twin, where that cannot be."""
        try:
            if self.twin is None:
                self.twin = self._ports.twin(self._original)
                connect_twin(self.twin, party)
                self._receive = self.twin.recv_into
                self._loop.add(self.twin, self.read)
            else:
                self.twin.connect(party)
        except OSError:
            self._drop_twin()
            return False
        self.source = party
        return True

    def _drop_twin(self) -> None:
        self.source, self.latched = None, False
        if self.twin is not None:
            self._loop.remove(self.twin)
            self.twin.close()
            self.twin = None
