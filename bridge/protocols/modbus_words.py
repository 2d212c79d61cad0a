"""A Modbus request in words, and what a refusal of it means. Pure; called by `modbus`.

Codes and their meaning: Modbus Application Protocol 1.1b3, sections 6 (functions) and 7 (exceptions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.errors import DeliveryError, Permanent, Retryable

FUNCTIONS: Final[Mapping[int, str]] = MappingProxyType(
    {1: "read coil", 2: "read discrete input", 5: "write coil", 15: "write coils from"}
)
WRITES: Final = frozenset({5, 15})
EXCEPTIONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "it does not know this function",
        2: "it has no such address",
        3: "it does not take this value",
        4: "the device failed",
        5: "it needs longer",
        6: "it is busy",
        7: "it cannot do this",
        8: "its memory is damaged",
        10: "the gateway has no way there",
        11: "the device behind the gateway does not answer",
    }
)
PASSING: Final = frozenset({4, 5, 6, 10, 11})
"""Exceptions that may be gone at the next attempt. Of a gateway, the units behind it fail one by one."""


@dataclass(frozen=True, slots=True)
class Request:
    """One coil or input of one unit. address: from 0, as on the wire."""

    code: int
    address: int
    unit: int

    @property
    def writes(self) -> bool:
        return self.code in WRITES

    def __str__(self) -> str:
        return f"{FUNCTIONS[self.code]} {self.address} of unit {self.unit}"


def refusal_of(exception: int, what: str) -> DeliveryError:
    """Return the error for an exception response. what: begins its text."""
    meaning = EXCEPTIONS.get(exception, "which the standard does not name")
    kind = Retryable if exception in PASSING else Permanent
    return kind(f"{what}: refused: {meaning} (exception {exception})")
