"""One alarm from its call to its end: who is rung when, who has it, what the caller hears.

Called by `exchange` (the phone's leg, timers), `commands` (the bridge) and `ringing` (who answers).
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.b2bua import words
from bridge.b2bua.callback import Callback
from bridge.b2bua.hearing import Hearing
from bridge.b2bua.inputs import Offered
from bridge.b2bua.legs import Legs, uniqueid_of
from bridge.b2bua.partings import Partings
from bridge.b2bua.reports import Reports
from bridge.b2bua.ringing import Ringing
from bridge.b2bua.stages import Signal, after
from bridge.b2bua.state import BY_PHONE, Alarm, For, Has, Role, Stage, State, Turn, indexed, unindexed
from bridge.model import Phone

_TIMERS = ("tier", "redial", "hunt", "callback", "silence")


class Alarms:
    def __init__(self, state: State, legs: Legs) -> None:
        self._state, self._legs = state, legs
        self.reports = Reports(legs)
        self.ringing = Ringing(state, legs, self.reports, self)
        self.hearing = Hearing(state, legs, self.reports)
        self.callback = Callback(state, legs, self)
        self.partings = Partings(state, legs, self)

    # --- the beginning ------------------------------------------------------------------------------

    def offered(self, offer: Offered, extension: str) -> None:
        """A phone, known or not, cries for help."""
        uid = uniqueid_of(offer.key)
        phone = self._state.site.caller(offer.endpoint, offer.caller, uid)
        alarm = self.open(phone, uid, uid, Stage.CALLING)
        leg = self._legs.offered(offer, Role.PHONE, alarm.id, extension, phone.id)
        alarm.call = leg.id
        consoles = self._state.site.consoles_for(phone.location)
        alarm.consoles = tuple(console for console in consoles if console != alarm.endpoint)
        self.reports.of_alarm("SOSCall", alarm, leg, number=alarm.number, alarmexten=extension)
        self._legs.ring(leg)
        self.hearing.waits(alarm)
        self._take_over(alarm)
        if alarm.stage is Stage.CALLING:
            self.ring(alarm, at_once=not alarm.consoles)

    def open(self, phone: Phone, uid: str, token: str, stage: Stage) -> Alarm:
        """Make an alarm of this phone, and of nothing else."""
        alarm = Alarm(
            self._state.name(), uid, phone.id, phone.endpoint, phone.extension, phone.location, stage, token
        )
        self._state.alarms[alarm.id] = alarm
        indexed(self._state.alarms_of, phone.id, alarm.id)
        return alarm

    def _take_over(self, alarm: Alarm) -> None:
        """End what was under way for this phone while it had no call: this is the call that was wanted."""
        for old in [self._state.alarms[id_] for id_ in self._state.alarms_of[alarm.phone]]:
            if old is alarm or old.stage in BY_PHONE:
                continue
            alarm.incident = alarm.incident or old.incident
            alarm.picture = alarm.picture or old.picture
            waiting = self._state.turns.get(old.person)
            for turn in self.turns(old):
                if turn is waiting or turn.why is For.NOTIFY or turn.listens:
                    why = turn.why if turn.why is For.NOTIFY else For.ALARM
                    self.ringing.hand_over(turn, old, alarm, why)
            old.person = ""
            self.end(old, Signal.REDIALLED, "redialled")
            if waiting is not None:  # who pressed 1 for this phone, and waits for it
                self.acknowledged(alarm, waiting)

    # --- ringing ------------------------------------------------------------------------------------

    def ring(self, alarm: Alarm, *, at_once: bool, consoles_after: float = 0.0) -> None:
        """Ring the consoles; dispatch at once as well, or tier by tier."""
        self.ringing.start(alarm, For.CONSOLE, alarm.consoles, after=consoles_after)
        alarm.next_tier = 1
        if at_once:
            self.ring_all_tiers(alarm, For.ALARM)
        elif self._state.site.tiers:
            self._state.set_timer("tier", alarm.id, self._state.settings.starts(1))

    def ring_all_tiers(self, alarm: Alarm, why: For) -> None:
        """Every tier at once; says so where there is nobody to be rung at all."""
        self._state.clear_timer("tier", alarm.id)
        for tier, people in enumerate(self._state.site.tiers, 1):
            self.ringing.start(alarm, why, people, tier=tier)
        alarm.next_tier = len(self._state.site.tiers) + 1
        if not alarm.turns:
            self._unanswered(alarm, why)

    def tier_due(self, alarm: Alarm) -> None:
        tiers, tier = self._state.site.tiers, alarm.next_tier
        alarm.next_tier += 1
        if tier <= len(tiers):
            why = For.HUNT if alarm.stage is Stage.HUNTING else For.ALARM
            self.ringing.start(alarm, why, tiers[tier - 1], tier=tier)
        if tier < len(tiers):
            self._state.set_timer("tier", alarm.id, self._state.settings.gap(tier + 1))

    def turn_over(self, alarm: Alarm, turn: Turn) -> None:
        """A notification rang in vain; with the last of its tier, say so.

        Of those for one person more the next comes soon, and so on: nothing is said. Nor where it rang nobody
        itself, because others ring them for this SOS.
        """
        is_last = all(other.delivery != turn.delivery for other in self.turns(alarm))
        if is_last and not turn.more and turn.delivery in alarm.rung:
            self.reports.of_turn("SOSNotHeard" if alarm.missed else "SOSNotTaken", alarm, turn, None)
        if alarm.stage is Stage.ASKED and not alarm.turns:
            self.end(alarm, Signal.IN_VAIN, "over")

    def told(self, alarm: Alarm, turn: Turn) -> None:
        """Somebody has heard of an SOS of the past: nobody else need ring for it. Who listens may go on."""
        self.ringing.hang_up(turn, "it was told")
        for other in list(self.turns(alarm)):
            if not other.listens:
                self.ringing.hang_up(other, "somebody else was told")
        if not alarm.turns:
            self.end(alarm, Signal.IN_VAIN, "over")

    def not_reached(self, turn: Turn, status: int) -> None:
        """A dispatcher's device refuses, or says nothing at all (0): say why somebody else is rung."""
        alarm = self._state.alarms.get(turn.alarm)
        if alarm is not None and turn.why is not For.CONSOLE:
            self.reports.not_reached(alarm, turn, self._state.legs.get(turn.leg), status)

    # --- somebody has it ----------------------------------------------------------------------------

    def console_answered(self, alarm: Alarm, turn: Turn) -> None:
        """A console's answer is a person's. Who has it by a click keeps it."""
        if alarm.has is not Has.PERSON:
            self._has(alarm, Has.CONSOLE, turn.endpoint)
        others = [other for other in self.turns(alarm) if other.why is not For.NOTIFY]
        self._connect(alarm, turn, others)

    def acknowledged(self, alarm: Alarm, turn: Turn) -> None:
        """The 1 was pressed. The phone's ringing call is picked up; without one, it is called back.

        Whom a console already talks to cannot be joined by a third: the dispatcher hears that, and has
        acknowledged all the same. A 1 for what is over only says that it was heard.
        """
        if alarm.missed:
            self.reports.of_turn("SOSAck", alarm, turn, self._state.legs[turn.leg])
            self.told(alarm, turn)
            return
        talks = alarm.has is Has.DISPATCHER and alarm.stage in (Stage.TALKING, Stage.CALLING_BACK)
        if talks or (turn.more and alarm.has in (Has.DISPATCHER, Has.PERSON)):
            self._also_acknowledged(alarm, turn)
            return
        self._has(alarm, Has.DISPATCHER, turn.endpoint)
        self.reports.of_turn("SOSAck", alarm, turn, self._state.legs[turn.leg])
        others = [other for other in self.turns(alarm) if other is not turn]
        match alarm.stage:
            case Stage.CALLING:
                self._connect(alarm, turn, others)
            case Stage.TALKING:
                self.ringing.tell(alarm, turn, words.CONSOLE_HAS_IT)
                self.ringing.release(alarm, "taken", others, enough=False)
            case _:
                self.clear_timers(alarm)
                alarm.stage, alarm.person = after(alarm.stage, Signal.ACKNOWLEDGED), turn.id
                self.ringing.release(alarm, "taken", others, enough=False)
                self.callback.begin(alarm, turn)

    def _also_acknowledged(self, alarm: Alarm, turn: Turn) -> None:
        """One more person has it. The first keeps it; a caller who waits for them is not kept waiting.

        Nobody is called back for it, and a third party cannot join a talk.
        """
        self.reports.of_turn("SOSAck", alarm, turn, self._state.legs[turn.leg])
        if alarm.stage is Stage.CALLING:
            self._connect(alarm, turn, list(self.turns(alarm)))
            return
        if not turn.more:  # a second alert: it is theirs now
            rung = [other for other in self.turns(alarm) if other.delivery == turn.delivery]
            self.ringing.release(alarm, "taken", rung)
        talking = self._state.turns.get(alarm.person)
        at_console = talking is not None and talking.why is For.CONSOLE
        self.ringing.tell(alarm, turn, words.CONSOLE_HAS_IT if at_console else words.released("taken"))
        if alarm.stage is Stage.ASKED and not alarm.turns:
            self.end(alarm, Signal.IN_VAIN, "over")

    def clicked(self, alarm: Alarm, by: str, *, why: str, enough: bool = True) -> None:
        """Somebody has it by a click: dispatch is rung no more, the consoles of a living call go on.

        A console that talks has it in no more than name; a dispatcher was first, or is who is told of here.
        why: what dispatchers who listen hear, `taken` or, once the incident is cleared, `over`.
        enough: nobody else is wanted.
        """
        known = why == "taken" and (alarm.has, alarm.by) == (Has.PERSON, by)
        if alarm.has is not Has.DISPATCHER:
            self._has(alarm, Has.PERSON, by)
        if (stage := after(alarm.stage, Signal.CLICKED)) is Stage.OVER:
            self.end(alarm, Signal.CLICKED, why)
            return
        alarm.stage = stage
        self._state.clear_timer("tier", alarm.id)
        dispatch = [turn for turn in self.turns(alarm) if turn.why is not For.CONSOLE]
        self.ringing.release(alarm, why, dispatch, enough=enough)
        if stage is Stage.CALLING and not known:
            self.hearing.waits(alarm)

    def _has(self, alarm: Alarm, has: Has, by: str) -> None:
        alarm.has, alarm.by = has, by
        self._state.remember(alarm)

    def _connect(self, alarm: Alarm, turn: Turn, others: list[Turn]) -> None:
        """The phone's call is answered by a person: this one."""
        self.clear_timers(alarm)
        self.ringing.release(alarm, "taken", [other for other in others if other is not turn], enough=False)
        self.join(alarm, turn)

    def join(self, alarm: Alarm, turn: Turn) -> None:
        """Phone and person hear each other from now on."""
        phone = self._state.legs[alarm.call]
        alarm.stage, alarm.person = after(alarm.stage, Signal.CONNECTED), turn.id
        alarm.connected_at = self._state.now
        self._legs.answer(phone)
        self.hearing.record(alarm, phone)
        self.hearing.joined(alarm, phone)
        self._legs.join(phone, self._state.legs[turn.leg])

    # --- somebody hangs up --------------------------------------------------------------------------

    def put_down(self, alarm: Alarm, turn: Turn, *, lost: bool) -> None:
        self.partings.put_down(alarm, turn, lost=lost)

    # --- the hunt -----------------------------------------------------------------------------------

    def redial_due(self, alarm: Alarm) -> None:
        """The phone does not dial again: its first tier is rung now, the others after their gaps."""
        alarm.stage, alarm.next_tier = after(alarm.stage, Signal.WAITED), 1
        self._state.set_timer("hunt", alarm.id, self._state.settings.hunt)
        self.tier_due(alarm)
        if not alarm.turns and not self._state.site.tiers:
            self._in_vain(alarm)

    def recalled(self, alarm: Alarm) -> None:
        """The bridge asks for it: all tiers at once."""
        alarm.stage = after(alarm.stage, Signal.RECALLED)
        self._state.set_timer("hunt", alarm.id, self._state.settings.hunt)
        self.ring_all_tiers(alarm, For.RECALL)

    def hunt_due(self, alarm: Alarm) -> None:
        """Time is over; but nobody who is just being told is cut off."""
        listening = [turn for turn in self.turns(alarm) if turn.listens]
        if not listening:
            self._in_vain(alarm)
            return
        self._state.clear_timer("tier", alarm.id)
        self.ringing.release(alarm, "over", [turn for turn in self.turns(alarm) if not turn.listens])
        self._state.set_timer("hunt", alarm.id, self._state.settings.pause)

    def _in_vain(self, alarm: Alarm) -> None:
        self._unanswered(alarm, For.HUNT)
        self.end(alarm, Signal.IN_VAIN, "over")

    def _unanswered(self, alarm: Alarm, why: For) -> None:
        self.reports.of_alarm("SOSUnanswered", alarm, self._state.legs.get(alarm.call), kind=why)

    # --- after a restart ----------------------------------------------------------------------------

    def say_again(self) -> None:
        """Let everybody hear again what the restart broke off."""
        for alarm in self._state.alarms.values():
            if alarm.stage is Stage.CALLING and not self._state.legs[alarm.call].plays:
                self.hearing.waits(alarm)
            elif alarm.stage is Stage.CALLING_BACK:
                self.callback.waits(self._state.turns[alarm.person])
        for turn in tuple(self._state.turns.values()):
            self.ringing.say_again(turn)

    # --- the end ------------------------------------------------------------------------------------

    def end(self, alarm: Alarm, signal: Signal, why: str) -> None:
        """Nobody is rung for it any more, and every leg of it ends."""
        alarm.stage = after(alarm.stage, signal)
        self.clear_timers(alarm)
        self.ringing.release(alarm, why, list(self.turns(alarm)))
        if (person := self._state.turns.get(alarm.person)) is not None:
            self.ringing.hang_up(person, "the call is over")
        if (phone := self._state.legs.get(alarm.call)) is not None:
            self._legs.drop(phone, "the call is over")
        del self._state.alarms[alarm.id]
        unindexed(self._state.alarms_of, alarm.phone, alarm.id)

    def clear_timers(self, alarm: Alarm) -> None:
        for what in _TIMERS:
            self._state.clear_timer(what, alarm.id)

    def turns(self, alarm: Alarm) -> Iterator[Turn]:
        return (self._state.turns[id_] for id_ in tuple(alarm.turns))
