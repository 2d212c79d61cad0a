"""Carries what is stored to one syslog server, in order, and never passes over anything.

The cursor in the store moves only when the server has everything up to it, as surely as the transport can
tell (`syslog_wire`). What is behind the cursor when a connection breaks is sent again, with the same ids.
Run by `forwarders`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bridge.errors import ConfigError, DeliveryError, Unreachable
from bridge.model import Clock
from bridge.protocols.syslog import encode
from bridge.protocols.syslog_settings import SyslogServer
from bridge.protocols.syslog_wire import Wire, wire_to
from bridge.store.forwarding import Change, Cursor
from bridge.supervision.forwarder.journal import Journal
from bridge.supervision.forwarder.messages import message_of

log = structlog.get_logger(__name__)

HANGS: Final = "took what was sent, and has not read it to its end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Waiting times in seconds; tests have shorter ones."""

    look: float = 0.5
    """Between looks for what is new."""
    first_pause: float = 0.5
    longest_pause: float = 5.0
    """Between two connections that fail."""
    hold: float | None = None
    """Overrides `Wire.hold`."""
    patience: float = 5.0
    """That a server may take to read what it was sent, until it counts as hung."""
    taking: float = 5.0
    """Between attempts to take over from another node."""
    farewell: float = 1.0
    """At the end, for the server to read what it has."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when (UTC epoch seconds; and by the monotonic clock) and why nothing gets through."""

    since: float
    since_monotonic: float
    why: str


class _TakenOver(Exception):
    """Another node forwards from now on."""


class Forwarder:
    """One server's forwarder.

    trouble: None while messages get through.
    cursor: how far the server surely is; None until this node forwards.
    """

    def __init__(
        self,
        server: SyslogServer,
        journal: Journal,
        clock: Clock,
        *,
        node: str,
        pace: Pace | None = None,
        connect: Callable[[SyslogServer, Clock], Wire] = wire_to,
    ) -> None:
        self.server = server
        self.trouble: Trouble | None = None
        self.proved_at: float | None = None
        """When something last got through, or a connection was seen to hold."""
        self.cursor: Cursor | None = None
        self._journal = journal
        self._clock = clock
        self._node = node
        self._pace = pace or Pace()
        self._connect = connect
        self._wire: Wire | None = None
        self._sent: Cursor | None = None
        """How far the open connection is; None while it carried nothing that is not proven."""
        self._read: Cursor | None = None
        """How far the server read before it ended its side too. That it was not its death is proven when it
        takes another connection."""
        self._next_pause = self._pace.first_pause

    async def run(self) -> None:
        """Forward until cancelled; then let the server read what it has, and write how far it is."""
        try:
            while True:
                try:
                    await self._take()
                    await self._one_connection()
                except _TakenOver:
                    self.cursor = None
                    await self._hang_up()
                except (DeliveryError, ConfigError) as error:
                    self._fail(str(error))
                    await self._hang_up()
                    await self._clock.sleep(self._next_pause)
                    self._next_pause = min(self._pace.longest_pause, self._next_pause * 2)
        finally:
            await self._take_leave()

    async def _take(self) -> None:
        """Return once this node is the one that forwards."""
        while self.cursor is None:
            self.cursor = await self._journal.take(from_beginning=self.server.from_beginning)
            if self.cursor is None:
                self.trouble = None  # it is another node's to say
                await self._clock.sleep(self._pace.taking)

    async def _one_connection(self) -> None:
        """Connect, send until it is time to prove it, and prove it. Raises Unreachable."""
        wire = await self._connected()
        if self._read is not None:
            await self._keep(self._read)
        await self._carry(wire)
        await self._drop_wire()

    async def _connected(self) -> Wire:
        await self._drop_wire()
        self._wire = self._connect(self.server, self._clock)
        await self._wire.open()
        return self._wire

    async def _carry(self, wire: Wire) -> None:
        """Send until `settle` has ended the connection, or the server has ended it while it was idle."""
        count, due, held = 0, 0.0, False
        while True:
            changes = await self._journal.after(self._place(), wire.window - count)
            if changes:
                due = due if count else self._clock.monotonic() + self._hold(wire)
                count += len(changes)
                await self._send(wire, changes)
            if count and (count >= wire.window or self._clock.monotonic() >= due):
                await self._settle(wire)
                if wire.ends:
                    self._read, self._sent = self._sent, None
                    return
                await self._keep(self._place())
                count = 0
            elif not changes:
                try:
                    await wire.rest(self._pace.look)
                except Unreachable:
                    if held and not count:  # servers do so; whether it is still there, the next one tells
                        return
                    raise
                held = True
                if not count:
                    self._succeed()

    async def _send(self, wire: Wire, changes: Sequence[Change]) -> None:
        messages = [message_of(change, self.server, self._node) for change in changes]
        for change in changes:
            self._sent = change.passed(self._place())
        await wire.send([encode(message, self.server.max_bytes) for message in messages])

    def _hold(self, wire: Wire) -> float:
        if self.trouble is not None:  # whether it is over is to be known at once
            return 0.0
        return wire.hold if self._pace.hold is None else self._pace.hold

    def _place(self) -> Cursor:
        place = self._sent or self.cursor
        if place is None:
            raise _TakenOver
        return place

    async def _settle(self, wire: Wire) -> None:
        """Wait for as long as the server hangs: when it goes on, it has everything once and not twice."""
        settling = asyncio.ensure_future(wire.settle())
        try:
            while not settling.done():
                await asyncio.wait({settling}, timeout=self._pace.patience)
                if not settling.done():
                    self._fail(f"{self.server.address} {HANGS}")
            settling.result()
        finally:
            settling.cancel()

    async def _keep(self, cursor: Cursor) -> None:
        if not await self._journal.keep(cursor):
            raise _TakenOver
        self.cursor, self._sent, self._read = cursor, None, None
        self._succeed()

    # --- ends ---------------------------------------------------------------------------------------

    async def _hang_up(self) -> None:
        """Give up what is not proven: it is sent again."""
        self._sent = self._read = None
        await self._drop_wire()

    async def _drop_wire(self) -> None:
        if self._wire is not None:
            wire, self._wire = self._wire, None
            await wire.close()

    async def _take_leave(self) -> None:
        try:
            async with asyncio.timeout(self._pace.farewell):
                await self._prove_the_last()
        except (TimeoutError, DeliveryError, ConfigError):
            log.info("the last messages will be sent again", syslog=self.server.name)
        finally:
            await self._hang_up()
        if self.cursor is not None:
            await self._journal.release(self.cursor)

    async def _prove_the_last(self) -> None:
        if self._wire is not None and self._sent is not None:
            await self._wire.settle()
            if not self._wire.ends:
                self.cursor = self._sent
                return
            self._read = self._sent
        if self._read is not None:
            await self._connected()
            self.cursor = self._read

    # --- how it goes --------------------------------------------------------------------------------

    def _succeed(self) -> None:
        self.proved_at = self._clock.now()
        self._next_pause = self._pace.first_pause
        if self.trouble is not None:
            log.info("messages get through again", syslog=self.server.name)
            self.trouble = None

    def _fail(self, why: str) -> None:
        known = self.trouble
        if known is None:
            known = Trouble(self._clock.now(), self._clock.monotonic(), why)
            log.warning("messages do not get through", syslog=self.server.name, why=why)
        self.trouble = Trouble(known.since, known.since_monotonic, why)
