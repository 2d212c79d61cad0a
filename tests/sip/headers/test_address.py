"""From, To, Route and their kin: RFC 3261 sections 20.10, 20.20, 20.34, 20.39."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.params import Parameters
from bridge.protocols.sip.uri import AbsoluteUri, SipUri, TelUri
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLES = (
    '"Post 03, East" <sip:9103@plant.example.com;transport=tcp>;tag=9fxced76sl',
    "sip:9110@plant.example.com;tag=1",
    "<urn:service:sos>",
    'Anton \\"A\\" <sips:a@[2001:db8::1]:5061?Subject=x>; expires=60;+sip.instance="<urn:uuid:0-1>"',
    "<tel:+358-555-1234567;phone-context=example.com>",
)


@pytest.mark.parametrize(
    ("text", "name", "uri", "params"),
    [
        ("sip:a@b", "", SipUri("b", "a"), ()),
        ("sip:a@b;tag=1;x", "", SipUri("b", "a"), (("tag", "1"), ("x", ""))),
        ("<sip:a@b;lr>", "", SipUri.parse("sip:a@b;lr"), ()),
        ("<sip:a@b>;tag=1", "", SipUri("b", "a"), (("tag", "1"),)),
        ("Alice <sip:a@b>", "Alice", SipUri("b", "a"), ()),
        ("Post 03 East<sip:a@b>", "Post 03 East", SipUri("b", "a"), ()),
        ('"A \\"quoted\\" \\\\ name" <sip:a@b>', 'A "quoted" \\ name', SipUri("b", "a"), ()),
        ('"<sip:x@y>" <sip:a@b>', "<sip:x@y>", SipUri("b", "a"), ()),
        ('"" <sip:a@b>', "", SipUri("b", "a"), ()),
        ("Жанна <sip:a@b>", "Жанна", SipUri("b", "a"), ()),
        ("Bell, Alexander <sip:a@b>", "Bell, Alexander", SipUri("b", "a"), ()),
        ("< sip:a@b >", "", SipUri("b", "a"), ()),
        ("<urn:service:sos>", "", AbsoluteUri("urn", "service:sos"), ()),
        ("<sip:9110@h?Replaces=x%3Bto-tag%3D1>", "", SipUri.parse("sip:9110@h?Replaces=x%3Bto-tag%3D1"), ()),
        ("<tel:+1-201-555-0123>", "", TelUri("+1-201-555-0123"), ()),
        ('<sip:a@b>;x="1;2>3";y', "", SipUri("b", "a"), (("x", "1;2>3"), ("y", ""))),
        ('<sip:a@b> ; tag = "1"', "", SipUri("b", "a"), (("tag", "1"),)),
    ],
)
def test_what_is_read(text: str, name: str, uri: object, params: tuple[tuple[str, str], ...]) -> None:
    address = Address.parse(text)

    assert address == Address(uri, name, Parameters(params))  # type: ignore[arg-type]  # a table of all kinds
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "9110",
        "<9110>",
        "<>",
        "sip:",
        "sip:@host",
        '"Mr. J. User <sip:a@b>',
        'Mr. "J." User <sip:a@b>',
        "<sip:a@b",
        "sip:a@b>",
        "<sip:a@b> x",
        "<sip:a@b>;;",
        "<sip:a@b>, <sip:c@d>",
        "sip:a@b, sip:c@d",
        "sip:a@b?Route=%3Csip:c%3E",
        "<sip:a@b:0>",
        "<sip:a@b:65536>",
        "<sip:a@b<c>",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Address.parse(text)


def test_several_values_on_a_line() -> None:
    one, other = Address.parse_list('"A, B" <sip:a,c@b>;x="1,2", <sip:c@d>')

    assert one.display_name == "A, B"
    assert str(other) == "<sip:c@d>"


@pytest.mark.parametrize("line", ["<sip:a@b>,", ",<sip:a@b>", "<sip:a@b>,,<sip:c@d>"])
def test_an_empty_value_in_a_list(line: str) -> None:
    with pytest.raises(ProtocolError, match="empty value"):
        Address.parse_list(line)


def test_19_3_tag() -> None:
    to = Address.parse("<sip:a@b>")

    assert to.tag == ""
    assert to.with_tag("1").tag == "1"
    assert str(to.with_tag("1").with_tag("2")) == "<sip:a@b>;tag=2"


@pytest.mark.parametrize(
    "address",
    [
        Address(SipUri("b"), "A\r\nEvil: 1"),
        Address(SipUri("b"), "A\0"),
        Address(SipUri("b", "a>\r\nEvil: 1")),
        Address(SipUri("b", "a@c")),
        Address(SipUri("b"), params=Parameters((("tag", "1\n"),))),
        Address(AbsoluteUri("urn", "a>b")),
    ],
)
def test_what_must_not_be_written(address: Address) -> None:
    with pytest.raises(ProtocolError):
        str(address)


@thoroughly
@given(wild_text, wild_text, st.lists(st.tuples(wild_text, wild_text), max_size=2))
def test_written_and_read_back(name: str, user: str, params: list[tuple[str, str]]) -> None:
    check_written(Address(SipUri("b", user), name), Address.parse)
    check_written(Address(SipUri("b"), name, Parameters(tuple(params))), Address.parse)
    check_written(Address(AbsoluteUri("urn", user), name), Address.parse)


@thoroughly
@given(line_text | mutated(*EXAMPLES))
def test_any_line(line: str) -> None:
    check_read(line, Address.parse)
