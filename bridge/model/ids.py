"""Ids that are the same on every node, and the empty mapping. Everything else of the model uses them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

NAMESPACE: Final = uuid.UUID("6f2d8a0e-51c4-5f0b-9a7e-2f6d1b1f9110")
"""Namespace of every UUIDv5 of this product. Never change it: stored ids depend on it."""


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def derive_id(*parts: str | int) -> str:
    """Return the UUIDv5 of `parts`. The same parts give the same id on every node, for ever."""
    return str(uuid.uuid5(NAMESPACE, json.dumps(parts, ensure_ascii=True, separators=(",", ":"))))
