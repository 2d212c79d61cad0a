"""How a site describes its ONVIF cameras, and what that makes possible."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from bridge.model import Capability, Operation
from bridge.protocols.http_settings import MEGABYTE, HttpSettings, Timeouts, TlsSettings
from bridge.protocols.onvif.device_url import DeviceUrl


class CameraConfig(DeviceUrl):
    """One camera."""

    profile: str = ""
    """Token or name of the media profile to use; empty takes the first that can move the camera."""
    home_preset: str = ""
    """Token or name of the preset that counts as home; empty uses the camera's own home position."""
    relay: str = ""
    """Token of the output that `event_start` closes and `event_stop` opens."""


class Config(BaseModel):
    """`cameras`: id -> camera; the ids are what locations name. The other settings are for all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    cameras: dict[str, CameraConfig] = Field(min_length=1)
    move_wait: float = Field(default=4.0, ge=0, le=60)
    """Seconds to wait until a camera has arrived at its preset."""
    tolerance: float = Field(default=0.02, gt=0, le=10)
    """How far from a position still counts as there, in the camera's own units (mostly -1 to 1)."""
    tls: TlsSettings = TlsSettings()
    timeouts: Timeouts = Timeouts()
    max_body: int = Field(default=8 * MEGABYTE, ge=1024, le=64 * MEGABYTE)
    """Bytes of an answer that are read; a snapshot of a large camera has several millions."""
    retry_after_cap: float = Field(default=15.0, ge=0, le=600)

    def link_to(self, camera: CameraConfig) -> HttpSettings:
        """How to reach one of the cameras."""
        return HttpSettings(
            base_url=camera.origin,
            tls=self.tls,
            timeouts=self.timeouts,
            max_body=self.max_body,
            retry_after_cap=self.retry_after_cap,
        )


_ALWAYS: Final = {
    # No repeat by ourselves while an operator may have the joystick, but going there twice is going there.
    Operation.RECALL_PRESET: Capability.REPEATABLE,
    Operation.HOME: Capability.ASK_FIRST,
    Operation.PROVE_LIVE: Capability.REPEATABLE,
}
_BY_RELAY: Final = {
    Operation.EVENT_START: Capability.REPEATABLE,
    Operation.EVENT_STOP: Capability.REPEATABLE,
}


def capabilities_of(config: Config) -> Mapping[Operation, Capability]:
    """What the cameras can do; events only where one of them has a `relay`."""
    possible = {**_ALWAYS, **(_BY_RELAY if any(c.relay for c in config.cameras.values()) else {})}
    return MappingProxyType({op: possible.get(op, Capability.IMPOSSIBLE) for op in Operation})
