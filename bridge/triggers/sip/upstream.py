"""The bridge as an extension of PBXs: registered at each, moved to the next server, and why not.

The sans-IO registration decides; this sends, waits and remembers. Owned by one run of the trigger.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from typing import Final

from bridge.errors import ConfigError, ProtocolError
from bridge.protocols.sip.agent import Login
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.registration import (
    Account,
    Due,
    Effect,
    Lost,
    Register,
    Registered,
    Registration,
    Server,
    Stopped,
    StopWaiting,
    Wait,
)
from bridge.protocols.sip_endpoint import Hop, NotSentError, Timers
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.settings import Config, RegistrationSettings

LEAVE_WITHIN: Final = 1.0
"""Seconds that stopping waits for PBXs to let us go."""

Noticed = Callable[[str, str], None]
"""(name of the registration, why it is lost; '' once it is there)."""


class Upstream:
    """All registrations of ours. noticed: told of each change."""

    def __init__(self, config: Config, line: Line, *, noticed: Noticed) -> None:
        self._ours = {
            name: _Ours(name, own, line, config, noticed) for name, own in config.registrations.items()
        }

    def start(self) -> None:
        for ours in self._ours.values():
            ours.take(ours.registration.start())

    async def stop(self) -> None:
        """Unregister where that is quickly done."""
        if self._ours:
            await asyncio.gather(*(ours.stop() for ours in self._ours.values()))

    def flow_to(self, name: str) -> Flow | None:
        """Return the flow on which `name` has us, None while it has not."""
        ours = self._ours.get(name)
        return ours.flow if ours else None

    def server_of(self, name: str) -> tuple[Server, Login] | None:
        """Return where calls to `name` go, and as whom. Raises ConfigError for an unreadable secret."""
        ours = self._ours.get(name)
        if ours is None:
            return None
        server = ours.registration.server or ours.servers[0]
        own = ours.account
        if own.password is None:
            return None
        return server, Login(own.username or own.user, own.password.reveal(), own.algorithms)

    def called(self, user: str, flow: Flow) -> str:
        """Return the registration that a call to `user` on `flow` came through, '' if through none.

        It must come from the very server that has us: anybody can know our extension.
        """
        for name, ours in self._ours.items():
            known = ours.flow
            if known is not None and ours.account.user == user and _same_peer(known, flow):
                return name
        return ""

    def user_of(self, name: str) -> str:
        """Return our extension there."""
        return self._ours[name].account.user


def _same_peer(known: Flow, flow: Flow) -> bool:
    """Whether both lead to one PBX. A connection that it opened has any port."""
    return known.remote == flow.remote or (flow.reliable and known.remote[0] == flow.remote[0])


class _Ours:
    """One of them."""

    def __init__(
        self, name: str, own: RegistrationSettings, line: Line, config: Config, noticed: Noticed
    ) -> None:
        self.flow: Flow | None = None
        self.account: Final = Account(
            user=own.user,
            password=own.secret,
            username=own.username,
            expires=own.expires,
            algorithms=config.digest_algorithms,
        )
        self.servers: Final = [
            Server(
                name=f"{place.transport} {place.host}:{place.port}",
                host=place.host,
                port=place.port,
                transport=place.transport,
                domain=place.domain,
            )
            for place in own.servers
        ]
        self.registration: Final = Registration(
            self.account,
            self.servers,
            call_ids=[secrets.token_hex(12) for _ in self.servers],
            chance=random.random,
        )
        self._name = name
        self._line = line
        self._noticed = noticed
        self._waits: Timers[str, Due] = Timers(lambda _, due: self.take(self.registration.fired(due)))
        self._asking: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    async def stop(self) -> None:
        self.take(self.registration.stop())
        try:
            async with asyncio.timeout(LEAVE_WITHIN):
                await self._stopped.wait()
        except TimeoutError:
            pass
        finally:
            self._waits.clear()
            for task in self._asking:
                task.cancel()

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Register():
                    task = asyncio.get_running_loop().create_task(self._ask(effect))
                    self._asking.add(task)
                    task.add_done_callback(self._asking.discard)
                case Wait(due, after):
                    self._waits.set("", due, after)
                case StopWaiting(due):
                    self._waits.stop("", due)
                case Registered():
                    self._noticed(self._name, "")
                case Lost(reason):
                    self.flow = None
                    self._noticed(self._name, reason)
                case Stopped():
                    self._stopped.set()

    async def _ask(self, asked: Register) -> None:
        server = asked.server
        try:
            flow = await self._line.endpoint.open(Hop(server.host, server.port, server.transport))
            answered = await self._line.ask("REGISTER", asked.target(flow), sequence=asked.sequence)
        except (NotSentError, ConfigError, ProtocolError) as error:
            self.take(self.registration.failed(asked, str(error)))
            return
        if answered.response is None:
            self.take(self.registration.failed(asked, str(answered.failure)))
            return
        if answered.response.successful and asked.expires:
            self.flow = flow
        self.take(self.registration.answered(asked, answered.request, answered.response))
