"""What is read back of each operation, in words for `sosbridge plan`. Called through `config.instances`."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.drivers.genetec.settings import Config, alarms_in
from bridge.model import Operation


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return what can be asked with these settings; everything else is `accepted` at best."""
    proofs = {
        Operation.SHOW: "GetTile says that the camera is live",
        Operation.HIDE: "GetTile shows what stood there before",
        Operation.PROVE_LIVE: "the camera says it is online",
    }
    if alarms_in(config):
        proofs[Operation.POPUP] = "a new instance of the alarm is active"
        proofs[Operation.CLOSE_POPUP] = "the alarm's instance is not active any more"
    return proofs
