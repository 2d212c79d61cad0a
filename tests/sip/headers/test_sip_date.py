"""Date: RFC 3261 section 20.17."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.sip_date import SipDate
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly

EXAMPLE = "Sat, 13 Nov 2010 23:29:00 GMT"


def test_20_17_read() -> None:
    assert SipDate.parse(EXAMPLE) == SipDate(1289690940)
    assert str(SipDate(1289690940)) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fri, 01 Jan 2010 16:00:00 EST",
        "Fri, 01 Jan 2010 16:00:00",
        "Fri, 32 Jan 2010 16:00:00 GMT",
        "Fri, 00 Jan 2010 16:00:00 GMT",
        "Mon, 30 Feb 2009 16:00:00 GMT",
        "Fri, 01 Jan 0000 16:00:00 GMT",
        "Fri, 01 Jan 2010 24:00:00 GMT",
        "Fri, 01 Jan 2010 23:59:60 GMT",
        "Fri, 1 Jan 2010 23:59:00 GMT",
        "Friday, 01-Jan-10 16:00:00 GMT",
        "1289690940",
    ],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ProtocolError):
        SipDate.parse(text)


@thoroughly
@given(st.integers() | st.integers(-(10**11), 3 * 10**11))
def test_written_and_read_back(at: int) -> None:
    check_written(SipDate(at), SipDate.parse)


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, SipDate.parse)
