"""Warning: RFC 3261 section 20.43."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.warning import SipWarning
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text

EXAMPLE = '307 isi.edu:5060 "Session parameter \\"foo\\" not understood"'


def test_20_43_read() -> None:
    warning = SipWarning.parse(EXAMPLE)

    assert warning == SipWarning(307, "isi.edu:5060", 'Session parameter "foo" not understood')
    assert str(warning) == EXAMPLE
    assert len(SipWarning.parse_list(f'{EXAMPLE}, 399 bridge "a, b"')) == 2


@pytest.mark.parametrize("text", ["", "399", "399 a", "399 a b", '1812 a "b"', 'x a "b"', '399 a "b" c'])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        SipWarning.parse(text)


@thoroughly
@given(st.integers(0, 1100), wild_text, wild_text)
def test_written_and_read_back(code: int, agent: str, text: str) -> None:
    check_written(SipWarning(code, "bridge", text), SipWarning.parse)
    check_written(SipWarning(399, agent, "text"), SipWarning.parse)


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, SipWarning.parse)
