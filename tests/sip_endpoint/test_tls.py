"""TLS: both directions, and whom we believe."""

from __future__ import annotations

import asyncio
import datetime
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from bridge.errors import ConfigError
from bridge.protocols.sip.message import Response
from bridge.protocols.sip_endpoint import Hop, NotSentError
from bridge.protocols.sip_endpoint.drops import Drop
from bridge.protocols.sip_endpoint.settings import EndpointSettings, Tls
from tests.sip_endpoint.conftest import Served, Start, listens, options
from tests.sip_endpoint.test_udp import request
from tests.waiting import until

PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class Papers:
    """PEM files of one server."""

    def __init__(self, folder: Path, authority: trustme.CA, name: str, **options: Any) -> None:
        leaf = authority.issue_cert(name, **options)
        self.certificate = folder / f"{name}.pem"
        self.ca = folder / "ca.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(str(self.certificate))
        authority.cert_pem.write_to_path(str(self.ca))

    @property
    def settings(self) -> dict[str, Any]:
        return {"certificate": self.certificate, "ca": self.ca}


@pytest.fixture
def papers(tmp_path: Path, authority: trustme.CA) -> Papers:
    return Papers(tmp_path, authority, "127.0.0.1")


def to(served: Served, **more: Any) -> Hop:
    return Hop(*served.address("TLS"), transport="TLS", **more)


async def test_both_directions(serve: Start, papers: Papers) -> None:
    ours, theirs = [await serve(listen=listens("TLS"), tls=papers.settings) for _ in range(2)]
    ours.endpoint.send(request(), to(theirs))
    await until(lambda: any(isinstance(message, Response) for message, _ in ours.uas.came))
    assert theirs.uas.requests()[0].via.transport == "TLS"


async def test_split_over_tls(serve: Start, papers: Papers) -> None:
    served = await serve(listen=listens("TLS"), tls=papers.settings)
    trusting = ssl.create_default_context(cafile=papers.ca)
    reader, writer = await asyncio.open_connection(*served.address("TLS"), ssl=trusting)
    message = options(via="SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1")
    for part in (message[:50], message[50:] + message[:20]):
        writer.write(part)
        await asyncio.sleep(0.01)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"SIP/2.0 200 ")
    writer.transport.abort()


async def test_server_name(serve: Start, tmp_path: Path, authority: trustme.CA) -> None:
    """The name of the hop goes into SNI and must stand in the certificate."""
    named = Papers(tmp_path, authority, "pbx1.plant.example")
    served = await serve(listen=listens("TLS"), tls=named.settings, lookup=lambda _: ("127.0.0.1",))
    port = served.address("TLS")[1]
    flow = await served.endpoint.open(Hop("pbx1.plant.example", port, "TLS"))
    assert flow.transport == "TLS"
    assert await served.endpoint.open(to(served, server_name="pbx1.plant.example"))
    with pytest.raises(NotSentError, match=r"certificate is not believed.*not valid for"):
        await served.endpoint.open(to(served))


@pytest.mark.parametrize(
    ("options_", "stranger", "words"),
    [({"not_after": PAST}, False, "expired"), ({}, True, "unable to get local issuer|self.signed")],
)
async def test_certificates_that_are_not_believed(
    serve: Start,
    tmp_path: Path,
    authority: trustme.CA,
    papers: Papers,
    *,
    options_: dict[str, Any],
    stranger: bool,
    words: str,
) -> None:
    """And nothing is sent."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    issuer = trustme.CA() if stranger else authority
    theirs = await serve(listen=listens("TLS"), tls=Papers(folder, issuer, "127.0.0.1", **options_).settings)
    ours = await serve(tls={"ca": papers.ca})
    why: list[str] = []
    ours.endpoint.send(request(), to(theirs), failed=why.append)
    await until(lambda: bool(why))
    assert re.search(words, why[0])
    assert theirs.uas.requests() == []
    unwary = await serve(tls={"verify": False})
    unwary.endpoint.send(request(), to(theirs))
    await until(lambda: bool(theirs.uas.requests()))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_old_tls_is_refused(serve: Start, papers: Papers) -> None:
    served = await serve(listen=listens("TLS"), tls=papers.settings)
    context = ssl.create_default_context(cafile=papers.ca)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(*served.address("TLS"), ssl=context)
    await until(lambda: served.endpoint.drops[Drop.HANDSHAKE] == 1)


async def test_a_handshake_that_never_ends_takes_no_place_for_long(serve: Start, papers: Papers) -> None:
    limits = {"handshake": 0.1, "most_of_one_stranger": 2}
    served = await serve(listen=listens("TLS"), tls=papers.settings, connections=limits)
    silent = [socket.create_connection(served.address("TLS")) for _ in range(2)]
    await until(lambda: served.endpoint.connections == 2)
    with socket.create_connection(served.address("TLS")):
        await until(lambda: served.endpoint.drops[Drop.CONNECTIONS] == 1)
    await until(lambda: served.endpoint.connections == 0)
    assert served.endpoint.drops[Drop.HANDSHAKE] == 2
    for sock in silent:
        sock.close()


@pytest.mark.parametrize("data", [b"OPTIONS sip:a SIP/2.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""])
async def test_plain_text_at_the_tls_port(serve: Start, papers: Papers, data: bytes) -> None:
    served = await serve(listen=listens("TLS"), tls=papers.settings)
    with socket.create_connection(served.address("TLS")) as stranger:
        stranger.sendall(data)
    await until(lambda: served.endpoint.drops[Drop.HANDSHAKE] == 1)
    assert served.endpoint.connections == 0
    assert await served.endpoint.open(to(served))


class TestSettings:
    def test_a_listener_needs_a_certificate(self) -> None:
        with pytest.raises(ValidationError, match=r"needs tls\.certificate"):
            EndpointSettings.model_validate({"listen": listens("TLS")})
        with pytest.raises(ConfigError, match=r"needs tls\.certificate"):
            Tls().server_context()

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_a_file_that_is_none(self, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "x.pem"
        if content is not None:
            file.write_text(content)
        with pytest.raises(ConfigError, match=r"tls\.certificate .*x\.pem"):
            Tls(certificate=file).server_context()
        with pytest.raises(ConfigError, match=r"tls\.ca .*x\.pem"):
            Tls(ca=file).client_context()

    def test_two_listeners_at_one_place(self) -> None:
        twice = [{"address": "127.0.0.1"}, {"address": "127.0.0.1", "port": 5060}]
        with pytest.raises(ValidationError, match="same address and port"):
            EndpointSettings.model_validate({"listen": twice})
