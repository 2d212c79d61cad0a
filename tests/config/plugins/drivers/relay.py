"""A box of relays for the tests: lamps and horns by name."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from bridge.model import Capability, Operation


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lamps: tuple[str, ...] = ()
    """What hangs on it."""


def beacons_of(config: Config) -> Iterable[str]:
    return config.lamps


class Driver:
    """Never made in these tests."""

    capabilities = {  # noqa: RUF012  # as real drivers have it
        Operation.BEACON_ON: Capability.REPEATABLE,
        Operation.BEACON_OFF: Capability.REPEATABLE,
    }
