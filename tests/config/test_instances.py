"""The module is the registration."""

from __future__ import annotations

import pytest

from bridge.config.instances import DRIVERS, TRIGGERS, module_of


@pytest.mark.parametrize(
    ("package", "name", "maker"),
    [(DRIVERS, "http", "Driver"), (DRIVERS, "zoneminder", "Driver"), (TRIGGERS, "ami", "Trigger")],
)
def test_a_type_is_its_module(package: str, name: str, maker: str) -> None:
    module = module_of(package, name)
    assert hasattr(module, "Config")
    assert hasattr(module, maker)


@pytest.mark.parametrize(
    "name", ["nothing", "", "Http", "http.driver", "..config", "os;", "__init__", "http ", "_private"]
)
def test_what_is_no_type(name: str) -> None:
    assert module_of(DRIVERS, name) is None
