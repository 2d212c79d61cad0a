"""Holds a part of the file against a pydantic model and reports every mistake with its place.

What is wrong is reported and left out of the model, so that the checks which need several lines
(`references`) still run over all that can be read: one look at the messages shows every mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.config.document import Document
from bridge.config.problems import Path, Problem
from bridge.config.wording import Schema, words_for

M = TypeVar("M", bound=BaseModel)

_WANTS_TEXT: Final = ("string_type", "model_type", "model_attributes_type", "dataclass_type")


@dataclass(slots=True)
class Checked(Generic[M]):
    """The model of all that is right, and the mistakes."""

    model: M | None
    """None if nothing is left."""
    problems: list[Problem] = field(default_factory=list)
    written: dict[str, Any] = field(default_factory=dict)
    """What was checked, as the file says it."""
    kept: dict[Path, list[int]] = field(default_factory=dict)
    """Lists that lost items: place of the list -> indices, in the file, of the items that are left."""

    def in_file(self, path: Path) -> Path:
        """Turn a path within the model into the path within the file."""
        return _in_file(path, self.kept)


def validate(
    model: type[M], document: Document, base: Path, *, without: frozenset[str] = frozenset()
) -> Checked[M]:
    """Check the mapping at `base`, except the settings named in `without`."""
    found = document.at(base)
    if not isinstance(found, dict):
        return Checked(None, [Problem(base, "must be a mapping (`name: value` lines)")])
    value = copy.deepcopy({name: item for name, item in found.items() if name not in without})
    details = _mistakes(model, value)
    while _restore_texts(value, details, document, base):
        details = _mistakes(model, value)
    problems = [
        _problem(value, detail, base, schema_of(model)) for detail in details if not _follows(detail, details)
    ]
    written = copy.deepcopy(value)
    kept: dict[Path, list[int]] = {}
    while details:
        # From the second round on, the mistakes are ours: a value that was left out is missing now.
        if not _leave_out(value, details, kept):
            return Checked(None, problems, written)
        details = _mistakes(model, value)
    in_file = {(*base, *path): indices for path, indices in kept.items()}
    return Checked(model.model_validate(value), problems, written, in_file)


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """Return the model's JSON Schema, by which its mistakes are worded."""
    return model.model_json_schema()


def _mistakes(model: type[BaseModel], value: Any) -> list[ErrorDetails]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _follows(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because its entries are wrong."""
    loc = detail["loc"]
    below = (other["loc"] for other in details if len(other["loc"]) > len(loc))
    return detail["type"] == "too_short" and any(other[: len(loc)] == loc for other in below)


def _restore_texts(value: Any, details: Sequence[ErrorDetails], document: Document, base: Path) -> bool:
    """Where text is wanted and a number was read, put back what was written. Whether anything changed."""
    changed = False
    for detail in details:
        path = _locate(value, detail["loc"])
        text = document.texts.get((*base, *path))
        if detail["type"] in _WANTS_TEXT and text is not None and _at(value, path) != text:
            _at(value, path[:-1])[path[-1]] = text
            changed = True
    return changed


def _locate(value: Any, loc: Sequence[str | int]) -> Path:
    """Follow pydantic's location as far as the value goes; it also holds labels of unions."""
    path: Path = ()
    for part in loc:
        if _leads_on(value, part):
            value = value[part]
            path = (*path, part)
    return path


def _leads_on(value: object, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _problem(value: Any, detail: ErrorDetails, base: Path, schema: Schema) -> Problem:
    path = (*base, *_locate(value, detail["loc"]))
    missing = detail["type"] == "missing"
    key = missing or detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",)
    if missing:
        path = (*path, detail["loc"][-1])
    return Problem(path, words_for(detail, schema), key=key)


def _leave_out(value: Any, details: Sequence[ErrorDetails], kept: dict[Path, list[int]]) -> bool:
    """Remove what is wrong; of something incomplete, the whole. False if that would be everything."""
    paths = {_locate(value, detail["loc"]) for detail in details}
    if () in paths:
        return False
    # Last and deepest first: an index must not move before its turn.
    for path in sorted(
        paths, key=lambda path: [(isinstance(part, str), part) for part in path], reverse=True
    ):
        parent = _at(value, path[:-1])
        if isinstance(parent, list):
            indices = kept.setdefault(_in_file(path[:-1], kept), list(range(len(parent))))
            del indices[int(path[-1])], parent[int(path[-1])]
        else:
            del parent[path[-1]]
    return True


def _in_file(path: Path, kept: dict[Path, list[int]]) -> Path:
    original: Path = ()
    for part in path:
        indices = kept.get(original)
        original = (*original, indices[part] if indices is not None and isinstance(part, int) else part)
    return original


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
