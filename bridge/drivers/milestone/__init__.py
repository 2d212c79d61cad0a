"""Milestone XProtect by its API Gateway, or by generic events (docs/drivers/milestone.md)."""

from bridge.drivers.milestone.driver import Driver
from bridge.drivers.milestone.proofs import proofs_of
from bridge.drivers.milestone.settings import Config, capabilities_of

__all__ = ["Config", "Driver", "capabilities_of", "proofs_of"]
