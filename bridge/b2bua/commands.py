"""What the bridge asks for by NOTIFY deliveries: the pack's sos-notify, sos-recall and sos-taken.

Used by `exchange`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.b2bua.alarms import Alarms
from bridge.b2bua.effects import Outcome, Report
from bridge.b2bua.inputs import Cleared, Command, Notify, Recall, Taken
from bridge.b2bua.stages import Signal
from bridge.b2bua.state import Alarm, Claim, For, Has, Stage, State

MISSED: Final = "missed"
"""What the alarm of an SOS of the past begins its phone's name with."""
_PICTURES: Final = frozenset({"unconfirmed", "none"})


class Commands:
    def __init__(self, state: State, alarms: Alarms) -> None:
        self._state, self._alarms = state, alarms

    def do(self, command: Notify | Recall | Taken) -> None:
        """Do it, once a delivery, and report what became of it."""
        if self._state.is_repeated(command.delivery):
            self._report(command, Outcome.KNOWN, "it was done before")
            return
        if isinstance(command, Notify) and command.missed:
            self._tell_missed(command)
            return
        alarm = self._state.latest(command.phone)
        if alarm is not None and self._is_newer(alarm, command):
            self._report(command, Outcome.KNOWN, "the phone has called again since")
            return
        if alarm is not None:
            self._press_again(alarm, command)
            self._learn(alarm, command)
        match command:
            case Notify():
                self._notify(command, alarm)
            case Recall():
                self._recall(command, alarm)
            case Taken():
                self._taken(command, alarm)

    def _notify(self, command: Notify, alarm: Alarm | None) -> None:
        people = self._state.site.group_tier(command.group, command.tier)
        wanted = tuple(who for who in people or () if who not in command.done)
        if people is None:
            self._report(command, Outcome.IMPOSSIBLE, f"there is no dispatch group {command.group}")
        elif people and not wanted:
            self._report(command, Outcome.KNOWN, f"everybody of tier {command.tier} has acknowledged")
        elif not (command.more or command.alert) and self._is_taken(command, alarm):
            self._report(command, Outcome.KNOWN, "somebody has it")
        else:
            alarm = alarm or self._ask(command)
            if command.more and alarm.stage is Stage.ASKED:
                alarm.has = Has.PERSON  # whoever it is: the phone is not called back for one person more
            tier, delivery = command.tier, command.delivery
            fields = {"tier": str(tier), "loop": "0", "kind": For.NOTIFY.value, "delivery": delivery}
            self._alarms.reports.of_alarm("SOSTier", alarm, None, **fields)
            self._alarms.ringing.start(
                alarm,
                For.NOTIFY,
                wanted,
                tier=tier,
                delivery=delivery,
                exercise=command.exercise,
                more=command.more,
            )
            if alarm.stage is Stage.ASKED and not alarm.turns:
                self._alarms.end(alarm, Signal.IN_VAIN, "over")
                self._report(command, Outcome.IMPOSSIBLE, f"group {command.group} has nobody to be rung")
                return
            self._report(command, Outcome.RINGS, f"dispatch is rung, tier {tier}")

    def _tell_missed(self, command: Notify) -> None:
        """Ring the tier once to tell of what is over: beside the phone's own alarm, and no part of it."""
        people = self._state.site.group_tier(command.group, command.tier)
        if people is None:
            self._report(command, Outcome.IMPOSSIBLE, f"there is no dispatch group {command.group}")
            return
        site = self._state.site
        phone = site.phone(command.phone) or site.stranger(command.phone, command.endpoint, command.number)
        # Under a name of its own: the phone's calls and commands never meet it.
        past = replace(phone, id=f"{MISSED}/{command.incident}")
        alarm = self._alarms.open(past, command.incident, command.mark, Stage.ASKED)
        alarm.incident, alarm.missed = command.incident, command.missed
        fields = {"tier": str(command.tier), "loop": "0", "kind": For.NOTIFY.value}
        self._alarms.reports.of_alarm("SOSTier", alarm, None, delivery=command.delivery, **fields)
        self._alarms.ringing.start(
            alarm,
            For.NOTIFY,
            people,
            tier=command.tier,
            delivery=command.delivery,
            exercise=command.exercise,
        )
        if not alarm.turns:
            self._alarms.end(alarm, Signal.IN_VAIN, "over")
            self._report(command, Outcome.IMPOSSIBLE, f"group {command.group} has nobody to be rung")
        else:
            self._report(command, Outcome.RINGS, f"dispatch is told of a missed SOS, tier {command.tier}")

    def _recall(self, command: Recall, alarm: Alarm | None) -> None:
        if self._is_taken(command, alarm) or (alarm is not None and alarm.has is not Has.NOBODY):
            self._report(command, Outcome.KNOWN, "somebody has it")
        elif not self._state.site.tiers:
            self._report(command, Outcome.IMPOSSIBLE, "there is no dispatch group")
        elif alarm is None or alarm.stage is Stage.ASKED:
            self._alarms.recalled(alarm or self._ask(command))
            self._report(command, Outcome.RINGS, "all tiers are rung")
        elif alarm.stage is Stage.CALLING:
            self._alarms.ring_all_tiers(alarm, For.ALARM)
            self._report(command, Outcome.RINGS, "all tiers are rung for the phone's own call")
        else:
            self._report(command, Outcome.KNOWN, "dispatch is rung for it already")

    def _taken(self, command: Taken, alarm: Alarm | None) -> None:
        if alarm is None:
            self._state.claim(command.phone, Claim(command.mark, Has.PERSON, command.by))
        else:
            why = "over" if isinstance(command, Cleared) else "taken"
            alarm.clicked = command.mark
            self._alarms.clicked(alarm, command.by, why=why, enough=not command.more)
        self._report(command, Outcome.TOLD, "nobody of dispatch is rung any more")

    def _is_newer(self, alarm: Alarm, command: Command) -> bool:
        """Whether the phone's call crossed the word that somebody has the SOS before, or that it is over."""
        if not isinstance(command, Taken) or not command.call:
            return False
        calls_itself = alarm.token == alarm.uid
        return calls_itself and alarm.uid != command.call

    def _is_taken(self, command: Command, alarm: Alarm | None) -> bool:
        """A console alone is not enough: a notification tells what no console knows.

        Nor is a click at an earlier press.
        """
        if alarm is not None and alarm.has is Has.PERSON:
            return not _is_later(command.mark, alarm.clicked)
        if alarm is not None:
            return alarm.has is Has.DISPATCHER
        claim = self._state.claims.get(command.phone)
        return claim is not None and claim.token == command.mark

    def _ask(self, command: Command) -> Alarm:
        """Open an alarm for a phone that has no call here."""
        site = self._state.site
        phone = site.phone(command.phone) or site.stranger(command.phone, command.endpoint, command.number)
        alarm = self._alarms.open(phone, command.incident, command.mark, Stage.ASKED)
        self._learn(alarm, command)
        return alarm

    def _learn(self, alarm: Alarm, command: Command) -> None:
        alarm.incident = command.incident
        if command.picture in _PICTURES:
            alarm.picture = command.picture
        if alarm.stage is Stage.ASKED:
            alarm.token = command.mark

    def _press_again(self, alarm: Alarm, command: Command) -> None:
        """A phone without a call, for which one person more was rung: another press is nobody's yet."""
        rings = isinstance(command, Recall) or (isinstance(command, Notify) and not command.more)
        if rings and alarm.stage is Stage.ASKED and alarm.token != command.mark:
            alarm.has = Has.NOBODY
            for turn in self._alarms.turns(alarm):
                turn.more = False

    def _report(self, command: Command, outcome: Outcome, text: str) -> None:
        self._state.do(Report(command.delivery, outcome, text))


def _is_later(mark: str, clicked: str) -> bool:
    """Whether it is the mark (`<incident>.<press>`) of a press that no click was for yet."""
    incident, _, press = mark.partition(".")
    clicked_incident, _, clicked_press = clicked.partition(".")
    if not (press.isdecimal() and clicked_press.isdecimal()):
        return False
    return incident != clicked_incident or int(press) > int(clicked_press)
