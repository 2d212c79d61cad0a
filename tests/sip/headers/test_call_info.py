"""Call-Info: RFC 3261 section 20.9."""

from __future__ import annotations

from hypothesis import given

from bridge.protocols.sip.headers.call_info import CallInfo
from tests.sip.properties import check_read, line_text, mutated, thoroughly

EXAMPLE = "<http://wwww.example.com/alice/photo.jpg> ;purpose=icon"


def test_20_9_read() -> None:
    icon, page = CallInfo.parse_list(f"{EXAMPLE}, <http://www.example.com/alice/?a=1,2> ;purpose=info;x")

    assert (str(icon.uri), icon.purpose) == ("http://wwww.example.com/alice/photo.jpg", "icon")
    assert (str(page.uri), page.purpose) == ("http://www.example.com/alice/?a=1,2", "info")


@thoroughly
@given(line_text | mutated(EXAMPLE))
def test_any_line(line: str) -> None:
    check_read(line, CallInfo.parse)
