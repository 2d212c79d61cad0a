"""How most tests begin: a phone cries for help."""

from __future__ import annotations

from bridge.b2bua import Settings, Site
from tests.b2bua.plant import Plant
from tests.b2bua.site import SITE

QUIET = Settings(provisional=1000, provisional_trunk=1000, console_ring=1000, ring=1000)
"""Devices may take their time: for tests of when somebody is rung first."""


def sos(site: Site = SITE, settings: Settings | None = None, endpoint: str = "help-03") -> tuple[Plant, str]:
    plant = Plant(site, settings)
    return plant, plant.call(endpoint)


def stage(plant: Plant) -> str:
    [alarm] = plant.exchange._state.alarms.values()
    return alarm.stage
