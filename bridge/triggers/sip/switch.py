"""The pure exchange, joined with user agent and media: its wishes are done, and it is told what happens.

An input is taken only when all effects of the one before are done, so nothing overtakes anything.
`signalling` and `voices` do what is about calls and about sound; timers, facts and reports are done here.
Called by `service`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from bridge.b2bua import effects, inputs
from bridge.calls import facts
from bridge.errors import Retryable
from bridge.model import Clock
from bridge.protocols.sip_endpoint import Timers
from bridge.triggers.sip.callers import Callers
from bridge.triggers.sip.legs import Leg
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.news import News
from bridge.triggers.sip.signalling import Signalling
from bridge.triggers.sip.studio import Studio
from bridge.triggers.sip.voices import Voices
from bridge.triggers.sip.ways import Ways

RECORDING: Final = "SOSRecording"
"""What the exchange reports when it wants a call recorded: told when it is."""
REPORT_WITHIN: Final = 3.0
"""Seconds in which the exchange must say what becomes of a command; it does at once."""


class Exchange(Protocol):
    """What is used of `b2bua.Exchange`."""

    def feed(self, item: inputs.Input, now: float) -> list[effects.Effect]: ...


class Switch:
    """hurry: called when what has happened must be kept at once.

    media_address: where RTP is received, '' for where signalling is.
    """

    def __init__(
        self,
        exchange: Exchange,
        line: Line,
        studio: Studio,
        callers: Callers,
        ways: Ways,
        *,
        clock: Clock,
        news: News,
        hurry: Callable[[], None],
        media_address: str,
    ) -> None:
        self.legs: Final[dict[str, Leg]] = {}
        self.signalling: Final = Signalling(
            self.legs,
            line,
            studio,
            callers,
            ways,
            take=self.take,
            hurry=hurry,
            came=self._came,
            media_address=media_address,
        )
        self.voices: Final = Voices(
            self.legs,
            studio,
            take=self.take,
            news=news,
            reopen=self.signalling.reopen,
            early_media=self.signalling.early_media,
        )
        self._exchange = exchange
        self._clock = clock
        self._news = news
        self._hurry = hurry
        self._timers: Timers[inputs.TimerId, str] = Timers(lambda timer, _: self.take(inputs.Due(timer)))
        self._inputs: deque[inputs.Input] = deque()
        self._taking = False
        self._reports: dict[str, asyncio.Future[effects.Report]] = {}
        self._said: Mapping[str, str] = {}
        """What the caller that comes right now says about itself."""
        self._doing: Final[Mapping[type, Callable[[Any], None]]] = {
            effects.Dial: self._dial,
            effects.Ring: self.signalling.ring,
            effects.EarlyMedia: self.signalling.early_media,
            effects.Answer: self._answer,
            effects.Reject: self.signalling.reject,
            effects.Cancel: self.signalling.cancel,
            effects.HangUp: self.signalling.hang_up,
            effects.Join: self.voices.join,
            effects.Part: self.voices.part,
            effects.Play: self.voices.play,
            effects.StopPlaying: self.voices.stop_playing,
            effects.StartRecording: self.voices.start_recording,
            effects.StopRecording: self.voices.stop_recording,
            effects.SetTimer: lambda effect: self._timers.set(effect.timer, "", effect.after),
            effects.ClearTimer: lambda effect: self._timers.stop(effect.timer, ""),
            effects.Tell: self._tell,
            effects.Report: self._report,
        }

    def adopt(self, legs: Iterable[Leg], wanted: Iterable[effects.Effect]) -> None:
        """Take up the legs of an earlier run, and do what the exchange wants about it."""
        self.signalling.adopt(legs)
        self._carry_out(wanted)

    def stop(self) -> None:
        """Wait for nothing any more, and end what nobody would hear."""
        self._timers.clear()
        for waiting in self._reports.values():
            waiting.cancel()
        self.signalling.end_unheard()

    def take(self, what: inputs.Input) -> None:
        """Let the exchange take an input, behind those that wait."""
        self._inputs.append(what)
        if self._taking:
            return
        self._taking = True
        try:
            while self._inputs:
                item = self._inputs.popleft()
                wanted = self._exchange.feed(item, self._clock.now())
                if self._concerns_alarm(item, wanted):
                    self._hurry()
                self._carry_out(wanted)
        finally:
            self._taking = False
        self._news.changed()

    def _carry_out(self, wanted: Iterable[effects.Effect]) -> None:
        for effect in wanted:
            self._doing[type(effect)](effect)

    # --- alarms -------------------------------------------------------------------------------------

    def _concerns_alarm(self, item: inputs.Input, wanted: Iterable[effects.Effect]) -> bool:
        """Whether an SOS begins or moves on: its legs are marked, and it is kept at once."""
        reported = any(
            isinstance(effect, effects.Tell) and isinstance(effect.fact, facts.Said) for effect in wanted
        )
        match item:
            case inputs.Offered():
                if reported and (leg := self.legs.get(item.leg)):
                    leg.alarm = True
            case inputs.Provisional() | inputs.Answered() | inputs.Digit():
                leg = self.legs.get(item.leg)
                return reported or (leg is not None and leg.alarm)
            case inputs.Command():
                return True
        return reported or any(map(_for_alarm, wanted))

    def _dial(self, effect: effects.Dial) -> None:
        self.signalling.dial(effect)
        self.legs[effect.leg].alarm = _for_alarm(effect)

    def _answer(self, effect: effects.Answer) -> None:
        if leg := self.legs.get(effect.leg):
            leg.answered = True
        self.signalling.answer(effect)

    # --- commands -----------------------------------------------------------------------------------

    async def command(self, what: inputs.Notify | inputs.Recall | inputs.Taken) -> effects.Report:
        """Let the exchange do what a delivery asks for. Raises Retryable if it says nothing."""
        report: asyncio.Future[effects.Report] = asyncio.get_running_loop().create_future()
        self._reports[what.delivery] = report
        try:
            self.take(what)
            async with asyncio.timeout(REPORT_WITHIN):
                return await report
        except TimeoutError:
            raise Retryable("the exchange does not say what becomes of it") from None
        finally:
            self._reports.pop(what.delivery, None)

    def _report(self, effect: effects.Report) -> None:
        waiting = self._reports.get(effect.delivery)
        if waiting is not None and not waiting.done():
            waiting.set_result(effect)

    # --- facts --------------------------------------------------------------------------------------

    def _came(self, said: Mapping[str, str]) -> None:
        self._said = said

    def _tell(self, effect: effects.Tell) -> None:
        fact = effect.fact
        if isinstance(fact, facts.Created) and fact.incoming:
            self._news.came(fact.uniqueid, self._said)
            self._said = {}
        if isinstance(fact, facts.Said) and fact.name == RECORDING:
            self.voices.is_recorded(fact)
        else:
            self._news.tell(fact)


def _for_alarm(effect: effects.Effect) -> bool:
    """Whether somebody is called for an SOS: in a routine call it is on behalf of its caller."""
    return isinstance(effect, effects.Dial) and not effect.on_behalf_of
