"""URIs: RFC 3261 section 19.1, RFC 3966, RFC 5031."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.params import UriParameters
from bridge.protocols.sip.uri import AbsoluteUri, SipUri, TelUri, asks_for_help, escape_user, parse_uri
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLES = (
    "sip:alice:secretword@atlanta.com;transport=tcp?to=alice%40atlanta.com&priority=urgent",
    "sips:1212@[2001:db8::1]:5061;user=phone",
    "tel:+1-201-555-0123;phone-context=example.com",
    "urn:service:sos.fire",
    "http://www.example.com/alice?a=1#b",
)


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:alice@atlanta.com", SipUri("atlanta.com", "alice")),
        ("sip:atlanta.com", SipUri("atlanta.com")),
        ("SIP:alice@atlanta.com", SipUri("atlanta.com", "alice")),
        ("sip:alice:secret@atlanta.com", SipUri("atlanta.com", "alice", password="secret")),
        ("sips:a@b:5061", SipUri("b", "a", 5061, scheme="sips")),
        ("sip:a@b;lr", SipUri("b", "a", params=UriParameters((("lr", ""),)))),
        ("sip:9110@h?Replaces=x%40y", SipUri("h", "9110", query="Replaces=x%40y")),
        ("sip:*72#@host", SipUri("host", "*72#")),
        ("sip:[::1]:5070", SipUri("::1", port=5070)),
        ("tel:+358-555-1234567", TelUri("+358-555-1234567")),
        (
            "TEL:7042;phone-context=example.com",
            TelUri("7042", UriParameters((("phone-context", "example.com"),))),
        ),
        ("urn:service:sos", AbsoluteUri("urn", "service:sos")),
        ("cid:a@b", AbsoluteUri("cid", "a@b")),
    ],
)
def test_19_1_1_read(text: str, uri: object) -> None:
    assert parse_uri(text) == uri
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9110",
        "alice@atlanta.com",
        "sip:",
        "sip:@host",
        "sip:a@",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@b:",
        "sip:a@b:0",
        "sip:a@b:999999",
        "sip:a@b;",
        "sip:a@b;;lr",
        "sip:a@2001:db8::1",
        "sip:a@[b]",
        "sip:a@b\r\n",
        "sip:a@b>",
        'sip:"a"@b',
        "tel:",
        "tel:abcxyz",
        "tel:1;",
        ":x",
        "1a:x",
        "urn:",
        "urn:a b",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_uri(text)


@pytest.mark.parametrize(
    ("text", "username"),
    [
        ("sip:9110@h", "9110"),
        ("sip:9110;phone-context=x@h", "9110"),
        ("sip:%39110@h", "9110"),
        ("sip:h", ""),
        ("tel:+1-(201).555", "+1201555"),
        ("urn:service:sos", ""),
    ],
)
def test_username_is_what_was_dialled(text: str, username: str) -> None:
    assert parse_uri(text).username == username


def test_what_routing_asks() -> None:
    uri = SipUri.parse("sips:a@b;LR;transport=TCP?x=1")

    assert (uri.secure, uri.loose, uri.transport) == (True, True, "tcp")
    assert str(uri.bare()) == "sips:a@b;lr;transport=TCP"


@pytest.mark.parametrize(
    ("text", "sos"),
    [
        ("urn:service:sos", True),
        ("URN:Service:SOS", True),
        ("urn:service:sos.fire", True),
        ("urn:service:sosfire", False),
        ("urn:service:counseling", False),
        ("urn:nena:service:sos", False),
        ("sip:sos@h", False),
    ],
)
def test_rfc_5031_the_emergency_service(text: str, sos: bool) -> None:
    assert asks_for_help(parse_uri(text)) is sos


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("9110", "9110"), ("Post 03", "Post%2003"), ("a@b", "a%40b"), ("a:b%", "a%3Ab%25"), ("ü", "%C3%BC")],
)
def test_escaping_a_user(text: str, escaped: str) -> None:
    assert escape_user(text) == escaped


@thoroughly
@given(wild_text.filter(lambda text: ";" not in text))
def test_any_user_can_be_escaped(text: str) -> None:
    try:
        escaped = escape_user(text)
    except ProtocolError:
        assert any("\ud800" <= char <= "\udfff" for char in text)
        return
    if text:
        assert SipUri.parse(str(SipUri("h", escaped))).username == text


def test_a_password_is_not_in_repr() -> None:
    assert "hidden" not in repr(SipUri.parse("sip:a:hidden@b"))


@thoroughly
@given(wild_text, wild_text, st.none() | st.integers(), st.none() | wild_text)
def test_written_and_read_back(host: str, text: str, port: int | None, password: str | None) -> None:
    check_written(SipUri(host, "a", port), parse_uri)
    check_written(SipUri("h", text, query=text, scheme="sips"), parse_uri)
    check_written(SipUri("h", text, password=password), parse_uri)
    check_written(SipUri("h", scheme=text), parse_uri)
    check_written(TelUri(text), parse_uri)
    check_written(AbsoluteUri(text, "a"), parse_uri)
    check_written(AbsoluteUri("urn", text), parse_uri)


@thoroughly
@given(line_text | mutated(*EXAMPLES))
def test_any_text(text: str) -> None:
    check_read(text, parse_uri)
