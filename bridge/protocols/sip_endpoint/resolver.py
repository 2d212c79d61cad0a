"""Names to addresses, without ever holding up the loop. Called by `endpoint` for a `Hop`.

What was once known is used at once, however old, and looked up anew beside it: a call for help does not wait
for a DNS server. IP addresses never come near the resolver.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, TypeAlias

from bridge.model import Clock
from bridge.protocols.sip_endpoint.hop import NotSentError

FRESH: Final = 60.0
"""Seconds after which a name is looked up again."""
PATIENCE: Final = 4.0
"""Seconds that a name never looked up before may take."""
_MOST: Final = 256
_THREADS: Final = 2

Lookup: TypeAlias = Callable[[str], tuple[str, ...]]


def system_lookup(name: str) -> tuple[str, ...]:
    """Return the addresses of `name`, in the system's order of preference. Blocks. Raises OSError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    at: float


class Resolver:
    """A cache in front of the system's resolver, with two threads of its own: a hung one hurts nobody."""

    def __init__(self, clock: Clock, lookup: Lookup = system_lookup) -> None:
        self._clock = clock
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sip-names")
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._running: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return the IP addresses of `host`, at least one. Raises NotSentError."""
        if _is_address(host):
            return (host,)
        name = host.lower()
        known = self._known.get(name)
        if known is None:
            return await self._first(name)
        self._known.move_to_end(name)
        if self._clock.monotonic() - known.at >= FRESH:
            self._look_up(name)
        return known.addresses

    def close(self) -> None:
        """Wait for nobody."""
        for running in self._running.values():
            running.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _first(self, name: str) -> tuple[str, ...]:
        try:
            # One impatient caller must not take the answer from the others.
            found = await asyncio.wait_for(asyncio.shield(self._look_up(name)), PATIENCE)
        except TimeoutError:
            raise NotSentError(f"the name {name!a} was not found within {PATIENCE:g} s") from None
        except (OSError, UnicodeError) as error:
            raise NotSentError(f"the name {name!a} is not known: {error}") from None
        if not found:
            raise NotSentError(f"the name {name!a} has no address")
        return found

    def _look_up(self, name: str) -> asyncio.Future[tuple[str, ...]]:
        running = self._running.get(name)
        if running is None:
            loop = asyncio.get_running_loop()
            running = self._running[name] = loop.run_in_executor(self._threads, self._lookup, name)
            running.add_done_callback(lambda done: self._found(name, done))
        return running

    def _found(self, name: str, done: asyncio.Future[tuple[str, ...]]) -> None:
        del self._running[name]
        # A failed look-up leaves what was known before.
        if done.cancelled() or done.exception() is not None or not done.result():
            return
        if len(self._known) >= _MOST:
            self._known.popitem(last=False)
        self._known[name] = _Known(done.result(), self._clock.monotonic())


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
