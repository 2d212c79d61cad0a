"""The exchange's wishes about calls, done with the user agent, and what the user agent tells of them.

Each leg is one call for the exchange; of several devices of one endpoint the first that answers becomes it.
Signalling and media of a leg go hand in hand: what needs an address of ours waits in the leg's chain
(`studio`). Called by `switch`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from bridge.b2bua import effects, inputs
from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import events
from bridge.protocols.sip.sdp import Local, Stream, make_answer
from bridge.triggers.sip.callers import Caller, Callers, Challenged, Turned
from bridge.triggers.sip.legs import Leg, because, better, hung_up, media_address, status_of
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.studio import Studio
from bridge.triggers.sip.ways import Wanted, Ways

BROKEN: Final = 500
NO_MEDIA: Final = 503
NOBODY: Final = 480


class Signalling:
    """legs: by id, shared with `voices`. take: lets the exchange take an input. hurry: see `Switch`.

    came: told what a caller says about itself, right before its call is taken. media_address: where RTP is
    received, '' for where signalling is.
    """

    def __init__(
        self,
        legs: dict[str, Leg],
        line: Line,
        studio: Studio,
        callers: Callers,
        ways: Ways,
        *,
        take: Callable[[inputs.Input], None],
        hurry: Callable[[], None],
        came: Callable[[Mapping[str, str]], None],
        media_address: str,
    ) -> None:
        self._legs = legs
        self._line = line
        self._studio = studio
        self._callers = callers
        self._ways = ways
        self._take = take
        self._hurry = hurry
        self._came = came
        self._media_address = media_address
        self._of_call: dict[str, Leg] = {}
        """By the id of a call at the user agent."""

    def adopt(self, legs: Iterable[Leg]) -> None:
        """Take up the legs of an earlier run."""
        for leg in legs:
            self._legs[leg.id] = self._of_call[leg.call] = leg

    def end_unheard(self) -> None:
        """End what nobody would hear any more, as the process ends; who talks goes on talking."""
        for leg in self._legs.values():
            if not leg.elsewhere and leg.peer not in self._legs:
                for call in list(leg.branches):
                    self._let_go(leg, call, "the exchange is stopped", elsewhere=False)

    # --- what the user agent tells ------------------------------------------------------------------

    def told(self, event: events.Event) -> None:
        """Take an event of a call."""
        if isinstance(event, events.Offered):
            self._offered(event)
        elif isinstance(event, events.RequestAnswered | events.RequestReceived):
            return
        elif leg := self._of_call.get(event.call):
            self._told_of(leg, event)
        elif isinstance(event, events.Answered):  # it crossed our CANCEL
            self._line.try_to(lambda: self._line.agent.hang_up(event.call))

    def _told_of(self, leg: Leg, event: events.Event) -> None:
        match event:
            case events.Ringing(_, response, stream):
                rings = response.status == 180 or (response.status == 183 and stream is not None)
                self._take(inputs.Provisional(leg.id, rings))
            case events.Answered():
                self._answered(leg, event)
            case events.Accepted(_, stream):
                leg.stream = stream
            case events.Confirmed(_, stream):
                if stream is not None and leg.stream is None:
                    self._aim(leg, stream)
                self._take(inputs.Answered(leg.id))
            case events.Renegotiated(_, stream):
                self._aim(leg, stream)
            case events.Digit(_, digit):
                self._take(inputs.Digit(leg.id, digit))
            case events.Ended():
                self._ended(leg, event)

    def _offered(self, event: events.Offered) -> None:
        agent = self._line.agent
        match self._callers.judge(event):
            case Challenged(challenges):
                self._line.try_to(lambda: agent.challenge(event.call, challenges))
            case Turned(status):
                self._line.try_to(lambda: agent.reject(event.call, status))
            case Caller() as caller:
                leg = Leg(
                    event.call,
                    caller.endpoint,
                    incoming=True,
                    branches={event.call: event.flow},
                    call=event.call,
                    offer=event.offer,
                    hops=event.hops,
                    signalled_from=event.flow.remote[0],
                )
                self._legs[leg.id] = self._of_call[event.call] = leg
                said = {"claimed": caller.claimed} if caller.claimed else {}
                self._came({**event.facts, **said})
                self._take(
                    inputs.Offered(
                        leg=leg.id,
                        key=event.key,
                        endpoint=caller.endpoint,
                        dialled=caller.dialled,
                        caller=caller.number,
                        name=caller.name,
                    )
                )

    def _answered(self, leg: Leg, event: events.Answered) -> None:
        """The first device that answers has the call; the others are let go."""
        if leg.call or event.stream is None:
            self._line.try_to(lambda: self._line.agent.hang_up(event.call))
            return
        leg.call = event.call
        leg.signalled_from = leg.branches[event.call].remote[0]
        for other in [call for call in leg.branches if call != event.call]:
            self._let_go(leg, other, "answered elsewhere", elsewhere=True)
        self._aim(leg, event.stream)
        self._take(inputs.Answered(leg.id))

    def _ended(self, leg: Leg, event: events.Ended) -> None:
        leg.branches.pop(event.call, None)
        self._of_call.pop(event.call, None)
        if leg.is_over():
            return
        if leg.incoming or leg.call == event.call:
            self._forget(leg)
            self._take(inputs.Ended(leg.id, hung_up(event)))
        elif not leg.call:
            leg.refused = better(leg.refused, status_of(event))
            if not leg.branches:
                self._forget(leg)
                self._take(inputs.Refused(leg.id, leg.refused))

    def _aim(self, leg: Leg, stream: Stream) -> None:
        leg.stream = stream
        if not leg.elsewhere:
            self._studio.set_remote(leg.id, stream, leg.signalled_from)

    # --- what the exchange wants --------------------------------------------------------------------

    def dial(self, effect: effects.Dial) -> None:
        leg = self._legs[effect.leg] = Leg(effect.leg, effect.endpoint, incoming=False)
        caller = self._legs.get(effect.on_behalf_of)
        wanted = Wanted(
            number=effect.number,
            caller=effect.caller,
            name=effect.name,
            auto_answer=effect.auto_answer,
            **({} if caller is None else {"hops": max(0, caller.hops - 1)}),
        )
        self._studio.then((leg.id,), lambda: self._invite(leg, wanted))

    async def _invite(self, leg: Leg, wanted: Wanted) -> None:
        targets = await self._ways.to(leg.endpoint, wanted)
        if leg.is_over():
            return
        if not targets:
            self._refuse(leg, NOBODY)
            return
        opened = await self._studio.open(leg.id, media_address(self._media_address, targets[0].flow))
        if leg.is_over():
            return  # closing it stands behind us in the chain
        if opened is None:
            self._refuse(leg, NO_MEDIA)
            return
        local = leg.take_local(opened)
        for number, target in enumerate(targets):
            call = f"{leg.id}.{number}"
            leg.branches[call] = target.flow
            self._of_call[call] = leg
            if not self._line.try_to(partial(self._line.agent.invite, call, target, local)):
                self._of_call.pop(call, None)
                leg.branches.pop(call, None)
        if leg.alarm:
            self._hurry()  # before it says anything, or it would ring on without us
        if not leg.branches and not leg.is_over():
            self._refuse(leg, leg.refused or BROKEN)

    def _refuse(self, leg: Leg, status: int) -> None:
        """Our call comes to nothing by itself."""
        self._forget(leg)
        self._take(inputs.Refused(leg.id, status))

    def ring(self, effect: effects.Ring) -> None:
        if leg := self._legs.get(effect.leg):
            self._line.try_to(lambda: self._line.agent.ring(leg.call))

    def early_media(self, effect: effects.EarlyMedia) -> None:
        if leg := self._legs.get(effect.leg):
            self._studio.then((leg.id,), lambda: self._ring_with_media(leg))

    async def _ring_with_media(self, leg: Leg) -> None:
        """Say 183; where there can be no early media, 180 will do."""
        agent = self._line.agent
        local = await self._media_of(leg) if leg.offer is not None else None
        if leg.is_over():
            return
        if local is None or leg.offer is None:
            self._line.try_to(lambda: agent.ring(leg.call))
        elif self._line.try_to(lambda: agent.ring(leg.call, 183, local=local)):
            with contextlib.suppress(ProtocolError):
                await self._studio.aim(leg.id, make_answer(leg.offer, local)[1], leg.signalled_from)
        else:
            self._line.try_to(lambda: agent.ring(leg.call))

    def answer(self, effect: effects.Answer) -> None:
        if leg := self._legs.get(effect.leg):
            self._studio.then((leg.id,), lambda: self._accept(leg))

    async def _accept(self, leg: Leg) -> None:
        local = await self._media_of(leg)
        if leg.is_over():
            return
        if local is None:
            self._forget(leg)
            self._line.try_to(lambda: self._line.agent.reject(leg.call, NO_MEDIA))
            self._take(inputs.Ended(leg.id, hung_up=False))
            return
        if not self._line.try_to(lambda: self._line.agent.accept(leg.call, local)) and not leg.is_over():
            self._forget(leg)
            self._take(inputs.Ended(leg.id, hung_up=False))
        if leg.stream is not None and not leg.is_over():
            await self._studio.aim(leg.id, leg.stream, leg.signalled_from)

    async def _media_of(self, leg: Leg) -> Local | None:
        """Return our side of a caller's media, opened if need be; None where there are none."""
        if leg.local is None and not leg.is_over():
            opened = await self._studio.open(leg.id, self._address(leg))
            return leg.take_local(opened) if opened else None
        return leg.local

    def reject(self, effect: effects.Reject) -> None:
        if leg := self._legs.get(effect.leg):
            self._forget(leg)
            self._line.try_to(lambda: self._line.agent.reject(leg.call, effect.status))

    def cancel(self, effect: effects.Cancel) -> None:
        self._end(effect.leg, effect.why, elsewhere=True)

    def hang_up(self, effect: effects.HangUp) -> None:
        self._end(effect.leg, effect.why, elsewhere=False)

    def _end(self, leg_id: str, why: str, *, elsewhere: bool) -> None:
        if leg := self._legs.get(leg_id):
            self._forget(leg)
            for call in list(leg.branches):
                self._let_go(leg, call, why, elsewhere=elsewhere)

    def _let_go(self, leg: Leg, call: str, why: str, *, elsewhere: bool) -> None:
        leg.branches.pop(call, None)
        self._of_call.pop(call, None)
        self._line.try_to(lambda: self._line.agent.hang_up(call, fields=because(why, elsewhere=elsewhere)))

    def _forget(self, leg: Leg) -> None:
        """The exchange does not know this leg any more."""
        leg.over = True
        self._legs.pop(leg.id, None)
        if not leg.elsewhere:
            self._studio.close(leg.id)

    def _address(self, leg: Leg) -> str:
        return media_address(self._media_address, leg.branches[leg.call])

    async def reopen(self, leg: Leg) -> bool:
        """Open a leg's media anew, and tell the other side by re-INVITE. False where that is of no use."""
        if leg.is_over() or not leg.call:
            return False
        opened = await self._studio.open(leg.id, self._address(leg))
        if opened is None or leg.is_over():
            return False
        local = leg.take_local(opened)
        if not self._line.try_to(lambda: self._line.agent.renegotiate(leg.call, local)):
            return False
        if leg.stream is not None:  # the other side stays where it is; if not, `Renegotiated` says so
            await self._studio.aim(leg.id, leg.stream, leg.signalled_from)
        return True
