"""Pydantic's errors in the words of the file: what is wrong and what is allowed. Called by `validation`.

No text repeats a value, because a value in the wrong place may be a secret; names of settings are shown.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic_core import ErrorDetails

from bridge.config.problems import listing, plural, unknown

Schema = Mapping[str, Any]

_MAPPING: Final = "must be a mapping (`name: value` lines)"
_LIST: Final = "must be a list (`- value` lines, or `[a, b]`)"
_WORDS: Final = {
    "string": "must be text",
    "int": "must be a whole number",
    "float": "must be a number",
    "finite": "must be a finite number",
    "bool": "must be true or false",
    "list": _LIST,
    "tuple": _LIST,
    "set": _LIST,
    "frozen": _LIST,
    "dict": _MAPPING,
    "mapping": _MAPPING,
    "model": _MAPPING,
    "dataclass": _MAPPING,
}
"""First word of pydantic's error type -> what to say, where the type of the value is wrong."""

_TYPE_ERRORS: Final = ("_type", "_parsing", "_from_float", "_number", "_attributes", "_unicode", "_sub_type")


def words_for(error: ErrorDetails, schema: Schema) -> str:
    """Say what is wrong; the text follows the setting's name. `schema`: JSON Schema of the whole model."""
    loc, context = error["loc"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing" + _purpose(schema, loc)
        case "extra_forbidden":
            return unknown("setting", str(loc[-1]), settings_at(schema, loc[:-1]))
        case "enum" | "literal_error" | "union_tag_invalid":
            return _choice(error)
        case "union_tag_not_found":
            return f"needs the setting {_quoted(context['discriminator'])}"
        case "too_short" | "too_long":
            return _length(context)
    return _type_words(error) or _plain_words(error["msg"])


def _length(context: Mapping[str, int]) -> str:
    if "max_length" in context:
        return f"takes at most {plural(context['max_length'], 'entry')}"
    return f"needs at least {plural(context['min_length'], 'entry')}"


def _type_words(error: ErrorDetails) -> str:
    """Say which type is wanted; empty where the type is not what is wrong."""
    if not error["type"].endswith(_TYPE_ERRORS):
        return ""
    if error.get("input") is None:
        return "is empty: give it a value or remove the line"
    return _WORDS.get(error["type"].split("_", 1)[0], "")


def _plain_words(message: str) -> str:
    return _quoted(message.removeprefix("Value error, ").replace("Input should be", "must be"))


def _quoted(message: str) -> str:
    return re.sub(r"(?<!\w)'([^']+)'(?!\w)", r"`\1`", message)


def _choice(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    names = re.findall(r"'([^']*)'", context.get("expected", context.get("expected_tags", "")))
    value = context.get("tag", error.get("input"))
    if error["loc"][-1:] == ("[key]",):
        return unknown("name", str(value), names)
    near = difflib.get_close_matches(value[:100], names, n=1, cutoff=0.6) if isinstance(value, str) else []
    guess = f" (did you mean `{near[0]}`?)" if near else ""
    return f"must be one of: {listing(names)}{guess}"


def _purpose(schema: Schema, loc: Sequence[str | int]) -> str:
    """Return what the missing setting is for: the first sentence of its own description."""
    for node in _nodes_at(schema, loc[:-1]):
        description = node.get("properties", {}).get(loc[-1], {}).get("description", "")
        if description:
            return ": " + re.split(r"(?<=[.;:])\s", description)[0].rstrip(".;:")
    return ""


def settings_at(schema: Schema, loc: Sequence[str | int]) -> list[str]:
    """Return the names of the settings that the model declares at `loc`."""
    return list(dict.fromkeys(name for node in _nodes_at(schema, loc) for name in node.get("properties", ())))


def _nodes_at(schema: Schema, loc: Iterable[str | int]) -> list[Schema]:
    nodes = list(_alternatives(schema, schema))
    for part in loc:
        below = [child for node in nodes for child in _children(node, part)]
        # A part that leads nowhere is the label that pydantic gives to the member of a union.
        if below:
            nodes = [found for child in below for found in _alternatives(child, schema)]
    return nodes


def _alternatives(node: Schema, root: Schema) -> Iterator[Schema]:
    """Yield the node, and what it refers to or chooses from."""
    yield node
    if "$ref" in node:
        yield from _alternatives(root["$defs"][node["$ref"].rsplit("/", 1)[-1]], root)
    for word in ("anyOf", "oneOf", "allOf"):
        for child in node.get(word, ()):
            yield from _alternatives(child, root)


def _children(node: Schema, part: str | int) -> Iterator[Schema]:
    if isinstance(part, int):
        if isinstance(node.get("items"), dict):
            yield node["items"]
        yield from node.get("prefixItems", ())[part : part + 1]
    elif part in node.get("properties", {}):
        yield node["properties"][part]
    elif part in node.get("discriminator", {}).get("mapping", {}):
        yield {"$ref": node["discriminator"]["mapping"][part]}
    else:
        yield from node.get("patternProperties", {}).values()
        if isinstance(node.get("additionalProperties"), dict):
            yield node["additionalProperties"]
