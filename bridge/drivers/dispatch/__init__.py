"""Dispatch groups, rung by the dialplan pack of an Asterisk (docs/drivers/dispatch.md)."""

from bridge.drivers.dispatch.driver import Driver
from bridge.drivers.dispatch.proofs import proofs_of
from bridge.drivers.dispatch.settings import Config
from bridge.drivers.dispatch.ways import way_of_beats

__all__ = ["Config", "Driver", "proofs_of", "way_of_beats"]
