"""The two transition tables leave nothing hanging; and what an SOS is made to wait for, as numbers."""

from __future__ import annotations

import pytest

from bridge.b2bua import Settings
from bridge.b2bua.stages import STAGES, after
from bridge.b2bua.stages import Signal as AlarmSignal
from bridge.b2bua.state import Stage, TurnStage
from bridge.b2bua.turns import TURNS, Act, Signal

ON_A_TELEPHONE = set(TurnStage) - {TurnStage.WAITING, TurnStage.QUEUED}


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.OVER])
def test_every_alarm_can_end(stage: Stage) -> None:
    reached, front = {stage}, {stage}
    while front := {to for (of, _), to in STAGES.items() if of in front} - reached:
        reached |= front
    assert Stage.OVER in reached


def test_what_is_over_stays_over() -> None:
    assert Stage.OVER not in {stage for stage, _ in STAGES}
    with pytest.raises(KeyError):
        after(Stage.TALKING, AlarmSignal.WAITED)


def test_a_hangup_of_a_call_that_nobody_had_never_ends_an_alarm() -> None:
    to = {stage for (_, signal), stage in STAGES.items() if signal is AlarmSignal.TOO_EARLY}
    assert to == {Stage.REDIAL}


@pytest.mark.parametrize("stage", sorted(ON_A_TELEPHONE))
def test_who_is_on_a_telephone_can_hang_up(stage: TurnStage) -> None:
    assert (stage, Signal.ENDED) in TURNS


@pytest.mark.parametrize("stage", sorted({*TurnStage} - {TurnStage.QUEUED, TurnStage.TALKING}))
def test_who_is_rung_or_told_something_is_waited_for_only_so_long(stage: TurnStage) -> None:
    assert (stage, Signal.DUE) in TURNS


def test_only_who_was_told_can_acknowledge() -> None:
    told = {
        stage for (stage, signal), act in TURNS.items() if act is Act.ACKNOWLEDGE and signal is Signal.ONE
    }
    assert told == {TurnStage.SPEAKING, TurnStage.LISTENING}


@pytest.mark.parametrize(
    ("tiers", "starts"),
    [((20.0, 60.0), [20, 60, 100, 140]), ((30.0,), [30, 60, 90, 120]), ((), [0, 0, 0, 0])],
)
def test_when_tiers_start(tiers: tuple[float, ...], starts: list[float]) -> None:
    settings = Settings(tiers=tiers)
    assert [settings.starts(tier) for tier in (1, 2, 3, 4)] == starts
    gaps = [settings.gap(tier) for tier in (1, 2, 3, 4)]
    assert [sum(gaps[:n]) for n in (1, 2, 3, 4)] == starts
