"""The ways to a server: what each says when it goes wrong, and how long that may take."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.errors import ConfigError, Unreachable
from bridge.protocols import syslog_wire
from bridge.protocols.syslog_settings import SyslogServer, SyslogTls, Transport
from bridge.protocols.syslog_wire import DatagramWire, Wire, wire_to
from bridge.supervision.clocks import SystemClock
from tests.parts.ports import free_port
from tests.syslog.conftest import MakeServer, serving, until

CLOCK = SystemClock()


def server_at(port: int, transport: Transport = Transport.TCP, **changes: Any) -> SyslogServer:
    plain = SyslogServer(name="central", host="127.0.0.1", port=port, transport=transport)
    return dataclasses.replace(plain, **changes)


async def failure_of(server: SyslogServer) -> str:
    """Return why a message could not be sent."""
    wire = wire_to(server, CLOCK)
    try:
        with pytest.raises(Unreachable) as failed:
            await _send_one(wire)
        return str(failed.value)
    finally:
        await wire.close()


async def _send_one(wire: Wire) -> None:
    await wire.open()
    await wire.send([b"a message"])
    await wire.settle()


@pytest.mark.parametrize("transport", list(Transport))
async def test_nobody_listens(transport: Transport) -> None:
    port = free_port()
    assert await failure_of(server_at(port, transport)) == (
        f"{transport} 127.0.0.1:{port}: nobody listens there"
    )


async def test_a_datagram_in_vain_is_seen_before_the_next() -> None:
    wire = DatagramWire(server_at(free_port(), Transport.UDP), CLOCK)
    await wire.open()
    await wire.send([b"a message"])
    with pytest.raises(Unreachable, match="nobody listens"):
        await wire.rest(0.5)
    await wire.close()


async def test_a_datagram_is_a_message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        wire = wire_to(server_at(receiver.getsockname()[1], Transport.UDP), CLOCK)
        await wire.open()
        await wire.send([b"one", b"two"])
        await wire.settle()
        await wire.close()
        assert [receiver.recv(100), receiver.recv(100)] == [b"one", b"two"]


async def test_a_name_that_nobody_knows() -> None:
    why = await failure_of(server_at(514, host="syslog.invalid"))
    assert "its name cannot be resolved" in why


async def test_a_name_with_two_addresses() -> None:
    """Of `localhost` the IPv6 address refuses, where it has one; the other is tried."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_at(listener.getsockname()[1], host="localhost")
        wire = wire_to(server, CLOCK)
        await wire.open()
        await wire.close()


async def test_a_server_that_never_answers_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog_wire, "CONNECT_WITHIN", 0.2)

    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1000)

    async with serving(serve) as server:
        why = await failure_of(dataclasses.replace(server, transport=Transport.TLS))
        assert why.endswith("does not answer in time")


async def test_a_server_without_tls() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await asyncio.sleep(1000)

    async with serving(serve) as server:
        assert "TLS: " in await failure_of(dataclasses.replace(server, transport=Transport.TLS))


async def test_a_server_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than any kernel holds, to one who never reads."""
    monkeypatch.setattr(syslog_wire, "SEND_WITHIN", 0.2)

    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1000)

    async with serving(serve) as server:
        wire = wire_to(server, CLOCK)
        await wire.open()
        with pytest.raises(Unreachable, match="does not answer in time"):
            await wire.send([b"x" * 50_000_000])
        await wire.close()


@pytest.mark.parametrize("confirm", [True, False])
async def test_settling_waits_for_a_server_that_hangs_and_can_be_asked_again(confirm: bool) -> None:
    """Its kernel takes the bytes; only with `confirm` is the server itself waited for."""
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await reader.read()

    async with serving(serve) as server:
        wire = wire_to(dataclasses.replace(server, confirm=confirm), CLOCK)
        await wire.open()
        await wire.send([b"a message"])
        if confirm:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await wire.settle()
            go_on.set()
        await wire.settle()
        await wire.close()


async def test_what_was_sent_before_the_handshake_of_the_end_arrives(make_server: MakeServer) -> None:
    server = make_server(Transport.TLS)
    server.start()
    wire = wire_to(server.settings(), CLOCK)
    await wire.open()
    message = b"<129>1 - - - - - [sosbridge@32473] help"
    await wire.send([message] * 80)
    await wire.settle()
    await wire.close()
    assert len(server.received()) == 80


# --- whom TLS believes ------------------------------------------------------------------------------


async def test_a_certificate_of_somebody_else(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(Transport.TLS)
    server.start()
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert "its certificate is refused" in await failure_of(server.settings(tls=SyslogTls(ca=other)))
    assert "its certificate is refused" in await failure_of(server.settings(host="localhost"))
    await _sent(server.settings(tls=SyslogTls(verify=False)))


async def _sent(server: SyslogServer) -> None:
    wire = wire_to(server, CLOCK)
    await _send_one(wire)
    await wire.close()


async def test_a_server_that_wants_to_know_who_we_are(make_server: MakeServer) -> None:
    """With TLS 1.3 its refusal comes after the handshake: it is heard all the same."""
    server = make_server(Transport.TLS, demands=True)
    server.start()
    await _sent(server.settings())
    anonymous = server.settings(tls=SyslogTls(ca=server.tls.ca))
    why = await failure_of(anonymous)
    assert "certificate required" in why or "broke the connection" in why


def test_files_of_tls_that_cannot_be_used(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for tls in (SyslogTls(certificate=empty), SyslogTls(certificate=tmp_path / "gone.pem")):
        with pytest.raises(ConfigError, match=r"tls\.certificate"):
            wire_to(server_at(6514, Transport.TLS, tls=tls), CLOCK)
    with pytest.raises(ValueError, match="needs `certificate`"):
        SyslogTls(key=empty)


async def test_a_wire_that_is_not_open_says_so() -> None:
    for transport in (Transport.UDP, Transport.TCP):
        wire = wire_to(server_at(514, transport), CLOCK)
        with pytest.raises(Unreachable, match="is not connected"):
            await wire.send([b"x"])


async def test_an_end_is_noticed_while_it_rests() -> None:
    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)

    async with serving(serve) as server:
        wire = wire_to(server, CLOCK)
        await wire.open()
        resting = asyncio.ensure_future(wire.rest(1000))
        await until(resting.done, "over")
        with pytest.raises(Unreachable, match=r"ended the connection|broke the connection"):
            await resting
        await wire.close()
