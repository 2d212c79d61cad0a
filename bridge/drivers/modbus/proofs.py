"""What is read back of each operation, in words, for `sosbridge plan`."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.drivers.modbus.settings import Config
from bridge.model import Operation


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return what is read back: nothing, unless every output can be asked."""
    if not all(output.read_code for output in config.outputs.values()):
        return {}
    return {
        Operation.BEACON_ON: "the output is read back as on",
        Operation.BEACON_OFF: "the output is read back as off",
    }
