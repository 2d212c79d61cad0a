"""ZoneMinder 1.36 to 1.38 by its REST API (docs/drivers/zoneminder.md)."""

from bridge.drivers.zoneminder.driver import CAPABILITIES, Config, Driver
from bridge.drivers.zoneminder.proofs import proofs_of

__all__ = ["CAPABILITIES", "Config", "Driver", "proofs_of"]
