"""Drivers and triggers that exist only for these tests, found as real ones are: as modules of the package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let `type:` find the modules under `plugins/` and no others."""
    loaded = _loaded()
    for kind in ("drivers", "triggers"):
        package = importlib.import_module(f"bridge.{kind}")
        monkeypatch.setattr(package, "__path__", [str(PLUGINS / kind)])
        for path in (PLUGINS / kind).glob("*.py"):
            monkeypatch.delattr(package, path.stem, raising=False)
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in _loaded():
        del sys.modules[name]
    # monkeypatch now puts the real packages' paths and modules back.


def _loaded() -> list[str]:
    return [name for name in sys.modules if name.startswith(("bridge.drivers.", "bridge.triggers."))]
