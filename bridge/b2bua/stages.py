"""The stages of an alarm: every way that leads from one to the next. Used by `alarms`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.b2bua.state import Stage


class Signal(enum.Enum):
    """What happens to an alarm."""

    CONNECTED = enum.auto()
    """A person and the phone hear each other."""
    PUT_DOWN = enum.auto()
    """Who had it did not have it after all: a console within seconds, or a leg that was lost."""
    HUNG_UP = enum.auto()
    """The call is over, and a person had it."""
    LOST = enum.auto()
    """The phone is gone, and did not hang up: a dispatcher had the call."""
    TOO_EARLY = enum.auto()
    """The phone hung up before a person had it."""
    WAITED = enum.auto()
    """It did not dial again."""
    REDIALLED = enum.auto()
    ACKNOWLEDGED = enum.auto()
    """A 1 was pressed, and the phone has no call."""
    CLICKED = enum.auto()
    """Somebody has it by a click."""
    RECALLED = enum.auto()
    """The bridge asks for all tiers, and the phone has no call."""
    FAILED = enum.auto()
    """The phone could not be called back, or the person who wanted it hung up."""
    IN_VAIN = enum.auto()
    """Nobody is left to be rung, or the time for it is over."""


STAGES: Final[Mapping[tuple[Stage, Signal], Stage]] = MappingProxyType(
    {
        (Stage.CALLING, Signal.CONNECTED): Stage.TALKING,
        (Stage.CALLING, Signal.CLICKED): Stage.CALLING,
        (Stage.CALLING, Signal.HUNG_UP): Stage.OVER,
        (Stage.CALLING, Signal.TOO_EARLY): Stage.REDIAL,
        (Stage.TALKING, Signal.PUT_DOWN): Stage.CALLING,
        (Stage.TALKING, Signal.CLICKED): Stage.TALKING,
        (Stage.TALKING, Signal.HUNG_UP): Stage.OVER,
        (Stage.TALKING, Signal.LOST): Stage.CALLING_BACK,
        (Stage.TALKING, Signal.TOO_EARLY): Stage.REDIAL,
        (Stage.REDIAL, Signal.WAITED): Stage.HUNTING,
        (Stage.REDIAL, Signal.REDIALLED): Stage.OVER,
        (Stage.REDIAL, Signal.ACKNOWLEDGED): Stage.CALLING_BACK,
        (Stage.REDIAL, Signal.CLICKED): Stage.OVER,
        (Stage.HUNTING, Signal.REDIALLED): Stage.OVER,
        (Stage.HUNTING, Signal.ACKNOWLEDGED): Stage.CALLING_BACK,
        (Stage.HUNTING, Signal.CLICKED): Stage.OVER,
        (Stage.HUNTING, Signal.IN_VAIN): Stage.OVER,
        (Stage.ASKED, Signal.REDIALLED): Stage.OVER,
        (Stage.ASKED, Signal.ACKNOWLEDGED): Stage.CALLING_BACK,
        (Stage.ASKED, Signal.CLICKED): Stage.OVER,
        (Stage.ASKED, Signal.RECALLED): Stage.HUNTING,
        (Stage.ASKED, Signal.IN_VAIN): Stage.OVER,
        (Stage.CALLING_BACK, Signal.CONNECTED): Stage.TALKING,
        (Stage.CALLING_BACK, Signal.REDIALLED): Stage.OVER,
        (Stage.CALLING_BACK, Signal.FAILED): Stage.OVER,
        (Stage.CALLING_BACK, Signal.CLICKED): Stage.CALLING_BACK,
    }
)


def after(stage: Stage, signal: Signal) -> Stage:
    """Return the next stage. Raises KeyError for what cannot happen in this one."""
    return STAGES[stage, signal]
