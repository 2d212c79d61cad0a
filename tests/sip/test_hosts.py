"""Hosts and ports: RFC 3261 section 25.1, RFC 5118."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip.hosts import read_host, read_port, write_host, write_port
from tests.sip.properties import thoroughly, wild_text


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("plant.example.com.", "plant.example.com."),
        ("post_03", "post_03"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[::ffff:192.0.2.1]", "::ffff:192.0.2.1"),
        ("[2001:db8:::192.0.2.1]", "2001:db8::192.0.2.1"),
    ],
)
def test_read(text: str, host: str) -> None:
    assert read_host(text) == host
    assert read_host(write_host(host)) == host


@pytest.mark.parametrize(
    "text",
    ["", "a b", "::1", "[::1", "::1]", "[1.2.3.4]", "[fe80::1%eth0]", "[:::1]", "[::g]", "a\n", "höst"],
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(ProtocolError):
        read_host(text)


@pytest.mark.parametrize("host", ["fe80::1%eth0", "a;b", "", "a\r\nb", "[::1]x"])
def test_what_must_not_be_written(host: str) -> None:
    with pytest.raises(ProtocolError):
        write_host(host)


def test_ports_at_their_bounds() -> None:
    assert (read_port("1"), read_port("65535"), write_port(None), write_port(65535)) == (
        1,
        65535,
        "",
        ":65535",
    )


@pytest.mark.parametrize("text", ["0", "65536", "999999", "-1", "", "x"])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(ProtocolError):
        read_port(text)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_port_must_not_be_written(port: int) -> None:
    with pytest.raises(ProtocolError):
        write_port(port)


@thoroughly
@given(wild_text)
def test_written_and_read_back(host: str) -> None:
    try:
        text = write_host(host)
    except ProtocolError:
        return
    assert read_host(text) == host
