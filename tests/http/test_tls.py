"""Whom the link believes."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.errors import ConfigError, Permanent, Retryable
from bridge.protocols.http_settings import TlsSettings
from tests.http.conftest import Echo, MakeLink

PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def served_by(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
async def server() -> AsyncIterator[Echo]:
    """Not yet started: the test says with which certificate."""
    echo = Echo()
    yield echo
    await echo.stop()


async def test_a_private_authority(
    server: Echo, link_to: MakeLink, authority: trustme.CA, ca_file: Path
) -> None:
    await server.start(tls=served_by(authority.issue_cert("127.0.0.1")))
    link = link_to(server.url, tls=TlsSettings(ca=ca_file))
    for _ in range(3):
        assert (await link.request("GET", "/x")).status == 200
    assert link.warnings() == []


EXPIRED = {"not_after": PAST}


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [("127.0.0.1", EXPIRED, "expired"), ("vms.example", {}, "not valid for '127.0.0.1'")],
)
async def test_certificate_wrong(
    server: Echo, link_to: MakeLink, tmp_path: Path, *, name: str, options: dict[str, Any], words: str
) -> None:
    """For good: no repeat mends it. And nothing may be sent to a stranger."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    await server.start(tls=served_by(authority.issue_cert(name, **options)))
    with pytest.raises(Permanent, match=words) as caught:
        await link_to(server.url, tls=TlsSettings(ca=tmp_path / "ca.pem")).request("POST", "/x")
    assert "tls.ca" in str(caught.value)
    assert server.requests == []


async def test_unknown_authority(server: Echo, link_to: MakeLink, authority: trustme.CA) -> None:
    await server.start(tls=served_by(authority.issue_cert("127.0.0.1")))
    with pytest.raises(Permanent, match="not accepted"):
        await link_to(server.url).request("POST", "/x")


async def test_the_private_authority_is_the_only_one(
    server: Echo, link_to: MakeLink, authority: trustme.CA, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    await server.start(tls=served_by(authority.issue_cert("127.0.0.1")))
    with pytest.raises(Permanent, match="not accepted"):
        await link_to(server.url, tls=TlsSettings(ca=other)).request("POST", "/x")


async def test_the_opt_out_works_and_is_seen(server: Echo, link_to: MakeLink, authority: trustme.CA) -> None:
    await server.start(tls=served_by(authority.issue_cert("vms.example", not_after=PAST)))
    link = link_to(server.url, tls=TlsSettings(verify=False))
    assert (await link.request("GET", "/x")).status == 200
    [warning] = link.warnings()
    assert (warning.level, warning.subject) == ("warning", "vms")
    assert "tls.verify" in warning.text


async def test_old_tls_is_refused(
    server: Echo, link_to: MakeLink, authority: trustme.CA, ca_file: Path
) -> None:
    context = served_by(authority.issue_cert("127.0.0.1"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    await server.start(tls=context)
    with pytest.raises(Retryable, match="nothing was sent"):
        await link_to(server.url, tls=TlsSettings(ca=ca_file)).request("POST", "/x")
    assert server.requests == []


async def test_plain_http_behind_https(server: Echo, link_to: MakeLink) -> None:
    await server.start()
    with pytest.raises(Retryable, match="nothing was sent"):
        await link_to(server.url.replace("http://", "https://")).request("POST", "/x")


async def test_a_handshake_that_never_ends(link_to: MakeLink) -> None:
    """The deadline cuts it, and the thread is free again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the kernel connects, nobody ever reads
        port = listener.getsockname()[1]
        before = set(threading.enumerate())
        link = link_to(f"https://127.0.0.1:{port}", connect=30, read=30, total=0.2)
        for _ in range(4):
            with pytest.raises(Retryable, match="nothing was sent"):
                await link.request("POST", "/x")
    assert len(set(threading.enumerate()) - before) <= 2


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(ConfigError, match=r"ca\.pem: it holds no PEM certificate"):
        TlsSettings(ca=empty).context()
    with pytest.raises(ConfigError, match=r"gone\.pem: No such file"):
        TlsSettings(ca=tmp_path / "gone.pem").context()
