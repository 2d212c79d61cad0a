"""Phones as rows of a list: `id`, `endpoint`, `extension`, `location`, and what else a phone has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bridge.cli.lists.csv_text import Mistakes, Row
from bridge.cli.lists.sections import Entry
from bridge.config import Site
from bridge.config.fields import Line, Name
from bridge.config.plant import PhoneSection
from bridge.config.validation import schema_of
from bridge.config.wording import words_for

REQUIRED: Final = ("id", "endpoint", "extension", "location")
COLUMNS: Final = (*REQUIRED, "spoken", *(name for name in PhoneSection.model_fields if name not in REQUIRED))
"""`spoken` is how the announcement says the location, where the site file does not have it yet."""

Known = Mapping[str, Any]
"""A section of the site file, as it stands there."""


def entries_of(rows: Sequence[Row], name: str, phones: Known, locations: Known) -> list[Entry]:
    """Return what the site file has, and behind it what the rows add.

    name: of the list, for messages. Raises ConfigError naming every row that is wrong.
    """
    mistakes = Mistakes(name)
    found = {row.line: _phone(row, mistakes) for row in rows}
    _require_once(rows, mistakes)
    spoken = _spoken(rows, mistakes)
    mistakes.refuse()
    entries = [Entry(section="phones", name=each, settings=phones[each], new=False) for each in phones]
    for row in rows:
        if row.cells["id"] not in phones:
            settings = found[row.line]
            entries.append(Entry(section="phones", name=row.cells["id"], settings=settings, new=True))
    return [*entries, *_places(rows, spoken, locations)]


def rows_of(site: Site) -> Iterator[dict[str, str]]:
    """Yield the site's phones as rows of a list that `entries_of` takes."""
    for phone_id, phone in site.file.phones.items():
        cells = {name: _cell(value) for name, value in phone.model_dump().items()}
        yield {"id": phone_id, "spoken": site.file.locations[phone.location].spoken, **cells}


def _cell(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str("" if value is None else value)


def _phone(row: Row, mistakes: Mistakes) -> dict[str, Any]:
    """Return its settings, defaults left out."""
    if "id" not in row.cells:
        mistakes.add(row.line, "id: is missing")
    else:
        _try("id", Name, row, mistakes)
    written = {name: row.cells[name] for name in PhoneSection.model_fields if name in row.cells}
    try:
        phone = PhoneSection.model_validate(written)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            mistakes.add(row.line, f"{detail['loc'][0]}: {words_for(detail, schema_of(PhoneSection))}")
        return {}
    return phone.model_dump(exclude_defaults=True)


def _try(column: str, kind: Any, row: Row, mistakes: Mistakes) -> None:
    try:
        TypeAdapter(kind).validate_python(row.cells[column])
    except ValidationError as error:
        mistakes.add(row.line, f"{column}: {error.errors(include_url=False)[0]['msg']}")


def _require_once(rows: Sequence[Row], mistakes: Mistakes) -> None:
    for column in ("id", "extension"):
        first: dict[str, int] = {}
        for row in rows:
            if cell := row.cells.get(column):
                line = first.setdefault(cell, row.line)
                if line != row.line:
                    mistakes.add(row.line, f"{column}: `{cell}` stands in line {line} already")


def _spoken(rows: Sequence[Row], mistakes: Mistakes) -> dict[str, str]:
    """Location -> how it is spoken; a place has one name."""
    first: dict[str, Row] = {}
    for row in rows:
        if "spoken" not in row.cells or "location" not in row.cells:
            continue
        _try("spoken", Line, row, mistakes)
        other = first.setdefault(row.cells["location"], row)
        if other.cells["spoken"] != row.cells["spoken"]:
            mistakes.add(row.line, f"spoken: line {other.line} says this location differently")
    return {location: row.cells["spoken"] for location, row in first.items()}


def _places(rows: Sequence[Row], spoken: Mapping[str, str], known: Known) -> Iterator[Entry]:
    for tag in dict.fromkeys(row.cells["location"] for row in rows):
        if tag in known:
            continue
        said = spoken.get(tag, tag.replace("-", " ").replace("_", " "))
        remark = "it needs cameras" if tag in spoken else "it needs cameras, and how it is spoken"
        yield Entry(section="locations", name=tag, settings={"spoken": said}, new=True, remark=remark)
