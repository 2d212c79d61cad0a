"""The exchange itself: one input, the time, and what is to be done. Called by who owns the sockets.

It holds no more than the calls that live, what is being rung, and two short memories (`state.REMEMBERED`). No
input raises: what belongs to no leg, timer or alarm any more is late, and means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from bridge.b2bua import inputs
from bridge.b2bua.alarms import Alarms
from bridge.b2bua.commands import Commands
from bridge.b2bua.effects import Effect, HangUp, Join, SetTimer
from bridge.b2bua.legs import Legs
from bridge.b2bua.routine import RoutineCalls
from bridge.b2bua.settings import Settings
from bridge.b2bua.site import Site
from bridge.b2bua.snapshot import Snapshot, live_channels, restored, snapshot
from bridge.b2bua.state import Alarm, Leg, Role, State, TurnStage
from bridge.b2bua.turns import Signal
from bridge.calls import facts

_OF_PHONE = (Role.PHONE, Role.CALLBACK)


class Exchange:
    """A standalone exchange for a site without a PBX.

    run: begins every id it gives; another one each time the process starts.
    """

    def __init__(self, site: Site, settings: Settings, run: str) -> None:
        self._begin(State(site, settings, run))

    def _begin(self, state: State) -> None:
        self._state = state
        self._legs = Legs(state)
        self._alarms = Alarms(state, self._legs)
        self._routine = RoutineCalls(state, self._legs)
        self._commands = Commands(state, self._alarms)
        self._due: Mapping[str, Callable[[Alarm], None]] = {
            "tier": self._alarms.tier_due,
            "redial": self._alarms.redial_due,
            "hunt": self._alarms.hunt_due,
            "callback": self._alarms.callback.due,
            "silence": self._alarms.hearing.due,
        }

    def configure(self, site: Site, settings: Settings) -> None:
        """Take another site from now on. Calls that live go on; who is not in it is dialled no more."""
        self._state.site, self._state.settings = site, settings

    def feed(self, item: inputs.Input, now: float) -> list[Effect]:
        """Return what is to be done about `item`, in order. now: UTC epoch seconds."""
        self._state.now = now
        self._take(item)
        done, self._state.effects = self._state.effects, []
        return done

    def _take(self, item: inputs.Input) -> None:
        match item:
            case inputs.Offered():
                self._offered(item)
            case inputs.Due():
                self._timer_due(item.timer)
            case inputs.Notify() | inputs.Recall() | inputs.Taken():
                self._commands.do(item)
            case _:
                leg = self._state.legs.get(item.leg)
                if leg is not None:
                    self._of_leg(item, leg)
                elif isinstance(item, inputs.Answered):
                    self._state.do(HangUp(item.leg, "answered too late"))

    def _offered(self, offer: inputs.Offered) -> None:
        if offer.leg in self._state.legs:
            return
        if extension := self._state.site.alarm_extension(offer.dialled):
            self._alarms.offered(offer, extension)
        else:
            self._routine.offered(offer)

    # --- legs ---------------------------------------------------------------------------------------

    def _of_leg(self, item: inputs.Input, leg: Leg) -> None:
        match item:
            case inputs.Provisional() if not leg.up and not leg.incoming:
                self._arrived(leg, ringing=item.ringing)
            case inputs.Answered() if not leg.up and not leg.incoming:
                self._legs.is_up(leg)
                self._answered(leg)
            case inputs.Answered() if leg.answering:
                self._legs.stands(leg)
            case inputs.Refused() if not leg.up and not leg.incoming:
                if leg.role is Role.PERSON:
                    self._alarms.not_reached(self._state.turns[leg.of], item.status)
                self._legs.is_refused(leg, item.status)
                self._gone(leg, lost=True, status=item.status)
            case inputs.Refused():
                self._ended(leg, hung_up=False)
            case inputs.Ended():
                self._ended(leg, hung_up=item.hung_up)
            case inputs.Digit(digit="1") if leg.role is Role.PERSON:
                self._alarms.ringing.signal(self._state.turns[leg.of], Signal.ONE)
            case inputs.PromptEnded() if leg.role is Role.PERSON and item.number == leg.prompts:
                leg.plays = False
                self._alarms.ringing.signal(self._state.turns[leg.of], Signal.SAID)
            case inputs.Silent() if leg.role in _OF_PHONE:
                self._alarms.hearing.silent(self._state.alarms[leg.of], leg, item.seconds, never=item.never)
            case inputs.Heard() if leg.role in _OF_PHONE:
                self._alarms.hearing.sounds(self._state.alarms[leg.of], leg)
            case _:
                pass

    def _arrived(self, leg: Leg, *, ringing: bool) -> None:
        if ringing:
            self._legs.rings(leg)
        match leg.role:
            case Role.PERSON:
                self._alarms.ringing.signal(self._state.turns[leg.of], Signal.ARRIVED)
            case Role.CALLBACK:
                self._alarms.callback.arrived(self._state.alarms[leg.of], leg)
            case _:
                self._routine.arrived(self._state.routines[leg.of], ringing=ringing)

    def _answered(self, leg: Leg) -> None:
        match leg.role:
            case Role.PERSON:
                self._alarms.ringing.signal(self._state.turns[leg.of], Signal.ANSWERED)
            case Role.CALLBACK:
                self._alarms.callback.answered(self._state.alarms[leg.of], leg)
            case _:
                self._routine.answered(self._state.routines[leg.of])

    def _ended(self, leg: Leg, *, hung_up: bool) -> None:
        self._legs.is_gone(leg, hung_up=hung_up)
        self._gone(leg, lost=not hung_up, status=480)

    def _gone(self, leg: Leg, *, lost: bool, status: int) -> None:
        match leg.role:
            case Role.PERSON:
                self._alarms.ringing.signal(self._state.turns[leg.of], Signal.ENDED, lost=lost)
            case Role.PHONE | Role.CALLBACK:
                self._alarms.partings.phone_gone(self._state.alarms[leg.of], leg, lost=lost)
            case Role.CALLEE if not leg.up:
                self._routine.refused(self._state.routines[leg.of], status)
            case _:
                self._routine.gone(self._state.routines[leg.of], leg)

    def _timer_due(self, timer: inputs.TimerId) -> None:
        if self._state.timers.pop(timer, None) is None:
            return
        if timer.what == "turn":
            turn = self._state.turns[timer.of]
            if turn.stage is TurnStage.DIALLED:
                self._alarms.not_reached(turn, 0)
            self._alarms.ringing.signal(turn, Signal.DUE)
        elif timer.what == "routine":
            self._routine.due(self._state.routines[timer.of])
        else:
            self._due[timer.what](self._state.alarms[timer.of])

    # --- what outlives the process --------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return all of it as plain values, as JSON can hold."""
        return snapshot(self._state)

    def live_channels(self) -> list[facts.LiveChannel]:
        """Return every leg as `CallTracker.reconcile` wants it, after a restart."""
        return live_channels(self._state)

    @classmethod
    def restore(
        cls,
        site: Site,
        settings: Settings,
        run: str,
        kept: Mapping[str, Any],
        *,
        now: float,
        alive: Collection[str],
    ) -> tuple[Exchange, list[Effect]]:
        """Return the exchange of an earlier run, and what is to be done now.

        alive: legs that the user agent could keep. The others are lost, which is handled as ever: a phone's
        call that nobody had is hunted for. Legs that nobody knows any more are hung up. Raises ProtocolError.
        """
        exchange = cls(site, settings, run)
        exchange._begin(restored(kept, site, settings, run))
        done = exchange._resume(now, frozenset(alive))
        return exchange, done

    def _resume(self, now: float, alive: frozenset[str]) -> list[Effect]:
        state = self._state
        state.now = now
        for leg in state.legs.values():
            leg.plays = False  # whatever was being said ended with the process that said it
        for stray in sorted(alive.difference(state.legs)):
            state.do(HangUp(stray, "nobody knows this call any more"))
        for timer, due in state.timers.items():
            state.do(SetTimer(timer, max(0.0, due - now)))
        lost = {leg.id for leg in state.legs.values() if leg.id not in alive}
        for alarm in state.alarms.values():
            self._alarms.partings.both_lost(alarm, lost)
        # A caller's end takes with it who was rung for it: nobody is dialled in its name first.
        for leg in sorted(state.legs.values(), key=lambda leg: leg.role not in _OF_PHONE):
            if leg.id in lost and leg.id in state.legs:
                self._ended(leg, hung_up=False)
        for leg in state.legs.values():
            if leg.answering:  # a call that could be kept was answered for good
                self._legs.stands(leg)
            if leg.id < leg.peer:
                state.do(Join(leg.id, leg.peer))
        self._alarms.say_again()
        done, state.effects = state.effects, []
        return [effect for effect in done if getattr(effect, "leg", "") not in lost]
