"""What the caller hears until a person has the call, and what is heard of it. Used by `alarms`."""

from __future__ import annotations

from bridge.b2bua import words
from bridge.b2bua.legs import Legs
from bridge.b2bua.reports import Reports, recording_of
from bridge.b2bua.state import Alarm, Has, Leg, State


class Hearing:
    def __init__(self, state: State, legs: Legs, reports: Reports) -> None:
        self._state, self._legs, self._reports = state, legs, reports

    def waits(self, alarm: Alarm) -> None:
        """Let the caller hear how it stands: as early media, so that only a person answers the call."""
        leg, phone = self._state.legs[alarm.call], self._state.site.phone(alarm.phone)
        announce = phone is None or phone.announce
        language = self._state.site.caller_language(alarm.phone)
        if announce and not leg.early and not leg.accepted:
            self._legs.early_media(leg)
            self.record(alarm, leg)
        if announce:
            said = words.PERSON_HAS_IT if alarm.has is Has.PERSON else words.WAITING
            self._legs.play(leg, said, language, loop=True)
        elif leg.accepted:
            self._legs.play(leg, words.RINGBACK, language, loop=True)

    def record(self, alarm: Alarm, leg: Leg) -> None:
        if self._state.settings.record and not leg.recording:
            file = recording_of(leg.uniqueid)
            self._legs.record(leg, file)
            self._reports.of_alarm("SOSRecording", alarm, leg, file=file)

    def silent(self, alarm: Alarm, leg: Leg, seconds: float, *, never: bool) -> None:
        """No sound comes from it: that is shown, and no reason to hang up.

        Before it is answered a phone need not send any.
        """
        leg.silent = True
        if never and not leg.heard:
            leg.heard = "no"
        if leg.accepted:
            self._tell_silent(alarm, leg, "the start" if never else f"{seconds:.0f} s ago")

    def sounds(self, alarm: Alarm, leg: Leg) -> None:
        """The first sound of all, or again."""
        leg.heard, leg.silent = "yes", False
        self._state.clear_timer("silence", alarm.id)
        if leg.told_silent:
            leg.told_silent = False
            self._reports.of_alarm("SOSHeard", alarm, leg)

    def joined(self, alarm: Alarm, leg: Leg) -> None:
        """The phone was answered: if it is silent as before, that is worth telling soon."""
        if leg.silent:
            self._state.set_timer("silence", alarm.id, self._state.settings.silence)

    def due(self, alarm: Alarm) -> None:
        self._tell_silent(alarm, self._state.legs[alarm.call], "the start")

    def heard(self, leg: Leg) -> str:
        """Return what `calls.reports` takes for packets of sound: `0` = none ever, empty = unknown."""
        if leg.heard == "no":
            return "0" if leg.told_silent else ""
        return "1" if leg.heard and leg.up else ""

    def _tell_silent(self, alarm: Alarm, leg: Leg, since: str) -> None:
        leg.told_silent = True
        self._reports.of_alarm("SOSSilent", alarm, leg, since=since)
