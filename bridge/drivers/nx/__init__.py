"""Nx Witness, Nx Meta, DW Spectrum and Hanwha Wave by their server's REST API (docs/drivers/nx.md)."""

from bridge.drivers.nx.driver import Driver
from bridge.drivers.nx.proofs import proofs_of
from bridge.drivers.nx.settings import Config, capabilities_of

__all__ = ["Config", "Driver", "capabilities_of", "proofs_of"]
