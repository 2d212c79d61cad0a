"""Dataclasses as plain values, and back: the one mapping behind table columns, rows and spool lines.

A plain value is what both a database driver and JSON take as it is: str, float, int, bool, None and
dicts of str. Called by `schema` (columns), `loading`, `writing`, `reading` (rows) and `spool` (lines).
"""

from __future__ import annotations

import dataclasses
import enum
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from bridge.model import NOTHING

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class PlainField:
    """One field of a dataclass.

    kind: type of its plain value: str, float, int, bool or dict.
    values: the words an enumeration allows; empty for everything else.
    to_plain, from_plain: None where the value is plain already; None itself is never handed to them.
    """

    name: str
    kind: type
    optional: bool
    values: tuple[str, ...]
    to_plain: Callable[[Any], Any] | None
    from_plain: Callable[[Any], Any] | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """A dataclass, looked at once: type hints are slow to resolve, and rows are many."""

    fields: tuple[PlainField, ...]
    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    """Returns the values of an instance in the order of `names`."""
    converted: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...]
    """(name, to_plain, from_plain) of the fields that are not plain already."""


_SHAPES: dict[type, _Shape] = {}


def _shape_of(cls: type[Any]) -> _Shape:
    if cls not in _SHAPES:
        hints = typing.get_type_hints(cls)
        fields = tuple(_field(field.name, hints[field.name]) for field in dataclasses.fields(cls))
        names = tuple(field.name for field in fields)
        converted = (
            (field.name, field.to_plain, field.from_plain)
            for field in fields
            if field.to_plain and field.from_plain
        )
        _SHAPES[cls] = _Shape(fields, names, operator.attrgetter(*names), tuple(converted))
    return _SHAPES[cls]


def fields_of(cls: type[Any]) -> tuple[PlainField, ...]:
    """Return the fields of a dataclass in their order. Raises TypeError for a type that is not plain."""
    return _shape_of(cls).fields


def _field(name: str, hint: Any) -> PlainField:
    optional = isinstance(hint, types.UnionType) and types.NoneType in typing.get_args(hint)
    if optional:
        [hint] = [part for part in typing.get_args(hint) if part is not types.NoneType]
    if typing.get_origin(hint) is Mapping:
        return PlainField(name, dict, optional, (), dict, _frozen)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return PlainField(name, str, optional, tuple(hint), str, hint)
    if hint not in (str, float, int, bool):
        raise TypeError(f"{name}: {hint} has no plain form")
    return PlainField(name, hint, optional, (), None, None)


def _frozen(mapping: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(mapping) if mapping else NOTHING


def to_plain(value: Any) -> dict[str, Any]:
    """Return the dataclass instance as a dict of plain values, one a field."""
    shape = _shape_of(type(value))
    plain = dict(zip(shape.names, shape.read(value), strict=True))
    for name, convert, _ in shape.converted:
        if (content := plain[name]) is not None:
            plain[name] = convert(content)
    return plain


def from_plain(cls: type[T], plain: Mapping[str, Any]) -> T:
    """Return the instance that `to_plain` was given.

    A missing field takes its default and an unknown one is passed over, so that a line written by another
    version of this program is still an event. Raises TypeError or ValueError where that is impossible.
    """
    shape = _shape_of(cls)
    return _restored(cls, shape, {name: plain[name] for name in shape.names if name in plain})


def from_row(cls: type[T], row: Sequence[Any]) -> T:
    """Return the instance whose plain values are `row`, in the order of `fields_of`."""
    shape = _shape_of(cls)
    return _restored(cls, shape, dict(zip(shape.names, row, strict=True)))


def _restored(cls: type[T], shape: _Shape, values: dict[str, Any]) -> T:
    for name, _, convert in shape.converted:
        if (content := values.get(name)) is not None:
            values[name] = convert(content)
    return cls(**values)
