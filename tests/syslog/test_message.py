"""Messages as bytes, read back by a parser that was written from the RFC's grammar."""

from __future__ import annotations

import dataclasses
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.syslog import (
    LONGEST_VALUE,
    SHORTEST_LIMIT,
    Facility,
    Message,
    Severity,
    encode,
    octet_counted,
    visible,
)
from tests.syslog.parsed import frames, parse

MESSAGE = Message(
    facility=Facility.LOCAL0,
    severity=Severity.ALERT,
    at=1_767_225_600.25,
    hostname="bridge-a",
    app_name="sosbridge",
    procid="4711",
    msgid="opened",
    sd_id="sosbridge@32473",
    data={"id": "1", "phone": "P-03"},
    text="P-03 dialled 9110",
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
HOSTILE = st.text(st.sampled_from('"\\]=[ \n\r\x00\x1b\u202e\u2028\udcff\U0001f6a8éa'), max_size=300)


def changed(**changes: Any) -> Message:
    return dataclasses.replace(MESSAGE, **changes)


def test_a_message_byte_by_byte() -> None:
    assert encode(MESSAGE, 2048) == (
        b"<129>1 2026-01-01T00:00:00.250000Z bridge-a sosbridge 4711 opened"
        b' [sosbridge@32473 id="1" phone="P-03"] P-03 dialled 9110'
    )


def test_what_is_not_known_is_nil() -> None:
    empty = changed(hostname="", app_name="", procid="", msgid="", data={})
    assert encode(empty, 2048).endswith(b"Z - - - - [sosbridge@32473] P-03 dialled 9110")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('say "help"', rb"say \"help\""),
        ("C:\\tank", rb"C:\\tank"),
        ("[3]", rb"[3\]"),
        ("a\nb\x00\x1b[2J", rb"a\\nb\\x00\\x1b[2J"),
        ("\u202eevil", rb"\\u202eevil"),
        ("\udcff", rb"\\udcff"),
        ("Gefährdung", "Gefährdung".encode()),
    ],
)
def test_values_are_escaped(value: str, expected: bytes) -> None:
    raw = encode(changed(data={"x": value}), 2048)
    assert raw.endswith(b'[sosbridge@32473 x="' + expected + b'"] P-03 dialled 9110')


def test_the_bom_stands_before_text_that_is_not_ascii_and_only_there() -> None:
    assert parse(encode(changed(text="Tank 3 Süd"), 2048)).bom
    assert b" \xef\xbb\xbfTank 3 S\xc3\xbcd" in encode(changed(text="Tank 3 Süd"), 2048)
    assert not parse(encode(MESSAGE, 2048)).bom


def test_a_text_has_no_raw_control_characters() -> None:
    assert parse(encode(changed(text="a\r\n<1>1 forged\x00\u2028"), 2048)).text == (
        "a\\r\\n<1>1 forged\\x00\\u2028"
    )


@pytest.mark.parametrize("fits", [100, 101, 102, 103])
def test_only_the_text_is_cut_and_no_character_of_it(fits: int) -> None:
    whole = changed(text="ü🚨" * 500)
    limit = SHORTEST_LIMIT + fits
    raw = encode(whole, limit)
    assert limit - 6 < len(raw) <= limit
    read = parse(raw)
    assert read.text.endswith("...")
    assert whole.text.startswith(read.text.removesuffix("..."))
    assert read.elements == {"sosbridge@32473": {"id": "1", "phone": "P-03"}}


def test_a_long_value_is_cut_before_an_escape_and_not_in_it() -> None:
    for length in (LONGEST_VALUE - 1, LONGEST_VALUE, LONGEST_VALUE + 1):
        value = parse(encode(changed(data={"x": '"' * length}), 2048)).elements["sosbridge@32473"]["x"]
        assert value == '"' * 62 + "..."
    assert parse(encode(changed(data={"x": "a" * 128}), 2048)).elements["sosbridge@32473"]["x"] == "a" * 128


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300, -1e300])
def test_a_time_that_no_calendar_has_is_nil(at: float) -> None:
    assert parse(encode(changed(at=at), 2048)).time == "-"


@pytest.mark.parametrize(
    "message",
    [
        changed(hostname="a b"),
        changed(hostname="a\n"),
        changed(hostname="büro"),
        changed(hostname="h" * 256),
        changed(msgid="m" * 33),
        changed(sd_id="a]b"),
        changed(sd_id="n" * 33),
        changed(data={"a=b": "1"}),
        changed(data={'"': "1"}),
        changed(data={"": "1"}),
        changed(data={str(number): "x" * 128 for number in range(9)}),
    ],
    ids=range(11),
)
def test_what_cannot_be_sent_as_it_is_is_an_error(message: Message) -> None:
    with pytest.raises(ProtocolError):
        encode(message, SHORTEST_LIMIT)


@given(text=ANY_TEXT | HOSTILE, value=ANY_TEXT | HOSTILE, limit=st.integers(SHORTEST_LIMIT, 4096))
def test_anything_is_a_message(text: str, value: str, limit: int) -> None:
    raw = encode(changed(text=text, data={"x": value}), limit)
    assert len(raw) <= limit
    read = parse(raw)
    told = read.elements["sosbridge@32473"]["x"]
    assert told == visible(value) or (told.endswith("...") and visible(value).startswith(told[:-3]))
    assert read.text == visible(text) or (
        read.text.endswith("...") and visible(text).startswith(read.text[:-3])
    )
    assert not any(unicodedata.category(char).startswith("C") for char in raw.decode().replace("\ufeff", ""))


def test_a_stream_is_counted_in_octets_and_not_in_characters() -> None:
    messages = [encode(changed(text=text), 2048) for text in ("a", "Süd", "10 b")]
    assert frames(b"".join(map(octet_counted, messages))) == (messages, b"")
