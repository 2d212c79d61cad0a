"""An endpoint on free ports with a tiny user agent server behind it, and the peers that talk to it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.message import Request, Response, respond
from bridge.protocols.sip.transaction.layer import Name, Outcome, TransactionLayer
from bridge.protocols.sip.transaction.machine import Deliver, Ended, Send, SetTimer, StopTimer
from bridge.protocols.sip.transaction.timers import Timer
from bridge.protocols.sip_endpoint import Endpoint, EndpointSettings, Listen, Timers
from tests.waiting import until


class RealClock:
    """Sockets do not wait for a fake clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Uas:
    """Answers every request with 200, by transactions; keeps what came."""

    def __init__(self) -> None:
        self.endpoint: Endpoint
        self.layer = TransactionLayer()
        self.timers: Timers[Name, Timer] = Timers(lambda name, timer: self.run(self.layer.fire(name, timer)))
        self.flows: dict[Name, Flow] = {}
        self.came: list[tuple[Request | Response, Flow]] = []
        self.answers = True

    def received(self, message: Request | Response, flow: Flow) -> None:
        self.came.append((message, flow))
        if self.answers:
            name, effects = self.layer.receive(message, reliable=flow.reliable)
            if name is not None:
                self.flows.setdefault(name, flow)
            self.run((name, effects))

    def run(self, outcome: Outcome) -> None:
        name, effects = outcome
        for effect in effects:
            match effect:
                case Send(message) if name is not None:
                    self.endpoint.send(message, self.flows[name])
                case Deliver(Request() as request) if name is not None:
                    self.run(self.layer.respond(name, respond(request, 200, to_tag="uas")))
                case SetTimer(timer, after) if name is not None:
                    self.timers.set(name, timer, after)
                case StopTimer(timer) if name is not None:
                    self.timers.stop(name, timer)
                case Ended() if name is not None:
                    self.timers.forget(name)
                    del self.flows[name]

    def requests(self, call_id: str = "") -> list[Request]:
        """What came, without the watchdog's questions."""
        return [
            message
            for message, _ in self.came
            if isinstance(message, Request)
            and "watchdog" not in message.via.branch
            and call_id in ("", str(message.call_id))
        ]


class Served:
    """A running endpoint and its user agent server."""

    def __init__(self, endpoint: Endpoint, uas: Uas) -> None:
        self.endpoint = endpoint
        self.uas = uas

    def address(self, transport: str, host: str = "127.0.0.1") -> HostPort:
        return next(
            bound for kind, bound in self.endpoint.listening if kind == transport and bound[0] == host
        )


QUIET: dict[str, Any] = {"interval": 3600.0}
Start = Callable[..., Awaitable[Served]]


def listens(*transports: str, host: str = "127.0.0.1") -> tuple[Listen, ...]:
    return tuple(
        Listen.model_validate({"transport": transport, "address": host, "port": 0})
        for transport in transports
    )


@pytest.fixture
async def serve() -> AsyncIterator[Start]:
    """Start endpoints: `served = await serve(listen=listens("UDP"), allowed=("127.0.0.1/32",))`."""
    running: list[Served] = []

    async def start(*, lookup: Any = None, **settings: Any) -> Served:
        settings = {"listen": listens("UDP", "TCP"), "watchdog": QUIET, **settings}
        uas = Uas()
        options = {} if lookup is None else {"lookup": lookup}
        endpoint = Endpoint(
            EndpointSettings.model_validate(settings), received=uas.received, clock=RealClock(), **options
        )
        uas.endpoint = endpoint
        running.append(Served(endpoint, uas))
        await endpoint.start()
        await until(lambda: not endpoint.reason.endswith("yet"))
        return running[-1]

    yield start
    for served in running:
        served.uas.timers.clear()
        await served.endpoint.stop()
        assert served.endpoint.connections == 0


def options(
    call_id: str = "c1",
    *,
    via: str = "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1;rport",
    extra: str = "",
    body: bytes = b"",
) -> bytes:
    """An OPTIONS as text, so that what must not be written can be."""
    head = (
        f"OPTIONS sip:bridge@127.0.0.1 SIP/2.0\r\nVia: {via}\r\n"
        f"From: <sip:9103@plant.example.com>;tag=f1\r\nTo: <sip:bridge@127.0.0.1>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class UdpPeer:
    """A socket that asks and listens."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.address: HostPort = self.socket.getsockname()[:2]

    def __enter__(self) -> UdpPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes, to: HostPort) -> None:
        self.socket.sendto(data, to)

    async def hear(self, seconds: float = 20.0) -> str:
        """Return the next datagram."""
        async with asyncio.timeout(seconds):
            data = await asyncio.get_running_loop().sock_recv(self.socket, 65_535)
        return data.decode(errors="replace")

    async def ask(self, to: HostPort, call_id: str = "alive") -> str:
        """Send a good OPTIONS, return the answer to it: the proof that the endpoint lives."""
        via = f"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{call_id}{time.monotonic_ns()};rport"
        self.send(options(call_id, via=via), to)
        while f"Call-ID: {call_id}\r\n" not in (answer := await self.hear()):
            pass
        return answer
