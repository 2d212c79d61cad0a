"""Every transition of an incident. A change of state that is not in this file does not exist.

Rows are total: each state answers each signal (a test proves it). `None` stands for "no open
incident". Which signal an event is, is decided in `fold` and `calls`; what an effect does, in `effects`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.engine.state import Reason
from bridge.model import IncidentState


class Signal(enum.StrEnum):
    """What an event means to the incident of its phone."""

    PRESS = "press"
    """An SOS on a phone without an incident, or whose incident is an SOS already."""
    RAISE = "raise"
    """An SOS on a phone whose incident was routine."""
    CALL = "call"
    """A routine call on a routine incident, or on none."""
    SIDE_CALL = "side_call"
    """A routine call on a phone whose incident is an SOS."""
    CONNECT = "connect"
    """A person is on the line."""
    PART = "part"
    """The last living call ended, and by the rules that clears the incident."""
    DROP = "drop"
    """The phone hung up its last call, and that clears nothing."""
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    POST_ROLL = "post_roll"
    """The post-roll is over and no call lives."""
    TAMPER = "tamper"
    """Somebody meddles with the phone; about the phone's own incident only."""
    MISSED = "missed"
    """A log tells of an SOS that is over; about that call's own incident only."""


class Effect(enum.StrEnum):
    """What happens besides the change of state, in this order of the row."""

    START_SOS = "start_sos"
    START_ROUTINE = "start_routine"
    START_TAMPER = "start_tamper"
    RESTORE = "restore"
    """Take again what was lost to others or given up meanwhile."""
    TELL_AGAIN = "tell_again"
    TELL_CONNECTED = "tell_connected"
    TELL_ACKNOWLEDGED = "tell_acknowledged"
    TELL_CLEARED = "tell_cleared"
    ESCALATION = "escalation"
    """Start the escalation times afresh."""
    CALM = "calm"
    """Stop every escalation time."""
    COUNT = "count"
    """Count the person who acknowledged, where one is not enough."""
    REMIND = "remind"
    """Alert again when still unresolved."""
    WATCH_DISPATCH = "watch_dispatch"
    """Nobody had the call: see to it that dispatch rings."""
    REDIALLED = "redialled"
    """The phone is calling again: no need to call it back, and the escalation times must run."""
    HAND_OVER = "hand_over"
    """Whoever waited for a camera gets it now, and not after the post-roll."""
    BEACONS_OFF = "beacons_off"
    """Whoever pressed is helped: the lamp at the place does not burn on through the post-roll."""
    POST_ROLL = "post_roll"
    KEEP_ON = "keep_on"
    """Cancel the post-roll: what was started goes on."""
    STOP_ALL = "stop_all"
    TELL_MISSED = "tell_missed"
    """Do what a call of the past is owed."""


@dataclass(frozen=True, slots=True)
class Row:
    to: IncidentState
    reason: Reason
    effects: tuple[Effect, ...] = ()


S, R, E = IncidentState, Reason, Effect

_START_SOS = (E.START_SOS, E.ESCALATION)
_REOPEN = (E.KEEP_ON, E.CALM, E.RESTORE, E.TELL_AGAIN, E.ESCALATION)
_RAISE = (E.KEEP_ON, E.CALM, E.START_SOS, E.ESCALATION)
_CLEAR = (E.CALM, E.HAND_OVER, E.BEACONS_OFF, E.TELL_CLEARED, E.POST_ROLL)
_OWN = (E.CALM, E.TELL_ACKNOWLEDGED, E.REMIND, E.COUNT)

TRANSITIONS: Final[Mapping[tuple[IncidentState | None, Signal], Row]] = MappingProxyType(
    {
        (None, Signal.PRESS): Row(S.OPEN, R.OPENED, _START_SOS),
        (None, Signal.CALL): Row(S.OPEN, R.OPENED, (E.START_ROUTINE,)),
        (None, Signal.TAMPER): Row(S.CLEARING, R.OPENED, (E.START_TAMPER, E.POST_ROLL)),
        (None, Signal.MISSED): Row(S.CLOSED, R.FILED, (E.TELL_MISSED,)),
        # Nobody has it yet.
        (S.OPEN, Signal.PRESS): Row(S.OPEN, R.PRESSED_AGAIN, (E.RESTORE, E.TELL_AGAIN, E.REDIALLED)),
        (S.OPEN, Signal.RAISE): Row(S.OPEN, R.RAISED, _RAISE),
        (S.OPEN, Signal.CALL): Row(S.OPEN, R.JOINED),
        (S.OPEN, Signal.SIDE_CALL): Row(S.OPEN, R.JOINED),
        (S.OPEN, Signal.CONNECT): Row(S.CONNECTED, R.CONNECTED, (E.TELL_CONNECTED,)),
        (S.OPEN, Signal.PART): Row(S.CLEARING, R.CLEARED, _CLEAR),
        (S.OPEN, Signal.DROP): Row(S.OPEN, R.HUNG_UP, (E.WATCH_DISPATCH,)),
        (S.OPEN, Signal.ACKNOWLEDGE): Row(S.ACKNOWLEDGED, R.ACKNOWLEDGED, _OWN),
        (S.OPEN, Signal.RESOLVE): Row(S.CLEARING, R.CLEARED, _CLEAR),
        (S.OPEN, Signal.POST_ROLL): Row(S.OPEN, R.LATE),
        (S.OPEN, Signal.TAMPER): Row(S.OPEN, R.NOTED),
        (S.OPEN, Signal.MISSED): Row(S.OPEN, R.LATE),
        # A person is on the line; escalation goes on until somebody has it by name.
        (S.CONNECTED, Signal.PRESS): Row(S.OPEN, R.PRESSED_AGAIN, _REOPEN),
        (S.CONNECTED, Signal.RAISE): Row(S.OPEN, R.RAISED, _RAISE),
        (S.CONNECTED, Signal.CALL): Row(S.CONNECTED, R.JOINED),
        (S.CONNECTED, Signal.SIDE_CALL): Row(S.CONNECTED, R.JOINED),
        (S.CONNECTED, Signal.CONNECT): Row(S.CONNECTED, R.CONNECTED),
        (S.CONNECTED, Signal.PART): Row(S.CLEARING, R.CLEARED, _CLEAR),
        (S.CONNECTED, Signal.DROP): Row(S.OPEN, R.HUNG_UP, (E.WATCH_DISPATCH,)),
        (S.CONNECTED, Signal.ACKNOWLEDGE): Row(S.ACKNOWLEDGED, R.ACKNOWLEDGED, _OWN),
        (S.CONNECTED, Signal.RESOLVE): Row(S.CLEARING, R.CLEARED, _CLEAR),
        (S.CONNECTED, Signal.POST_ROLL): Row(S.CONNECTED, R.LATE),
        (S.CONNECTED, Signal.TAMPER): Row(S.CONNECTED, R.NOTED),
        (S.CONNECTED, Signal.MISSED): Row(S.CONNECTED, R.LATE),
        # A named person has it. That is not the end of it.
        (S.ACKNOWLEDGED, Signal.PRESS): Row(S.OPEN, R.PRESSED_AGAIN, _REOPEN),
        (S.ACKNOWLEDGED, Signal.RAISE): Row(S.OPEN, R.RAISED, _RAISE),
        (S.ACKNOWLEDGED, Signal.CALL): Row(S.ACKNOWLEDGED, R.JOINED),
        (S.ACKNOWLEDGED, Signal.SIDE_CALL): Row(S.ACKNOWLEDGED, R.JOINED),
        (S.ACKNOWLEDGED, Signal.CONNECT): Row(S.ACKNOWLEDGED, R.CONNECTED, (E.TELL_CONNECTED,)),
        (S.ACKNOWLEDGED, Signal.PART): Row(S.CLEARING, R.CLEARED, _CLEAR),
        (S.ACKNOWLEDGED, Signal.DROP): Row(S.ACKNOWLEDGED, R.HUNG_UP),
        (S.ACKNOWLEDGED, Signal.ACKNOWLEDGE): Row(S.ACKNOWLEDGED, R.NOTED, (E.COUNT,)),
        (S.ACKNOWLEDGED, Signal.RESOLVE): Row(S.CLEARING, R.CLEARED, _CLEAR),
        (S.ACKNOWLEDGED, Signal.POST_ROLL): Row(S.ACKNOWLEDGED, R.LATE),
        (S.ACKNOWLEDGED, Signal.TAMPER): Row(S.ACKNOWLEDGED, R.NOTED),
        (S.ACKNOWLEDGED, Signal.MISSED): Row(S.ACKNOWLEDGED, R.LATE),
        # Cleared; cameras and recording go on for the post-roll.
        (S.CLEARING, Signal.PRESS): Row(S.OPEN, R.PRESSED_AGAIN, _REOPEN),
        (S.CLEARING, Signal.RAISE): Row(S.OPEN, R.RAISED, _RAISE),
        (S.CLEARING, Signal.CALL): Row(S.OPEN, R.JOINED, (E.KEEP_ON, E.START_ROUTINE)),
        (S.CLEARING, Signal.SIDE_CALL): Row(S.CLEARING, R.JOINED),
        (S.CLEARING, Signal.CONNECT): Row(S.CLEARING, R.CONNECTED),
        (S.CLEARING, Signal.PART): Row(S.CLEARING, R.NOTED),
        (S.CLEARING, Signal.DROP): Row(S.CLEARING, R.NOTED),
        (S.CLEARING, Signal.ACKNOWLEDGE): Row(S.CLEARING, R.NOTED),
        (S.CLEARING, Signal.RESOLVE): Row(S.CLEARING, R.NOTED),
        (S.CLEARING, Signal.POST_ROLL): Row(S.CLOSED, R.CLOSED, (E.STOP_ALL,)),
        (S.CLEARING, Signal.TAMPER): Row(S.CLEARING, R.JOINED, (E.POST_ROLL,)),
        (S.CLEARING, Signal.MISSED): Row(S.CLEARING, R.LATE),
        # Over. What comes later is written down, nothing more.
        **{(S.CLOSED, signal): Row(S.CLOSED, R.LATE) for signal in Signal},
    }
)
