"""What a site writes about a Frigate, and what that makes possible. Called by the loader and the driver."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from bridge.model import Capability, Operation
from bridge.protocols.http_settings import MEGABYTE, HttpSettings
from bridge.protocols.secret import Secret

_POSSIBLE: Final = {
    Operation.START_RECORDING: Capability.ASK_FIRST,
    Operation.STOP_RECORDING: Capability.ASK_FIRST,
    Operation.EVENT_START: Capability.ASK_FIRST,
    Operation.EVENT_STOP: Capability.ASK_FIRST,
    Operation.BOOKMARK: Capability.ASK_FIRST,
    Operation.EXTEND_BOOKMARK: Capability.REPEATABLE,
    Operation.LOCK_EVIDENCE: Capability.ASK_FIRST,
    Operation.PROVE_LIVE: Capability.REPEATABLE,
    Operation.RECALL_PRESET: Capability.REPEATABLE,
}


class Config(HttpSettings):
    """`base_url` is where Frigate's page is: `https://host:8971`, or `http://host:5000` without a log-in."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    user: str = ""
    """Its role must be admin. Empty, with no password, for port 5000."""
    password: Secret | None = None
    label: str = Field(default="sos", pattern=r"^[A-Za-z0-9_-]{1,20}$")
    """The label of the events that are created: the bridge's own, by which it finds them again."""
    pre_capture: int = Field(default=30, ge=0, le=600)
    """Seconds of recording before the call that belong to its event (0.18 and later)."""
    store_wait: float = Field(default=5.0, gt=0, le=60)
    """Seconds to wait until Frigate has stored what it promised: events are queued."""
    switch_recording: Literal["leave", "on"] = "leave"
    """`on`: a camera's recording switch that is off is turned on for the incident, and back afterwards."""
    home_preset: str = ""
    """The preset that is home at every camera; empty: cameras are not sent home."""
    max_body: int = Field(default=8 * MEGABYTE, ge=1024, le=64 * MEGABYTE)
    """Bytes of an answer that are read: the configuration of a hundred cameras has more than one million."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password go together: set both, or neither for port 5000")
        return self


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    """What this Frigate can do; home only where a preset is named for it."""
    possible = {**_POSSIBLE, **({Operation.HOME: Capability.REPEATABLE} if config.home_preset else {})}
    return MappingProxyType({op: possible.get(op, Capability.IMPOSSIBLE) for op in Operation})
