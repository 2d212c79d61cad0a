"""Out of the bridge: one module (or package) for each kind of video system, dispatch or relay.

The module is the registration: `type: zoneminder` in the configuration is `bridge.drivers.zoneminder`,
which exposes a pydantic `Config` (extra=forbid) and a class `Driver` (see `model.Driver`) made by
`Driver(name, config, targets=..., clock=...)`. Drivers do not import each other.
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType

from bridge.errors import ConfigError


def load(type_name: str) -> ModuleType:
    """Return the module behind `type: type_name`. Raises ConfigError if there is none."""
    # A name and nothing else: it comes from a file and becomes part of an import.
    if not re.fullmatch(r"[a-z][a-z0-9_]*", type_name):
        raise ConfigError(f"{type_name!r} is not the name of a driver type")
    wanted = f"{__name__}.{type_name}"
    try:
        return importlib.import_module(wanted)
    except ModuleNotFoundError as error:
        if error.name != wanted:
            raise
        raise ConfigError(f"there is no driver type {type_name!r}") from None
