"""What is read back, in words, for `sosbridge plan`: that a telephone begins to ring proves nobody there."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from bridge.model import Operation


def proofs_of(config: BaseModel) -> Mapping[Operation, str]:
    del config  # whatever the site has set
    return {}
