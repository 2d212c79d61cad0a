"""Entries of a section (`phones`, `locations`, `cameras`, `consoles`) -> YAML that a person can read.

`merged` puts new entries into a site file's own text: lines are added, none is changed, so that comments and
order stay; what comes out is read again and compared before anybody gets it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from bridge.config.document import MAX_DEPTH, parse
from bridge.config.problems import visible
from bridge.config.syntax import compose
from bridge.errors import ConfigError

WIDTH: Final = 110
INDENT: Final = 2

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a section."""

    section: str
    name: str
    settings: Settings
    new: bool
    """The site file does not have it yet."""
    remark: str = ""
    """What a person should know of it; stands behind it as a comment."""


def rendered(entries: Sequence[Entry]) -> str:
    """Return the sections as YAML, in the order in which they first appear."""
    parts = []
    for section in dict.fromkeys(entry.section for entry in entries):
        lines = [line for entry in entries if entry.section == section for line in _lines(entry, INDENT)]
        parts.append("\n".join([f"{section}:", *lines]) + "\n")
    return "\n".join(parts)


def merged(text: str, name: str, entries: Iterable[Entry]) -> str:
    """Return the site file with the new entries in it.

    Raises ConfigError where a section is written so that lines cannot be added to it (`phones: {...}`).
    """
    new = [entry for entry in entries if entry.new]
    lines = text.split("\n")
    root = compose(text, name, max_depth=MAX_DEPTH)
    places = _places(root) if isinstance(root, yaml.MappingNode) else {}
    sections = list(dict.fromkeys(entry.section for entry in new))
    # From the end of the file to its beginning: a line number must not move before its turn.
    for section in sorted(sections, key=lambda each: places.get(each, (0, 0))[0], reverse=True):
        own = [entry for entry in new if entry.section == section]
        if section in places:
            at, indent = places[section]
            lines[at:at] = [line for entry in own for line in _lines(entry, indent)]
        elif section not in parse(text, name).value:
            while lines and not lines[-1].strip():
                lines.pop()
            lines += ["", *rendered(own).split("\n")]
        else:
            raise ConfigError(f"{name}: `{section}` stands there in a form that no line can be added to")
    result = "\n".join(lines)
    _require_same(parse(text, name).value, new, result, name)
    return result


def _require_same(before: Mapping[str, Any], new: Sequence[Entry], result: str, name: str) -> None:
    """Raise ConfigError unless the result says what the file said, and the new entries."""
    wanted: dict[str, Any] = copy.deepcopy(dict(before))
    for section, entries in parse(rendered(new) or "{}", name).value.items():
        wanted[section] = {**(wanted.get(section) or {}), **entries}
    if parse(result, name).value != wanted:
        raise ConfigError(f"{name}: the entries cannot be added without changing what stands there")


def _places(root: yaml.MappingNode) -> dict[str, tuple[int, int]]:
    """Section -> the line behind its last entry, and how far its entries are indented."""
    found = {}
    for key, value in root.value:
        if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
            first, _ = value.value[0]
            found[str(key.value)] = (_line_behind(value), first.start_mark.column)
    return found


def _line_behind(node: yaml.Node) -> int:
    """Index of the first line that is not the node's any more, comments left out."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _line_behind(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    return int(mark.line) if mark.column == 0 else int(mark.line) + 1


def _lines(entry: Entry, indent: int) -> list[str]:
    """One line, or one for each setting where that would be too long."""
    blank, key = " " * indent, _flow(entry.name)
    remarks = [word for word in ("new" if entry.new else "", visible(entry.remark)) if word]
    comment = f"  # {': '.join(remarks)}" if remarks else ""
    line = f"{blank}{key}: {_flow(entry.settings)}"
    if len(line) <= WIDTH:
        return [line + comment]
    below = " " * INDENT
    settings = [f"{blank}{below}{_flow(name)}: {_flow(value)}" for name, value in entry.settings.items()]
    return [f"{blank}{key}:{comment}", *settings]


def _flow(value: Any) -> str:
    dumped = yaml.safe_dump(
        _plain(value), default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
    )
    return dumped.removesuffix("\n").removesuffix("\n...")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
