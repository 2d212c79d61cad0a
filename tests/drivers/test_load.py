"""The module is the registration."""

from __future__ import annotations

import pytest

from bridge.drivers import load
from bridge.errors import ConfigError


@pytest.mark.parametrize("name", ["http", "zoneminder"])
def test_a_type_is_its_module(name: str) -> None:
    module = load(name)
    assert hasattr(module, "Config")
    assert hasattr(module, "Driver")


@pytest.mark.parametrize(
    "name", ["nothing", "", "Http", "http.driver", "..config", "os;", "__init__", "http ", "_private"]
)
def test_what_is_no_type(name: str) -> None:
    with pytest.raises(ConfigError, match="driver type"):
        load(name)
