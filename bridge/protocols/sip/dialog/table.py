"""How the machines of this package go: (state, signal) -> next state and action, as in `transaction.machine`.

A signal without a row changes nothing. An action may not change the state: where a row leads is in the table.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from bridge.protocols.sip.dialog.vocabulary import Effects

M = TypeVar("M")
"""The machine's value."""
S = TypeVar("S", bound=enum.Enum)
"""Its states."""
Action: TypeAlias = Callable[[M, Any], tuple[M, Effects]]
"""Does what an event asks for; the signal has made sure what kind of event it is."""


@dataclass(frozen=True, slots=True)
class Row(Generic[M, S]):
    to: S
    action: Action[M] | None = None


Table: TypeAlias = Mapping[tuple[S, enum.Enum], Row[M, S]]
