"""Header fields by name: RFC 3261 sections 7.3.1 and 7.3.3."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.message import Headers


@pytest.mark.parametrize("name", ["Call-ID", "call-id", "CALL-ID", "i", "I"])
def test_7_3_3_one_field_has_many_spellings(name: str) -> None:
    headers = Headers.of((name, "1"))

    assert headers.first("Call-ID") == headers.first("i") == "1"
    assert "call-id" in headers
    assert list(headers) == [("Call-ID", "1")]


def test_an_unknown_name_has_one_spelling_too() -> None:
    assert Headers.of(("x-post-id", "1")).first("X-Post-ID") == "1"


def test_7_3_1_lines_of_a_name_keep_their_order() -> None:
    headers = Headers.of(("Via", "1"), ("From", "x"), ("v", "2"))

    assert list(headers.all("Via")) == ["1", "2"]
    assert list(headers.all("Route")) == []
    assert headers.first("Route") is None


def test_the_order_on_the_wire() -> None:
    names = (
        "Content-Length",
        "X-Own",
        "CSeq",
        "User-Agent",
        "From",
        "Max-Forwards",
        "Via",
        "Content-Type",
        "To",
    )
    assert [name for name, _ in Headers.of(*((name, "") for name in names))] == [
        "Via",
        "Max-Forwards",
        "From",
        "To",
        "CSeq",
        "User-Agent",
        "X-Own",
        "Content-Type",
        "Content-Length",
    ]


def test_changes_make_new_headers() -> None:
    old = Headers.of(("Via", "1"), ("To", "x"))

    assert list(old.adding(("Via", 2)).all("Via")) == ["1", "2"]
    assert list(old.setting("Via", "3").all("Via")) == ["3"]
    assert "Via" not in old.setting("v")
    assert list(old.only(("Via", "From"))) == [("Via", "1")]
    assert list(old) == [("Via", "1"), ("To", "x")]


def test_equal_whatever_the_order_of_different_names() -> None:
    one = Headers.of(("Via", "1"), ("To", "x"))
    other = Headers.of(("To", "x"), ("v", "1"))

    assert one == other
    assert hash(one) == hash(other)
    assert one != Headers.of(("Via", "1"))


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ü", " Via"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ProtocolError):
        Headers.of((name, "1"))


def test_values_are_not_in_repr() -> None:
    assert repr(Headers.of(("Authorization", "Digest secret"))) == "Headers(Authorization)"
