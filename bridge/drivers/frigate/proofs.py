"""What is read back of each operation, in words, for `sosbridge plan`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.drivers.frigate.settings import Config
from bridge.model import Operation

_PROOFS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        Operation.START_RECORDING: "the event is read back: open, with footage",
        Operation.EVENT_START: "the event is read back: open, with footage",
        Operation.STOP_RECORDING: "the event is read back: it has an end",
        Operation.EVENT_STOP: "the event is read back: it has an end",
        Operation.BOOKMARK: "the event's description is read back",
        Operation.EXTEND_BOOKMARK: "the event's description is read back",
        Operation.LOCK_EVIDENCE: "the event is read back: retained indefinitely",
        Operation.PROVE_LIVE: "the camera gives more than 0 pictures a second",
    }
)


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return what is read back. Not PTZ: Frigate answers nothing to it."""
    del config  # whatever the site has set
    return _PROOFS
