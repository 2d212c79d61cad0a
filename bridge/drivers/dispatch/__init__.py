"""Dispatch groups, rung by the dialplan pack of an Asterisk (docs/drivers/dispatch.md)."""

from bridge.drivers.dispatch.driver import Driver
from bridge.drivers.dispatch.proofs import proofs_of
from bridge.drivers.dispatch.settings import Config

__all__ = ["Config", "Driver", "proofs_of"]
