"""Calling a phone back, for the dispatcher who pressed 1 and waits. Used by `alarms`."""

from __future__ import annotations

from typing import Protocol

from bridge.b2bua import words
from bridge.b2bua.legs import Legs
from bridge.b2bua.reports import Reports
from bridge.b2bua.ringing import Ringing
from bridge.b2bua.site import target_of
from bridge.b2bua.stages import Signal
from bridge.b2bua.state import Alarm, Leg, Role, State, Turn


class Owner(Protocol):
    """`alarms`."""

    reports: Reports
    ringing: Ringing

    def join(self, alarm: Alarm, turn: Turn) -> None: ...
    def end(self, alarm: Alarm, signal: Signal, why: str) -> None: ...


class Callback:
    def __init__(self, state: State, legs: Legs, owner: Owner) -> None:
        self._state, self._legs, self._owner = state, legs, owner

    def begin(self, alarm: Alarm, turn: Turn) -> None:
        """Dial the phone, unless ringing it endangers somebody, or it is in a call: that one is never cut."""
        site = self._state.site
        phone = site.phone(alarm.phone) or site.stranger(alarm.phone, alarm.endpoint, alarm.number)
        if phone.callback == "never":
            self.failed(alarm, "NEVER")
            return
        if self._state.legs_of.get(alarm.phone):
            self.failed(alarm, "BUSY")
            return
        auto = phone.callback == "auto_answer"
        leg = self._legs.dial(target_of(phone), Role.CALLBACK, alarm.id, alarm.uid, auto_answer=auto)
        if leg is None:
            self.failed(alarm, "CHANUNAVAIL")
            return
        alarm.call = leg.id
        self.waits(turn)
        self._state.set_timer("callback", alarm.id, self._state.settings.provisional)

    def waits(self, turn: Turn) -> None:
        """Let the dispatcher hear that the phone rings."""
        language = self._state.site.person(turn.endpoint).language
        self._legs.play(self._state.legs[turn.leg], words.RINGBACK, language, loop=True)

    def arrived(self, alarm: Alarm, leg: Leg) -> None:
        """The phone said anything at all: from the first of it, it may ring for a while."""
        if leg.arrived:
            return
        leg.arrived = True
        self._state.set_timer("callback", alarm.id, self._state.settings.callback_ring)

    def answered(self, alarm: Alarm, leg: Leg) -> None:
        self._state.clear_timer("callback", alarm.id)
        self._owner.reports.of_alarm("SOSCallbackEnd", alarm, leg, dialstatus="ANSWER")
        self._owner.join(alarm, self._state.turns[alarm.person])

    def due(self, alarm: Alarm) -> None:
        self._legs.drop(self._state.legs[alarm.call], "not answered")
        self.failed(alarm, "NOANSWER")

    def failed(self, alarm: Alarm, status: str) -> None:
        """The dispatcher hears why. They have the alarm all the same."""
        person = self._state.turns[alarm.person]
        leg = self._state.legs[person.leg]
        self._owner.reports.of_alarm("SOSCallbackEnd", alarm, leg, dialstatus=status)
        self._owner.ringing.tell(alarm, person, words.NEVER if status == "NEVER" else words.NO_ANSWER)
        alarm.person = ""
        self._owner.end(alarm, Signal.FAILED, "over")
