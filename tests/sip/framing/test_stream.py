"""Messages on a connection: RFC 3261 sections 7.5 and 18.3, RFC 5626 section 3.5.1."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocols.sip.framing import KeepAlive, Limits, StreamFramer
from bridge.protocols.sip.message import MalformedError, Request, Response, answer_to
from tests.sip.framing.calls import INVITE, OPTIONS, RINGING, request, response
from tests.sip.properties import thoroughly

PONG = KeepAlive(b"\r\n")


def framed(*pieces: bytes) -> list[Request | Response | KeepAlive]:
    framer = StreamFramer()
    found = []
    for piece in pieces:
        framer.receive(piece)
        found += list(framer.messages())
    return found


def test_a_message_at_once() -> None:
    assert framed(INVITE) == [request(INVITE)]


def test_several_in_one_segment() -> None:
    assert framed(INVITE + RINGING + OPTIONS) == [request(INVITE), response(RINGING), request(OPTIONS)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_split_anywhere(size: int) -> None:
    data = INVITE + OPTIONS + b"\r\n\r\n" + INVITE
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert framed(*pieces) == [request(INVITE), request(OPTIONS), PONG, request(INVITE)]


@thoroughly
@given(st.lists(st.integers(0, len(INVITE) * 2), max_size=6))
def test_split_at_any_points(cuts: list[int]) -> None:
    data = INVITE + INVITE
    bounds = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(bounds)]
    assert framed(*pieces) == [request(INVITE)] * 2


def test_nothing_is_given_twice() -> None:
    framer = StreamFramer()
    framer.receive(OPTIONS)
    assert len(list(framer.messages())) == 1
    assert list(framer.messages()) == []


class TestKeepAlives:
    def test_rfc_5626_3_5_1_a_ping_is_answered(self) -> None:
        assert framed(b"\r\n\r\n") == [PONG]

    def test_half_a_ping_is_waited_for(self) -> None:
        assert framed(b"\r\n", b"\r\n") == [PONG]
        assert framed(b"\r", b"\n\r", b"\n") == [PONG]

    def test_a_pong_is_no_ping(self) -> None:
        assert framed(b"\r\n" + OPTIONS) == framed(b"\r\n", OPTIONS) == [request(OPTIONS)]

    def test_many_pings_at_once_get_one_pong(self) -> None:
        assert framed(b"\r\n\r\n" * 100 + OPTIONS) == [PONG, request(OPTIONS)]

    def test_between_messages(self) -> None:
        assert framed(OPTIONS + b"\r\n\r\n" + OPTIONS) == [request(OPTIONS), PONG, request(OPTIONS)]


class TestOneBadMessage:
    def test_does_not_end_the_connection(self) -> None:
        framer = StreamFramer()
        framer.receive(OPTIONS.replace(b"7 OPTIONS", b"7 BYE") + OPTIONS)

        with pytest.raises(MalformedError) as caught:
            list(framer.messages())
        assert not caught.value.fatal
        assert answer_to(caught.value) is not None
        assert list(framer.messages()) == [request(OPTIONS)]

    def test_is_skipped_with_its_body(self) -> None:
        framer = StreamFramer()
        framer.receive(INVITE.replace(b"Via:", b"X:")[:-5])
        assert list(framer.messages()) == []
        framer.receive(INVITE[-5:] + OPTIONS)

        with pytest.raises(MalformedError):
            list(framer.messages())
        assert list(framer.messages()) == [request(OPTIONS)]

    def test_what_came_before_it_is_given(self) -> None:
        framer = StreamFramer()
        framer.receive(OPTIONS + OPTIONS.replace(b"To:", b"X:"))
        messages = framer.messages()

        assert next(messages) == request(OPTIONS)
        with pytest.raises(MalformedError):
            next(messages)


class TestTheEnd:
    """Where the next message begins cannot be told: the connection must be closed."""

    def broken(self, data: bytes, limits: Limits | None = None) -> MalformedError:
        framer = StreamFramer(limits or Limits())
        framer.receive(data)
        with pytest.raises(MalformedError) as caught:
            list(framer.messages())
        framer.receive(OPTIONS)
        assert list(framer.messages()) == []
        assert caught.value.fatal
        return caught.value

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"Content-Length: 0\r\n", b""),
            (b"Content-Length: 0", b"Content-Length: -1"),
            (b"Content-Length: 0", b"Content-Length: 0\r\nl: 0"),
        ],
    )
    def test_20_14_without_a_length(self, old: bytes, new: bytes) -> None:
        answer = answer_to(self.broken(OPTIONS.replace(old, new)))
        assert answer is not None
        assert answer.status == 400

    def test_a_body_beyond_the_limit(self) -> None:
        error = self.broken(OPTIONS.replace(b"Length: 0", b"Length: 65537"))
        assert (error.status, error.answerable) == (513, True)

    def test_a_head_without_end(self) -> None:
        error = self.broken(b"x" * 32769)
        assert not error.answerable

    def test_a_head_beyond_the_limit_that_comes_at_once(self) -> None:
        self.broken(OPTIONS, Limits(head=100))

    def test_too_many_fields(self) -> None:
        assert self.broken(OPTIONS, Limits(fields=3)).status == 400


def test_a_long_head_in_single_bytes_is_searched_once() -> None:
    framer = StreamFramer()
    for _ in range(20_000):
        framer.receive(b"x")
        assert list(framer.messages()) == []
    assert framer._searched >= 19_998  # the promise is not to begin again at 0 with each byte
