"""A small HTTP/1.1 server on asyncio streams that records every request and can misbehave.

Called by the dialects beside it, which say only what an answer is. Never meant for a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from bridge.model import NOTHING, Clock
from bridge.simulator.vms.faults import Fault, Faults, Rule, send_badly, wrong_types

MAX_BODY: Final = 1024 * 1024
TURNS_TO_BE_SERVED: Final = 3
"""Turns of the event loop from a connection's being accepted to the task that serves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived. at: UTC epoch seconds; path: still percent-encoded."""

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    client_port: int = 0
    """Stands for the TCP connection as long as it lives."""

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded."""
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def json(self) -> Any:
        """The body's JSON value, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Answer:
        return cls(status, json.dumps(value).encode())

    def encode(self) -> bytes:
        """The answer as bytes on the wire (RFC 9112 4, 5)."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


class FakeServer(ABC):
    """Base of the dialects. `state` holds everything a request can change."""

    state: Any

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.requests: list[Request] = []
        self.faults = Faults()
        self.port = 0
        self._scheme = "http"
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()

    @abstractmethod
    async def answer(self, request: Request) -> Answer:
        """What the dialect says to `request`, and does."""

    def refusal(self, status: int, request: Request) -> Answer:
        """A refusal in the dialect's shape."""
        del request  # for dialects whose shape depends on it
        return Answer.json({"error": HTTPStatus(status).phrase}, status)

    async def upgraded(
        self,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Serve another protocol on this connection to its end (RFC 9110 7.8), where the request asks."""
        del request, reader, writer  # for dialects that have such a protocol
        return False

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def received(self, count: int) -> None:
        """Return once `count` requests have arrived."""
        while len(self.requests) < count:
            self._arrived.clear()
            await self._arrived.wait()

    async def start(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen on 127.0.0.1; `port` 0 takes a free one, and a second start the same one again."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port or self.port, ssl=tls)
        self._scheme = "https" if tls else "http"
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections from now on, and drop those that live."""
        server, self._server = self._server, None
        if server is None:
            return
        # A connection that is accepted while its server closes is dropped without being closed (asyncio of
        # Python 3.11): so none is accepted any more, and those that were come to their tasks.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(TURNS_TO_BE_SERVED):
            await asyncio.sleep(0)
        # Waiting begins before closing: only so it covers connections still in their TLS handshake.
        gone = asyncio.ensure_future(server.wait_closed())
        await asyncio.sleep(0)
        server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.wait([gone], timeout=2.0)
        gone.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        # Cancelled before its first turn, it has no chance to close anything itself.
        connection.add_done_callback(lambda done: writer.transport.abort() if done.cancelled() else None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._serve_one(reader, writer):
                    pass
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Returns whether the connection may carry another."""
        request = replace(await self._read(reader), client_port=writer.get_extra_info("peername")[1])
        self.requests.append(request)
        self._arrived.set()
        if await self.upgraded(request, reader, writer):
            return False
        rule = self.faults.take(request.method, request.path)
        answer = await (self.answer(request) if rule is None else self._answer_under(rule, request))
        if rule is not None and rule.fault in _ON_THE_WIRE:
            await send_badly(rule, answer.encode(), reader, writer)
            return False
        writer.write(answer.encode())
        await writer.drain()
        return True

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = start.split(" ", 2)
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        length = min(int(headers.get("content-length", 0)), MAX_BODY)
        parts = urlsplit(target)
        return Request(
            at=self.clock.now(),
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=headers,
            body=await reader.readexactly(length),
        )

    async def _answer_under(self, rule: Rule, request: Request) -> Answer:
        match rule.fault:
            case Fault.STATUS:
                answer = self.refusal(rule.status, request)
                wait = {"Retry-After": rule.retry_after} if rule.retry_after else {}
                body = b"" if rule.empty else answer.body
                return Answer(answer.status, body, answer.kind, {**answer.headers, **wait})
            case Fault.HTML:
                return Answer(200, b"<!DOCTYPE html><html><title>Log in</title></html>", "text/html")
            case Fault.REDIRECT:
                return Answer(302, headers={"Location": rule.location})
            case Fault.LIE:
                before = copy.deepcopy(self.state)
                answer = await self.answer(request)
                self.state = before
                return answer
        answer = await self.answer(request)
        return Answer(200, wrong_types()) if rule.fault is Fault.WRONG_TYPES else answer


_ON_THE_WIRE: Final = frozenset(
    {Fault.SILENT, Fault.HEADERS_ONLY, Fault.TRICKLE, Fault.RESET, Fault.TRUNCATED, Fault.HUGE}
)
