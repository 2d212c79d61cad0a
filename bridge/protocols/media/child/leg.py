"""One leg: a party, what it says, what it hears. Called by the switchboard, the loop and the other leg."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.protocols.media.child.egress import Egress
from bridge.protocols.media.child.ingress import Ingress
from bridge.protocols.media.child.loop import CHECK_EVERY, Loop
from bridge.protocols.media.child.programme import Programme, silent_frame
from bridge.protocols.media.child.recorder import Recorder
from bridge.protocols.media.child.relay import Relay
from bridge.protocols.media.child.reports import Reports
from bridge.protocols.media.child.sockets import Ports, SocketAddress, canonical, is_unspecified
from bridge.protocols.media.facade import Remote
from bridge.protocols.media.g711 import Law, decode, transcode
from bridge.protocols.media.reception import Arrival
from bridge.protocols.media.rtp import RATE, Packet
from bridge.protocols.media.telephone_event import DigitReceiver

Tell = Callable[[dict[str, Any]], None]

_UNREACHABLE_AGAIN: Final = 1.0
"""Seconds without a "port unreachable" after which the next one is news."""


class Leg:
    """Opened with its ports; mute and deaf until `set_remote`."""

    def __init__(self, name: str, loop: Loop, ports: Ports, address: str, tell: Tell) -> None:
        """Raises NoPort or ProtocolError."""
        self.name = name
        self._loop, self._tell = loop, tell
        rtp, rtcp = ports.take(address)
        self.local: SocketAddress = rtp.getsockname()
        self.egress = Egress()
        self.ingress = Ingress(loop, ports, rtp, self._take, self._on_unreachable)
        self.reports = Reports(loop, rtcp, self.egress, self.ingress.reception)
        self.programme = Programme(self._on_prompt_ended)
        self.remote: Remote | None = None
        self.awaits = 0
        """The prompt that is being read from disk."""
        self.recorder: Recorder | None = None
        self.peer: Leg | None = None
        self.relay = Relay(self)
        """Forwards what this party says to the peer."""
        self._digits = DigitReceiver()
        self._told_first = self._silent = False
        self._unreachable_at: float | None = None
        self._since = loop.now
        self._aimed_at: SocketAddress | None = None

    # --- commands ----------------------------------------------------------------------------------

    def set_remote(self, remote: Remote) -> None:
        """See `facade.Media.set_remote`. Raises ProtocolError for an unusable address."""
        address = canonical(remote.address)
        wants_media = remote.port != 0 and not is_unspecified(address)
        party = self._socket_address(address, remote.port) if wants_media else None
        allowed = frozenset({address} | ({canonical(remote.behind_nat)} if remote.behind_nat else set()))
        types = {remote.payload_type, *([] if remote.event_type is None else [remote.event_type])}
        self.ingress.expect(party, allowed, frozenset(types))
        rtcp = self._socket_address(address, remote.rtcp_port or remote.port + 1) if party else None
        self.reports.aim(rtcp, allowed, follows=bool(remote.behind_nat))
        self.remote = remote
        self._since, self._silent, self._unreachable_at = self._loop.now, False, None
        self._aim()
        self.route_anew()

    def join(self, other: Leg) -> None:
        """Be heard by, and hear, `other`."""
        self.leave()
        other.leave()
        self.peer, other.peer = other, self
        self.egress.alignment = other.egress.alignment = None
        self.route_anew()

    def leave(self) -> None:
        """Part from the peer, if there is one."""
        if self.peer is None:
            return
        self.route_anew()
        self.peer.peer, self.peer = None, None

    def close(self) -> None:
        """Say goodbye and free the ports. The recorder is the switchboard's to end."""
        self.leave()
        self.reports.close()
        self.ingress.close()

    def play(self, prompt: int, law: Law, pieces: list[bytes], *, loop: bool) -> None:
        """Play encoded sound. Where the law was changed while it was read, it is translated."""
        target = self.remote.law if self.remote is not None else law
        self.programme.play(prompt, [transcode(law, target, piece) for piece in pieces], loop=loop)
        self.route_anew()

    def stop_playing(self) -> None:
        """End the prompt, also one that is still being read."""
        self.awaits = 0
        self.programme.stop()

    def press(self, digits: str) -> None:
        """Raises ProtocolError for no keys, or a party that takes none."""
        if self.remote is None or self.remote.event_type is None:
            raise ProtocolError(
                f"media: leg {self.name} takes no telephone-event, and no other digits are sent"
            )
        self.programme.press(digits)
        self.route_anew()

    def record(self, recorder: Recorder | None) -> None:
        """Record from now on; None: no more."""
        self.recorder = recorder
        self.route_anew()

    def statistics(self) -> dict[str, Any]:
        """The fields of `facade.Statistics`."""
        heard, told = self.ingress.reception, self.reports.remote
        return {
            "received": heard.packets,
            "lost": heard.lost,
            "late": heard.late,
            "duplicate": heard.duplicates,
            "jitter": heard.jitter,
            "foreign": self.ingress.foreign + self.reports.foreign,
            "malformed": self.ingress.malformed + self.reports.malformed,
            "sent": self.egress.packets,
            "unsent": self.egress.unsent,
            "remote_lost": told.lost if told else None,
            "remote_jitter": told.jitter / RATE if told else None,
            "round_trip": self.reports.round_trip,
            "said_bye": self.reports.said_bye,
            "silent_for": None if self.ingress.heard_at is None else self.now - self.ingress.heard_at,
            "source": self.source,
        }

    def route_anew(self) -> None:
        """Something changed: the next packet of either side decides anew how it is forwarded."""
        self.ingress.route = None
        if self.peer is not None:
            self.peer.ingress.route = None

    # --- time --------------------------------------------------------------------------------------

    @property
    def sends(self) -> bool:
        return self.remote is not None and self.remote.sends and self.egress.send is not None

    @property
    def busy(self) -> bool:
        """Whether `tick` has something to do every 20 ms."""
        return self.recorder is not None or (self.sends and (self.peer is None or self.programme.running))

    def tick(self, frames: int) -> None:
        """Send the next 20 ms of what we say ourselves; a relay needs no tick."""
        if self.sends and (self.peer is None or self.programme.running):
            self._say(frames)
        if self.recorder is not None:
            self.recorder.tick(frames)

    def check(self, silence_after: float) -> None:
        """Report to the party, and tell once when it was silent for so long. Called a few times a second."""
        self.reports.check()
        self._notice()
        if self._silent or self.remote is None or not self.remote.receives or not self.ingress.expecting:
            return
        if self.silent_for >= silence_after:
            self._silent = True
            said = {"seconds": round(self.silent_for, 1), "never": self.ingress.heard_at is None}
            self._tell({"event": "rtp_silent", "leg": self.name, **said})

    def _notice(self) -> None:
        """Tell that the party is heard, for the first time or again."""
        heard_at = self.ingress.heard_at
        if heard_at is not None and heard_at >= self._since and not self._told_first:
            self._told_first = True
            self._tell({"event": "first_rtp", "leg": self.name, "source": self.source})
        if self._silent and self.silent_for < CHECK_EVERY:
            self._silent = False
            self._tell({"event": "rtp_back", "leg": self.name})

    @property
    def now(self) -> float:
        """Monotonic, of this turn of the loop."""
        return self._loop.now

    @property
    def silent_for(self) -> float:
        """Seconds since it was heard or, before that, since we know where it is."""
        return self._loop.now - max(self._since, self.ingress.heard_at or self._since)

    @property
    def source(self) -> str:
        source = self.ingress.source
        return f"{source[0]} {source[1]}" if source else ""

    # --- what the party says -----------------------------------------------------------------------

    def _take(self, packet: Packet, arrival: Arrival) -> None:
        """Called with each good packet that no route forwards."""
        remote = self.remote
        if remote is None:
            return
        if not self._told_first or self._silent:
            self._notice()
        self._unreachable_at = None
        if self.ingress.source != self._aimed_at:
            self._aim()
        if packet.payload_type == remote.event_type:
            self._take_event(packet)
        elif self.recorder is not None:
            self.recorder.said(packet.timestamp, decode(remote.law, packet.payload))
        self.relay.forward(packet, arrival)

    def _take_event(self, packet: Packet) -> None:
        try:
            digit = self._digits.take(packet)
        except ProtocolError:
            self.ingress.malformed += 1
            return
        if digit:
            self._tell({"event": "digit", "leg": self.name, "digit": digit})

    def _on_unreachable(self) -> None:
        news = self._unreachable_at is None or self._loop.now - self._unreachable_at > _UNREACHABLE_AGAIN
        told, self._unreachable_at = self._unreachable_at is not None, self._loop.now
        if news and not told:
            self._tell({"event": "unreachable", "leg": self.name})

    # --- what we say -------------------------------------------------------------------------------

    def _say(self, frames: int) -> None:
        remote = self.remote
        assert remote is not None  # noqa: S101  # `sends`, which was asked, says so
        frame = self.programme.next()
        if frame is None:
            self._send(remote.payload_type, silent_frame(remote.law), frames, 0, marker=False)
        elif frame.event and remote.event_type is not None:
            self._send(remote.event_type, frame.payload, frames, frame.back, marker=frame.marker)
        elif frame.payload and not frame.event:
            self._send(remote.payload_type, frame.payload, frames, 0, marker=frame.marker)
        else:
            self.egress.skip(self._loop.now, frames)

    def _send(self, payload_type: int, payload: bytes, frames: int, back: int, *, marker: bool) -> None:
        if self.peer is not None:
            self.peer.ingress.route = None
        self.egress.frame(payload_type, payload, self._loop.now, frames, back, marker=marker)
        remote = self.remote
        if self.recorder is not None and remote is not None and payload_type == remote.payload_type:
            self.recorder.heard(self.egress.timestamp, decode(remote.law, payload))

    def _on_prompt_ended(self, prompt: int) -> None:
        self._tell({"event": "prompt_ended", "leg": self.name, "prompt": prompt})

    # --- where it is -------------------------------------------------------------------------------

    def _aim(self) -> None:
        """Send to where the party said or, behind NAT, to where it really is."""
        remote, source = self.remote, self.ingress.source
        self._aimed_at = source
        if remote is None or source is None:
            self.egress.aim(None, None)
            return
        said = self._socket_address(canonical(remote.address), remote.port)
        self.egress.aim(self.ingress.twin, None if remote.behind_nat or source[:2] == said[:2] else said)

    def _socket_address(self, address: str, port: int) -> SocketAddress:
        """As `recvfrom` writes it for our family. Raises ProtocolError for one of the other family."""
        v6 = ":" in address
        if v6 != (len(self.local) == 4):
            raise ProtocolError(f"{address} cannot be reached from {self.local[0]}: another family")
        if not 0 < port < 65536:
            raise ProtocolError(f"port {port}: write 1 to 65535")
        return (address, port, 0, 0) if v6 else (address, port)
