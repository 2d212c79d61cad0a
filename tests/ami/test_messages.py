"""The wire format: bytes to messages at any split, and actions that arrive as they were meant."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols import ami
from bridge.protocols.ami import Message, Parser, encode_action

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def messages_of(stream: bytes) -> list[Message | ProtocolError]:
    return Parser().feed(stream)


def only_message(stream: bytes) -> Message:
    [item] = messages_of(stream)
    assert isinstance(item, Message)
    return item


def described(items: list[Message | ProtocolError]) -> list[bytes | str]:
    return [item.raw if isinstance(item, Message) else str(item) for item in items]


# --- what a message is ------------------------------------------------------------------------------


def test_event_with_repeated_headers() -> None:
    message = only_message(
        b"Event: Newchannel\r\nUniqueid: 1.0\r\nChanVariable: A=1\r\nChanVariable: B=\r\nEmpty:\r\n\r\n"
    )
    assert message.event == "Newchannel"
    assert message.response == ""
    assert message.get("UNIQUEID") == "1.0"
    assert message.all("chanvariable") == ["A=1", "B="]
    assert message.get("Empty", "absent") == ""
    assert message.get("Missing", "absent") == "absent"
    assert "missing" not in message
    assert message.headers[0] == ("Event", "Newchannel")


def test_response_with_its_action_id() -> None:
    message = only_message(b"Response: Success\r\nActionID: a/1\r\nMessage: Pong\r\n\r\n")
    assert (message.response, message.action_id, message.event) == ("Success", "a/1", "")


def test_an_event_may_have_a_header_called_response() -> None:
    message = only_message(b"Event: OriginateResponse\r\nActionID: d-1\r\nResponse: Failure\r\n\r\n")
    assert (message.event, message.response, message.get("Response")) == ("OriginateResponse", "", "Failure")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"Name: value", ("Name", "value")),
        (b"Name:value", ("Name", "value")),
        (b"Name:  two spaces ", ("Name", " two spaces ")),
        (b"Name:", ("Name", "")),
        (b"Name: a: b", ("Name", "a: b")),
        (b"no colon at all", ("", "no colon at all")),
        ("Name: Цех №5".encode(), ("Name", "Цех №5")),
        (b"Name: Jos\xe9", ("Name", "Jos\\xe9")),
        (b"Name: nul\x00here", ("Name", "nul\\x00here")),
        (b"Name: next\xc2\x85line", ("Name", "next\x85line")),
        (b"Name: lone\rreturn", ("Name", "lone\rreturn")),
    ],
)
def test_header_lines(line: bytes, expected: tuple[str, str]) -> None:
    message = only_message(b"Event: X\r\n" + line + b"\r\n\r\n")
    assert message.headers[1] == expected
    assert message.get(expected[0]) == expected[1] or not expected[0]


def test_bad_bytes_can_be_stored_anywhere() -> None:
    value = only_message(b"Event: X\r\nName: \xff\xfe\x00\r\n\r\n").get("Name")
    assert value == r"\xff\xfe\x00"
    value.encode()  # no lone surrogates


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n", b"\r\n\r\n\r\n", b"\n\n\n\n\n"])
def test_every_mixture_of_line_ends_ends_a_message(end: bytes) -> None:
    found = messages_of(b"Event: A" + end + b"Event: B" + end)
    assert [item.event for item in found if isinstance(item, Message)] == ["A", "B"]


def test_banner_is_no_message() -> None:
    parser = Parser()
    assert parser.feed(BANNER) == []
    assert parser.version == "11.0.0"
    assert [item for item in parser.feed(b"Event: A\r\n\r\n") if isinstance(item, Message)]


def test_a_stream_without_banner_is_read_all_the_same() -> None:
    parser = Parser()
    [message] = parser.feed(b"Event: A\r\n\r\n")
    assert isinstance(message, Message)
    assert parser.version == ""


# --- any split, any bytes ---------------------------------------------------------------------------

LINE_ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r"])
PIECES = st.one_of(
    st.sampled_from(
        [BANNER, b"Asterisk Call Man", b"Event: A", b"Response: Success", b"ActionID: 1", b": ", b"\x00"]
    ),
    st.binary(max_size=12),
    st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")),
    LINE_ENDS,
    st.just(b"\r\n\r\n"),
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


@settings(deadline=None)  # machines under test are busy
@given(STREAMS, st.lists(st.integers(0, 400), max_size=10))
@example(BANNER + "Event: A\r\nN: Цех\r\n\r\n".encode(), list(range(60)))
def test_any_split_gives_the_same_messages(stream: bytes, cuts: list[int]) -> None:
    whole, parts = Parser(), Parser()
    expected = whole.feed(stream)
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    found = [item for a, b in pairwise(places) for item in parts.feed(stream[a:b])]
    assert described(found) == described(expected)
    assert parts.version == whole.version


@settings(deadline=None)
@given(STREAMS)
def test_garbage_never_raises_and_the_stream_resynchronises(garbage: bytes) -> None:
    parser = Parser()
    parser.feed(garbage)
    found = parser.feed(b"\r\n\r\nEvent: After\r\nUniqueid: 7.1\r\n\r\n")
    last = found[-1]
    assert isinstance(last, Message)
    assert (last.event, last.get("uniqueid")) == ("After", "7.1")
    for item in found:
        if isinstance(item, Message):
            assert isinstance(item.event + item.response + item.action_id + repr(item), str)
            for name, value in item.headers:
                assert name == "" or value in item.all(name)


@settings(deadline=None)
@given(STREAMS, st.sampled_from([1, 5, 17]))
def test_the_size_limit_hits_alike_at_any_split(stream: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ami, "MAX_MESSAGE", 20)
        parts = Parser()
        found = [item for at in range(0, len(stream), size) for item in parts.feed(stream[at : at + size])]
        expected = messages_of(stream)
    # The errors' excerpts differ: a split stream shows less of a block when it becomes too long.
    assert [item if isinstance(item, Message) else None for item in found] == [
        item if isinstance(item, Message) else None for item in expected
    ]


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (b"A: " + b"x" * ami.MAX_MESSAGE, "longer than"),
        (b"A: 1\n" * ami.MAX_HEADERS + b"B: 2", "more than 1000 headers"),
        (b"Event: A\nLong: " + b"x" * ami.MAX_LINE, "a line of more than"),
        (b"nothing that looks like a header", "no header"),
    ],
    ids=["message", "headers", "line", "none"],
)
def test_limits(block: bytes, why: str) -> None:
    [error, message] = messages_of(block + b"\r\n\r\nEvent: Next\r\n\r\n")
    assert isinstance(error, ProtocolError)
    assert why in str(error)
    assert isinstance(message, Message)
    assert message.event == "Next"


def test_an_endless_line_takes_bounded_memory_and_is_told_at_once() -> None:
    parser = Parser()
    found = [item for _ in range(64) for item in parser.feed(b"x" * 65536)]
    [error] = found
    assert "longer than" in str(error)
    assert len(parser._pending) < 65536 + 2
    assert [type(item) for item in parser.feed(b"\r\n\r\nEvent: A\r\n\r\n")] == [Message]


# --- actions ----------------------------------------------------------------------------------------


def test_encode_action() -> None:
    encoded = encode_action("Originate", [("Variable", "A=1"), ("Variable", "B=é")], action_id="d-1")
    assert encoded == "Action: Originate\r\nActionID: d-1\r\nVariable: A=1\r\nVariable: B=é\r\n\r\n".encode()


HEADER_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,10}", fullmatch=True).filter(
    lambda name: name.lower() not in ("action", "actionid")
)


@settings(deadline=None)
@given(st.lists(st.tuples(HEADER_NAMES, st.text(max_size=40)), max_size=8), st.text(max_size=20))
def test_what_is_encoded_arrives_as_it_was_or_is_refused(
    headers: list[tuple[str, str]], action_id: str
) -> None:
    try:
        encoded = encode_action("Setvar", headers, action_id=action_id)
    except ProtocolError:
        text = action_id + "".join(value for _, value in headers)
        assert any(char < " " or char in "\x7f\x85\u2028\u2029" for char in text)
        return
    assert only_message(encoded).headers == [("Action", "Setvar"), ("ActionID", action_id), *headers]


@pytest.mark.parametrize(
    "char", ["\r", "\n", "\r\n", "\x00", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"]
)
@pytest.mark.parametrize("where", ["name", "value", "action", "id"])
def test_line_ends_and_controls_are_refused(char: str, where: str) -> None:
    evil = f"x{char}Action: Command"
    with pytest.raises(ProtocolError):
        encode_action(
            evil if where == "action" else "Getvar",
            {evil if where == "name" else "Variable": evil if where == "value" else "A"},
            action_id=evil if where == "id" else "1",
        )


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Action": "Command"}, "set by the link"),
        ({"actionid": "2"}, "set by the link"),
        ({"": "x"}, "no header name"),
        ({"A B": "x"}, "no header name"),
        ({"A:": "x"}, "no header name"),
        ({"Variable": "\udcff"}, "no Unicode"),
        ({"Variable": "é" * 600}, "has 1210 bytes"),
        ([("Variable", "x")] * 127, "more than 128 headers"),
    ],
)
def test_what_asterisk_would_not_read_is_refused(headers: ami.Headers, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        encode_action("Setvar", headers, action_id="1")
