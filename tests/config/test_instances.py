"""The module is the registration."""

from __future__ import annotations

import pytest

from bridge.config import load_text
from bridge.config.instances import DRIVERS, TRIGGERS, module_of, types_in
from bridge.model import Operation


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


@pytest.mark.parametrize("name", types_in(DRIVERS))
def test_every_driver_says_what_it_reads_back(name: str) -> None:
    module = module_of(DRIVERS, name)
    assert module is not None
    assert callable(module.proofs_of)


def test_what_a_driver_reads_back_depends_on_its_settings() -> None:
    text = """
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
vms:
  - {name: zm, type: zoneminder, base_url: "http://127.0.0.1/zm", user: a, password: {env: A}}
  - name: wall
    type: http
    base_url: http://127.0.0.1
    health: {path: /}
    requests:
      show: {path: /show, capability: repeatable, read_back: {path: "/screens/{target}"}}
      hide: {path: /hide, capability: repeatable}
"""
    zm, wall = load_text(text, secrets=False).drivers
    assert Operation.START_RECORDING in (zm.proofs or {})
    assert Operation.RECALL_PRESET not in (zm.proofs or {})
    assert wall.proofs == {Operation.SHOW: "GET /screens/{target} shows it"}
