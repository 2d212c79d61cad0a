"""ONVIF cameras without a video system: presets, home, pictures, outputs (docs/drivers/onvif.md)."""

from bridge.drivers.onvif.driver import Driver
from bridge.drivers.onvif.proofs import proofs_of
from bridge.drivers.onvif.settings import Config, capabilities_of

__all__ = ["Config", "Driver", "capabilities_of", "proofs_of"]
