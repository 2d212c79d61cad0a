"""Ringing people: one turn a person and alarm, in a loop until somebody has the alarm. Used by `alarms`.

A turn rings, says the announcement to who answers, and waits for the 1; who does not press it is rung again
after a pause. A dispatcher's telephone (a desk) serves one SOS at a time; the others stand in line for it.
While any does, an announcement is said only once, so that the next is heard. A console has no line: a device
that is busy says so, and is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from bridge.b2bua import words
from bridge.b2bua.desks import Desks
from bridge.b2bua.effects import Word
from bridge.b2bua.legs import Legs
from bridge.b2bua.reports import Reports
from bridge.b2bua.site import Target
from bridge.b2bua.state import Alarm, For, Leg, Role, State, Turn
from bridge.b2bua.state import TurnStage as Stage
from bridge.b2bua.turns import TURNS, Act, Signal


class Owner(Protocol):
    """Whom the turns report to: `alarms`."""

    def console_answered(self, alarm: Alarm, turn: Turn) -> None: ...
    def acknowledged(self, alarm: Alarm, turn: Turn) -> None: ...
    def put_down(self, alarm: Alarm, turn: Turn, *, lost: bool) -> None: ...
    def turn_over(self, alarm: Alarm, turn: Turn) -> None:
        """A notification rang in vain."""

    def told(self, alarm: Alarm, turn: Turn) -> None:
        """Somebody has heard of an SOS of the past."""


class Ringing:
    def __init__(self, state: State, legs: Legs, reports: Reports, owner: Owner) -> None:
        self._state, self._legs, self._reports, self._owner = state, legs, reports, owner
        self._desks = Desks(state)
        self._acts: Mapping[Act, Callable[[Turn], None]] = {
            Act.APPROACH: self._approach,
            Act.LET_RING: self._let_ring,
            Act.GIVE_UP: self._give_up,
            Act.PAUSE: self._pause,
            Act.GREET: self._greet,
            Act.LISTEN: self._listen,
            Act.REPEAT: self._repeat,
            Act.ACKNOWLEDGE: self._acknowledge,
            Act.RELEASE: self._release,
            Act.LEAVE: self._forget,
        }

    # --- what `alarms` asks for ---------------------------------------------------------------------

    def start(
        self,
        alarm: Alarm,
        why: For,
        people: Iterable[str],
        *,
        tier: int = 0,
        delivery: str = "",
        exercise: bool = False,
        more: bool = False,
        after: float = 0.0,
    ) -> None:
        """Ring these people together, or one after the other. Nobody who is looped already, nor the phone."""
        looped = {
            person
            for turn in map(self._state.turns.__getitem__, alarm.turns)
            if turn.why is not For.NOTIFY
            for person in turn.people
        }
        wanted = [who for who in people if who != alarm.endpoint and (why is For.NOTIFY or who not in looped)]
        in_sequence = self._state.settings.in_sequence and why is not For.CONSOLE
        rounds = [tuple(wanted)] if in_sequence and wanted else [(who,) for who in wanted]
        turns = [
            Turn(
                self._state.name(),
                alarm.id,
                why,
                each,
                tier=tier,
                delivery=delivery,
                exercise=exercise,
                more=more,
            )
            for each in rounds
        ]
        for turn in turns:
            self._state.turns[turn.id] = turn
            alarm.turns[turn.id] = None
        for turn in turns:
            if after:
                self._state.set_timer("turn", turn.id, after)
            else:
                self._approach(turn)

    def release(self, alarm: Alarm, why: str, turns: Iterable[Turn], *, enough: bool = True) -> None:
        """Ring these no more; who listens hears why. The leg that talks is left alone.

        enough: nobody else is wanted; else whoever is rung because one more is wanted is rung on.
        """
        # Who is not on a telephone goes first, or would be dialled when another lets go of it.
        for turn in sorted(turns, key=lambda turn: bool(turn.leg)):
            if turn.stage is Stage.TALKING or (turn.more and not enough):
                continue
            if turn.listens:
                leg = self._state.legs[turn.leg]
                self._reports.of_turn("SOSTaken", alarm, turn, leg, has=alarm.has, by=alarm.by, why=why)
                self.tell(alarm, turn, words.released(why))
            else:
                self._drop_leg(turn, "somebody has it" if why == "taken" else why)
                self._forget(turn)

    def tell(self, alarm: Alarm, turn: Turn, said: tuple[Word, ...]) -> None:
        """Say something last, and let them go. The alarm is nothing to them any more."""
        alarm.turns.pop(turn.id, None)
        self._unclaim(alarm, turn)
        turn.stage = Stage.TELLING
        self._play(turn, said)
        self._state.set_timer("turn", turn.id, self._state.settings.longest_prompt)

    def hang_up(self, turn: Turn, why: str) -> None:
        """End a turn and its leg at once."""
        self._drop_leg(turn, why)
        self._forget(turn)

    def hand_over(self, turn: Turn, old: Alarm, new: Alarm, why: For) -> None:
        """The turn goes on for another alarm of the same phone."""
        old.turns.pop(turn.id)
        if old.claims.get(turn.endpoint) == turn.id:
            del old.claims[turn.endpoint]
            new.claims[turn.endpoint] = turn.id
        new.turns[turn.id] = None
        turn.alarm, turn.why, turn.more = new.id, why, False

    def signal(self, turn: Turn, signal: Signal, *, lost: bool = False) -> None:
        act = TURNS.get((turn.stage, signal))
        if signal is Signal.ENDED:
            turn.leg = ""
        if act is Act.PUT_DOWN:
            self._put_down(turn, lost=lost)
        elif act is not None:
            self._acts[act](turn)

    # --- one round ----------------------------------------------------------------------------------

    def _approach(self, turn: Turn) -> None:
        """Dial, if the telephone is free: for this SOS (a claim) and for any other (its desk)."""
        alarm, endpoint = self._state.alarms[turn.alarm], turn.endpoint
        if endpoint in alarm.claims:
            self._after_claim(turn, self._state.turns.get(alarm.claims[endpoint]))
        elif turn.why is For.CONSOLE or self._desks.take(turn):
            self._dial(alarm, turn)
        elif len(turn.people) == 1 or (turn.why is For.NOTIFY and turn.is_last):
            turn.stage = Stage.QUEUED
            self._state.clear_timer("turn", turn.id)  # of the one before in the sequence
        else:  # of a sequence: another may be free
            self._after_round(turn)

    def _after_claim(self, turn: Turn, ringing: Turn | None) -> None:
        """They are rung for this SOS already; as a console, they do not hear what a notification tells."""
        if turn.why is For.NOTIFY and turn.is_last and ringing is not None and ringing.why is For.CONSOLE:
            turn.stage = Stage.WAITING
            self._state.set_timer("turn", turn.id, self._state.settings.pause)
        else:
            self._after_round(turn)

    def _dial(self, alarm: Alarm, turn: Turn) -> None:
        turn.loop, turn.said = turn.loop + 1, 0
        name = f"{'MISSED ' if alarm.missed else ''}SOS {alarm.location or 'unknown'}"
        leg = self._legs.dial(
            Target(endpoint=turn.endpoint), Role.PERSON, turn.id, alarm.uid, caller=alarm.number, name=name
        )
        if leg is None:  # the site has changed since
            self._pause(turn)
            return
        alarm.claims[turn.endpoint] = turn.id
        turn.leg, turn.stage = leg.id, Stage.DIALLED
        if turn.why is For.NOTIFY:
            alarm.rung[turn.delivery] = None
        if turn.why is not For.CONSOLE:
            self._reports.of_turn("SOSTier", alarm, turn, leg, loop=str(turn.loop))
        settings = self._state.settings
        trunk = self._state.site.person(turn.endpoint).trunk
        self._state.set_timer("turn", turn.id, settings.provisional_trunk if trunk else settings.provisional)

    def _let_ring(self, turn: Turn) -> None:
        settings = self._state.settings
        turn.stage = Stage.RINGING
        after = settings.console_ring if turn.why is For.CONSOLE else settings.ring
        self._state.set_timer("turn", turn.id, after)

    def _give_up(self, turn: Turn) -> None:
        self._drop_leg(turn, "not answered")
        self._pause(turn)

    def _pause(self, turn: Turn) -> None:
        """Their telephone is free for whoever stands in line."""
        self._free(turn)
        self._after_round(turn)

    def _after_round(self, turn: Turn) -> None:
        """Ring the next of a sequence; after the last, begin again soon. A notification does not loop."""
        alarm = self._state.alarms[turn.alarm]
        if not turn.is_last:
            turn.index += 1
            self._approach(turn)
        elif turn.why is For.NOTIFY:
            self._forget(turn)
            self._owner.turn_over(alarm, turn)
        else:
            turn.index, turn.stage = 0, Stage.WAITING
            self._state.set_timer("turn", turn.id, self._state.settings.pause)

    # --- on the line --------------------------------------------------------------------------------

    def _greet(self, turn: Turn) -> None:
        self._state.clear_timer("turn", turn.id)
        alarm, leg = self._state.alarms[turn.alarm], self._state.legs[turn.leg]
        if turn.why is For.CONSOLE:
            turn.stage = Stage.TALKING
            self._owner.console_answered(alarm, turn)
            return
        self._reports.of_turn("SOSLegAnswered", alarm, turn, leg)
        self._speak(turn)

    def _speak(self, turn: Turn) -> None:
        alarm = self._state.alarms[turn.alarm]
        turn.stage, turn.said = Stage.SPEAKING, turn.said + 1
        waiting = self._desks.waiting(turn)
        if alarm.missed:
            said = words.of_the_past(alarm, exercise=turn.exercise, waiting=waiting)
        else:
            said = words.announcement(
                alarm, self._state.site, exercise=turn.exercise, more=turn.more, waiting=waiting
            )
        self._play(turn, said)
        self._state.set_timer("turn", turn.id, self._state.settings.longest_prompt)

    def say_again(self, turn: Turn) -> None:
        """A restart broke off what was said: an announcement begins anew, who was to be let go goes."""
        leg = self._state.legs.get(turn.leg)
        if leg is None or leg.plays:
            return
        if turn.stage is Stage.SPEAKING:
            turn.said -= 1
            self._speak(turn)
        elif turn.stage is Stage.TELLING:
            self._release(turn)

    def _listen(self, turn: Turn) -> None:
        turn.stage = Stage.LISTENING
        self._state.set_timer("turn", turn.id, self._state.settings.key_wait)

    def _repeat(self, turn: Turn) -> None:
        if (past := self._state.alarms[turn.alarm]).missed:
            self._owner.told(past, turn)
            return
        if turn.said < self._state.settings.repeats and not self._desks.waiting(turn):
            self._speak(turn)
            return
        alarm, leg = self._state.alarms[turn.alarm], self._state.legs[turn.leg]
        self._reports.of_turn("SOSNoAck", alarm, turn, leg)
        self._drop_leg(turn, "1 was not pressed")
        self._pause(turn)

    def _acknowledge(self, turn: Turn) -> None:
        self._state.clear_timer("turn", turn.id)
        turn.stage = Stage.TALKING
        self._owner.acknowledged(self._state.alarms[turn.alarm], turn)

    def _play(self, turn: Turn, said: tuple[Word, ...]) -> None:
        language = self._state.site.person(turn.endpoint).language
        self._legs.play(self._state.legs[turn.leg], said, language)

    # --- the end ------------------------------------------------------------------------------------

    def _put_down(self, turn: Turn, *, lost: bool) -> None:
        alarm = self._state.alarms[turn.alarm]
        self._forget(turn)
        self._owner.put_down(alarm, turn, lost=lost)

    def _release(self, turn: Turn) -> None:
        self.hang_up(turn, "released")

    def _drop_leg(self, turn: Turn, why: str) -> None:
        leg: Leg | None = self._state.legs.get(turn.leg)
        turn.leg = ""
        if leg is not None:
            self._legs.drop(leg, why)

    def _forget(self, turn: Turn) -> None:
        self._state.clear_timer("turn", turn.id)
        self._state.turns.pop(turn.id, None)
        if (alarm := self._state.alarms.get(turn.alarm)) is not None:
            alarm.turns.pop(turn.id, None)
        self._free(turn)

    def _free(self, turn: Turn) -> None:
        """Give the claim and the desk back, and let the next in line dial."""
        if (alarm := self._state.alarms.get(turn.alarm)) is not None:
            self._unclaim(alarm, turn)
        endpoint = turn.endpoint
        self._desks.leave(turn)
        while (following := self._desks.following(endpoint)) is not None:
            self._state.clear_timer("turn", following.id)
            self._approach(following)

    def _unclaim(self, alarm: Alarm, turn: Turn) -> None:
        if alarm.claims.get(turn.endpoint) == turn.id:
            del alarm.claims[turn.endpoint]
