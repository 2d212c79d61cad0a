"""The JSON Schema of a site file, for editors. Printed by `sosbridge config schema`.

Every installed driver and trigger is in it: a stanza is a union, told apart by its `type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from bridge.config.instances import DRIVERS, LISTS, module_of, types_in
from bridge.config.sections import FileSection, Stanza

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
REQUIRED: Final = ("site", "alarm")

JsonSchema = dict[str, Any]


def json_schema() -> JsonSchema:
    """Return the schema as plain values, ready for `json.dumps`."""
    schema = FileSection.model_json_schema()
    schema["required"] = list(REQUIRED)
    for section in REQUIRED:
        schema["properties"][section] = _not_null(schema["properties"][section])
    for section, package in LISTS:
        schema["properties"][section]["items"] = _union(package, Stanza.model_json_schema(), schema)
    whole_dispatch = schema["$defs"].pop("DispatchSection")
    schema["properties"]["dispatch"] = _union(DRIVERS, whole_dispatch, schema)
    del schema["$defs"]["Stanza"]
    relaxed: JsonSchema = _as_written(schema)
    return {"$schema": DIALECT, **relaxed, "title": "sosbridge site"}


def _not_null(schema: JsonSchema) -> JsonSchema:
    [wanted] = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
    return {**wanted, "description": schema["description"]}


def _union(package: str, stanza: Mapping[str, Any], root: JsonSchema) -> JsonSchema:
    """Return one schema for each type of the package, with the settings of `stanza` before its own."""
    modules = ((type_name, module_of(package, type_name)) for type_name in types_in(package))
    members = [_member(package, name, module, stanza, root) for name, module in modules if module]
    return {"oneOf": members, "discriminator": {"propertyName": "type"}}


def _member(
    package: str, type_name: str, module: ModuleType, stanza: Mapping[str, Any], root: JsonSchema
) -> JsonSchema:
    prefix = f"{package.rsplit('.', 1)[-1]}.{type_name}."
    own = module.Config.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    root["$defs"].update({prefix + name: found for name, found in own.pop("$defs", {}).items()})
    type_schema = {**stanza["properties"]["type"], "const": type_name}
    default = stanza["properties"]["type"].get("default")
    required = [name for name in stanza.get("required", ()) if name != "type"]
    return {
        "title": type_name,
        "description": (module.__doc__ or "").strip().split("\n")[0],
        "type": "object",
        "properties": {**stanza["properties"], "type": type_schema, **own.get("properties", {})},
        "required": [*required, *([] if type_name == default else ["type"]), *own.get("required", ())],
        "additionalProperties": False,
    }


def _as_written(schema: Any) -> Any:
    """Say what may be written: the loader takes a number for text; a name that fits no pattern is refused."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    relaxed = {name: _as_written(item) for name, item in schema.items()}
    if schema.get("type") == "string" and not schema.keys() & {"const", "enum"}:
        relaxed["type"] = ["string", "number"]
    if "patternProperties" in schema:
        relaxed.setdefault("additionalProperties", False)
    return relaxed
