"""A video wall for the tests: what it can do depends on its settings."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from bridge.model import Capability, Operation


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    operations: tuple[Operation, ...] = (Operation.SHOW, Operation.POPUP, Operation.UPDATE_POPUP)
    """What it can do."""


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    return dict.fromkeys(config.operations, Capability.REPEATABLE)


class Driver:
    """Never made in these tests."""
