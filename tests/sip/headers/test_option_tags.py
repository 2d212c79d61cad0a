"""Require, Supported, Unsupported: RFC 3261 sections 19.2, 20.32, 20.37."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.option_tags import OptionTags
from tests.sip.properties import check_read, check_written, line_text, mutated, thoroughly, wild_text


def test_20_32_read() -> None:
    tags = OptionTags.parse("100rel , Timer,replaces")

    assert list(tags) == ["100rel", "timer", "replaces"]
    assert "timer" in tags
    assert str(tags) == "100rel, timer, replaces"


def test_20_37_an_empty_list() -> None:
    assert OptionTags.parse("") == OptionTags()
    assert str(OptionTags()) == ""


def test_two_lines_are_one_list() -> None:
    assert OptionTags.parse("a") + OptionTags.parse("b") == OptionTags.parse("a, b")


@pytest.mark.parametrize("line", [",", "a,", "a b", "a;b", "é"])
def test_what_is_refused(line: str) -> None:
    with pytest.raises(ProtocolError):
        OptionTags.parse(line)


@thoroughly
@given(st.lists(wild_text, max_size=3))
def test_written_and_read_back(tags: list[str]) -> None:
    check_written(OptionTags(tuple(tags)), OptionTags.parse)


@thoroughly
@given(line_text | mutated("100rel, timer"))
def test_any_line(line: str) -> None:
    check_read(line, OptionTags.parse)
