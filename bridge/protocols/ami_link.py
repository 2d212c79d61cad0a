"""An AMI connection that is always there, or says why not. Three of them serve one PBX:

* `watch` (triggers/ami): reads events, the only one that needs `run(serve)`;
* `originate` (drivers/dispatch): `await link.originate(headers, action_id=delivery.id)`;
* the heartbeat, so that a slow Originate never makes it late.

    link = Link(account, clock=clock, name="ami/pbx1")
    running = asyncio.create_task(link.run())           # until cancelled
    await link.action("Setvar", {"Variable": "A", "Value": "1"})
    call = await link.originate({"Channel": "Local/1@sos-notify/n", ...}, action_id=delivery.id)
    response = await call.outcome(timeout=45)           # Refused when the call failed

Nothing is ever queued for later or sent twice: while the link is down every action raises Retryable at
once, and one that was sent but not answered raises Uncertain. See `ami_session` for the other errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from bridge.errors import ConfigError, DeliveryError, ProtocolError, Retryable
from bridge.model import Clock
from bridge.protocols.ami import Headers, Message
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_session import LoginRefused, Originated, Refused, Session, connect

__all__ = [
    "Account",
    "Link",
    "LinkState",
    "LoginRefused",
    "Originated",
    "Refused",
    "Session",
    "connect",
]

FIRST_DELAY: Final = 0.25
LONGEST_DELAY: Final = 5.0
"""Seconds between two attempts. Doubled each time, so that a booting PBX is not hammered."""
SETTLED_AFTER: Final = 10.0
"""A session that lived so long counts as good: the next attempt after it comes soon."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What is known of the link. Times are UTC."""

    up: bool
    since: float
    """When it last went up or down."""
    why: str = ""
    """Why it is down."""
    refused: bool = False
    """The PBX answers, but refuses the login: waiting will not help."""
    last_heard: float | None = None
    """Last proof of life before it went down; None if it was never up."""


async def _drain(session: Session) -> None:
    async for _ in session.events():
        pass


class Link:
    """Keeps one session logged in. `session` is None while it is down."""

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock,
        name: str = "ami",
        on_change: Callable[[LinkState], None] = lambda _state: None,
    ) -> None:
        """`on_change` is called at each change of up, refused or reason, and must not block."""
        self.name = name
        self.session: Session | None = None
        self.state = LinkState(up=False, since=clock.now(), why="not connected yet")
        self._account = account
        self._clock = clock
        self._on_change = on_change

    async def run(self, serve: Callable[[Session], Awaitable[None]] = _drain) -> None:
        """Connect, `serve` the session until it ends, and again, until cancelled.

        serve: must read `session.events()` to their end. A DeliveryError or ProtocolError of it ends the
        session and is the reason why; any other error ends `run`.
        """
        delay = 0.0
        while True:
            started = self._clock.monotonic()
            await self._one_session(serve)
            lived = self._clock.monotonic() - started
            again = delay and lived < SETTLED_AFTER
            delay = min(delay * 2, LONGEST_DELAY) if again else FIRST_DELAY
            await self._clock.sleep(delay)

    async def action(
        self, name: str, headers: Headers = (), *, action_id: str = "", timeout: float | None = None
    ) -> list[Message]:
        """Send one action now. See `Session.action`; Retryable at once while the link is down."""
        return await self._connected(name).action(name, headers, action_id=action_id, timeout=timeout)

    async def originate(self, headers: Headers, *, action_id: str) -> Originated:
        """Place a call now. See `Session.originate`; Retryable at once while the link is down."""
        return await self._connected("Originate").originate(headers, action_id=action_id)

    def _connected(self, action: str) -> Session:
        if self.session is None:
            raise Retryable(f"{action} not sent, {self.name} is down: {self.state.why}")
        return self.session

    async def _one_session(self, serve: Callable[[Session], Awaitable[None]]) -> None:
        try:
            session = await connect(self._account, clock=self._clock)
        except (DeliveryError, ProtocolError, ConfigError) as error:
            refused = isinstance(error, LoginRefused | ConfigError)
            self._change(up=False, why=str(error), refused=refused, last_heard=self.state.last_heard)
            return
        self.session = session
        self._change(up=True, last_heard=session.last_heard)
        try:
            await serve(session)
        except (DeliveryError, ProtocolError) as error:
            session.abandon(str(error))
        finally:
            self.session = None
            await session.close()
        self._change(up=False, why=session.why, last_heard=session.last_heard)

    def _change(
        self, *, up: bool, why: str = "", refused: bool = False, last_heard: float | None = None
    ) -> None:
        before = self.state
        since = before.since if before.up == up else self._clock.now()
        self.state = LinkState(up=up, since=since, why=why, refused=refused, last_heard=last_heard)
        if (before.up, before.why) == (up, why):
            return
        log = _log.info if up else _log.warning
        log("ami link up" if up else "ami link down", link=self.name, why=why)
        self._on_change(self.state)
