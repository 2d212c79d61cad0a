"""The way of everything that comes in: flood limits, framing, Via, then the user agent.

Called by `endpoint` for datagrams and connections. Nothing that a message does gets out of here as an error:
one that nobody foresaw is counted, logged, and the next message comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.framing import KeepAlive, Limits, parse_datagram
from bridge.protocols.sip.message import MalformedError, Request, Response, answer_to
from bridge.protocols.sip_endpoint.drops import Drop, Drops
from bridge.protocols.sip_endpoint.flood import Flood
from bridge.protocols.sip_endpoint.routing import stamped

Received: TypeAlias = Callable[[Request | Response, Flow], None]
Unreadable: TypeAlias = Callable[[MalformedError, Flow], Request | None]
Reply: TypeAlias = Callable[[Response, Flow], None]

_WHERE_SIP_STANDS: Final = 8_192
"""In so many bytes the start line must have said `SIP/`."""


class Inbox:
    """One for an endpoint. received: the user agent. reply: sends an answer to what cannot be read.

    unreadable: asked for what that may have been meant to be.
    """

    def __init__(
        self,
        *,
        received: Received,
        reply: Reply,
        unreadable: Unreadable,
        flood: Flood,
        drops: Drops,
        limits: Limits,
    ) -> None:
        self._received = received
        self._reply = reply
        self._unreadable = unreadable
        self._flood = flood
        self._drops = drops
        self._limits = limits
        self.ours: Final[set[HostPort]] = set()
        """Sources of the watchdog's questions, which are not limited either."""

    def admits(self, remote: HostPort) -> bool:
        """Whether a message from there is to be looked at."""
        if remote in self.ours:
            return True
        drop = self._flood.judge(remote[0])
        if drop is None:
            return True
        self._drops.count(drop, remote)
        return False

    def wants(self, data: bytes, remote: HostPort) -> bool:
        """Whether a datagram is worth reading. Cheap: most of what strangers send is junk."""
        if not self.admits(remote):
            return False
        if drop := _early_drop(data, remote):
            self._drops.count(drop, remote)
            return False
        return True

    def datagram(self, data: bytes, flow: Flow) -> None:
        """Take one datagram that is wanted."""
        try:
            message = parse_datagram(data, self._limits)
        except MalformedError as error:
            self.malformed(error, flow)
            return
        if not isinstance(message, KeepAlive):
            self.message(message, flow)

    def message(self, message: Request | Response, flow: Flow) -> None:
        """Give a message to the user agent."""
        try:
            if isinstance(message, Request):
                message = stamped(message, flow.remote)
            self._received(message, flow)
        except Exception as error:  # no message may end the reading of the next
            self._drops.count(Drop.FAULT, flow.remote, repr(error))

    def malformed(self, error: MalformedError, flow: Flow) -> None:
        """Answer what cannot be read, where that is possible (8.2.6), unless it is known what was meant."""
        self._drops.count(Drop.MALFORMED, flow.remote, str(error))
        meant = self._meant_by(error, flow)
        if meant is not None:
            self.message(meant, flow)
            return
        answer = answer_to(error)
        if answer is not None:
            self._reply(answer, flow)

    def _meant_by(self, error: MalformedError, flow: Flow) -> Request | None:
        try:
            return self._unreadable(error, flow)
        except Exception as fault:  # as in `message`
            self._drops.count(Drop.FAULT, flow.remote, repr(fault))
            return None


def _early_drop(data: bytes, remote: HostPort) -> Drop | None:
    if not data:
        return Drop.EMPTY
    if not remote[1]:
        return Drop.NO_WAY_BACK
    # A keep-alive of line ends and NULs is short.
    if len(data) > 4 and b"sip/" not in data[:_WHERE_SIP_STANDS].lower():
        return Drop.NOT_SIP
    return None
