"""The JSON Schema: every setting of every installed driver and PBX link, told apart by `type`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.config.instances import DRIVERS, TRIGGERS, module_of, types_in
from bridge.config.schema import json_schema
from bridge.config.sections import FileSection


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every object schema that declares properties."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for item in schema.values():
            yield from objects_in(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from objects_in(item)


def references_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for item in schema.values():
            yield from references_in(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from references_in(item)


@pytest.mark.usefixtures("plugins")
def test_stanzas_are_unions_told_apart_by_type() -> None:
    vms = json_schema()["properties"]["vms"]["items"]
    assert vms["discriminator"] == {"propertyName": "type"}
    members = {member["properties"]["type"]["const"]: member for member in vms["oneOf"]}
    assert sorted(members) == ["dispatch", "recorder", "relay", "screen"]
    recorder = members["recorder"]
    assert list(recorder["properties"]) == ["name", "type", "host", "port", "login", "labels"]
    assert recorder["required"] == ["name", "type", "host"]
    assert recorder["additionalProperties"] is False


@pytest.mark.usefixtures("plugins")
def test_dispatch_is_its_groups_and_its_driver() -> None:
    members = {
        member["properties"]["type"]["const"]: member
        for member in json_schema()["properties"]["dispatch"]["oneOf"]
    }
    dispatch = members["dispatch"]
    assert list(dispatch["properties"]) == [
        "groups",
        "languages",
        "name",
        "type",
        "fallback",
        "context",
        "pbx",
    ]
    assert dispatch["required"] == ["groups"]
    assert members["recorder"]["required"] == ["groups", "type", "host"]


@pytest.mark.usefixtures("plugins")
def test_text_may_be_written_as_a_number() -> None:
    phone = json_schema()["$defs"]["PhoneSection"]["properties"]
    assert phone["extension"]["type"] == ["string", "number"]
    assert phone["announce"]["enum"] == [True, False, "on", "off"]
    assert "type" not in phone["callback"] or phone["callback"]["type"] == "string"


def test_every_reference_leads_somewhere_and_it_is_json() -> None:
    schema = json.loads(json.dumps(json_schema()))
    missing = {
        reference
        for reference in references_in(schema)
        if reference.removeprefix("#/$defs/") not in schema["$defs"]
    }
    assert not missing
    assert set(schema["properties"]) == set(FileSection.model_fields)
    assert schema["required"] == ["site", "alarm"]


@pytest.mark.parametrize(
    ("package", "type_name"),
    [(package, name) for package in (DRIVERS, TRIGGERS) for name in types_in(package)],
)
def test_every_type_refuses_settings_it_does_not_know(package: str, type_name: str) -> None:
    module = module_of(package, type_name)
    assert module is not None
    schema = module.Config.model_json_schema()
    lax = [
        found.get("title") for found in objects_in(schema) if found.get("additionalProperties") is not False
    ]
    assert not lax, f"{package}.{type_name}: extra=forbid is missing in {lax}"
    assert not {"name", "type"} & set(schema["properties"]), "these two belong to every stanza"
    assert module.__doc__
