"""A connection that is kept up: connect, serve until it ends, wait, again.

What it is a connection to, its session knows (`protocols.ami_link`, `protocols.ari`). Used by triggers and
drivers whose other side has to be heard all the time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import structlog

from bridge.errors import ConfigError, DeliveryError, Permanent, ProtocolError
from bridge.model import Clock

FIRST_DELAY: Final = 0.25
LONGEST_DELAY: Final = 5.0
"""Seconds between two attempts. Doubled each time, so that a booting PBX is not hammered."""
SETTLED_AFTER: Final = 10.0
"""A session that lived so long counts as good: the next attempt after it comes soon."""

_NOT_YET: Final = "not connected yet"

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

    @property
    def untried(self) -> bool:
        """Whether the first attempt is still under way."""
        return not self.up and self.why == _NOT_YET


class KeptSession(Protocol):
    """One connection from its login to its end."""

    why: str
    """Why it ended; '' while it lives."""
    last_heard: float
    """When the other side last proved that it lives (UTC)."""

    def abandon(self, why: str) -> None:
        """End it now."""

    async def close(self) -> None: ...


SessionT = TypeVar("SessionT", bound=KeptSession)


class KeptLink(Generic[SessionT]):
    """Keeps one session open. `session` is None while it is down.

    connect: returns a session that is logged in. A DeliveryError, ProtocolError or ConfigError of it is the
    reason why the link is down; Permanent and ConfigError mean that waiting will not help.
    on_change: called at each change of up, refused or reason, and must not block.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[SessionT]],
        *,
        clock: Clock,
        name: str,
        on_change: Callable[[LinkState], None] = lambda _state: None,
    ) -> None:
        self.name = name
        self.session: SessionT | None = None
        self.state = LinkState(up=False, since=clock.now(), why=_NOT_YET)
        self._connect = connect
        self._clock = clock
        self._on_change = on_change

    async def run(self, serve: Callable[[SessionT], Awaitable[None]]) -> None:
        """Connect, `serve` the session until it ends, and again, until cancelled.

        serve: reads the session to its end. A DeliveryError or ProtocolError of it ends the session and is
        the reason why; any other error ends `run`.
        """
        delay = 0.0
        while True:
            started = self._clock.monotonic()
            await self._one_session(serve)
            lived = self._clock.monotonic() - started
            again = delay and lived < SETTLED_AFTER
            delay = min(delay * 2, LONGEST_DELAY) if again else FIRST_DELAY
            await self._clock.sleep(delay)

    async def _one_session(self, serve: Callable[[SessionT], Awaitable[None]]) -> None:
        try:
            session = await self._connect()
        except (DeliveryError, ProtocolError, ConfigError) as error:
            refused = isinstance(error, Permanent | ConfigError)
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
        log("link up" if up else "link down", link=self.name, why=why)
        self._on_change(self.state)
