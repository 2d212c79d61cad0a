"""All forwarders of a node: started, stopped, watched. Made by `app`, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from bridge.model import Accept, Clock, Event, Kind
from bridge.protocols.syslog_settings import SyslogServer
from bridge.supervision.forwarder.carrying import Forwarder, Trouble
from bridge.supervision.forwarder.journal import Journal
from bridge.supervision.status import LinkKind, LinkStatus
from bridge.supervision.tasks import every, keep_running

LOOK_EVERY: Final = 2.0
"""Seconds between looks at how the forwarders do."""
WHAT: Final = "link"
"""`Fault.what` of a server that gets nothing."""


class Forwarders:
    """The forwarders that the configuration names; each outlives a reload that leaves its server as it is.

    journal: makes the journal of the forwarder of this name.
    """

    def __init__(self, accept: Accept, clock: Clock, *, node: str, journal: Callable[[str], Journal]) -> None:
        self._accept = accept
        self._clock = clock
        self._node = node
        self._journal = journal
        self._running: dict[str, _Watched] = {}

    async def use(self, servers: Sequence[SyslogServer]) -> None:
        """Forward to these servers and to no other."""
        wanted = {server.name: server for server in servers}
        gone = [name for name, known in self._running.items() if wanted.get(name) != known.forwarder.server]
        ended = [self._running.pop(name) for name in gone]
        await asyncio.gather(*(watched.stop() for watched in ended))
        for watched in ended:
            await watched.forget()
        for name, server in wanted.items():
            if name not in self._running:
                forwarder = Forwarder(server, self._journal(name), self._clock, node=self._node)
                self._running[name] = _Watched(forwarder, self._journal(name), self._accept, self._clock)

    async def stop(self) -> None:
        """End them all; each gets a second to hear that its server has everything."""
        await asyncio.gather(*(watched.stop() for watched in self._running.values()))
        self._running.clear()

    def links(self) -> Iterator[LinkStatus]:
        """How every link to a server is."""
        for name, watched in self._running.items():
            trouble = watched.forwarder.trouble
            yield LinkStatus(
                name=f"syslog/{name}",
                kind=LinkKind.IO,
                up=trouble is None,
                since=trouble.since if trouble else watched.up_since,
                text=trouble.why if trouble else "",
            )

    @property
    def waiting(self) -> Mapping[str, int]:
        """Server -> how many messages it does not surely have, as of the last look."""
        return {name: watched.waiting for name, watched in self._running.items()}


class _Watched:
    """A running forwarder. What goes wrong for longer than the server's `away_after` is a fault."""

    def __init__(self, forwarder: Forwarder, journal: Journal, accept: Accept, clock: Clock) -> None:
        self.forwarder = forwarder
        self.waiting = 0
        self.up_since = clock.now()
        self._journal = journal
        self._accept = accept
        self._clock = clock
        self._faulty: bool | None = None
        """Whether the fault is open; None: an earlier run may have left it so."""
        name = f"syslog {forwarder.server.name}"
        self._tasks = [
            asyncio.create_task(keep_running(name, forwarder.run, clock), name=name),
            asyncio.create_task(keep_running(f"{name} watch", self._watch, clock), name=f"{name} watch"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self) -> None:
        await every(LOOK_EVERY, self.look, self._clock)

    async def look(self) -> None:
        """Open or clear the fault, and count what waits."""
        trouble = self.forwarder.trouble
        if trouble is None:
            if self._faulty is not False and self.forwarder.proved_at is not None:
                self.up_since = self._clock.now()
                await self._report("")
        elif not self._faulty and self._is_long(trouble):
            await self._report(trouble.why)
        if self.forwarder.cursor is not None:
            self.waiting = await self._journal.waiting(self.forwarder.cursor)

    async def forget(self) -> None:
        """Clear the fault of a server that is no longer asked for."""
        if self._faulty:
            await self._report("")

    def _is_long(self, trouble: Trouble) -> bool:
        return self._clock.monotonic() - trouble.since_monotonic >= self.forwarder.server.away_after

    async def _report(self, why: str) -> None:
        now = self._clock.now()
        self._faulty = bool(why)
        subject = f"syslog/{self.forwarder.server.name}"
        await self._accept(
            Event(
                kind=Kind.FAULT if why else Kind.FAULT_CLEARED,
                source="bridge",
                key=f"{subject}/{now!r}",
                occurred_at=now,
                attributes={"subject": subject, "what": WHAT, "text": why},
            )
        )
