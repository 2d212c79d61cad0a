"""A video wall for the tests: what it can do depends on its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

from bridge.model import Capability, Operation

USUAL: Final = (Operation.SHOW, Operation.POPUP, Operation.UPDATE_POPUP)


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    table: dict[Operation, Capability] = dict.fromkeys(USUAL, Capability.REPEATABLE)
    """What it can do, and how."""


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    return config.table


class Driver:
    """Never made in these tests."""
