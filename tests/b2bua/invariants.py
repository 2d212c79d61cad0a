"""What holds at any time, whatever happens. White box: it looks at what the exchange remembers."""

from __future__ import annotations

from bridge.b2bua.inputs import TimerId
from bridge.b2bua.state import Alarm, For, Has, Role, Stage, State, Turn, TurnStage
from tests.b2bua.plant import Plant

ON_THE_PHONE = (
    *(TurnStage.DIALLED, TurnStage.RINGING, TurnStage.SPEAKING),
    *(TurnStage.LISTENING, TurnStage.TELLING, TurnStage.TALKING),
)


def check(plant: Plant) -> None:
    state = plant.exchange._state
    assert set(state.legs) == set(plant.devices), "legs dangle"
    assert set(state.timers) == set(plant.timers), "timers dangle"
    for alarm in state.alarms.values():
        _somebody_cares(alarm, state)
    for turn in state.turns.values():
        _goes_on(turn, state)
    for leg in state.legs.values():
        owners = {
            **{
                Role.PERSON: set(state.turns),
                Role.PHONE: set(state.alarms),
                Role.CALLBACK: set(state.alarms),
            },
            **{Role.CALLER: set(state.routines), Role.CALLEE: set(state.routines)},
        }
        assert leg.of in owners[leg.role], "a leg of nobody"
        assert plant.devices[leg.id].with_ == leg.peer
        assert plant.devices[leg.id].up == leg.accepted
        assert leg.answering == (leg.id in plant.unacknowledged)
    for timer in state.timers:
        named = {"turn": set(state.turns), "routine": set(state.routines)}
        assert timer.of in named.get(timer.what, set(state.alarms)), "a timer of nobody"
    _desks(state)
    _spoken(plant)
    _indexes(state)
    assert plant.tracker.live_channels == len(state.legs)


def _somebody_cares(alarm: Alarm, state: State) -> None:
    """Connected, acknowledged, or somebody is being rung, or will be by a timer that is set."""
    turns = [state.turns[id_] for id_ in alarm.turns]
    timers = {
        what for what in ("tier", "redial", "hunt", "callback") if TimerId(what, alarm.id) in state.timers
    }
    talking = [turn for turn in turns if turn.stage is TurnStage.TALKING]
    assert len(talking) == (1 if alarm.person else 0), "one taker, and only one"
    assert not talking or talking[0].id == alarm.person
    nobody = not state.site.tiers and not alarm.consoles
    match alarm.stage:
        case Stage.CALLING:
            assert alarm.call in state.legs
            assert turns or "tier" in timers or alarm.has is Has.PERSON or nobody
            if alarm.has is Has.PERSON:
                rung = [turn for turn in turns if not turn.more]
                assert all(turn.why is For.CONSOLE for turn in rung), "dispatch rings after a click"
        case Stage.TALKING:
            assert state.legs[alarm.call].peer == state.turns[alarm.person].leg
            assert not timers
        case Stage.REDIAL:
            assert "redial" in timers
        case Stage.HUNTING:
            assert "hunt" in timers
        case Stage.CALLING_BACK:
            assert timers == {"callback"}
            assert alarm.call in state.legs
        case Stage.ASKED:
            assert turns
        case Stage.OVER:
            raise AssertionError("an alarm that is over is still here")


def _goes_on(turn: Turn, state: State) -> None:
    """No turn is ever left without something that moves it."""
    has_timer = TimerId("turn", turn.id) in state.timers
    if turn.stage in ON_THE_PHONE:
        leg = state.legs[turn.leg]
        assert (leg.endpoint, leg.of) == (turn.endpoint, turn.id)
        assert has_timer == (turn.stage is not TurnStage.TALKING)
    else:
        assert not turn.leg
        assert has_timer == (turn.stage is TurnStage.WAITING)
    if turn.stage is TurnStage.QUEUED:
        assert turn.id in state.desks[turn.endpoint].queue
    assert (turn.stage is TurnStage.TELLING) == (
        turn.alarm not in state.alarms or turn.id not in state.alarms[turn.alarm].turns
    )


def _desks(state: State) -> None:
    for endpoint, desk in state.desks.items():
        assert state.turns[desk.turn].endpoint == endpoint
        assert state.turns[desk.turn].leg
        for turn in map(state.turns.__getitem__, desk.queue):
            in_sequence = turn.stage is TurnStage.WAITING and len(turn.people) > 1
            assert turn.stage is TurnStage.QUEUED or in_sequence, "in line while they are rung"
            assert endpoint in turn.people
    for turn in state.turns.values():
        if turn.leg and turn.why is not For.CONSOLE:
            assert state.desks[turn.endpoint].turn == turn.id, "two calls at one dispatcher"
    for alarm in state.alarms.values():
        rung = [state.turns[id_] for id_ in alarm.turns if state.turns[id_].leg]
        assert {turn.endpoint: turn.id for turn in rung} == alarm.claims, "one call a person and alarm"
        assert len(rung) == len(alarm.claims)


def _spoken(plant: Plant) -> None:
    """Who listens has the desk, and hears of the SOS that their 1 would acknowledge."""
    state = plant.exchange._state
    for turn in state.turns.values():
        if turn.listens:
            assert state.desks[turn.endpoint].turn == turn.id, "announced out of turn"
            alarm, heard = state.alarms[turn.alarm], plant.devices[turn.leg].heard
            numbers = [name for name in heard if name.startswith("number-")]
            known = state.site.phone(alarm.phone) is not None
            assert not heard or numbers == [f"number-{alarm.phone}"] * known, "another SOS is spoken"


def _indexes(state: State) -> None:
    phones: dict[str, dict[str, None]] = {}
    for alarm in state.alarms.values():
        phones.setdefault(alarm.phone, {})[alarm.id] = None
    assert phones == state.alarms_of
    legs: dict[str, dict[str, None]] = {}
    for leg in state.legs.values():
        if leg.phone:
            legs.setdefault(leg.phone, {})[leg.id] = None
    assert legs == state.legs_of


def check_rest(plant: Plant) -> None:
    """All calls have ended: nothing is left of them."""
    check(plant)
    state = plant.exchange._state
    left = (state.legs, state.alarms, state.turns, state.desks, state.routines, state.timers)
    assert not any(left), left
    assert not state.alarms_of
    assert not state.legs_of
    assert not plant.devices
    assert (plant.tracker.live_calls, plant.tracker.live_channels) == (0, 0)
