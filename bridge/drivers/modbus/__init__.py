"""Beacons and horns on the relay outputs of a Modbus/TCP module or PLC (docs/drivers/modbus.md)."""

from bridge.drivers.modbus.driver import CAPABILITIES, Driver
from bridge.drivers.modbus.proofs import proofs_of
from bridge.drivers.modbus.settings import Config, beacons_of

__all__ = ["CAPABILITIES", "Config", "Driver", "beacons_of", "proofs_of"]
