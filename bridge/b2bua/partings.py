"""An alarm's call ends, by the phone or the person: what that means, who is rung now. Used by `alarms`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

from bridge.b2bua import words
from bridge.b2bua.callback import Callback
from bridge.b2bua.hearing import Hearing
from bridge.b2bua.legs import Legs
from bridge.b2bua.reports import Reports
from bridge.b2bua.ringing import Ringing
from bridge.b2bua.stages import Signal, after
from bridge.b2bua.state import BY_PHONE, Alarm, For, Has, Leg, Role, Stage, State, Turn


class Owner(Protocol):
    """`alarms`."""

    reports: Reports
    ringing: Ringing
    hearing: Hearing
    callback: Callback

    def ring(self, alarm: Alarm, *, at_once: bool, consoles_after: float = 0.0) -> None: ...
    def end(self, alarm: Alarm, signal: Signal, why: str) -> None: ...
    def clear_timers(self, alarm: Alarm) -> None: ...
    def turns(self, alarm: Alarm) -> Iterator[Turn]: ...


class Partings:
    def __init__(self, state: State, legs: Legs, owner: Owner) -> None:
        self._state, self._legs, self._owner = state, legs, owner

    def put_down(self, alarm: Alarm, turn: Turn, *, lost: bool) -> None:
        """Whoever had the alarm is gone. That ends the call, unless they had it in no more than name."""
        alarm.person = ""
        if alarm.stage is Stage.CALLING_BACK:
            self._owner.end(alarm, Signal.FAILED, "over")
            return
        phone = self._state.legs[alarm.call]
        if phone.up and not lost and not self._is_unsettled(alarm, turn):
            self._hung_up(alarm, phone)
        else:
            self._legs.part(phone)
            alarm.stage = after(alarm.stage, Signal.PUT_DOWN)
            self._ring_anew(alarm, turn)

    def _ring_anew(self, alarm: Alarm, turn: Turn) -> None:
        """The caller is there, and who had the call is not: dispatch is rung, unless a click has it.

        A console that puts down within seconds would do so again: only where there is nobody else it is rung.
        """
        pause = self._state.settings.pause
        if alarm.has is Has.PERSON:
            self._owner.hearing.waits(alarm)
            self._owner.ringing.start(alarm, For.CONSOLE, alarm.consoles, after=pause)
            return
        alarm.has, alarm.by = Has.NOBODY, ""
        self._state.claims.pop(alarm.phone, None)
        if turn.why is For.CONSOLE and self._state.site.tiers:
            alarm.consoles = ()
        self._owner.hearing.waits(alarm)
        self._owner.ring(alarm, at_once=True, consoles_after=pause)

    def phone_gone(self, alarm: Alarm, leg: Leg, *, lost: bool) -> None:
        """The phone's leg ended. By its user, if it is not lost: only that is a hangup."""
        if alarm.stage is Stage.CALLING_BACK:
            self._owner.callback.failed(alarm, "NOANSWER")
            return
        person = self._state.turns.get(alarm.person)
        if person is not None and (lost or not leg.up):
            self._cut_off(alarm, person)
            return
        unsettled = person is None or self._is_unsettled(alarm, person)
        had = alarm.has is Has.PERSON or not (lost or (alarm.has is not Has.DISPATCHER and unsettled))
        if person is not None:
            self._owner.ringing.hang_up(person, "the phone hung up")
        if had or self._has_other_call(alarm):
            self._hung_up(alarm, leg)
        else:
            self._hunt_soon(alarm)

    def _cut_off(self, alarm: Alarm, person: Turn) -> None:
        """The phone is lost, or never heard our answer: nobody hung up, and they do not hear it any more.

        A dispatcher stays on the line while it is called back. A console hears why, and dispatch is hunted
        for, unless a click has it or the phone calls on another line.
        """
        alarm.call = ""
        self._owner.clear_timers(alarm)
        if person.why is not For.CONSOLE:
            alarm.stage = after(alarm.stage, Signal.LOST)
            self._owner.callback.begin(alarm, person)
            return
        self._owner.ringing.tell(alarm, person, words.NO_ANSWER)
        alarm.person = ""
        if alarm.has is Has.PERSON or self._has_other_call(alarm):
            self._owner.end(alarm, Signal.HUNG_UP, "over")
        else:
            self._hunt_soon(alarm)

    def both_lost(self, alarm: Alarm, lost: Collection[str]) -> None:
        """After a restart: who talked is lost with the phone, and cannot wait until it is called back."""
        person = self._state.turns.get(alarm.person)
        if alarm.stage is Stage.TALKING and person is not None and {alarm.call, person.leg}.issubset(lost):
            alarm.person = ""
            self._owner.ringing.hang_up(person, "lost")

    def _is_unsettled(self, alarm: Alarm, turn: Turn) -> bool:
        talked = self._state.now - alarm.connected_at
        return turn.why is For.CONSOLE and talked < self._state.settings.console_settle

    def _has_other_call(self, alarm: Alarm) -> bool:
        others = (self._state.alarms[id_] for id_ in self._state.alarms_of[alarm.phone])
        return any(other is not alarm and other.stage in BY_PHONE for other in others)

    def _hung_up(self, alarm: Alarm, leg: Leg) -> None:
        if leg.role is Role.PHONE:
            heard = self._owner.hearing.heard(leg)
            self._owner.reports.of_alarm("SOSDone", alarm, leg, has=alarm.has, by=alarm.by, heard=heard)
        self._owner.end(alarm, Signal.HUNG_UP, "over")

    def _hunt_soon(self, alarm: Alarm) -> None:
        """Nobody had it. Who is listening goes on: their 1 calls the phone back."""
        alarm.stage = after(alarm.stage, Signal.TOO_EARLY)
        alarm.call, alarm.person, alarm.has, alarm.by = "", "", Has.NOBODY, ""
        self._state.claims.pop(alarm.phone, None)
        self._owner.clear_timers(alarm)
        ringing = [
            turn for turn in self._owner.turns(alarm) if not turn.listens and turn.why is not For.NOTIFY
        ]
        self._owner.ringing.release(alarm, "over", ringing)
        for turn in self._owner.turns(alarm):
            if turn.why is not For.NOTIFY:
                turn.why = For.HUNT
        self._state.set_timer("redial", alarm.id, self._state.settings.redial_wait)
