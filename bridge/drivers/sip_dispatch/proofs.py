"""What is read back, in words, for `sosbridge plan`: that a telephone begins to ring proves nobody there."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from bridge.model import Operation


def proofs_of(config: BaseModel) -> Mapping[Operation, str]:  # noqa: ARG001  # as `config.instances` calls it
    return {}
