"""Bodies of several parts: RFC 2046 section 5.1, RFC 5621."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.bodies import parts_of
from tests.sip.message.test_message import invite

TWO = (
    b"This is a preamble.\r\n"
    b"--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n"
    b"--b1 \r\nContent-Type: application/pidf+xml\r\nContent-ID: <t@plant>\r\n"
    b"Content-Disposition: render;handling=optional\r\n\r\n<x/>--b1--not\r\n"
    b"--b1--\r\nepilogue"
)


def parts(body: bytes, content_type: str = "multipart/mixed;boundary=b1") -> list[tuple[str, bytes]]:
    found = parts_of(invite(("Content-Type", content_type), body=body))
    return [(part.content_type.name, part.body) for part in found]


def test_two_parts() -> None:
    assert parts(TWO) == [("application/sdp", b"v=0\r\n"), ("application/pidf+xml", b"<x/>--b1--not")]


def test_lines_that_end_in_lf_alone() -> None:
    assert parts(TWO.replace(b"\r\n", b"\n")) == [
        ("application/sdp", b"v=0\n"),
        ("application/pidf+xml", b"<x/>--b1--not"),
    ]


def test_what_a_part_says_of_itself() -> None:
    sdp, position = parts_of(invite(("Content-Type", 'multipart/mixed;boundary="b1"'), body=TWO))

    assert (sdp.content_id, sdp.optional) == ("", False)
    assert (position.content_id, position.optional) == ("t@plant", True)


def test_a_body_in_one_piece_is_one_part() -> None:
    assert parts(b"v=0", "application/sdp") == [("application/sdp", b"v=0")]
    assert parts_of(invite()) == ()


@pytest.mark.parametrize("piece", [b"\r\ntext", b"\ntext"])
def test_5_1_a_part_without_fields_is_text(piece: bytes) -> None:
    assert parts(b"--b1\r\n" + piece + b"\r\n--b1--") == [("text/plain", b"text")]


def test_a_part_of_fields_alone() -> None:
    assert parts(b"--b1\r\nContent-Type: a/b\r\n--b1--") == [("a/b", b"")]


def test_parts_within_parts_stay_closed() -> None:
    inner = (
        b"--b1\r\nContent-Type: multipart/alternative;boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b2--\r\n--b1--"
    )
    assert parts(inner) == [("multipart/alternative", b"--b2\r\n\r\nx\r\n--b2--")]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TWO, "multipart/mixed"),
        (TWO, "multipart/mixed;boundary="),
        (TWO, f"multipart/mixed;boundary={'b' * 71}"),
        (TWO, "multipart/mixed;boundary=other"),
        (TWO.replace(b"--b1--", b"--b1"), "multipart/mixed;boundary=b1"),
        (b"--b1\r\n\r\n" * 30 + b"--b1--", "multipart/mixed;boundary=b1"),
        (b"--b1\r\nContent-Type: nonsense\r\n\r\nx\r\n--b1--", "multipart/mixed;boundary=b1"),
        (b"--b1", "multipart/mixed;boundary=b1"),
    ],
)
def test_what_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(ProtocolError):
        parts(body, content_type)
