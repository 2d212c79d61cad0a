"""Parameters of header fields and of SIP URIs: RFC 3261 sections 7.3.1 and 19.1.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.params import Parameters, UriParameters
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        (";a", (("a", ""),)),
        (";a=1;B=Two", (("a", "1"), ("b", "Two"))),
        ("; a = 1 ;\tb", (("a", "1"), ("b", ""))),
        (';a="1;2";b="\\""', (("a", "1;2"), ("b", '"'))),
        (";rport=", (("rport", ""),)),
        (";received=[::1];x=2001:db8::1", (("received", "[::1]"), ("x", "2001:db8::1"))),
        (";a=1;a=2", (("a", "1"), ("a", "2"))),
    ],
)
def test_7_3_1_read(text: str, items: tuple[tuple[str, str], ...]) -> None:
    assert Parameters.parse(text) == Parameters(items)


@pytest.mark.parametrize(
    "text", ["a", ";", ";;a", ";a;", ";=1", ";a b", ";a=b c", ';a="b', ';a="b"c', ';a=b=c"']
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Parameters.parse(text)


def test_the_first_of_two_counts() -> None:
    assert Parameters.parse(";a=1;a=2").get("a") == "1"


def test_changes_make_new_values() -> None:
    old = Parameters.parse(";a=1;b")

    assert str(old.with_("a", "2")) == ";a=2;b"
    assert str(old.with_("c")) == ";a=1;b;c"
    assert str(old.without("a")) == ";b"
    assert "c" not in old
    assert str(old) == ";a=1;b"


def test_a_value_is_quoted_where_it_must_be() -> None:
    assert str(Parameters((("a", "x y"), ("b", "z"), ("c", "<1>")))) == ';a="x y";b=z;c="<1>"'


@pytest.mark.parametrize(
    "item", [("", "1"), ("A", "1"), ("a b", "1"), ("a", "\r\n"), ("a\n", ""), ("a", "\0")]
)
def test_what_must_not_be_written(item: tuple[str, str]) -> None:
    with pytest.raises(ProtocolError):
        str(Parameters((item,)))


def test_19_1_1_parameters_of_a_uri_stay_escaped() -> None:
    params = UriParameters.parse(";n%61me=v%61lue%25;LR")

    assert params.items == (("n%61me", "v%61lue%25"), ("lr", ""))
    assert str(params) == ";n%61me=v%61lue%25;lr"


@pytest.mark.parametrize("text", [";", ";=1", ";a= 1", ';a="1"', ";a=1>", ";a;b c"])
def test_what_is_refused_in_a_uri(text: str) -> None:
    with pytest.raises(ProtocolError):
        UriParameters.parse(text)


@thoroughly
@given(st.lists(st.tuples(wild_text, wild_text), max_size=3))
def test_written_and_read_back(items: list[tuple[str, str]]) -> None:
    check_written(Parameters(tuple(items)), Parameters.parse)
    check_written(UriParameters(tuple(items)), UriParameters.parse)


@thoroughly
@given(line_text | mutated(';tag=8a;lr;x="1;2"'))
def test_any_line(line: str) -> None:
    check_read(line, Parameters.parse)
    check_read(line, UriParameters.parse)
