"""The stanza `type: onvif` under `pbx`: one device and what its inputs mean."""

from __future__ import annotations

import enum

from pydantic import BaseModel, ConfigDict, Field

from bridge.protocols.http_settings import HttpSettings, Timeouts, TlsSettings
from bridge.protocols.onvif.device_url import DeviceUrl
from bridge.protocols.onvif.pull_point import PATIENCE


class Means(enum.StrEnum):
    """What an input says when it becomes active."""

    SOS = "sos"
    OFF_HOOK = "off_hook"
    TAMPER = "tamper"
    FAULT = "fault"


class InputConfig(BaseModel):
    """One digital input."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    phone: str = Field(min_length=1)
    """Id of the phone (or call point) that it belongs to."""
    means: Means
    """`sos`, `off_hook`, `tamper` or `fault`."""
    normally_closed: bool = False
    """`true`: the input is active while its logical state is false, as of a loop that a cut wire opens."""
    latching: bool = False
    """`true`: an SOS button that stays in until somebody resets it; its reset clears the SOS. A button that
    springs back says nothing by that."""


class Config(DeviceUrl):
    """How to hear the inputs of one device (docs/triggers/onvif.md)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    tls: TlsSettings = TlsSettings()
    inputs: dict[str, InputConfig] = Field(min_length=1)
    """Token of the input -> what it is."""
    pull_wait: int = Field(default=10, ge=1, le=60)
    """Seconds that the device may hold an answer back while nothing happens. One that is silent for 5 s
    longer counts as away."""
    subscription_time: int = Field(default=600, ge=60, le=3600)
    """Seconds that a subscription is asked for; it is renewed when four fifths of what was granted are
    over."""
    unsubscribe: bool = False
    """`true`: the subscription is cancelled when the bridge stops. On some devices that ends everybody's."""

    def link(self) -> HttpSettings:
        """How to reach the device: an answer may take as long as it may be held back, and some more."""
        return HttpSettings(
            base_url=self.origin,
            tls=self.tls,
            timeouts=Timeouts(read=self.pull_wait + PATIENCE),
        )
