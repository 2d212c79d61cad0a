"""What is read back of each operation, in words, for `sosbridge plan`."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.drivers.milestone.settings import Config
from bridge.model import Operation


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return what is read back with these settings. Nothing of a Generic Event: it has no answer."""
    if config.mode == "generic_event":
        return {}
    proofs = {
        Operation.PROVE_LIVE: "a picture of this moment arrives, or XProtect has contact with the camera",
        Operation.RECALL_PRESET: "the camera's position is that of the preset",
        Operation.HOME: "the camera's position is that of the default preset",
        Operation.BOOKMARK: "the bookmark is read back by its id",
        Operation.BOOKMARK_PAST: "the bookmark is read back by its id",
        Operation.EXTEND_BOOKMARK: "the bookmark's new end is read back",
        Operation.LOCK_EVIDENCE: "the evidence lock is read back by its id",
        Operation.POPUP: "the alarm is read back, with the incident's id",
        Operation.UPDATE_POPUP: "the alarm's state is read back",
        Operation.CLOSE_POPUP: "the alarm's state is read back",
    }
    if config.websocket:
        proofs[Operation.EVENT_START] = "XProtect tells that the camera has begun to record"
    return proofs
