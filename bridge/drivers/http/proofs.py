"""What is read back of each operation, in words, for `sosbridge plan`: the `read_back` requests."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.drivers.http.settings import Config
from bridge.model import Operation


def proofs_of(config: Config) -> Mapping[Operation, str]:
    """Return the request that proves each operation; one without is never `verified`."""
    asked = {operation: action.read_back for operation, action in config.requests.items()}
    return {
        operation: f"{read_back.method} {read_back.path.source} shows it"
        for operation, read_back in asked.items()
        if read_back is not None
    }
