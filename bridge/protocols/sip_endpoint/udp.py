"""One UDP socket, drained by `add_reader` (asyncio's own datagram transport closes itself for a bad port).

Called by `datagrams`. Nothing that comes in, and no error of the kernel, closes the socket.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final, TypeAlias

from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip_endpoint.addresses import family_of, host_port, kernel_address
from bridge.protocols.sip_endpoint.drops import Drop, Drops
from bridge.protocols.sip_endpoint.dscp import mark
from bridge.protocols.sip_endpoint.icmp import ask_for_errors, read_errors

AT_ONCE: Final = 64
"""Datagrams read in one turn of the loop: the others of the loop get theirs in between."""
_LARGEST: Final = 65_535

Took: TypeAlias = Callable[[bytes, HostPort], None]
Unreachable: TypeAlias = Callable[[HostPort, bytes, str], None]
"""Told who cannot be reached, how the datagram began that came back, and why."""


class UdpSocket:
    """Bound when it is made. Raises OSError if it cannot be."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        dscp: int,
        receive_buffer: int,
        took: Took,
        unreachable: Unreachable,
        drops: Drops,
    ) -> None:
        self._took = took
        self._unreachable = unreachable
        self._drops = drops
        self.family: Final = family_of(host)
        self._socket = socket.socket(self.family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            if self.family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            mark(self._socket, dscp)
            ask_for_errors(self._socket)
            self._socket.bind((host, port))
        except BaseException:
            self._socket.close()
            raise
        self.address: Final[HostPort] = host, self._socket.getsockname()[1]

    def __str__(self) -> str:
        return f"UDP {self.address[0]}:{self.address[1]}"

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._drain)

    def close(self) -> None:
        """Safe to repeat."""
        if self._socket.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def send(self, data: bytes, remote: HostPort) -> str:
        """Send one datagram. Returns why it did not leave, '' if it did or was lost on the way.

        The kernel first reports what became of an earlier datagram, to anybody; hence the second try.
        """
        try:
            address = kernel_address(remote)
            try:
                self._socket.sendto(data, address)
            except BlockingIOError:
                raise
            except OSError:
                self._read_errors()
                self._socket.sendto(data, address)
        except OSError as error:
            if isinstance(error, BlockingIOError) or error.errno == errno.ENOBUFS:
                self._drops.count(Drop.SEND_BUFFER, self)
                return ""
            return error.strerror or type(error).__name__
        except (OverflowError, ValueError) as error:  # a port or host that is none
            return str(error)
        return ""

    def _drain(self) -> None:
        for _ in range(AT_ONCE):
            try:
                data, address = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                # ICMP about something we sent, in nearly all cases. The socket is as good as before.
                if not self._read_errors():
                    self._drops.count(Drop.SOCKET, self, str(error))
                continue
            self._took(data, host_port(address))

    def _read_errors(self) -> int:
        """Pass on which addresses ICMP calls unreachable. Returns how many reports there were."""
        reports = read_errors(self._socket)
        for report in reports:
            if report is not None:
                self._unreachable(*report)
        return len(reports)
