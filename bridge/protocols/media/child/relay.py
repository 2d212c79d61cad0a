"""The long way of a packet from one leg to its peer: every case but "simply the next one".

It aligns the numbers, changes the law, renames telephone-events, feeds the peer's recording, and where none
of that needs doing again it gives the source's ingress a `Route`, so that the next packets go the short way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.protocols.media.child.ingress import Route
from bridge.protocols.media.g711 import decode, transcode
from bridge.protocols.media.reception import Arrival
from bridge.protocols.media.rtp import HEADER, MARKER, PLAIN, UINT16, UINT32, Packet, distance

if TYPE_CHECKING:
    from bridge.protocols.media.child.leg import Leg
    from bridge.protocols.media.facade import Remote


class Relay:
    """Forwards what one leg's party says."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    def forward(self, packet: Packet, arrival: Arrival) -> None:
        """Send a packet on to the peer, unless it has none, or hears something else, or nothing."""
        leg, peer = self._leg, self._leg.peer
        if peer is None or not peer.sends or peer.programme.running:
            return
        source, target = leg.remote, peer.remote
        if source is None or target is None or not source.receives:
            return
        renamed = self._rename(packet, source, target)
        if renamed is None:
            return
        self._send(renamed, packet, arrival, peer)
        if leg.recorder is None and peer.recorder is None and source.law is target.law:
            leg.ingress.route = Route(peer.egress, _kinds(source, target))

    @staticmethod
    def _rename(packet: Packet, source: Remote, target: Remote) -> Packet | None:
        """Return the packet as the target knows it; None for a key that it would not understand."""
        if packet.payload_type == source.event_type:
            return None if target.event_type is None else packet._replace(payload_type=target.event_type)
        payload = transcode(source.law, target.law, packet.payload)
        return packet._replace(payload_type=target.payload_type, payload=payload)

    def _send(self, renamed: Packet, packet: Packet, arrival: Arrival, peer: Leg) -> None:
        egress, now = peer.egress, self._leg.now
        alignment = egress.alignment
        begins = alignment is None or alignment.ssrc != packet.ssrc or arrival is Arrival.RESTART
        if alignment is None or begins:
            alignment = egress.align(packet, now)
        elif arrival is Arrival.LATE and distance(packet.sequence, alignment.first) < 0:
            return
        sequence = (packet.sequence + alignment.sequence) & UINT16
        timestamp = (packet.timestamp + alignment.timestamp) & UINT32
        second = renamed.payload_type | (MARKER if begins or packet.marker else 0)
        header = HEADER.pack(PLAIN, second, sequence, timestamp, egress.ssrc)
        egress.transmit(header + renamed.payload, now)
        if arrival is not Arrival.LATE:
            egress.sequence, egress.timestamp = sequence, timestamp
        target = peer.remote
        if peer.recorder is not None and target is not None and renamed.payload_type == target.payload_type:
            peer.recorder.heard(timestamp, decode(target.law, renamed.payload))


def _kinds(source: Remote, target: Remote) -> dict[int, int]:
    """Second header bytes of the voice, with and without marker. Keys go the long way: they are looked at."""
    return {source.payload_type | marker: target.payload_type | marker for marker in (0, MARKER)}
