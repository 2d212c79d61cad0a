"""Frigate 0.13 to 0.18 by its HTTP API and web socket (docs/drivers/frigate.md)."""

from bridge.drivers.frigate.driver import Driver
from bridge.drivers.frigate.proofs import proofs_of
from bridge.drivers.frigate.settings import Config, capabilities_of

__all__ = ["Config", "Driver", "capabilities_of", "proofs_of"]
