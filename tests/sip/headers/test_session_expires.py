"""Session-Expires: RFC 4028 section 4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.session_expires import SessionExpires
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1800", SessionExpires(1800)),
        ("1800;refresher=uac", SessionExpires(1800, "uac")),
        (" 90 ; Refresher = UAS ; x", SessionExpires(90, "uas")),
    ],
)
def test_read(text: str, value: SessionExpires) -> None:
    assert SessionExpires.parse(text) == value


@pytest.mark.parametrize("text", ["", "x", "1800;refresher=me", ";refresher=uac", "1800,90"])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        SessionExpires.parse(text)


@thoroughly
@given(st.integers(), wild_text)
def test_written_and_read_back(seconds: int, refresher: str) -> None:
    check_written(SessionExpires(seconds, refresher), SessionExpires.parse)
    check_written(SessionExpires(seconds, "uas"), SessionExpires.parse)


@thoroughly
@given(line_text | mutated("1800;refresher=uac"))
def test_any_line(line: str) -> None:
    check_read(line, SessionExpires.parse)
