"""Calls by AMI Originate: an account that may do nothing else."""

from __future__ import annotations

from typing import ClassVar

from bridge.drivers.dispatch.request import Call
from bridge.drivers.dispatch.way import Heard, Report
from bridge.model import Clock
from bridge.protocols.ami import Message
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_link import Link, LinkState, Originated, Session

Pairs = list[tuple[str, str]]


class AmiWay:
    """See `dispatch.way.Way`. heard: takes every report of a delivery."""

    setting: ClassVar = "originate"
    exclusive: ClassVar = False

    def __init__(self, account: Account, *, name: str, clock: Clock, heard: Heard) -> None:
        self.username = account.username
        self._link = Link(account, clock=clock, name=name)
        self._heard = heard

    @property
    def name(self) -> str:
        return self._link.name

    @property
    def state(self) -> LinkState:
        return self._link.state

    async def run(self) -> None:
        await self._link.run(self._read)

    async def start(self, call: Call) -> Originated:
        return await self._link.originate(headers_of(call), action_id=call.id)

    async def _read(self, session: Session) -> None:
        async for message in session.events():
            if message.get("Delivery") and message.event == "UserEvent":
                self._heard(_report(message))


def headers_of(call: Call) -> Pairs:
    """Return the headers of the Originate, without Async and ActionID."""
    return [
        ("Channel", call.channel),
        ("Context", call.context),
        ("Exten", call.exten),
        ("Priority", "1"),
        ("Timeout", str(round(call.seconds * 1000))),
        *([("ChannelId", call.id)] if call.once else []),
        *(("Variable", f"{name}={value}") for name, value in call.variables.items()),
    ]


def _report(message: Message) -> Report:
    fields = {name.lower(): value for name, value in message.headers}
    return Report(message.get("UserEvent"), message.get("Delivery"), fields)
