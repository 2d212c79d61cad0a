"""The states of a turn: what happens to who is rung, and what is done about it. Used by `ringing`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.b2bua.state import TurnStage as Stage


class Signal(enum.Enum):
    """What happens to a turn."""

    DUE = enum.auto()
    ARRIVED = enum.auto()
    """The device said anything at all."""
    ANSWERED = enum.auto()
    ENDED = enum.auto()
    """The leg is gone, by the other side."""
    SAID = enum.auto()
    """The prompt is over."""
    ONE = enum.auto()


class Act(enum.Enum):
    APPROACH = enum.auto()
    LET_RING = enum.auto()
    GIVE_UP = enum.auto()
    PAUSE = enum.auto()
    GREET = enum.auto()
    LISTEN = enum.auto()
    REPEAT = enum.auto()
    ACKNOWLEDGE = enum.auto()
    RELEASE = enum.auto()
    LEAVE = enum.auto()
    PUT_DOWN = enum.auto()


TURNS: Final[Mapping[tuple[Stage, Signal], Act]] = MappingProxyType(
    {
        (Stage.WAITING, Signal.DUE): Act.APPROACH,
        (Stage.DIALLED, Signal.ARRIVED): Act.LET_RING,
        (Stage.DIALLED, Signal.DUE): Act.GIVE_UP,
        (Stage.DIALLED, Signal.ANSWERED): Act.GREET,
        (Stage.DIALLED, Signal.ENDED): Act.PAUSE,
        (Stage.RINGING, Signal.DUE): Act.GIVE_UP,
        (Stage.RINGING, Signal.ANSWERED): Act.GREET,
        (Stage.RINGING, Signal.ENDED): Act.PAUSE,
        (Stage.SPEAKING, Signal.SAID): Act.LISTEN,
        (Stage.SPEAKING, Signal.DUE): Act.LISTEN,
        (Stage.SPEAKING, Signal.ONE): Act.ACKNOWLEDGE,
        (Stage.SPEAKING, Signal.ENDED): Act.PAUSE,
        (Stage.LISTENING, Signal.DUE): Act.REPEAT,
        (Stage.LISTENING, Signal.ONE): Act.ACKNOWLEDGE,
        (Stage.LISTENING, Signal.ENDED): Act.PAUSE,
        (Stage.TELLING, Signal.SAID): Act.RELEASE,
        (Stage.TELLING, Signal.DUE): Act.RELEASE,
        (Stage.TELLING, Signal.ENDED): Act.LEAVE,
        (Stage.TALKING, Signal.ENDED): Act.PUT_DOWN,
    }
)
"""What is not here changes nothing: a late provisional response, a 1 after the 1."""
