"""The exchange's wishes about voices, done with the media; and what the media tell of a leg.

A leg whose voice is with the media process of an earlier run is left alone. Called by `switch`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial

from bridge.b2bua import effects, inputs
from bridge.calls import facts
from bridge.protocols.media import facade
from bridge.triggers.sip.legs import Leg
from bridge.triggers.sip.news import News
from bridge.triggers.sip.studio import Studio


class Voices:
    """legs: by id, shared with `signalling`. take: lets the exchange take an input.

    reopen, early_media: Signalling's.
    """

    def __init__(
        self,
        legs: Mapping[str, Leg],
        studio: Studio,
        *,
        take: Callable[[inputs.Input], None],
        news: News,
        reopen: Callable[[Leg], Awaitable[bool]],
        early_media: Callable[[effects.EarlyMedia], None],
    ) -> None:
        self._legs = legs
        self._studio = studio
        self._take = take
        self._news = news
        self._reopen = reopen
        self._early_media = early_media

    # --- what the exchange wants --------------------------------------------------------------------

    def join(self, effect: effects.Join) -> None:
        one, other = self._voice(effect.one), self._voice(effect.other)
        if one is not None and other is not None:
            one.peer, other.peer = other.id, one.id
            self._studio.join(one.id, other.id)

    def part(self, effect: effects.Part) -> None:
        if leg := self._voice(effect.leg):
            leg.peer = ""
            self._studio.leave(leg.id)

    def play(self, effect: effects.Play) -> None:
        if leg := self._voice(effect.leg):
            leg.playing = effect
            self._studio.play(
                effect.leg,
                effect.number,
                effect.words,
                effect.language,
                loop=effect.loop,
                over=lambda: self._take(inputs.PromptEnded(effect.leg, effect.number)),
            )

    def stop_playing(self, effect: effects.StopPlaying) -> None:
        if leg := self._voice(effect.leg):
            leg.playing = None
            self._studio.stop_playing(leg.id)

    def start_recording(self, effect: effects.StartRecording) -> None:
        if leg := self._voice(effect.leg):
            leg.recording = effect.file
            self._record(leg)

    def stop_recording(self, effect: effects.StopRecording) -> None:
        if leg := self._voice(effect.leg):
            leg.recording = ""
            self._studio.stop_recording(leg.id)

    def is_recorded(self, said: facts.Said) -> None:
        """Tell that a call is recorded as soon as it is; it may not even be open yet."""
        for leg in self._legs.values():
            if leg.recording and leg.recording == said.fields.get("file"):
                leg.recorded = said

    def _record(self, leg: Leg) -> None:
        file = leg.next_file()
        again = leg.files > 1
        self._studio.start_recording(leg.id, file, lambda: self._began(leg, file, again=again))

    def _began(self, leg: Leg, file: str, *, again: bool) -> None:
        if leg.recorded is not None:
            self._news.recorded(leg.recorded, file, again=again)

    def _voice(self, leg_id: str) -> Leg | None:
        """Return a leg whose voice we have."""
        leg = self._legs.get(leg_id)
        return None if leg is None or leg.elsewhere else leg

    # --- what the media tell ------------------------------------------------------------------------

    def told(self, event: facade.MediaEvent) -> None:
        """Take an event of the media that is about one leg."""
        leg = self._legs.get(event.leg)
        if leg is None:
            return
        match event:
            case facade.Digit(digit=digit):
                self._take(inputs.Digit(leg.id, digit))
            case facade.PromptEnded(prompt=prompt):
                self._studio.prompt_ended(
                    leg.id, prompt, lambda number: self._take(inputs.PromptEnded(leg.id, number))
                )
            case facade.RtpSilent(seconds=seconds, never=never):
                if leg.talks and not leg.alarm:  # of an SOS the exchange tells
                    self._news.silent(leg, seconds)
                self._take(inputs.Silent(leg.id, seconds, never))
            case facade.FirstRtp() | facade.RtpBack():
                self._news.heard(leg)
                self._take(inputs.Heard(leg.id))

    def recorded(self, legs: Iterable[str]) -> int:
        """Return how many of these are to be recorded."""
        return sum(bool(leg.recording) for name in legs if (leg := self._legs.get(name)))

    def lost(self, legs: Sequence[str]) -> None:
        """The media process is gone: open each leg anew, and go on where it was."""
        self._studio.lost(legs)
        for leg in [self._legs[name] for name in legs if name in self._legs]:
            leg.local = None
            self._studio.then((leg.id,), partial(self._revive, leg))

    async def _revive(self, leg: Leg) -> None:
        reopened = await self._reopen(leg)
        if leg.local is not None and not leg.is_over():
            if not reopened and leg.incoming and not leg.answered:  # no re-INVITE yet, but another 183
                self._early_media(effects.EarlyMedia(leg.id))
            if leg.recording:
                self._record(leg)
            if leg.playing is not None:
                self.play(leg.playing)
            if leg.peer in self._legs:
                self._studio.join(leg.id, leg.peer)
