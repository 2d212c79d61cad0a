"""The transition table: total, each row walked through from outside, unreachable rows justified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from bridge.engine import Reason
from bridge.engine.fold import DECIDERS
from bridge.engine.table import TRANSITIONS, Effect, Signal
from bridge.model import IncidentState, Kind
from tests.engine.control_room import (
    DISPATCH,
    ROUTINE_AT_03,
    SOS_AT_03,
    STOP_SOS_AT_03,
    TOLD,
    ControlRoom,
    Dialled,
)
from tests.engine.site import FULL

OPEN, CONNECTED, ACKED, CLEARING, CLOSED = IncidentState
POPUP: Final = "wall popup desk-1"
AGAIN: Final = (POPUP, DISPATCH)


def test_every_state_answers_every_signal() -> None:
    missing = {(state, signal) for state in IncidentState for signal in Signal} - TRANSITIONS.keys()
    assert missing == set()
    opening = {signal for state, signal in TRANSITIONS if state is None}
    assert opening == {Signal.PRESS, Signal.CALL, Signal.TAMPER, Signal.MISSED}


def test_every_effect_is_used_and_none_twice_in_a_row() -> None:
    assert {effect for row in TRANSITIONS.values() for effect in row.effects} == set(Effect)
    assert all(len(set(row.effects)) == len(row.effects) for row in TRANSITIONS.values())


def test_every_kind_of_event_is_decided() -> None:
    assert set(DECIDERS) == set(Kind)


def test_closed_is_the_end() -> None:
    for (state, _), row in TRANSITIONS.items():
        if state is CLOSED:
            assert (row.to, row.reason, row.effects) == (CLOSED, Reason.LATE, ())


# --- from outside -----------------------------------------------------------------------------------

Scene = Callable[[ControlRoom], Dialled]


def _sos(room: ControlRoom) -> Dialled:
    return room.press("P-03")


def _routine(room: ControlRoom) -> Dialled:
    return room.press("P-03", "20")


def _connected(scene: Scene) -> Scene:
    def play(room: ControlRoom) -> Dialled:
        call = scene(room)
        room.connect(call, "2002")
        return call

    return play


def _acked(scene: Scene) -> Scene:
    def play(room: ControlRoom) -> Dialled:
        call = scene(room)
        room.acknowledge("anna", "P-03")
        return call

    return play


def _resolved(scene: Scene) -> Scene:
    def play(room: ControlRoom) -> Dialled:
        call = scene(room)
        room.resolve("anna", "P-03")
        return call

    return play


def _hung_up(scene: Scene) -> Scene:
    def play(room: ControlRoom) -> Dialled:
        call = scene(room)
        room.hang_up(call)
        return call

    return play


def _closed(scene: Scene) -> Scene:
    def play(room: ControlRoom) -> Dialled:
        call = _hung_up(_resolved(scene))(room)
        room.after(60)
        return call

    return play


def press(room: ControlRoom, call: Dialled) -> None:
    room.press("P-03")


def dial_20(room: ControlRoom, call: Dialled) -> None:
    room.press("P-03", "20")


def connect(room: ControlRoom, call: Dialled) -> None:
    room.connect(call, "2002")


def hang_up(room: ControlRoom, call: Dialled) -> None:
    room.hang_up(call)


def acknowledge(room: ControlRoom, call: Dialled) -> None:
    room.acknowledge("bert", "P-03")


def resolve(room: ControlRoom, call: Dialled) -> None:
    room.resolve("bert", "P-03")


def wait(room: ControlRoom, call: Dialled) -> None:
    room.after(60)


def meddle(room: ControlRoom, call: Dialled | None = None) -> None:
    room.event(Kind.TAMPER, source="relay", attributes={"phone": "P-03"})


Act = Callable[[ControlRoom, Dialled], None]

Case = tuple[IncidentState, Signal, Scene, Act, IncidentState, Reason, tuple[str, ...]]
"""In this state, what the signal leads to: state, reason, and all that is asked for."""

ROWS: Final[tuple[Case, ...]] = (
    (OPEN, Signal.PRESS, _sos, press, OPEN, Reason.PRESSED_AGAIN, AGAIN),
    (OPEN, Signal.RAISE, _routine, press, OPEN, Reason.RAISED, (*SOS_AT_03,)),
    (OPEN, Signal.CALL, _routine, dial_20, OPEN, Reason.JOINED, ()),
    (OPEN, Signal.SIDE_CALL, _sos, dial_20, OPEN, Reason.JOINED, ()),
    (OPEN, Signal.CONNECT, _sos, connect, CONNECTED, Reason.CONNECTED, (TOLD,)),
    (OPEN, Signal.PART, _routine, hang_up, CLEARING, Reason.CLEARED, (TOLD,)),
    (OPEN, Signal.DROP, _sos, hang_up, OPEN, Reason.HUNG_UP, ()),
    (OPEN, Signal.ACKNOWLEDGE, _sos, acknowledge, ACKED, Reason.ACKNOWLEDGED, (TOLD,)),
    (OPEN, Signal.RESOLVE, _sos, resolve, CLEARING, Reason.CLEARED, (TOLD,)),
    (CONNECTED, Signal.PRESS, _connected(_sos), press, OPEN, Reason.PRESSED_AGAIN, AGAIN),
    (CONNECTED, Signal.RAISE, _connected(_routine), press, OPEN, Reason.RAISED, SOS_AT_03),
    (CONNECTED, Signal.CALL, _connected(_routine), dial_20, CONNECTED, Reason.JOINED, ()),
    (CONNECTED, Signal.SIDE_CALL, _connected(_sos), dial_20, CONNECTED, Reason.JOINED, ()),
    (CONNECTED, Signal.PART, _connected(_routine), hang_up, CLEARING, Reason.CLEARED, (TOLD,)),
    (CONNECTED, Signal.DROP, _connected(_sos), hang_up, OPEN, Reason.HUNG_UP, ()),
    (CONNECTED, Signal.ACKNOWLEDGE, _connected(_sos), acknowledge, ACKED, Reason.ACKNOWLEDGED, (TOLD,)),
    (CONNECTED, Signal.RESOLVE, _connected(_sos), resolve, CLEARING, Reason.CLEARED, (TOLD,)),
    (ACKED, Signal.PRESS, _acked(_sos), press, OPEN, Reason.PRESSED_AGAIN, AGAIN),
    (ACKED, Signal.RAISE, _acked(_routine), press, OPEN, Reason.RAISED, SOS_AT_03),
    (ACKED, Signal.CALL, _acked(_routine), dial_20, ACKED, Reason.JOINED, ()),
    (ACKED, Signal.SIDE_CALL, _acked(_sos), dial_20, ACKED, Reason.JOINED, ()),
    (ACKED, Signal.CONNECT, _acked(_sos), connect, ACKED, Reason.CONNECTED, (TOLD,)),
    (ACKED, Signal.PART, _acked(_connected(_sos)), hang_up, CLEARING, Reason.CLEARED, (TOLD,)),
    (ACKED, Signal.DROP, _acked(_sos), hang_up, ACKED, Reason.HUNG_UP, ()),
    (ACKED, Signal.ACKNOWLEDGE, _acked(_sos), acknowledge, ACKED, Reason.NOTED, ()),
    (ACKED, Signal.RESOLVE, _acked(_sos), resolve, CLEARING, Reason.CLEARED, (TOLD,)),
    (CLEARING, Signal.PRESS, _resolved(_sos), press, OPEN, Reason.PRESSED_AGAIN, AGAIN),
    (CLEARING, Signal.RAISE, _hung_up(_routine), press, OPEN, Reason.RAISED, SOS_AT_03),
    (CLEARING, Signal.CALL, _hung_up(_routine), dial_20, OPEN, Reason.JOINED, (POPUP,)),
    (CLEARING, Signal.SIDE_CALL, _resolved(_sos), dial_20, CLEARING, Reason.JOINED, ()),
    (CLEARING, Signal.CONNECT, _resolved(_sos), connect, CLEARING, Reason.CONNECTED, ()),
    (CLEARING, Signal.PART, _resolved(_acked(_connected(_sos))), hang_up, CLEARING, Reason.NOTED, ()),
    (CLEARING, Signal.DROP, _resolved(_sos), hang_up, CLEARING, Reason.NOTED, ()),
    (CLEARING, Signal.ACKNOWLEDGE, _resolved(_sos), acknowledge, CLEARING, Reason.NOTED, ()),
    (CLEARING, Signal.RESOLVE, _resolved(_sos), resolve, CLEARING, Reason.NOTED, ()),
    (CLEARING, Signal.POST_ROLL, _hung_up(_resolved(_sos)), wait, CLOSED, Reason.CLOSED, STOP_SOS_AT_03),
    (CLOSED, Signal.ACKNOWLEDGE, _closed(_sos), acknowledge, CLOSED, Reason.LATE, ()),
    (CLOSED, Signal.RESOLVE, _closed(_sos), resolve, CLOSED, Reason.LATE, ()),
)  # fmt: skip

NO_LIVE_CALL = "a closed incident has no living call: its post-roll waits for the last one"
NOT_LIVE = "a closed incident is nobody's: the phone's next call opens a new one"
NO_TAMPER = "an incident about the phone itself is cleared from its beginning, and no call joins it"
NO_MISSED = "an SOS of the past has an incident of its own, which is closed"
NO_TIMER = "only a cleared incident has this timer, and leaving that state clears it"

SECOND_CONNECT: Final = (CONNECTED, Signal.CONNECT)
AGAIN_TAMPERED: Final = (CLEARING, Signal.TAMPER)
UNREACHABLE: Final = {
    (OPEN, Signal.POST_ROLL): NO_TIMER,
    (CONNECTED, Signal.POST_ROLL): NO_TIMER,
    (ACKED, Signal.POST_ROLL): NO_TIMER,
    (CLOSED, Signal.POST_ROLL): NO_TIMER,
    (OPEN, Signal.TAMPER): NO_TAMPER,
    (CONNECTED, Signal.TAMPER): NO_TAMPER,
    (ACKED, Signal.TAMPER): NO_TAMPER,
    (CLOSED, Signal.TAMPER): NOT_LIVE,
    (CLOSED, Signal.PRESS): NOT_LIVE,
    (CLOSED, Signal.RAISE): NOT_LIVE,
    (CLOSED, Signal.CALL): NOT_LIVE,
    (CLOSED, Signal.SIDE_CALL): NOT_LIVE,
    (CLOSED, Signal.CONNECT): NO_LIVE_CALL,
    **{(state, Signal.MISSED): NO_MISSED for state in IncidentState},
    (CLOSED, Signal.PART): NO_LIVE_CALL,
    (CLOSED, Signal.DROP): NO_LIVE_CALL,
}
"""Rows that only make the table total. The random walk of test_machine never meets one."""


@pytest.mark.parametrize("case", ROWS, ids=lambda case: f"{case[0]} {case[1]}")
def test_row(room: ControlRoom, case: Case) -> None:
    state, _, scene, act, to, reason, lines = case
    call = scene(room)
    assert room.state("P-03") is state
    room.forget()
    act(room, call)
    assert (room.state("P-03"), room.decisions[-1].reason) == (to, reason)
    room.expects("P-03", *lines)
    assert len(room.incidents("P-03")) == 1


def test_row_connected_connect(room: ControlRoom) -> None:
    """The only row that takes two calls: who talks first stays the one who was first."""
    first = room.press("P-03")
    second = room.ring("P-03")
    room.connect(first, "2002")
    room.forget()
    room.answer(second)
    room.connect(second, "2003")
    assert (room.state("P-03"), room.decisions[-1].reason) == (CONNECTED, Reason.CONNECTED)
    assert room.incident("P-03").connected_to == "2002"


def test_row_clearing_tamper() -> None:
    """The only row whose incident is not the phone's, but about it."""
    with ControlRoom(FULL) as room:
        meddle(room)
        room.forget()
        room.after(20.0)
        meddle(room)
        assert (room.state("tamper/P-03"), room.decisions[-1].reason) == (CLEARING, Reason.JOINED)
        assert room.timers("tamper/P-03") == {"post_roll": 30.0}


def test_a_press_without_an_incident_opens_one(room: ControlRoom) -> None:
    room.press("P-03")
    assert (room.state("P-03"), room.decisions[-1].reason) == (OPEN, Reason.OPENED)
    room.expects("P-03", *SOS_AT_03)
    assert room.timers("P-03").keys() == {
        "picture",
        "escalate_1",
        "escalate_2",
        "recording_warning",
        "recording_cap",
    }


def test_a_routine_call_without_an_incident_opens_one(room: ControlRoom) -> None:
    room.press("P-03", "20")
    assert (room.state("P-03"), room.decisions[-1].reason) == (OPEN, Reason.OPENED)
    room.expects("P-03", *ROUTINE_AT_03)
    assert room.timers("P-03").keys() == {"recording_warning", "recording_cap"}


def test_each_row_is_walked_or_justified() -> None:
    walked = {(row[0], row[1]) for row in ROWS} | {SECOND_CONNECT, AGAIN_TAMPERED}
    assert not walked & UNREACHABLE.keys()
    assert walked | UNREACHABLE.keys() == {key for key in TRANSITIONS if key[0] is not None}


def test_an_event_of_a_closed_incident_changes_nothing(room: ControlRoom) -> None:
    _closed(_sos)(room)
    room.forget()
    closed = room.incident("P-03")
    room.acknowledge("bert", "P-03")
    room.event(Kind.DISPATCH_STARTED, incident=closed.id, attributes={"tier": "1"})
    assert room.incident("P-03") == closed
    assert "acknowledged by bert (click)" in room.story("P-03")
