"""Settings -> the objects that do the work. Used by `app.py` to run and by `sosbridge check` to try."""

from __future__ import annotations

from typing import cast

from bridge.config.site import DriverSettings, Site, TriggerSettings
from bridge.model import Clock, Driver, Trigger
from bridge.store import Store


def build_driver(settings: DriverSettings, clock: Clock, **links: object) -> Driver:
    """Make the driver.

    links: what a kind of driver needs besides its settings (the live PBX link of `dispatch`), by keyword.
    Raises ConfigError where settings cannot be used on this machine (a certificate, a secret).
    """
    driver = settings.module.Driver(
        settings.name, settings.config, targets=settings.targets, clock=clock, **links
    )
    return cast("Driver", driver)


def build_store(site: Site) -> Store:
    """Make the store, to be opened with `with`; an old schema is refused with the command to type."""
    url, password = site.database()
    return Store(url, password=password, upgrade_command=f"sosbridge db upgrade --config {site.path}")


def build_trigger(settings: TriggerSettings, clock: Clock, **links: object) -> Trigger:
    """Make the trigger; as `build_driver`."""
    return cast("Trigger", settings.module.Trigger(settings.name, settings.config, clock=clock, **links))
