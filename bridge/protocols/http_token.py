"""The token of a log-in: got when it is needed, once for all who wait for it, and forgotten when refused.

Called by the protocols whose servers give tokens: Frigate, Milestone, Nx, ZoneMinder.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bridge.model import Clock
from bridge.protocols.http import Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits

T = TypeVar("T")

UNAUTHORIZED: Final = 401


@dataclass(frozen=True, slots=True)
class Token:
    """What a log-in gave. text: empty where the server wants none."""

    text: str = field(repr=False)
    renew_at: float = math.inf
    """Monotonic seconds after which another one is got."""


def unauthorized(error: Refused) -> bool:
    return error.status == UNAUTHORIZED


class Tokens:
    """One user's tokens, one at a time.

    log_in: gets a new one. outlived: whether a refusal may only mean that the token is no good any more.
    """

    def __init__(
        self,
        log_in: Callable[[Limits], Awaitable[Token]],
        clock: Clock,
        *,
        outlived: Callable[[Refused], bool] = unauthorized,
    ) -> None:
        self._log_in = log_in
        self._clock = clock
        self._outlived = outlived
        self._held: Token | None = None
        self._logging_in = asyncio.Lock()

    @property
    def given(self) -> bool:
        """Whether the last log-in gave a token: a server that wants none lets anybody do what we do."""
        return bool(self._held and self._held.text)

    async def renew(self, limits: Limits = NO_LIMITS) -> None:
        """Log in, whatever is held. Raises what `log_in` does."""
        self._held = await self._log_in(limits)

    async def valid(self, limits: Limits = NO_LIMITS) -> str:
        """Return a token that is good for a while; empty where none is wanted. Raises what `log_in` does."""
        async with self._logging_in:
            held = self._held
            if held is None or (held.text and self._clock.monotonic() >= held.renew_at):
                self._held = held = await self._log_in(limits)
            return held.text

    def drop(self, text: str) -> None:
        """Forget a refused token, unless another request has renewed it meanwhile."""
        if self._held is not None and self._held.text == text:
            self._held = None

    async def use(self, send: Callable[[str], Awaitable[T]], limits: Limits = NO_LIMITS) -> T:
        """Return what `send` does with a valid token; if that is refused, with another one."""
        token = await self.valid(limits)
        try:
            return await send(token)
        except Refused as error:
            if not self._outlived(error):
                raise
        self.drop(token)
        return await send(await self.valid(limits))
