"""What is done to one leg, and what it is told as: each step is an effect and the channel facts it makes.

Called by `alarms`, `ringing` and `routine`. The facts are those an Asterisk would tell of the same call, in
the same order, so that `bridge.calls.CallTracker` makes the same events of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bridge.b2bua import effects
from bridge.b2bua.inputs import Offered
from bridge.b2bua.site import Target
from bridge.b2bua.state import Leg, Role, State, indexed, unindexed
from bridge.calls import facts

_DIAL_STATUS: Final[Mapping[int, str]] = MappingProxyType(
    {
        404: "CHANUNAVAIL",
        408: "NOANSWER",
        480: "NOANSWER",
        486: "BUSY",
        487: "CANCEL",
        600: "BUSY",
        603: "BUSY",
    }
)
"""Final response -> how Asterisk calls the end of that Dial; any other is `CONGESTION`."""
_NOBODY: Final = "<nobody>"
"""Stands for an endpoint in a channel's name where there is none; `calls` reads it as ''."""


def uniqueid_of(key: tuple[str, str]) -> str:
    """The key of a SIP call is its Call-ID and From tag."""
    return f"{key[0]};{key[1]}"


class Legs:
    def __init__(self, state: State) -> None:
        self._state = state

    # --- beginning ----------------------------------------------------------------------------------

    def offered(self, offer: Offered, role: Role, of: str, exten: str, phone: str) -> Leg:
        """Take a call that comes in."""
        uniqueid = uniqueid_of(offer.key)
        channel = self._channel(offer.endpoint or _NOBODY)
        leg = Leg(offer.leg, uniqueid, uniqueid, channel, offer.endpoint, role, of, True, phone)
        leg.caller, leg.exten = offer.caller, exten
        self._keep(leg)
        self._state.tell(
            facts.Created(
                at=self._state.now,
                uniqueid=uniqueid,
                linkedid=uniqueid,
                channel=channel,
                incoming=True,
                caller=offer.caller,
                name=offer.name,
                exten=exten,
            )
        )
        return leg

    def dial(
        self,
        target: Target,
        role: Role,
        of: str,
        linkedid: str,
        *,
        caller: str = "",
        name: str = "",
        auto_answer: bool = False,
        on_behalf_of: str = "",
    ) -> Leg | None:
        """Call an endpoint; None if it is not one of this site. Nothing is dialled anywhere else."""
        if target.endpoint not in self._state.site.endpoints:
            return None
        leg_id, channel = self._state.name(), self._channel(target.endpoint)
        leg = Leg(leg_id, leg_id, linkedid, channel, target.endpoint, role, of, False, target.phone)
        leg.caller = target.number
        self._keep(leg)
        at = self._state.now
        self._state.tell(
            facts.Created(at=at, uniqueid=leg_id, linkedid=linkedid, channel=channel, incoming=False)
        )
        self._state.tell(
            facts.DialBegan(
                at=at,
                dest_uniqueid=leg_id,
                dest_channel=channel,
                linkedid=linkedid,
                caller=caller,
                name=name,
            )
        )
        self._state.do(
            effects.Dial(
                leg=leg_id,
                endpoint=target.endpoint,
                number=target.number,
                caller=caller,
                name=name,
                auto_answer=auto_answer,
                on_behalf_of=on_behalf_of,
            )
        )
        return leg

    def _channel(self, endpoint: str) -> str:
        return f"SIP/{endpoint}-{self._state.name().rpartition('-')[2]:0>8}"

    def _keep(self, leg: Leg) -> None:
        self._state.legs[leg.id] = leg
        if leg.phone:
            indexed(self._state.legs_of, leg.phone, leg.id)

    # --- what it does itself ------------------------------------------------------------------------

    def rings(self, leg: Leg) -> None:
        self._changed(leg, "Ringing")

    def is_up(self, leg: Leg) -> None:
        """Our call was answered."""
        self._dial_ended(leg, "ANSWER")
        self._up(leg)

    def is_refused(self, leg: Leg, status: int) -> None:
        """Our call came to nothing: the leg is gone."""
        self._dial_ended(leg, _DIAL_STATUS.get(status, "CONGESTION"))
        self._gone(leg, f"SIP {status}")

    def is_gone(self, leg: Leg, *, hung_up: bool) -> None:
        """The other side ended it, or it is lost: nobody hung up."""
        if hung_up:
            self._state.tell(facts.HangupRequested(at=self._state.now, uniqueid=leg.uniqueid))
        elif not leg.incoming and not leg.up:
            self._dial_ended(leg, "CONGESTION")
        self._gone(leg, "hung up" if hung_up else "lost", lost=not hung_up)

    # --- what we do to it ---------------------------------------------------------------------------

    def ring(self, leg: Leg) -> None:
        self._state.do(effects.Ring(leg.id))

    def early_media(self, leg: Leg) -> None:
        leg.early = True
        self._state.do(effects.EarlyMedia(leg.id))

    def answer(self, leg: Leg) -> None:
        """Answer a caller, unless that is done. Nobody is told so before the answer `stands`."""
        if not leg.accepted:
            leg.answering = True
            self._state.do(effects.Answer(leg.id))

    def stands(self, leg: Leg) -> None:
        """The caller has heard our answer."""
        leg.answering = False
        self._up(leg)

    def reject(self, leg: Leg, status: int) -> None:
        self._state.do(effects.Reject(leg.id, status))
        self._changed(leg, "Busy")
        self._gone(leg, f"rejected with {status}")

    def drop(self, leg: Leg, why: str) -> None:
        """End it from our side, as far as it has come."""
        if leg.recording:
            self._state.do(effects.StopRecording(leg.id))
        if leg.incoming or leg.up:
            self._state.do(effects.HangUp(leg.id, why))
        else:
            self._state.do(effects.Cancel(leg.id, why))
            self._dial_ended(leg, "CANCEL")
        self._gone(leg, why)

    def record(self, leg: Leg, file: str) -> None:
        leg.recording = True
        self._state.do(effects.StartRecording(leg.id, file))

    # --- what it hears ------------------------------------------------------------------------------

    def play(self, leg: Leg, words: tuple[effects.Word, ...], language: str, *, loop: bool = False) -> None:
        leg.plays = True
        leg.prompts += 1
        self._state.do(effects.Play(leg.id, leg.prompts, words, language, loop))

    def stop(self, leg: Leg) -> None:
        if leg.plays:
            leg.plays = False
            self._state.do(effects.StopPlaying(leg.id))

    def join(self, one: Leg, other: Leg) -> None:
        """Let two answered legs hear each other, and nothing else."""
        self.stop(one)
        self.stop(other)
        self._state.do(effects.Join(one.id, other.id))
        bridge = self._state.name()
        for leg, peer in ((one, other), (other, one)):
            leg.bridge, leg.peer = bridge, peer.id
            self._state.tell(facts.Entered(at=self._state.now, uniqueid=leg.uniqueid, bridge=bridge))

    def part(self, leg: Leg) -> None:
        """Undo `join`, where there was one."""
        peer = self._state.legs.get(leg.peer)
        if peer is not None:
            self._state.do(effects.Part(leg.id))
            self._left(leg)
            self._left(peer)

    # --- facts --------------------------------------------------------------------------------------

    def said(self, name: str, leg: Leg | None, uid: str, caller: str, **fields: str) -> None:
        """Report as the dialplan pack does, on a leg or, where there is none, in the name of the call."""
        self._state.tell(
            facts.Said(
                at=self._state.now,
                name=name,
                uniqueid=uid if leg is None else leg.uniqueid,
                linkedid=uid if leg is None else leg.linkedid,
                channel="Local/sosbridge" if leg is None else leg.channel,
                caller=caller,
                fields=fields,
            )
        )

    def _changed(self, leg: Leg, state: str) -> None:
        self._state.tell(facts.StateChanged(at=self._state.now, uniqueid=leg.uniqueid, state=state))

    def _up(self, leg: Leg) -> None:
        leg.up = True
        self._changed(leg, "Up")

    def _dial_ended(self, leg: Leg, status: str) -> None:
        at = self._state.now
        self._state.tell(
            facts.DialEnded(at=at, dest_uniqueid=leg.uniqueid, linkedid=leg.linkedid, status=status)
        )

    def _left(self, leg: Leg) -> None:
        self._state.tell(facts.Left(at=self._state.now, uniqueid=leg.uniqueid, bridge=leg.bridge))
        leg.bridge = leg.peer = ""

    def _gone(self, leg: Leg, cause: str, *, lost: bool = False) -> None:
        if (peer := self._state.legs.get(leg.peer)) is not None:
            self._left(leg)
            self._left(peer)
        del self._state.legs[leg.id]
        if leg.phone:
            unindexed(self._state.legs_of, leg.phone, leg.id)
        at = self._state.now
        self._state.tell(facts.Destroyed(at=at, uniqueid=leg.uniqueid, cause=cause, lost=lost))
