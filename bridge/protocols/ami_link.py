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

from bridge.errors import Retryable
from bridge.model import Clock
from bridge.protocols.ami import Headers, Message
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_session import LoginRefused, Originated, Refused, Session, connect
from bridge.protocols.link import KeptLink, LinkState

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


async def _drain(session: Session) -> None:
    async for _ in session.events():
        pass


class Link(KeptLink[Session]):
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
        super().__init__(lambda: connect(account, clock=clock), clock=clock, name=name, on_change=on_change)

    async def run(self, serve: Callable[[Session], Awaitable[None]] = _drain) -> None:
        """Connect, `serve` the session until it ends, and again, until cancelled. See `KeptLink.run`."""
        await super().run(serve)

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
