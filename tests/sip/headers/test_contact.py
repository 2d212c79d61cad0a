"""Contact: RFC 3261 sections 10.2 and 20.10, RFC 5626."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.contact import ALL_CONTACTS, AllContacts, Contact
from tests.sip.properties import check_read, line_text, mutated, thoroughly

FULL = '"Post 03" <sip:9103@192.0.2.3:5062;ob>;expires=60;q=0.7;+sip.instance="<urn:uuid:0-1>";reg-id=1'


def test_20_10_all_parts() -> None:
    contact = Contact.parse(FULL)

    assert contact.display_name == "Post 03"
    assert (contact.expires, contact.q, contact.instance) == (60, 0.7, "urn:uuid:0-1")
    assert str(contact) == FULL


@pytest.mark.parametrize(
    ("params", "expires"),
    [
        ("", None),
        (";expires=0", 0),
        (";expires=007", 7),
        (";expires=4294967295", 4294967295),
        (";expires=4294967296", 4294967295),
        (";expires=99999999999999999999999999", 4294967295),
        (";expires", 3600),
        (";expires=soon", 3600),
        (";expires=-1", 3600),
        (";expires=٣", 3600),
    ],
)
def test_10_2_1_1_expires(params: str, expires: int | None) -> None:
    assert Contact.parse(f"<sip:a@b>{params}").expires == expires


@pytest.mark.parametrize(
    ("params", "q"),
    [("", 1.0), (";q=0.5", 0.5), (";q=1", 1.0), (";q=2", 0.0), (";q=nan", 0.0), (";q=x", 0.0), (";q", 0.0)],
)
def test_20_10_q(params: str, q: float) -> None:
    assert Contact.parse(f"<sip:a@b>{params}").q == q


def test_10_2_2_the_asterisk() -> None:
    assert AllContacts.parse(" * ") == ALL_CONTACTS
    assert str(ALL_CONTACTS) == "*"
    with pytest.raises(ProtocolError):
        AllContacts.parse("**")
    with pytest.raises(ProtocolError):
        Contact.parse("*")


@thoroughly
@given(line_text | mutated(FULL))
def test_any_line(line: str) -> None:
    check_read(line, Contact.parse)
    try:
        contact = Contact.parse(line)
    except ProtocolError:
        return
    assert 0 <= contact.q <= 1
    assert contact.expires is None or contact.expires >= 0
