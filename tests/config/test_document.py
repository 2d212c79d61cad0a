"""YAML text becomes values that keep their place and what was written."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config.document import parse
from bridge.config.problems import Position


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("9110", 9110),
        ("0711", "0711"),  # YAML 1.1 would read octal 457
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("12:30", "12:30"),  # YAML 1.1 would read 750
        ("0x1F", "0x1F"),
        ("true", True),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'~'", "~"),
        ('"9110"', "9110"),
        ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"),
        ("9" * 5000, "9" * 5000),
        ("[1, a]", [1, "a"]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)
def test_scalars_follow_the_core_schema(written: str, value: Any) -> None:
    read = parse(f"setting: {written}\n", "f").value["setting"]
    assert (read, type(read)) == (value, type(value))


def test_numbers_keep_what_was_written() -> None:
    document = parse("a: 1.10\nb: [007, 7, true]\n", "f")
    assert document.texts == {("a",): "1.10", ("b", 1): "7", ("b", 2): "true"}


def test_every_value_and_key_has_its_place() -> None:
    document = parse("a:\n  b:\n    - x\n    - {c: 1}\n", "f")
    assert document.position(("a", "b", 0)) == Position(3, 7)
    assert document.position(("a", "b", 1, "c")) == Position(4, 11)
    assert document.position(("a", "b"), key=True) == Position(2, 3)


def test_what_is_not_there_stands_where_it_would_belong() -> None:
    document = parse("a:\n  b: 1\n", "f")
    assert document.position(("a", "missing"), key=True) == Position(1, 1)
    assert document.position(("missing",)) == Position(1, 1)


def test_an_alias_is_a_copy_with_its_own_place() -> None:
    document = parse("a: &x {b: 1}\nc: *x\n", "f")
    assert document.value["c"] == {"b": 1}
    assert document.value["c"] is not document.value["a"]
    assert document.texts == {("a", "b"): "1", ("c", "b"): "1"}


def test_a_byte_order_mark_is_no_mistake(tmp_path: Any) -> None:
    from bridge.config import load

    path = tmp_path / "site.yaml"
    path.write_bytes(b'\xef\xbb\xbfsite: {name: P, timezone: UTC}\nalarm: {extensions: ["9110"]}\n')
    assert load(path).site.name == "P"
