"""The site of a training: the plan of the site file, and not one of its addresses or secrets.

Used by `reenact`. What a driver talks to is simulated, or the driver is a recorder; no PBX is linked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bridge.cli.replay.reenact import recorder
from bridge.cli.replay.reenact.standins import PASSWORD, SECRET, VARIABLE, Here
from bridge.cli.replay.reenact.standins import simulated as start_simulated
from bridge.cli.replay.reenact.would_send import words_for
from bridge.config import DriverSettings, Site
from bridge.config.instances import Instance
from bridge.config.loading import secrets_in
from bridge.config.sections import FileSection, StoreSection, WebSection
from bridge.errors import SosBridgeError
from bridge.model import Clock, Operation
from bridge.store import Database
from bridge.store.migrate import upgrade

NODE: Final = "training"


@dataclass(frozen=True, slots=True)
class Training:
    """site: to run an `App` with. simulated, recorded: its drivers, name -> type."""

    site: Site
    simulated: Mapping[str, str]
    recorded: Mapping[str, str]


@asynccontextmanager
async def training_of(
    site: Site, folder: Path, database: Path | None, clock: Clock
) -> AsyncIterator[Training]:
    """Make the database, and run the simulated systems of a site until the `async with` ends.

    site: loaded without its secrets. folder: the training's own. database: None for one in `folder`.
    Raises StoreError where it cannot be made.
    """
    os.environ[VARIABLE] = PASSWORD
    async with AsyncExitStack() as stack:
        simulated: dict[str, str] = {}
        recorded: dict[str, str] = {}
        instances: list[Instance] = []
        found = {driver.name: driver for driver in site.drivers}
        for instance in site.instances:
            if instance.drives and (driver := found.get(instance.name)):
                own = await start_simulated(driver, Here(stack, clock, _tags(site, driver.name)))
                (recorded if own is None else simulated)[driver.name] = driver.type
                stands_in = replace(instance, config=own) if own else _recorded(site, instance, driver)
                instances.append(stands_in)
        trained = replace(site, instances=tuple(instances), file=_file(site, folder, database))
        _require_harmless(trained)
        url, _ = trained.database()
        with closing(Database(url)) as made:
            upgrade(made)
        yield Training(trained, simulated, recorded)


def _recorded(site: Site, instance: Instance, driver: DriverSettings) -> Instance:
    proofs = driver.proofs or {}
    config = recorder.Config(
        capabilities=driver.capabilities,
        # Nobody picks up, so that somebody was told is never known.
        proofs={name: what for name, what in proofs.items() if name is not Operation.NOTIFY},
        beacons=instance.beacons or (),
        words=words_for(site, driver.name, instance.config),
    )
    return replace(instance, module=recorder, config=config)


def _tags(site: Site, driver: str) -> dict[str, str]:
    """The driver's own id of each camera -> what the site calls it."""
    return {camera.ids[driver]: tag for tag, camera in site.file.cameras.items() if driver in camera.ids}


def _file(site: Site, folder: Path, database: Path | None) -> FileSection:
    """The file without what belongs to the running bridge: its store and folder, its port, its syslog."""
    url = None if database is None else f"sqlite:///{database.absolute()}"
    return site.file.model_copy(
        update={
            "node": NODE,
            "state_dir": str(folder),
            "store": StoreSection(url=url),
            "web": WebSection(listen="127.0.0.1:0"),
            "syslog": (),
        }
    )


def _require_harmless(site: Site) -> None:
    """Raise where a stand-in has kept a secret of the real system: then it may have kept the address too."""
    for part in (site.file.store, *(instance.config for instance in site.instances)):
        for path, secret in secrets_in(part):
            if secret != SECRET:
                raise SosBridgeError(f"no training: its simulated system would get the {secret} ({path})")
