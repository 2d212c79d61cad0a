"""YAML text -> plain values that remember where they stand. Called by `loading`; knows no setting.

The scalars follow the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema), not YAML 1.1:
`no`, `on`, `0711` and `12:30` are text, so an extension with a leading zero stays what the PBX calls it.
Numbers keep their text too (`Document.texts`), for settings that are text but look like a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import yaml

from bridge.config.problems import Path, Placed, Position, Problem, site_error
from bridge.config.syntax import compose

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 200_000
"""More than any site has; far fewer than a few lines of nested aliases can stand for."""

_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]{1,2})")
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE: Final = "tag:yaml.org,2002:merge"
_PLAIN_TAGS: Final = re.compile(r"tag:yaml\.org,2002:(str|int|float|bool|null|map|seq|timestamp|value|merge)")


@dataclass(slots=True)
class Document:
    """A parsed file. Every place is a path of keys and indices from the root, `("vms", 0, "host")`."""

    name: str
    """The file, as the messages name it."""
    value: dict[str, Any] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    """What was written, for every number and truth value."""
    values_at: dict[Path, Position] = field(default_factory=dict)
    keys_at: dict[Path, Position] = field(default_factory=dict)
    problems: list[Placed] = field(default_factory=list)
    """What reading alone found: keys that stand twice, tags, merge keys."""

    def position(self, path: Path, *, key: bool = False) -> Position:
        """Where `path` stands; of what is not in the file, where its nearest ancestor stands."""
        if not key and path in self.values_at:
            return self.values_at[path]
        for end in range(len(path), -1, -1):
            found = self.keys_at.get(path[:end]) or self.values_at.get(path[:end])
            if found:
                return found
        return Position(1, 1)

    def place(self, problem: Problem) -> Placed:
        return Placed(problem, self.position(problem.path, key=problem.key))

    def at(self, path: Path) -> Any:
        """Return the value at `path`, or None."""
        value: Any = self.value
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def names(self, *path: str | int) -> list[str]:
        """Return the keys of the mapping at `path`; none if there is no mapping."""
        value = self.at(path)
        return list(value) if isinstance(value, dict) else []


def parse(text: str, name: str) -> Document:
    """Read YAML text.

    Raises SiteError when the text is not YAML, is empty, or is not a mapping. Mistakes that leave a
    readable document are in `Document.problems`.
    """
    document = Document(name)
    node = compose(text, name, max_depth=MAX_DEPTH)
    if node is None or (isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS):
        raise _refusal(name, Position(1, 1), "the file is empty: a site needs at least `site` and `alarm`")
    if not isinstance(node, yaml.MappingNode):
        raise _refusal(name, _start(node), "the file must hold settings (`name: value` lines)")
    if _expanded_size(node, {}) > MAX_VALUES:
        text = f"holds more than {MAX_VALUES} values, each alias (`*name`) counted with all it stands for"
        raise _refusal(name, _start(node), text)
    document.value = _Reading(document).value_of(node, ())
    return document


def _refusal(name: str, position: Position, text: str) -> Exception:
    return site_error(name, [Placed(Problem((), text), position)])


def _start(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _expanded_size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Count the values below a node, aliases followed, without following any of them twice."""
    if id(node) not in sizes:
        sizes[id(node)] = MAX_VALUES + 1  # an alias to what it stands in has no end
        below = node.value if isinstance(node, yaml.CollectionNode) else ()
        children = chain.from_iterable(child if isinstance(child, tuple) else (child,) for child in below)
        sizes[id(node)] = min(MAX_VALUES + 1, 1 + sum(_expanded_size(child, sizes) for child in children))
    return sizes[id(node)]


class _Reading:
    """Turns the node graph into values. An alias becomes a copy, so every value has its own path."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def value_of(self, node: yaml.Node, path: Path) -> Any:
        if len(path) > MAX_DEPTH:
            raise _refusal(self.document.name, _start(node), f"aliases nest it more than {MAX_DEPTH} deep")
        self.document.values_at[path] = _start(node)
        if not _PLAIN_TAGS.fullmatch(node.tag):
            # The tag itself is not repeated: a password that starts with ! looks like one.
            self.complain(
                node, path, "tags (`!name`) are not used here; text that starts with ! needs quotes"
            )
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping_of(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar_of(node, path)
        return [self.value_of(child, (*path, index)) for index, child in enumerate(node.value)]

    def mapping_of(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(key, path, "a name must be plain text, not a list or mapping")
            elif key.tag == _MERGE:
                self.complain(key, path, "`<<` is not supported: write the settings out")
            elif key.value in values:
                first = self.document.keys_at[*path, key.value].line
                self.complain(key, (*path, key.value), f"stands twice: first in line {first}")
            else:
                self.document.keys_at[*path, key.value] = _start(key)
                values[key.value] = self.value_of(child, (*path, key.value))
        return values

    def scalar_of(self, node: yaml.ScalarNode, path: Path) -> str | float | bool | None:
        text: str = node.value
        if node.style is not None:
            return text
        if text in _NULLS:
            return None
        value = _plain(text)
        if not isinstance(value, str):
            self.document.texts[path] = text
        return value

    def complain(self, node: yaml.Node, path: Path, text: str) -> None:
        self.document.problems.append(Placed(Problem(path, text), _start(node)))


def _plain(text: str) -> str | float | bool:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
