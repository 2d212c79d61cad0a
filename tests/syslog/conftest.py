"""A store with a forwarder behind it, and servers to forward to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.engine import Reason
from bridge.model import Clock, TimelineEntry
from bridge.protocols.syslog_settings import SyslogServer, SyslogTls, Transport
from bridge.protocols.syslog_wire import Wire, wire_to
from bridge.store import Database, Store, StoreThread
from bridge.store.migrate import upgrade
from bridge.supervision.clocks import SystemClock
from bridge.supervision.forwarder import Forwarder, Journal, Pace
from tests.parts.ports import free_port
from tests.parts.processes import Child
from tests.store.rows import NOW, decision, event, incident
from tests.syslog import collector
from tests.syslog.parsed import Parsed, parse

SHORT = Pace(
    look=0.02, first_pause=0.02, longest_pause=0.1, hold=0.1, patience=0.3, taking=0.05, farewell=5.0
)
PATIENCE = 60.0
"""Seconds until a test gives up; what it waits for takes a fraction of one."""


class Server:
    """A collector that is started, stopped, killed. `transport`: what a forwarder is to use."""

    def __init__(self, folder: Path, transport: Transport, authority: trustme.CA, *, demands: bool) -> None:
        self.port = free_port()
        self.transport = transport
        self.record = folder / f"record-{self.port}"
        self.record.touch()
        self._folder = folder
        self._options: list[str] = []
        self._child: Child | None = None
        self._starts = 0
        self.tls = SyslogTls()
        if transport is Transport.TLS:
            self._prepare_tls(authority, demands=demands)

    def _prepare_tls(self, authority: trustme.CA, *, demands: bool) -> None:
        own, ca, client = (self._folder / f"{name}-{self.port}.pem" for name in ("own", "ca", "client"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(own))
        authority.issue_cert("bridge-a.example").private_key_and_cert_chain_pem.write_to_path(str(client))
        authority.cert_pem.write_to_path(str(ca))
        self._options = [str(own), *([str(ca)] if demands else [])]
        self.tls = SyslogTls(ca=ca, certificate=client if demands else None)

    def settings(self, **changes: Any) -> SyslogServer:
        plain = SyslogServer(
            name="central",
            host="127.0.0.1",
            port=self.port,
            transport=self.transport,
            tls=self.tls,
            from_beginning=True,
        )
        return dataclasses.replace(plain, **changes)

    def start(self) -> None:
        self._starts += 1
        log = self._folder / f"collector-{self.port}-{self._starts}.log"
        command = [sys.executable, collector.__file__, str(self.port), str(self.record), *self._options]
        self._child = Child(command, log)
        self._child.wait_until(lambda: collector.LISTENING in log.read_text(), PATIENCE, "listening")

    def send(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.send(number)

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def received(self) -> list[Parsed]:
        """Everything that it took, in order, repeats included; each is a message by the grammar."""
        lines = self.record.read_bytes().split(b"\n")[:-1]
        return [parse(bytes.fromhex(line.decode())) for line in lines]

    def told(self) -> list[str]:
        """The texts, without the repeats that their ids give away."""
        found = {ident(message): message.text for message in self.received()}
        return list(found.values())


def ident(message: Parsed) -> str:
    return message.elements["sosbridge@32473"]["id"]


class Plant:
    """A store, and forwarders that read it."""

    def __init__(self, url: str) -> None:
        self.store = Store(url).open()
        self.clock = SystemClock()
        self.attempts = 0
        """To connect, of all forwarders."""
        self._threads = StoreThread("store"), StoreThread("reading")
        self._tasks: list[asyncio.Task[None]] = []
        self._written = 0
        with self.store.transaction() as transaction:
            transaction.write([decision(incident(), caused_by=event("first"))])

    def write(self, *texts: str) -> None:
        """Commit a line each."""
        decisions = []
        for text in texts:
            self._written += 1
            cause = event(f"cause {self._written}")
            line = TimelineEntry(incident="i1", at=NOW, event=cause.id, reason=Reason.SETTLED, text=text)
            decisions.append(decision(line, caused_by=cause))
        with self.store.transaction() as transaction:
            transaction.write(decisions)

    def journal(self, name: str = "central", node: str = "bridge-a") -> Journal:
        write, look = self._threads
        return Journal(self.store.forwarding(name, node), self.clock, write=write, look=look)

    def forwarder(self, server: SyslogServer, *, node: str = "bridge-a", pace: Pace = SHORT) -> Forwarder:
        """Make one and run it until the end of the test, or until `stop`."""
        journal = self.journal(server.name, node)
        made = Forwarder(server, journal, self.clock, node=node, pace=pace, connect=self._connect)
        self._tasks.append(asyncio.create_task(made.run()))
        return made

    def _connect(self, server: SyslogServer, clock: Clock) -> Wire:
        self.attempts += 1
        return wire_to(server, clock)

    async def stop(self) -> None:
        """End the forwarders."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    def close(self) -> None:
        for thread in self._threads:
            thread.close()
        self.store.close()


async def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not {what} within {PATIENCE:g} s"
        await asyncio.sleep(0.01)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(serve: Serve, port: int = 0) -> AsyncIterator[SyslogServer]:
    """A server inside the test, which may misbehave in ways of its own. port: 0 takes any."""
    links: set[asyncio.Task[None]] = set()

    writers: set[asyncio.StreamWriter] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        task = asyncio.create_task(attend(reader, writer))
        links.add(task)
        task.add_done_callback(links.discard)

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await serve(reader, writer)
        writer.transport.abort()

    async with await asyncio.start_server(accept, "127.0.0.1", port) as listener:
        port = listener.sockets[0].getsockname()[1]
        try:
            yield SyslogServer(
                name="central",
                host="127.0.0.1",
                port=port,
                transport=Transport.TCP,
                from_beginning=True,
            )
        finally:
            listener.close()
            ending = list(links)
            for link in ending:
                link.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            for writer in writers:
                writer.transport.abort()
            await asyncio.sleep(0)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("syslog") / "template.db"
    with Database(f"sqlite:///{path}") as database:
        upgrade(database)
    return path


@pytest.fixture
async def plant(empty_store: Path, tmp_path: Path) -> AsyncIterator[Plant]:
    shutil.copy(empty_store, tmp_path / "site.db")
    made = Plant(f"sqlite:///{tmp_path}/site.db")
    yield made
    await made.stop()
    made.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


MakeServer = Callable[..., Server]


@pytest.fixture
def make_server(tmp_path: Path, authority: trustme.CA) -> Iterator[MakeServer]:
    """Make a server, not yet started; the test's end kills it."""
    made: list[Server] = []

    def make(transport: Transport = Transport.TCP, *, demands: bool = False) -> Server:
        made.append(Server(tmp_path, transport, authority, demands=demands))
        return made[-1]

    yield make
    for server in made:
        server.kill()
