"""Challenges as cameras send them, and the answers, against the examples of RFC 7616."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.onvif.http_digest import HttpDigest, challenges_in

RFC = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str) -> None:
    """Section 3.9.1."""
    monkeypatch.setattr("bridge.protocols.onvif.http_digest.secrets.token_hex", lambda _: CNONCE)
    digest = HttpDigest("Mufasa")
    assert digest.take(RFC.format(algorithm))
    answer = digest.answer("GET", "/dir/index.html", "Circle of Life")
    assert f'response="{response}"' in answer
    assert 'uri="/dir/index.html"' in answer
    assert "qop=auth, nc=00000001" in answer
    assert "nc=00000002" in digest.answer("GET", "/dir/index.html", "Circle of Life")


@pytest.mark.parametrize(
    ("header", "realms"),
    [
        ('Digest realm="a", nonce="1"', ["a"]),
        ('Basic realm="b", Digest realm="a, Digest x", nonce="1", qop="auth,auth-int"', ["a, Digest x"]),
        ('Digest realm="a", nonce="1", algorithm=SHA-256, Digest realm="b", nonce="2"', ["a", "b"]),
        ('Negotiate, Digest realm="a",nonce="1"', ["a"]),
        ('Digest realm="no nonce", Digest realm="b", nonce="2"', ["b"]),
        ('Basic realm="b"', []),
        ("", []),
        ('Digest realm="never ends', []),
    ],
)
def test_several_challenges_in_one_header(header: str, realms: list[str]) -> None:
    assert [challenge.realm for challenge in challenges_in(header)] == realms


@pytest.mark.parametrize(
    "header",
    ["", 'Basic realm="b"', 'Digest realm="a", nonce="1", algorithm=SHA-512-256', 'Digest realm="a"'],
)
def test_what_cannot_be_answered(header: str) -> None:
    digest = HttpDigest("user")
    assert not digest.take(header)
    assert not digest.ready
    with pytest.raises(ProtocolError):
        digest.answer("GET", "/", "x")


def test_a_new_nonce_is_counted_anew() -> None:
    digest = HttpDigest("user")
    digest.take('Digest realm="a", nonce="1", qop="auth"')
    digest.answer("GET", "/", "x")
    digest.take('Digest realm="a", nonce="1", qop="auth"')
    assert "nc=00000002" in digest.answer("GET", "/", "x")
    digest.take('Digest realm="a", nonce="2", qop="auth"')
    assert "nc=00000001" in digest.answer("GET", "/", "x")
