"""Genetec Security Center by its Web SDK (docs/drivers/genetec.md)."""

from bridge.drivers.genetec.driver import Driver
from bridge.drivers.genetec.proofs import proofs_of
from bridge.drivers.genetec.settings import Config, capabilities_of

__all__ = ["Config", "Driver", "capabilities_of", "proofs_of"]
