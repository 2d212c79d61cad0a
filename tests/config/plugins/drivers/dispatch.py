"""A dispatch driver for the tests."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from bridge.model import Capability, Operation


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    context: str = "sos-notify"
    """Where the call enters the dialplan."""
    pbx: str = ""
    """The PBX link it goes with."""


class Driver:
    """Never made in these tests."""

    capabilities: Mapping[Operation, Capability] = {Operation.NOTIFY: Capability.ASK_FIRST}
