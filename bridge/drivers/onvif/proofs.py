"""What is read back of each operation, in words, for `sosbridge plan`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.drivers.onvif.settings import Config
from bridge.model import Operation

_PROOFS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        Operation.RECALL_PRESET: "the camera stands at the preset's position, if it tells both",
        Operation.HOME: "the camera stands at `home_preset`, if it tells both positions",
        Operation.PROVE_LIVE: "a picture arrives, if the camera gives snapshots",
    }
)


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return what is read back. Not outputs: their state cannot be asked."""
    del config  # whatever the site has set
    return _PROOFS
