"""Serves the application inside the event loop that already runs. Started and stopped by `bridge.app`.

uvicorn without its process: no signal handlers (ours decide when it ends), no logging set-up, no second
loop. Connections that send nothing are not kept, so that an open port costs no file descriptors.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.errors import ConfigError

DEFAULT_PORT: Final = 8710
STOP_WITHIN: Final = 2
"""Seconds that answers under way get when the server stops."""

_WHY: Final = {
    errno.EADDRINUSE: "another program (or another sosbridge) listens there: stop it, or set web.listen",
    errno.EADDRNOTAVAIL: "this machine has no such address: set web.listen to one of its own",
    errno.EACCES: "ports below 1024 need rights that sosbridge has not: set web.listen to a higher one",
}


class WebServer:
    """One listening socket and what is behind it. Start it once."""

    def __init__(self, app: Any, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        self._host = host
        self._port = port
        self._server = _QuietServer(
            uvicorn.Config(
                app,
                http=_ShortConnection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=STOP_WITHIN,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; return the port (of interest when it was 0).

        Raises ConfigError when the address cannot be had, saying which and what to do.
        """
        listening = _listen(self._host, self._port)
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]), name="web")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()
        port: int = listening.getsockname()[1]
        return port

    async def wait(self) -> None:
        """Return when the server has ended; raise what ended it."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Finish the answers under way and stop listening. Safe to repeat."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        why = _WHY.get(error.errno or 0, error.strerror or str(error))
        raise ConfigError(f"the web server cannot listen on {host} port {port}: {why}") from error


class _QuietServer(uvicorn.Server):
    """uvicorn that leaves the process's signals alone and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class _ShortConnection(H11Protocol):
    """An HTTP connection that must ask soon, and gives way to newer ones when there are too many."""

    ask_within: float = 10.0
    """Seconds from the connection, or the last answer, to a whole request head."""
    most: int = 100
    """Connections at once; of more, the one that has waited longest without a request is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self._asked_by = self.loop.call_later(self.ask_within, self._close_if_idle)
        # An aborted one stays in the set until the loop's next turn.
        living = [one for one in self._all() if not one.transport.is_closing()]
        idle = [one for one in living if one.idle]
        if len(living) > self.most and idle:
            min(idle, key=_ShortConnection.deadline).transport.abort()

    def _all(self) -> list[_ShortConnection]:
        return [one for one in self.connections if isinstance(one, _ShortConnection)]

    def connection_lost(self, exc: Exception | None) -> None:
        self._asked_by.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._asked_by.cancel()
        self._asked_by = self.loop.call_later(self.ask_within, self._close_if_idle)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def deadline(self) -> float:
        return self._asked_by.when()

    def _close_if_idle(self) -> None:
        if self.idle:
            self.transport.abort()
