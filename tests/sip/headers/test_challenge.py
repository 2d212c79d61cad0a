"""WWW-Authenticate: RFC 3261 section 20.44, RFC 7616 section 3.3, RFC 8760."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.challenge import Challenge
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLE = (
    'Digest realm="atlanta.com", domain="sip:ss1.carrier.com", qop="auth,auth-int",'
    ' nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=SHA-256'
)


def test_20_44_read() -> None:
    assert Challenge.parse(EXAMPLE) == Challenge(
        realm="atlanta.com",
        nonce="f84f1cec41e6cbe5aea9c8e88d359",
        algorithm="SHA-256",
        qop=("auth", "auth-int"),
        domain="sip:ss1.carrier.com",
    )


def test_an_old_server_offers_no_qop_and_means_md5() -> None:
    challenge = Challenge.parse('digest nonce="1",realm="a"')
    assert (challenge.qop, challenge.algorithm, challenge.stale) == ((), "MD5", False)


def test_stale_and_userhash() -> None:
    challenge = Challenge.parse('Digest realm="a", nonce="1", stale=true, userhash=True')
    assert (challenge.stale, challenge.userhash) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        'Basic realm="a"',
        'Digest realm="a"',
        'Digest nonce="1"',
        'Digest realm="a" nonce="1"',
        'Digest realm="a", nonce="1", nonce="2"',
        'Digest realm="a", nonce="1',
        'Digest realm=a b, nonce="1"',
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Challenge.parse(text)


@thoroughly
@given(wild_text, wild_text, wild_text, st.booleans())
def test_written_and_read_back(quoted: str, token: str, other: str, flag: bool) -> None:
    check_written(
        Challenge(quoted, other, stale=flag, opaque=other, domain=quoted, userhash=flag), Challenge.parse
    )
    check_written(Challenge("a", "b", algorithm=token), Challenge.parse)
    check_written(Challenge("a", "b", qop=(token, other)), Challenge.parse)


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, Challenge.parse)
