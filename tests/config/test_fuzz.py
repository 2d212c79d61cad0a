"""Whatever is in the file: a `Site`, or a `ConfigError` whose every line names a place in it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import Site, load_text
from bridge.config.schema import json_schema
from bridge.config.sections import FileSection
from bridge.errors import ConfigError

GOOD = (Path(__file__).parent / "good.yaml").read_text()
LINES = GOOD.splitlines(keepends=True)

pytestmark = pytest.mark.usefixtures("plugins")

fuzzed = settings(
    max_examples=int(os.environ.get("SOSBRIDGE_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""SOSBRIDGE_FUZZ=5000 searches for an hour; the default keeps `make test` short."""


def load_or_refuse(text: str) -> None:
    """Anything but these two outcomes fails the test, as does a plan or database that cannot be made."""
    try:
        site = load_text(text, "f.yaml", secrets=False)
    except ConfigError as error:
        headline, *lines = str(error).splitlines()
        assert re.fullmatch(r"f\.yaml: [1-9][0-9]* mistakes?", headline)
        assert lines
        assert all(re.match(r"f\.yaml:[1-9][0-9]*:[1-9][0-9]*: \S", line) for line in lines)
        str(error).encode()
        return
    assert isinstance(site, Site)
    site.plan()
    site.database()


def test_the_base_is_good() -> None:
    assert load_text(GOOD, secrets=False).findings[0].level == "ok"


@fuzzed
@given(st.text())
def test_any_text(text: str) -> None:
    load_or_refuse(text)


@fuzzed
@given(st.text(alphabet="ab:- \n\t{}[],&*!|>'\"%@`#?~0\\\x00\x85\ufeff\ud800", max_size=60))
def test_any_punctuation(text: str) -> None:
    load_or_refuse(text)


@fuzzed
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text(max_size=6))
def test_a_damaged_site(at: int, length: int, instead: str) -> None:
    load_or_refuse(GOOD[:at] + instead + GOOD[at + length :])


@fuzzed
@given(st.lists(st.sampled_from(range(len(LINES))), max_size=12), st.integers(0, 3))
def test_lines_removed_and_indented(removed: list[int], indent: int) -> None:
    lines = [("" if number in removed else line) for number, line in enumerate(LINES)]
    if removed:
        lines[removed[0]] = " " * indent + LINES[removed[0]]
    load_or_refuse("".join(lines))


def words_of(value: Any) -> set[str]:
    """Every key and text of a structure, so that the fuzz meets real settings and names."""
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*(words_of(item) for item in value.values()))
    if isinstance(value, list):
        return set[str]().union(*(words_of(item) for item in value))
    return {value} if isinstance(value, str) else set()


WORDS = sorted(words_of(yaml.safe_load(GOOD)) | set(FileSection.model_fields))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=5)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=3)), inner, max_size=5),
    ),
    max_leaves=25,
)


@fuzzed
@given(st.dictionaries(st.sampled_from(sorted(FileSection.model_fields)), values, max_size=6))
def test_any_values_in_the_sections(sections: dict[str, Any]) -> None:
    load_or_refuse(yaml.safe_dump(sections, allow_unicode=True))


@st.composite
def replaced(draw: st.DrawFn) -> dict[str, Any]:
    """The good site with one value, anywhere, replaced by any other."""
    site: dict[str, Any] = yaml.safe_load(GOOD)
    container: Any = site
    while True:
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        key = draw(st.sampled_from(keys))
        if not isinstance(container[key], dict | list) or not container[key] or draw(st.booleans()):
            container[key] = draw(values)
            return site
        container = container[key]


@fuzzed
@given(replaced())
def test_any_value_anywhere(site: dict[str, Any]) -> None:
    load_or_refuse(yaml.safe_dump(site, allow_unicode=True))


def test_the_fuzz_knows_every_section() -> None:
    assert set(json_schema()["properties"]) <= set(WORDS)
