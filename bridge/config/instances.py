"""Finds the module behind each `type:` and holds the settings against its `Config`.

The module is the registration: `type: zoneminder` under `vms` is `bridge.drivers.zoneminder`, `type: ami`
under `pbx` is `bridge.triggers.ami`; each exposes a pydantic `Config` and the class `Driver` or `Trigger`.
A driver whose abilities depend on its settings exposes `capabilities_of(config)` as well; one that can ask
whether it was done exposes `proofs_of(config)`: operation -> what is read back, in words; one that switches
lamps and horns exposes `beacons_of(config)`: their names.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Final

from pydantic import BaseModel

from bridge.config.document import Document
from bridge.config.fields import TYPE_NAME
from bridge.config.problems import Path, Problem, unknown
from bridge.config.sections import DispatchSection
from bridge.config.validation import validate
from bridge.model import Capability, Operation

DRIVERS: Final = "bridge.drivers"
TRIGGERS: Final = "bridge.triggers"

LISTS: Final = (("pbx", TRIGGERS), ("vms", DRIVERS))
"""Sections that are lists of stanzas, and where their types are looked up."""

FALLBACK: Final = "sip_dispatch"
"""Type of the driver that stands in for the one of `dispatch`."""

_OF_EVERY_STANZA: Final = frozenset({"name", "type"})
_OF_DISPATCH: Final = frozenset(DispatchSection.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One driver or trigger, as far as its stanza can be understood."""

    path: Path
    name: str
    type: str
    package: str
    module: ModuleType | None = None
    """None where there is no such type."""
    config: BaseModel | None = None
    """None where the settings have mistakes."""
    written: Mapping[str, Any] = field(default_factory=dict)
    """Its own settings as the file says them."""
    stands_in_for: str = ""
    """Name of the driver whose calls it makes where that cannot; it has no stanza of its own then."""

    @property
    def drives(self) -> bool:
        return self.package == DRIVERS

    @property
    def capabilities(self) -> Mapping[Operation, Capability] | None:
        """What the driver can do and how; None where that cannot be known."""
        if self.module is None or not self.drives:
            return None
        if hasattr(self.module, "capabilities_of"):
            return self.module.capabilities_of(self.config) if self.config else None
        found: Mapping[Operation, Capability] = self.module.Driver.capabilities
        return found

    @property
    def operations(self) -> frozenset[Operation] | None:
        """What the driver can be asked to do; None where that cannot be known."""
        table = self.capabilities
        if table is None:
            return None
        return frozenset(name for name, how in table.items() if how is not Capability.IMPOSSIBLE)

    @property
    def proofs(self) -> Mapping[Operation, str] | None:
        """What the driver reads back of each operation; one that is not there is never `verified`.

        None where that cannot be known.
        """
        if self.module is None or self.config is None or not hasattr(self.module, "proofs_of"):
            return None
        found: Mapping[Operation, str] = self.module.proofs_of(self.config)
        return found

    @property
    def beacons(self) -> tuple[str, ...] | None:
        """The lamps and horns that the driver switches, by name; None where that cannot be known."""
        if self.module is None or not hasattr(self.module, "beacons_of"):
            return ()
        return tuple(self.module.beacons_of(self.config)) if self.config else None


def types_in(package: str) -> list[str]:
    """Return the names that `type:` can have: the modules of the package."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def module_of(package: str, type_name: str) -> ModuleType | None:
    """Import the module behind a type; None if there is none. A module that cannot be imported raises."""
    if type_name not in types_in(package):
        return None
    return importlib.import_module(f"{package}.{type_name}")


def gather(document: Document) -> tuple[list[Instance], list[Problem]]:
    """Return every driver and trigger of the file, in order of priority, and what is wrong with them."""
    instances, problems = [], []
    for path, package, own in _stanzas(document):
        instance, found = _instance(document, path, package, own)
        problems += found
        if instance:
            instances.append(instance)
    if fallback := _fallback(document):
        instances.append(fallback)
    return instances, problems


def _fallback(document: Document) -> Instance | None:
    """The driver that `dispatch.fallback` asks for: `sip_dispatch` at the link that it names."""
    path = ("dispatch", "fallback")
    link = _text(document, path, "")
    first = _text(document, ("dispatch", "name"), DispatchSection.model_fields["name"].default)
    module = module_of(DRIVERS, FALLBACK)
    if not (link and first and module):
        return None
    return Instance(
        path=path,
        name=f"{first}-fallback",
        type=FALLBACK,
        package=DRIVERS,
        module=module,
        config=module.Config(pbx=link),
        stands_in_for=first,
    )


def _stanzas(document: Document) -> Iterator[tuple[Path, str, frozenset[str]]]:
    for section, package in LISTS:
        stanzas = document.at((section,))
        for index in range(len(stanzas) if isinstance(stanzas, list) else 0):
            yield (section, index), package, _OF_EVERY_STANZA
    yield ("dispatch",), DRIVERS, _OF_DISPATCH


def _instance(
    document: Document, path: Path, package: str, own: frozenset[str]
) -> tuple[Instance | None, list[Problem]]:
    stanza = document.at(path)
    if not isinstance(stanza, dict):
        return None, []
    defaults = DispatchSection.model_fields if path == ("dispatch",) else {}
    name, type_name = (
        _text(document, (*path, setting), defaults[setting].default if setting in defaults else "")
        for setting in ("name", "type")
    )
    instance = Instance(path=path, name=name, type=type_name, package=package)
    if not name or not re.fullmatch(TYPE_NAME, type_name):
        return instance, []
    module = module_of(package, type_name)
    if module is None:
        what = "type of driver" if instance.drives else "type of PBX link"
        text = unknown(what, type_name, types_in(package), none=" (none is installed)")
        return instance, [Problem((*path, "type"), text)]
    checked = validate(module.Config, document, path, without=own)
    config = None if checked.problems else checked.model
    return replace(instance, module=module, config=config, written=checked.written), checked.problems


def _text(document: Document, path: Path, default: Any) -> str:
    """Return the text at `path`; empty where something else stands (the section's own check says so)."""
    value = document.texts.get(path, document.at(path))
    if value is None:
        value = default
    return value if isinstance(value, str) else ""
