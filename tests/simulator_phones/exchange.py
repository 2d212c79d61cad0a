"""A telephone exchange of a hundred lines: it registers phones and joins two, whose media flow directly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.model import Clock
from bridge.protocols.secret import Secret
from bridge.protocols.sip.agent import Settings, Target
from bridge.protocols.sip.agent.events import Answered, Ended, Event, Offered, RequestReceived, Ringing
from bridge.protocols.sip.dialog.vocabulary import Fields
from bridge.protocols.sip.digest import Algorithm
from bridge.protocols.sip.flow import HostPort
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.reason import Reason
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.registrar import Account, Authenticator, Registrar
from bridge.protocols.sip.sdp import Description, Local
from bridge.simulator.phones import Line


@dataclass
class Exchange:
    """passwords: user -> environment variable. wishes: header fields of calls to a user."""

    clock: Clock
    passwords: Mapping[str, str]
    algorithms: tuple[Algorithm, ...] = (Algorithm.SHA_256, Algorithm.MD5)
    wishes: dict[str, Fields] = field(default_factory=dict)
    invites: list[Request] = field(default_factory=list)
    seen: list[Event] = field(default_factory=list)

    async def __aenter__(self) -> Exchange:
        accounts = [
            Account(phone=user, username=user, password=Secret("env", variable))
            for user, variable in self.passwords.items()
        ]
        authenticator = Authenticator("plant", accounts, randomness=os.urandom, algorithms=self.algorithms)
        self.registrar = Registrar(authenticator)
        self.line = Line(self.clock, self.take, settings=Settings(passes_on=True))
        self.other: dict[str, str] = {}
        self.offers: dict[str, Description] = {}
        await self.line.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self.line.close()

    @property
    def address(self) -> HostPort:
        return self.line.address

    def registered(self, user: str) -> bool:
        return bool(self.registrar.contacts(user, self.clock.now()))

    def take(self, event: Event) -> None:
        self.seen.append(event)
        agent = self.line.agent
        match event:
            case RequestReceived(id=id_, request=request, flow=flow):
                answer = self.registrar.answer(request, flow, self.clock.now())
                self.line.run(agent.answer(id_, answer.status, fields=answer.fields))
            case Offered():
                self.connect(event)
            case Ringing(call=call, response=response) if response.status == 180 and call in self.other:
                self.line.run(agent.ring(self.other[call]))
            case Answered(call=call, response=response):
                self.line.run(agent.accept(self.other[call], passed_on(response)))
            case Ended(call=call) if call in self.other:
                self.end(event)

    def connect(self, offered: Offered) -> None:
        self.invites.append(offered.request)
        user = offered.request.uri.username
        found = self.registrar.contacts(user, self.clock.now())
        if not found or offered.offer is None:
            self.line.run(self.line.agent.reject(offered.call, 404))
            return
        there = f"to-{offered.call}"
        self.other |= {there: offered.call, offered.call: there}
        target = Target(
            uri=found[0].contact,
            flow=found[0].flow,
            from_=Address(offered.request.from_.uri),
            fields=self.wishes.get(user, ()),
        )
        self.line.run(self.line.agent.invite(there, target, passed_on(offered.request)))

    def end(self, ended: Ended) -> None:
        other = self.other.pop(ended.call)
        if other not in self.line.agent.calls:
            return
        if ended.status and not other.startswith("to-"):
            self.line.run(self.line.agent.reject(other, ended.status))
        else:
            self.line.run(self.line.agent.hang_up(other))

    def take_back(self, user: str) -> None:
        """Cancel what rings at `user`: somebody else was quicker."""
        [call] = [name for name in self.line.agent.calls if name.startswith("to-")]
        reason = (("Reason", Reason("SIP", 200, "Call completed elsewhere")),)
        self.line.run(self.line.agent.hang_up(call, fields=reason))


def passed_on(message: Request | Response) -> Local:
    """The other side's own address and port, as if they were ours."""
    description = Description.parse(message.body)
    media = description.media[0]
    return Local(media.address or description.address, media.port, "1")
