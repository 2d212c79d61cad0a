"""RTCP of one leg: what we tell the party every few seconds, and what it tells us (RFC 3550 section 6)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import replace
from time import time
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.media import rtcp
from bridge.protocols.media.child.egress import Egress
from bridge.protocols.media.child.loop import Loop
from bridge.protocols.media.child.sockets import SocketAddress
from bridge.protocols.media.reception import Reception, Report
from bridge.protocols.media.rtp import HEADER, LONGEST, RATE, UINT32

_BUFFER: Final = bytearray(LONGEST + 1)
_UNITS: Final = 65536
"""Of time in a report, a second."""


class Reports:
    """Reads and writes the RTCP socket of one leg."""

    def __init__(self, loop: Loop, sock: socket.socket, egress: Egress, reception: Reception) -> None:
        self._loop, self._sock, self._egress, self._reception = loop, sock, egress, reception
        self._allowed: frozenset[str] = frozenset()
        self._target: SocketAddress | None = None
        self._follows = False
        self._name = f"{os.urandom(6).hex()}@{sock.getsockname()[0]}"
        self._due = loop.now + rtcp.INTERVAL / 2
        self._heard: tuple[int, float] | None = None
        """The middle of the NTP time in the party's last sender report, and when it came."""
        self.remote: Report | None = None
        self.round_trip: float | None = None
        self.said_bye = False
        self.foreign = self.malformed = 0
        loop.add(sock, self._read)

    def aim(self, target: SocketAddress | None, allowed: frozenset[str], *, follows: bool) -> None:
        """Report to `target`, hear the `allowed` addresses. follows: report to where theirs come from."""
        self._target, self._allowed, self._follows = target, allowed, follows
        self.said_bye = False

    def check(self) -> None:
        """Send a report when one is due."""
        if self._target is not None and self._loop.now >= self._due:
            self._send(bye=False)
            # Not in step with the others (RFC 3550 section 6.3.1): 0.5 to 1.5 of the interval.
            self._due = self._loop.now + rtcp.INTERVAL * (0.5 + os.urandom(1)[0] / 255)

    def close(self) -> None:
        """Say goodbye to whom we sent something, and free the port."""
        if self._target is not None and self._egress.packets:
            self._send(bye=True)
        self._loop.remove(self._sock)
        self._sock.close()

    def _send(self, *, bye: bool) -> None:
        report = self._reception.report()
        if report is not None and self._heard is not None:
            heard, at = self._heard
            delay = int((self._loop.now - at) * _UNITS)
            report = replace(report, last_report=heard, delay=delay & UINT32)
        compound = rtcp.build(self._egress.ssrc, self._name, sent=self._sent(), report=report, bye=bye)
        with suppress(OSError):  # no route, or nobody there: the RTP tells
            self._sock.sendto(compound, self._target or ())

    def _sent(self) -> rtcp.Sent | None:
        egress = self._egress
        if not egress.packets:
            return None
        since = int((self._loop.now - egress.sent_at) * RATE)
        octets = egress.octets - egress.packets * HEADER.size
        return rtcp.Sent(rtcp.ntp_time(time()), egress.timestamp + since & UINT32, egress.packets, octets)

    def _read(self) -> None:
        try:
            size, source = self._sock.recvfrom_into(_BUFFER)
        except OSError:
            return
        if source[0] not in self._allowed:
            self.foreign += 1
            return
        try:
            compound = rtcp.parse(bytes(_BUFFER[:size]))
        except ProtocolError:
            self.malformed += 1
            return
        if self._follows:
            self._target = source
        self._take(compound)

    def _take(self, compound: rtcp.Compound) -> None:
        now = rtcp.middle(rtcp.ntp_time(time()))
        if compound.sent is not None:
            self._heard = (rtcp.middle(compound.sent.ntp), self._loop.now)
        for block in compound.blocks:
            if block.ssrc == self._egress.ssrc:
                self.remote = block
                if block.last_report:
                    turn = (now - block.last_report - block.delay) & UINT32
                    self.round_trip = turn / _UNITS if turn < UINT32 // 2 else self.round_trip
        self.said_bye = self.said_bye or bool(compound.bye)
