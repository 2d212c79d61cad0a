"""Every message of RFC 5118 (IPv6) with the answer it demands."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import MalformedError, Request, answer_to
from bridge.protocols.sip.sdp import Description
from bridge.protocols.sip.uri import SipUri
from tests.sip.torture import ipv6
from tests.sip.torture.notation import message


def accept(text: str) -> Request:
    read = parse_datagram(message(text))
    assert isinstance(read, Request)
    again = parse_datagram(bytes(read))
    assert isinstance(again, Request)
    assert (again.uri, again.vias, again.from_, again.to) == (read.uri, read.vias, read.from_, read.to)
    return read


def test_all_twelve_messages_are_here() -> None:
    assert len([name for name in vars(ipv6) if name.isupper()]) == 12


def test_4_1_valid_reference() -> None:
    register = accept(ipv6.IPV6_GOOD)

    assert register.uri == SipUri("2001:db8::10")
    assert register.via.host == "2001:db8::9:1"
    assert str(register.via).startswith("SIP/2.0/UDP [2001:db8::9:1];")


def test_4_2_an_address_without_brackets_is_refused() -> None:
    with pytest.raises(MalformedError) as caught:
        parse_datagram(message(ipv6.IPV6_BAD))

    answer = answer_to(caught.value)
    assert answer is not None
    assert answer.status == 400


def test_4_3_what_looks_like_a_port_within_brackets_belongs_to_the_address() -> None:
    assert accept(ipv6.PORT_AMBIGUOUS).uri == SipUri("2001:db8::10:5070")


def test_4_4_a_port_behind_the_brackets() -> None:
    assert accept(ipv6.PORT_UNAMBIGUOUS).uri == SipUri("2001:db8::10", port=5070)


@pytest.mark.parametrize("text", [ipv6.VIA_RECEIVED_PARAM_WITH_DELIM, ipv6.VIA_RECEIVED_PARAM_NO_DELIM])
def test_4_5_received_with_and_without_brackets(text: str) -> None:
    via = accept(text).via

    assert via.received == "2001:db8::9:255"
    assert via.response_goes_to() == ("2001:db8::9:255", 5060)


def test_4_6_sdp_with_ipv6() -> None:
    assert Description.parse(accept(ipv6.IPV6_IN_SDP).body).address == "2001:db8::20"


def test_4_7_several_kinds_of_addresses_in_via() -> None:
    vias = accept(ipv6.MULT_IP_IN_HEADER).vias

    assert [(via.host, via.port, via.received) for via in vias] == [
        ("2001:db8::9:1", 6050, ""),
        ("192.0.2.1", None, ""),
        ("2001:db8::9:255", None, "192.0.2.200"),
    ]


def test_4_8_several_kinds_of_addresses_in_sdp() -> None:
    description = Description.parse(accept(ipv6.MULT_IP_IN_SDP).body)

    assert [description.address_of(media) for media in description.media] == ["192.0.2.1", "2001:db8::1"]


def test_4_9_mapped_addresses() -> None:
    invite = accept(ipv6.IPV4_MAPPED_IPV6)

    assert [(via.host, via.port) for via in invite.vias] == [
        ("::ffff:192.0.2.10", 19823),
        ("::ffff:192.0.2.2", None),
    ]
    assert Description.parse(invite.body).address == "::ffff:192.0.2.2"


@pytest.mark.parametrize("text", [ipv6.IPV6_BUG_ABNF_3_COLONS, ipv6.IPV6_CORRECT_ABNF_2_COLONS])
def test_4_10_the_third_colon_of_the_old_grammar_is_forgiven(text: str) -> None:
    assert accept(text).uri == SipUri("2001:db8::192.0.2.1", user="user")
