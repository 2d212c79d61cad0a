"""Any video system with an HTTP interface, by requests that the site writes itself (docs/drivers/http.md)."""

from bridge.drivers.http.driver import Driver, capabilities_of
from bridge.drivers.http.proofs import proofs_of
from bridge.drivers.http.settings import Config

__all__ = ["Config", "Driver", "capabilities_of", "proofs_of"]
