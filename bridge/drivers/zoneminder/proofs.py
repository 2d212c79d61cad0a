"""What is read back of each operation, in words, for `sosbridge plan`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from bridge.model import Operation

_PROOFS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        Operation.START_RECORDING: "the monitor's state is alarm or alert",
        Operation.STOP_RECORDING: "the monitor's state is neither alarm nor alert",
        Operation.BOOKMARK: "the event carries the incident's id and is archived",
        Operation.EXTEND_BOOKMARK: "the event's notes say until when",
        Operation.LOCK_EVIDENCE: "the event is archived",
        Operation.PROVE_LIVE: "the monitor captures pictures",
    }
)


def proofs_of(config: BaseModel) -> Mapping[Operation, str]:
    """Return what is read back. Not PTZ: ZoneMinder says Ok to everything."""
    del config  # whatever the site has set
    return _PROOFS
