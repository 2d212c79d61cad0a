"""What is read back of each operation, in words, for `sosbridge plan`."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.drivers.nx.settings import Config
from bridge.model import Operation


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return what is read back with these settings, from a server of 6.1 or later."""
    proofs = {
        Operation.BOOKMARK: "the bookmark with the incident's tag is read back",
        Operation.BOOKMARK_PAST: "the bookmark with the incident's tag is read back",
        Operation.EXTEND_BOOKMARK: "the bookmark's new length is read back",
        Operation.PROVE_LIVE: "the camera's status is Online or Recording",
    }
    if config.recording_rule:
        proofs[Operation.EVENT_START] = "the camera's status becomes Recording"
    if config.preset_proof:
        proofs[Operation.RECALL_PRESET] = "the preset is the camera's active object"
        proofs[Operation.HOME] = "the home object is the camera's active object"
    return proofs
