"""Pydantic's errors in the words of the file, for what drivers may declare."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bridge.config.document import parse
from bridge.config.validation import validate
from bridge.model import Operation


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Basic(Strict):
    kind: Literal["basic"]
    user: str


class Bearer(Strict):
    kind: Literal["bearer"]
    token: str


class Request(Strict):
    path: str
    """Where it goes; with placeholders. And more."""
    retries: int | None = Field(default=None, ge=0, le=9)


class Config(Strict):
    auth: Annotated[Basic | Bearer, Field(discriminator="kind")] = Basic(kind="basic", user="sos")
    requests: dict[Operation, Request] = {}
    pair: tuple[str, int] = ("a", 1)
    either: int | str = 0
    words: Annotated[list[str], Field(max_length=2)] = []
    odd: int = 1
    switch: bool = True
    ratio: float = 0.5

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("it's even; 'odd' means 1, 3, 5")
        return value


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("auth: {kind: bearr}", {"auth": "must be one of: basic, bearer (did you mean `bearer`?)"}),
        ("auth: {kind: 5}", {"auth": "must be one of: basic, bearer"}),
        ("auth: {user: x}", {"auth": "needs the setting `kind`"}),
        ("auth: {kind: basic}", {"auth.user": "is missing"}),
        (
            "auth: {kind: basic, user: x, tokn: y}",
            {"auth.tokn": "unknown setting `tokn`; allowed: kind, user"},
        ),
        ("auth:", {"auth": "is empty: give it a value or remove the line"}),
        ("requests: {show: {}}", {"requests.show.path": "is missing: Where it goes"}),
        ("requests: {show: {path: x, retries: 10}}", {"requests.show.retries": "must be less than"}),
        ("requests: {show: {path: x, retries: 1.5}}", {"requests.show.retries": "must be a whole number"}),
        ("requests: {show: [x]}", {"requests.show": "must be a mapping (`name: value` lines)"}),
        ("pair: [a]", {"pair[1]": "is missing"}),
        ("pair: [a, b]", {"pair[1]": "must be a whole number"}),
        ("pair: 5", {"pair": "must be a list (`- value` lines, or `[a, b]`)"}),
        ("words: [a, b, c]", {"words": "takes at most 2 entries"}),
        ("words: [a, {b: c}]", {"words[1]": "must be text"}),
        ("odd: 2", {"odd": "it's even; `odd` means 1, 3, 5"}),
        ("switch: perhaps", {"switch": "must be true or false"}),
        ("switch: 7", {"switch": "must be true or false"}),
        ("ratio: much", {"ratio": "must be a number"}),
        ("rati: 1", {"rati": "unknown setting `rati`, did you mean `ratio`? Allowed: auth, requests, pair"}),
    ],
)  # fmt: skip
def test_words(written: str, said: dict[str, str]) -> None:
    document = parse(f"vms:\n- {{{written}}}\n" if written else "", "f")
    checked = validate(Config, document, ("vms", 0))
    found = {".".join(map(str, problem.path[2:])): problem.text for problem in checked.problems}
    wanted = {path.replace("[1]", ".1"): text for path, text in said.items()}
    assert {path: text[: len(wanted.get(path, ""))] for path, text in found.items()} == wanted


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("words: [007, 7, 1.10, true]", ["007", "7", "1.10", "true"]),
        ("words: [no, on]", ["no", "on"]),
    ],
)
def test_numbers_become_the_text_that_was_written(written: str, value: Any) -> None:
    class Words(Strict):
        words: list[str]

    checked = validate(Words, parse(written, "f"), ())
    assert checked.model is not None
    assert checked.model.words == value


def test_a_union_takes_the_number_it_can() -> None:
    checked = validate(Config, parse("either: 7", "f"), ())
    assert checked.model is not None
    assert checked.model.either == 7


def test_what_is_wrong_is_left_out_and_the_rest_keeps_its_place() -> None:
    document = parse("words: [{x: 1}, b]\nodd: 4\nratio: 2\n", "f")
    checked = validate(Config, document, ())
    assert checked.model is not None
    assert (checked.model.words, checked.model.odd, checked.model.ratio) == (["b"], 1, 2.0)
    assert checked.in_file(("words", 0)) == ("words", 1)


def test_what_needs_the_wrong_thing_is_left_out_as_a_whole() -> None:
    document = parse("requests: {show: {path: [x]}, hide: {path: y}}\n", "f")
    checked = validate(Config, document, ())
    assert checked.model is not None
    assert list(checked.model.requests) == [Operation.HIDE]
    assert [problem.path for problem in checked.problems] == [("requests", "show", "path")]
