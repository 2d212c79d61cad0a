"""A telephone made of our own user agent and endpoint, for peers that are not ours.

    async with Telephone() as phone:                     # answers every call at once
        phone.port                                       # where it listens
        await phone.wait_for(Ended)

Called by the tests of this folder.
"""

from __future__ import annotations

from typing import TypeVar

from bridge.protocols.sip.agent import Login, Target
from bridge.protocols.sip.agent.events import Event, Offered
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.registrar import Registrar
from bridge.protocols.sip.sdp import Local
from bridge.protocols.sip.uri import SipUri
from bridge.protocols.sip_endpoint import Hop
from tests.sip_endpoint.node import Node
from tests.waiting import until

E = TypeVar("E")


class Telephone(Node):
    """picks_up: at once; otherwise it rings until `accept`. media_port: where it wants to hear."""

    def __init__(
        self,
        *transports: str,
        picks_up: bool = True,
        media_port: int = 40_000,
        registrar: Registrar | None = None,
        host: str = "127.0.0.1",
        **endpoint: object,
    ) -> None:
        super().__init__(*transports, registrar=registrar, host=host, **endpoint)
        self.picks_up = picks_up
        self.local = Local(host, media_port, "1")
        self.events: list[Event] = []

    def happened(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Offered):
            if self.picks_up:
                self.accept()
            else:
                self.run(self.agent.ring(event.call))

    def accept(self) -> None:
        """Answer the call that came last."""
        self.run(self.agent.accept(self.last(Offered).call, self.local))

    def told(self, kind: type[E]) -> list[E]:
        """Return the events of that kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        return self.told(kind)[-1]

    async def wait_for(self, kind: type[E], seconds: float = 20.0, *, count: int = 1) -> E:
        """Wait until so many events of that kind have come, and return the last."""
        await until(lambda: len(self.told(kind)) >= count, seconds)
        return self.last(kind)

    async def call(
        self,
        number: str,
        host: str,
        port: int,
        *,
        transport: str = "UDP",
        login: Login | None = None,
    ) -> None:
        """Call somebody as `c`."""
        flow = await self.endpoint.open(Hop(host, port, transport))
        caller = Address(SipUri(self.host, login.username if login else "bridge"))
        target = Target(uri=SipUri(host, number, port), flow=flow, from_=caller, login=login)
        self.run(self.agent.invite("c", target, self.local))

    def hang_up(self, call: str = "c") -> None:
        self.run(self.agent.hang_up(call))
