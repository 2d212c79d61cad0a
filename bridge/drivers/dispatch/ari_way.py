"""Calls by ARI: `POST /channels` with a place in the dialplan and no application, so never into Stasis.

ARI has no user that may start calls and nothing else: this one may do all that ARI can. It hears the whole
PBX (`subscribeAll`), because what it starts belongs to no application; a filter leaves it three kinds of
events.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from functools import partial
from typing import ClassVar, Final

from bridge.drivers.dispatch.request import Call
from bridge.drivers.dispatch.way import AlreadyThere, Heard, Report
from bridge.errors import ConfigError, Permanent, Retryable, Uncertain
from bridge.model import Clock
from bridge.protocols.ari import AriSettings, Message, Rest, Session, connect
from bridge.protocols.ari.events import texts_at
from bridge.protocols.http import Refused
from bridge.protocols.link import KeptLink, LinkState

CONFLICT: Final = 409
HEARD: Final = ("ChannelUserevent", "ChannelStateChange", "ChannelDestroyed")
Outcome = asyncio.Future[None]


class AriWay:
    """See `dispatch.way.Way`. heard: takes every report of a delivery."""

    setting: ClassVar = "ari"
    exclusive: ClassVar = True

    def __init__(self, settings: AriSettings, *, name: str, clock: Clock, heard: Heard) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.username = settings.username
        self._new_rest = partial(Rest, settings, name=name, clock=clock)
        self._rest = self._new_rest()
        dial = partial(connect, settings, app=settings.app_name(name), clock=clock)
        self._link = KeptLink(dial, clock=clock, name=name)
        self._heard = heard
        self._outcomes: dict[str, Outcome] = {}
        """By channel."""

    @property
    def state(self) -> LinkState:
        return self._link.state

    async def run(self) -> None:
        rest = self._rest = self._new_rest()  # one that an earlier run has closed stays closed
        try:
            await self._link.run(self._read)
        finally:
            await rest.close()

    async def start(self, call: Call) -> StartedChannel:
        session = self._link.session
        if session is None or session.why:  # nobody would hear what became of it
            raise Retryable(f"call not started, {self.name} is down: {self.state.why}")
        channel = call.id if call.once else f"{call.id}-{uuid.uuid4().hex[:8]}"
        started = StartedChannel(channel, self._outcomes)
        try:
            await self._rest.post("/channels", params_of(call, channel), {"variables": dict(call.variables)})
        except Refused as error:
            started.forget()
            if error.status == CONFLICT:
                raise AlreadyThere(str(error)) from error
            raise
        except ConfigError as error:
            started.forget()
            raise Retryable(f"call not started: {error}") from error
        except BaseException:
            started.forget()
            raise
        return started

    async def _read(self, session: Session) -> None:
        allowed = [{"type": kind} for kind in HEARD]
        with suppress(Refused):  # only a comfort
            await self._rest.put(f"/applications/{session.app}/eventFilter", {"allowed": allowed})
        try:
            async for message in session.events():
                self._take(message)
        finally:
            for outcome in self._outcomes.values():
                _settle(outcome, Uncertain(f"outcome of the call unknown: {session.why}"))

    def _take(self, message: Message) -> None:
        if message.type == "ChannelUserevent":
            said = {name.lower(): text for name, text in texts_at(message.body, "userevent").items()}
            if delivery := said.get("delivery"):
                self._heard(Report(message.text("eventname"), delivery, said))
        elif outcome := self._outcomes.get(message.text("channel", "id")):
            if message.type == "ChannelDestroyed":
                cause = message.text("cause_txt") or "no cause given"
                _settle(outcome, Permanent(f"the PBX ended the call before anybody answered: {cause}"))
            elif message.text("channel", "state") == "Up":
                _settle(outcome, None)


class StartedChannel:
    """A channel of ours until it is answered or gone. outcomes: the way's table; it enters and leaves it."""

    def __init__(self, channel: str, outcomes: dict[str, Outcome]) -> None:
        self._channel = channel
        self._outcomes = outcomes
        self._outcome: Outcome = asyncio.get_running_loop().create_future()
        outcomes[channel] = self._outcome

    async def outcome(self, timeout: float) -> None:
        try:
            await asyncio.wait({self._outcome}, timeout=timeout)
        finally:
            self.forget()
        if not self._outcome.done():
            raise Uncertain(f"no outcome of the call within {timeout:g} s")
        self._outcome.result()

    def forget(self) -> None:
        self._outcomes.pop(self._channel, None)
        if self._outcome.done() and not self._outcome.cancelled():
            self._outcome.exception()  # seen: nobody may ask for it any more


def params_of(call: Call, channel: str) -> dict[str, str]:
    """Return the query of `POST /channels` (Asterisk's ARI reference, channels: originate)."""
    return {
        "endpoint": call.channel,
        "context": call.context,
        "extension": call.exten,
        "priority": "1",
        "timeout": str(round(call.seconds)),
        "channelId": channel,
    }


def _settle(outcome: Outcome, error: Exception | None) -> None:
    if outcome.done():
        return
    if error is None:
        outcome.set_result(None)
    else:
        outcome.set_exception(error)
