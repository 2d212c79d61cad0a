"""Via: RFC 3261 section 20.42, RFC 3581, RFC 5118."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.via import Via
from bridge.protocols.sip.params import Parameters
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLES = (
    "SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK74bf9;rport",
    "SIP/2.0/TLS [2001:db8::1];branch=z9hG4bK1;received=2001:db8::2;rport=5062",
    "SIP / 2.0 / TCP first.example.com : 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
)


def test_20_42_all_parts() -> None:
    via = Via.parse(EXAMPLES[0])

    assert (via.transport, via.host, via.port) == ("UDP", "192.168.1.20", 5060)
    assert via.branch == "z9hG4bK74bf9"
    assert via.wants_rport
    assert via.rport is None
    assert str(via) == EXAMPLES[0]


def test_20_42_spaces_around_every_separator() -> None:
    via = Via.parse(EXAMPLES[2])

    assert (via.transport, via.host, via.port) == ("TCP", "first.example.com", 4000)
    assert (via.ttl, via.maddr) == (16, "224.2.0.1")


def test_transport_is_upper_case() -> None:
    assert Via.parse("sip/2.0/udp host").transport == "UDP"


def test_several_values_on_a_line() -> None:
    vias = Via.parse_list('SIP/2.0/UDP a;x="1,2" , SIP/2.0/TCP b')

    assert [via.host for via in vias] == ["a", "b"]
    assert vias[0].params.get("x") == "1,2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/3.0/UDP host",
        "HTTP/2.0/UDP host",
        "SIP/2.0/UDP host:0",
        "SIP/2.0/UDP host:65536",
        "SIP/2.0/UDP host:999999",
        "SIP/2.0/UDP host:٥٠٦٠",
        "SIP/2.0/UDP host:",
        "SIP/2.0/UDP 2001:db8::1",
        "SIP/2.0/UDP [2001:db8::1",
        "SIP/2.0/UDP [nothing]",
        "SIP/2.0/UDP host;;branch=1",
        "SIP/2.0/UDP host;=1",
        "SIP/2.0/UDP host branch",
        'SIP/2.0/UDP host;a="b',
    ],
)
def test_what_is_no_via(text: str) -> None:
    with pytest.raises(ProtocolError):
        Via.parse(text)


@pytest.mark.parametrize(
    ("branch", "unique"),
    [("z9hG4bK1", True), ("z9hG4bK", False), ("Z9HG4BK1", False), ("1", False), ("", False)],
)
def test_8_1_1_7_branch_with_the_cookie(branch: str, unique: bool) -> None:
    via = Via("UDP", "host", params=Parameters((("branch", branch),)))
    assert via.branch_is_unique is unique


class TestReceived:
    def test_18_2_1_is_written_where_the_address_differs(self) -> None:
        via = Via.parse("SIP/2.0/UDP phone.example.com;branch=z9hG4bK1").with_received("192.0.2.1", 5071)
        assert str(via) == "SIP/2.0/UDP phone.example.com;branch=z9hG4bK1;received=192.0.2.1"

    def test_18_2_1_is_not_written_where_it_is_the_same(self) -> None:
        via = Via.parse("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
        assert via.with_received("192.0.2.1", 5071) == via

    @pytest.mark.parametrize("asked", ["rport", "rport=", "rport=9"])
    def test_rfc_3581_section_4_rport_is_filled_in(self, asked: str) -> None:
        via = Via.parse(f"SIP/2.0/UDP 192.0.2.1;{asked};branch=z9hG4bK1").with_received("192.0.2.1", 5071)
        assert str(via) == "SIP/2.0/UDP 192.0.2.1;rport=5071;branch=z9hG4bK1;received=192.0.2.1"


class TestResponseGoesTo:
    """RFC 3261 section 18.2.2 and RFC 3581 section 4."""

    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ("SIP/2.0/UDP host", ("host", 5060)),
            ("SIP/2.0/TLS host", ("host", 5061)),
            ("SIP/2.0/UDP host:5070", ("host", 5070)),
            ("SIP/2.0/UDP host:5070;received=192.0.2.1", ("192.0.2.1", 5070)),
            ("SIP/2.0/UDP host:5070;received=192.0.2.1;rport=40000", ("192.0.2.1", 40000)),
            ("SIP/2.0/UDP host:5070;received=192.0.2.1;maddr=224.2.0.1", ("224.2.0.1", 5070)),
            ("SIP/2.0/UDP [::1]:5070", ("::1", 5070)),
        ],
    )
    def test_where(self, text: str, where: tuple[str, int]) -> None:
        assert Via.parse(text).response_goes_to() == where

    @pytest.mark.parametrize("params", ["received=a b", "received=[x]", "rport=999999", "maddr=<>"])
    def test_nowhere(self, params: str) -> None:
        name, _, value = params.partition("=")
        with pytest.raises(ProtocolError):
            Via("UDP", "host", params=Parameters(((name, value),))).response_goes_to()


@pytest.mark.parametrize(
    "via",
    [
        Via("U\r\nDP", "host"),
        Via("udp", "host"),
        Via("UDP", "host\r\nEvil: 1"),
        Via("UDP", "host;x"),
        Via("UDP", "1:2"),
        Via("UDP", "host", 0),
        Via("UDP", "host", 65536),
        Via("UDP", "host", params=Parameters((("branch", "1\r\nEvil: 1"),))),
        Via("UDP", "host", params=Parameters((("br;anch", "1"),))),
    ],
)
def test_what_must_not_be_written(via: Via) -> None:
    with pytest.raises(ProtocolError):
        str(via)


@thoroughly
@given(wild_text, wild_text, st.none() | st.integers(), st.tuples(wild_text, wild_text))
def test_written_and_read_back(transport: str, host: str, port: int | None, param: tuple[str, str]) -> None:
    check_written(Via("UDP", host, port, Parameters((param,))), Via.parse)
    check_written(Via(transport, "host"), Via.parse)


@thoroughly
@given(line_text | mutated(*EXAMPLES))
def test_any_line(line: str) -> None:
    check_read(line, Via.parse)
