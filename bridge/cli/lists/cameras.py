"""Cameras and consoles: what a VMS says it has, or the rows of a list -> entries of the site file; and back.

An id that the site file has keeps its tag there; a new one gets a tag made of the name that the VMS gives it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml
from pydantic import ValidationError

from bridge.cli.lists.csv_text import Mistakes, Row
from bridge.cli.lists.sections import Entry
from bridge.config import Site
from bridge.config.plant import CameraSection, ConsoleSection
from bridge.config.problems import unknown
from bridge.model import Inventory, VmsCamera, VmsConsole

COLUMNS: Final = ("tag", "presets")
"""The other columns are the names of VMSs, with the camera's id there."""
LONGEST: Final = 64

Known = Mapping[str, Any]


def entries_of_inventory(
    vms: str,
    inventory: Inventory,
    cameras: Mapping[str, CameraSection],
    consoles: Mapping[str, ConsoleSection],
) -> list[Entry]:
    """Return what the site file has, and behind it what the VMS has besides."""
    entries = [_kept("cameras", tag, camera) for tag, camera in cameras.items()]
    taken = set(cameras)
    known = {camera.ids.get(vms) for camera in cameras.values()}
    entries += [_camera(vms, each, taken) for each in inventory.cameras if each.id not in known]
    entries += [_kept("consoles", name, console) for name, console in consoles.items()]
    taken = set(consoles)
    known = {console.ids.get(vms) if console.ids else name for name, console in consoles.items()}
    entries += [_console(vms, each, taken) for each in inventory.consoles if each.id not in known]
    return entries


def entries_of_rows(
    rows: Sequence[Row], name: str, cameras: Mapping[str, CameraSection], vms: Sequence[str]
) -> list[Entry]:
    """The same of a list. name: of the list. Raises ConfigError naming every row that is wrong."""
    mistakes = Mistakes(name)
    new = [_of_row(row, vms, mistakes) for row in rows if row.cells.get("tag") not in cameras]
    first: dict[str, int] = {}
    for row in rows:
        if (line := first.setdefault(row.cells.get("tag", ""), row.line)) != row.line:
            mistakes.add(row.line, f"tag: stands in line {line} already")
    mistakes.refuse()
    return [*(_kept("cameras", tag, camera) for tag, camera in cameras.items()), *new]


def rows_of(site: Site) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of a list that `entries_of_rows` takes."""
    vms = list(dict.fromkeys(name for camera in site.file.cameras.values() for name in camera.ids))
    rows = [
        {"tag": tag, "presets": _presets_cell(camera.presets), **camera.ids}
        for tag, camera in site.file.cameras.items()
    ]
    return [*COLUMNS, *vms], rows


def tag_of(name: str, taken: set[str], fallback: str) -> str:
    """Make a tag of a name that people gave; it is one that nobody has, and is taken from now on."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9_.]+", "-", plain).strip("-_.")[: LONGEST - 5] or fallback
    tag, number = stem, 1
    while tag in taken:
        number += 1
        tag = f"{stem}-{number}"
    taken.add(tag)
    return tag


def _kept(section: str, name: str, found: CameraSection | ConsoleSection) -> Entry:
    settings = found.model_dump(exclude_defaults=True, exclude_none=True)
    return Entry(section=section, name=name, settings=settings, new=False)


def _camera(vms: str, found: VmsCamera, taken: set[str]) -> Entry:
    names: set[str] = set()
    presets = {tag_of(name, names, "preset"): preset for preset, name in found.presets.items()}
    settings = {vms: found.id, **({"presets": presets} if presets else {})}
    remark = f"{found.name}{', PTZ' if found.ptz else ''}"
    tag = tag_of(found.name, taken, "camera")
    return Entry(section="cameras", name=tag, settings=settings, new=True, remark=remark)


def _console(vms: str, found: VmsConsole, taken: set[str]) -> Entry:
    name = tag_of(found.name, taken, "console")
    return Entry(section="consoles", name=name, settings={vms: found.id}, new=True, remark=found.name)


def _of_row(row: Row, vms: Sequence[str], mistakes: Mistakes) -> Entry:
    tag = row.cells.get("tag", "")
    if not tag or tag_of(tag, set(), "") != tag:
        mistakes.add(row.line, "tag: must be a name of letters (A-Z), digits, `-`, `_` and `.`")
    ids = {name: cell for name, cell in row.cells.items() if name not in COLUMNS}
    for name in ids:
        if name not in vms:
            mistakes.add(row.line, unknown("VMS", name, vms, none=": there are none"))
    presets = _presets_of(row, mistakes)
    settings = {**ids, **({"presets": presets} if presets else {})}
    return Entry(section="cameras", name=tag, settings=settings, new=True)


def _presets_cell(presets: Mapping[str, str]) -> str:
    return yaml.safe_dump(dict(presets), default_flow_style=True, sort_keys=False).strip() if presets else ""


def _presets_of(row: Row, mistakes: Mistakes) -> dict[str, str]:
    try:
        found = yaml.load(row.cells.get("presets", "{}"), Loader=yaml.BaseLoader)  # noqa: S506  # text alone
        return CameraSection.model_validate({"presets": found}).presets
    except (yaml.YAMLError, ValidationError):
        mistakes.add(row.line, "presets: must be names and values, such as `{gate: 7, pump: 9}`")
        return {}
