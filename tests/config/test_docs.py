"""docs/configuration.md names every setting with its default, every step, operation, type and command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import pytest
from pydantic.fields import FieldInfo

from bridge.cli import main
from bridge.config.fields import Section
from bridge.config.instances import DRIVERS, TRIGGERS, module_of, types_in
from bridge.config.sections import FileSection
from bridge.config.table import DEFAULT
from bridge.model import UNDO, Operation
from bridge.response import Audience, Step

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "configuration.md").read_text()

ROWS = {
    match[1]: (match[2], match[3])
    for match in re.finditer(r"^\| `([^`]+)` \| (.*?) \| (.*)\|$", PAGE, re.MULTILINE)
}
"""First cell of a table's row -> the other cells."""

PLACEHOLDERS = {
    "phones": ".<id>",
    "locations": ".<tag>",
    "cameras": ".<tag>",
    "consoles": ".<name>",
    "groups": ".<name>",
    "response": ".<step>",
}
"""What stands for the keys of a mapping."""


def settings_of(model: type[Section], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting below `model`, as the page writes its path."""
    for name, field in model.model_fields.items():
        setting = f"{path}{field.alias or name}"
        inner, between = section_in(field.annotation, name)
        if inner is None or field.is_required() or path:
            yield setting, field
        if inner is not None:
            yield from settings_of(inner, f"{setting}{between}.")


def section_in(annotation: Any, name: str) -> tuple[type[Section] | None, str]:
    """Return the model within a type, and what stands between its setting and those of the model."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, ""
    mark = {dict: PLACEHOLDERS.get(name, ""), tuple: "[]"}.get(get_origin(annotation), "")
    for argument in get_args(annotation):
        found, between = section_in(argument, "")
        if found:
            return found, mark + between
    return None, ""


def default_text(field: FieldInfo) -> str | None:
    """Return the default as the page writes it; None where the page uses words."""
    if field.is_required():
        return "required"
    match field.default:
        case bool() as truth:
            return f"`{str(truth).lower()}`"
        case int() | float() as number:
            return f"`{number:g}`"
        case str() as text:
            return f"`{text}`"
    return None


SETTINGS = dict(settings_of(FileSection))


def test_the_walk_meets_every_kind_of_setting() -> None:
    assert {
        "site.name",
        "node",
        "store.password",
        "pbx[].type",
        "phones.<id>.shared",
        "locations.<tag>.cameras",
        "locations.<tag>.cameras[].preset",
        "cameras.<tag>.presets",
        "dispatch.groups",
        "dispatch.groups.<name>.tiers",
        "response.<step>[].do",
        "times.picture",
        "web.listen",
    } <= set(SETTINGS)
    assert len(SETTINGS) > 50


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_explained_with_its_default(setting: str) -> None:
    assert setting in ROWS, f"docs/configuration.md has no row for `{setting}`"
    default, meaning = ROWS[setting]
    assert default == (default_text(SETTINGS[setting]) or default)
    assert default
    assert len(meaning) > 8


def test_the_page_explains_no_setting_that_is_gone() -> None:
    dotted = {name for name in ROWS if re.match(r"[a-z_]+(\[\]|\.)", name)}
    assert dotted - set(SETTINGS) == {"cameras.<tag>.<vms>", "consoles.<name>.<vms>"}


def test_every_step_is_explained_with_its_default_actions() -> None:
    told = {step: re.findall(r"`(\w+)`", ROWS[step][1]) for step in Step}
    assert told == {step: [cell.operation for cell in DEFAULT[step]] for step in Step}


def test_every_audience_is_explained() -> None:
    rows = re.search(r"^\| Word of `to` .*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert rows is not None
    assert re.findall(r"^\| `(\w+)` \| .{8}", rows[0], re.MULTILINE) == list(Audience)


def test_every_operation_is_explained() -> None:
    told = {name: cells[1].strip("` ") for name, cells in ROWS.items() if name in set(Operation)}
    assert told == {
        operation: UNDO.get(operation, "") for operation in Operation if operation not in UNDO.values()
    }


TYPES = [(package, name) for package in (DRIVERS, TRIGGERS) for name in types_in(package)]


@pytest.mark.parametrize(("package", "type_name"), TYPES)
def test_every_type_has_its_page_with_every_setting(package: str, type_name: str) -> None:
    folder = package.removeprefix("bridge.")
    assert f"{folder}/{type_name}.md" in ROWS[type_name][1]
    page = (DOCS / folder / f"{type_name}.md").read_text()
    module = module_of(package, type_name)
    assert module is not None
    schema = module.Config.model_json_schema()
    code = r"[\w.\[\]<>]*"
    missing = [name for name in names_in(schema) if not re.search(rf"`{code}\b{name}\b{code}`", page)]
    assert not missing, f"docs/{folder}/{type_name}.md does not name {missing}"


def names_in(schema: Mapping[str, Any]) -> list[str]:
    """Return every name of a setting in a driver's schema, nested ones too."""
    models = [schema, *schema.get("$defs", {}).values()]
    return list(dict.fromkeys(name for model in models for name in model.get("properties", {})))


def commands_of(command: click.Command, name: str) -> Iterator[str]:
    """Yield the full name of every command that does something."""
    if isinstance(command, click.Group) and command.invoke_without_command:
        yield name
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from commands_of(found, f"{name} {child}")
    else:
        yield name


def test_every_command_is_explained() -> None:
    missing = [name for name in commands_of(main, "sosbridge") if name not in ROWS_OF_COMMANDS]
    assert not missing, f"docs/configuration.md has no row for {missing}"


ROWS_OF_COMMANDS = re.findall(r"^\| `(sosbridge [^`]+)` \| ", PAGE, re.MULTILINE)
