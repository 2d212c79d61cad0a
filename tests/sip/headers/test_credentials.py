"""Authorization: RFC 3261 section 20.7, RFC 7616 section 3.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.credentials import Credentials
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLE = (
    'Digest username="bob", realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
    ' uri="sip:bob@biloxi.com", qop=auth, nc=0000000a, cnonce="0a4f113b",'
    ' response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41", algorithm=MD5'
)


def test_20_7_read() -> None:
    assert Credentials.parse(EXAMPLE) == Credentials(
        username="bob",
        realm="biloxi.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        uri="sip:bob@biloxi.com",
        response="6629fae49393a05397450978507c4ef1",
        algorithm="MD5",
        cnonce="0a4f113b",
        opaque="5ccc069c403ebaf9f0171e9517f40e41",
        qop="auth",
        nonce_count=10,
    )


def test_some_telephones_quote_what_should_be_bare() -> None:
    credentials = Credentials.parse(EXAMPLE.replace("qop=auth", 'qop="auth"').replace("=MD5", '="MD5"'))
    assert (credentials.qop, credentials.algorithm) == ("auth", "MD5")


def test_empty_elements_of_the_list_are_skipped() -> None:
    assert Credentials.parse(EXAMPLE.replace(", ", ", , ") + ",") == Credentials.parse(EXAMPLE)


def test_rfc_7616_3_4_4_a_name_beyond_ascii() -> None:
    text = EXAMPLE.replace('username="bob"', "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe")
    credentials = Credentials.parse(text)

    assert credentials.username == "Jäsøn Doe"
    assert Credentials.parse(str(credentials)) == credentials


@pytest.mark.parametrize(
    "text",
    [
        "Digest",
        "Basic dXNlcjpwYXNz",
        EXAMPLE.replace('username="bob"', "x=1"),
        EXAMPLE.replace("nc=0000000a", "nc=a"),
        EXAMPLE.replace("nc=0000000a", "nc=0000000g"),
        EXAMPLE.replace("nc=0000000a", "nc=00000000a"),
        EXAMPLE + ', uri="sip:other@biloxi.com"',
        EXAMPLE + ', x="',
        EXAMPLE + " " + EXAMPLE,
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Credentials.parse(text)


def test_nothing_that_can_be_tried_against_a_word_list_is_in_repr_or_errors() -> None:
    credentials = Credentials.parse(EXAMPLE)
    for secret in (credentials.response, credentials.cnonce, credentials.nonce):
        assert secret not in repr(credentials)
    with pytest.raises(ProtocolError) as caught:
        Credentials.parse(EXAMPLE + ', uri="sip:other@biloxi.com", x="')
    assert "6629fae49393a05397450978507c4ef1" not in str(caught.value)


@thoroughly
@given(wild_text, wild_text, st.none() | st.integers())
def test_written_and_read_back(quoted: str, token: str, count: int | None) -> None:
    check_written(Credentials(quoted, "r", "n", "u", "r", opaque=quoted, cnonce=quoted), Credentials.parse)
    check_written(Credentials("a", quoted, quoted, quoted, quoted), Credentials.parse)
    check_written(Credentials("a", "r", "n", "u", "r", algorithm=token, qop=token), Credentials.parse)
    check_written(Credentials("a", "r", "n", "u", "r", nonce_count=count, userhash=True), Credentials.parse)


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, Credentials.parse)
