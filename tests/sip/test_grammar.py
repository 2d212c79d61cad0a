"""RFC 3261 section 25.1: tokens, quoted strings, numbers, lists."""

from __future__ import annotations

import pytest
from hypothesis import given

from bridge.errors import ProtocolError
from bridge.protocols.sip import grammar
from tests.sip.properties import line_text, thoroughly, wild_text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("a", '"a"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("\\", '"\\\\"'),
        ("ü\t\x07", '"ü\t\x07"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    assert grammar.quote(text) == quoted
    assert grammar.unquote(quoted) == text


@pytest.mark.parametrize("text", ["a\r\nEvil: 1", "\r", "\n", "\0"])
def test_what_would_break_out_of_its_line_is_not_quoted(text: str) -> None:
    with pytest.raises(ProtocolError, match="CR, LF or NUL"):
        grammar.quote(text)


def test_a_pair_escapes_any_character() -> None:
    assert grammar.unquote('"\\a\\\\\\""') == 'a\\"'


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("a", ["a"]),
        (" a ,b\t, c", ["a", "b", "c"]),
        ('"a,b",c', ['"a,b"', "c"]),
        ('"a\\",b",c', ['"a\\",b"', "c"]),
        ("<a,b>,c", ["<a,b>", "c"]),
        ('"<",a', ['"<"', "a"]),
        ('<">,a', ['<">', "a"]),
        ('"a,b', ['"a,b']),
        ("<a,b", ["<a,b"]),
    ],
)
def test_7_3_1_several_values_on_a_line(line: str, values: list[str]) -> None:
    assert grammar.split_list(line) == values


@pytest.mark.parametrize("line", [",", "a,", ",a", "a,,b", "a, ,b"])
def test_7_3_1_no_value_is_empty(line: str) -> None:
    with pytest.raises(ProtocolError, match="empty value"):
        grammar.split_list(line)


@thoroughly
@given(line_text, line_text)
def test_splitting_loses_nothing(one: str, other: str) -> None:
    assert ";".join(grammar.split_outside(f"{one};{other}", ";")) == f"{one};{other}"


@pytest.mark.parametrize("text", ["", "-1", "+1", "1 ", "²", "٣", "1_000", "0x1", "11", "9" * 5000])
def test_what_is_no_number_from_0_to_10(text: str) -> None:
    with pytest.raises(ProtocolError, match="0 to 10"):
        grammar.number(text, "a digit", largest=10)


def test_numbers_at_their_bounds() -> None:
    assert [grammar.number(text, "a digit", smallest=1, largest=10) for text in ("1", "010")] == [1, 10]
    with pytest.raises(ProtocolError):
        grammar.number("0", "a digit", smallest=1, largest=10)


@thoroughly
@given(wild_text)
def test_error_texts_are_one_printable_line(text: str) -> None:
    assert grammar.shorten(text).isprintable()
    assert grammar.shorten(text).isascii()
