"""All calls of one user agent; what the machines of `dialog` ask for is done here.

Called by `called` (calls that come in), `calling` (calls that we make) and `talking` (calls that stand); the
latter two bring actions for the effects that only they understand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.effects import CallTimer, CancelTimer, SetTimer
from bridge.protocols.sip.agent.events import Ended, Event
from bridge.protocols.sip.agent.login import Proofs, copied
from bridge.protocols.sip.agent.media import Media
from bridge.protocols.sip.agent.settings import Settings
from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.agent.transactions import Owner, Transactions
from bridge.protocols.sip.dialog import outgoing
from bridge.protocols.sip.dialog import vocabulary as dialog
from bridge.protocols.sip.dialog.incoming import Invitation
from bridge.protocols.sip.dialog.session_state import Session
from bridge.protocols.sip.dialog.vocabulary import Wait
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.sdp import Description
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip.uri import SipUri, Uri

DialogKey: TypeAlias = tuple[str, str]
"""Call-ID and our tag. The other side's tag is not in it: a fork has several."""


@dataclass(eq=False, kw_only=True)
class Call(Owner):
    """One call, from its INVITE until its last transaction has ended.

    flow: where its INVITE came from or went to. symmetric: the other side is behind a NAT: all goes that way,
    whatever its Contact says. late_offer: our offer is in our 200, or theirs in their 200, and the answer in
    the ACK. updates: the other side takes UPDATE.
    """

    id: str
    key: DialogKey
    flow: Flow
    symmetric: bool = False
    invitation: Invitation | None = None
    outgoing: outgoing.Call | None = None
    invite: Name | None = None
    """The transaction of our INVITE."""
    session: Session | None = None
    media: Media | None = None
    offer: Description | None = None
    """That of the INVITE that came in, until it is answered."""
    unreadable: bool = False
    early: dict[str, Media] = field(default_factory=dict)
    """The answers in provisional responses, by the tag of their branch."""
    proposed: Media | None = None
    """Our offer within the call, while it is unanswered."""
    late_offer: bool = False
    confirmed: bool = False
    updates: bool = False
    proofs: Proofs = field(default_factory=Proofs)
    signed: Request | None = None
    """Our last INVITE with its credentials, None if nobody asked for any."""
    timers: set[Wait] = field(default_factory=set)
    over: bool = False


Action: TypeAlias = Callable[["Switchboard", Call, Any], None]
"""Does what an effect of a machine asks for."""


class Switchboard:
    """actions: for the effects that `calling` and `talking` see to, by their types."""

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        transactions: Transactions,
        actions: Mapping[type[dialog.Effect], Action],
        put_to_application: Callable[[Request, Call], None],
    ) -> None:
        self.settings: Final = settings
        self.tokens: Final = tokens
        self.transactions: Final = transactions
        self.put_to_application: Final = put_to_application
        self.calls: Final[dict[str, Call]] = {}
        self._dialogs: Final[dict[DialogKey, Call]] = {}
        self._actions: Final[Mapping[type[dialog.Effect], Action]] = {**_ACTIONS, **actions}

    # --- which calls there are ---------------------------------------------------------------------------

    def open(self, call: Call) -> None:
        """Raises ProtocolError if there is such a call already."""
        if call.id in self.calls or call.key in self._dialogs:
            raise ProtocolError(f"there is a call {call.id} already")
        self.calls[call.id] = self._dialogs[call.key] = call

    def living(self, call: str) -> Call:
        """Return the call with that id. Raises ProtocolError if it is over."""
        found = self.calls.get(call)
        if found is None or found.over:
            raise ProtocolError(f"there is no call {call}")
        return found

    def call_of(self, request: Request) -> Call | None:
        """Return the call whose dialog a request that came in is in, None if there is none."""
        return self._dialogs.get((str(request.call_id), request.to.tag))

    # --- what is to be done ------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        self.transactions.effects.append(event)

    def perform(self, call: Call, effects: dialog.Effects) -> None:
        for effect in effects:
            self._actions[type(effect)](self, call, effect)

    def reply(self, request: Request, response: Response) -> None:
        self.transactions.respond(request, response)

    def ask(self, call: Call, request: Request) -> Name:
        """Send a request of a call, signed with all that we were asked for before."""
        call.proofs, signed = call.proofs.signed(request, self.tokens)
        if request.method == "INVITE" and signed is not request:
            call.signed = signed
        return self.transactions.ask(call, request, self.flow_of(call, request), signed)

    def flow_of(self, call: Call, request: Request) -> Flow:
        """Return where a request is to be sent: an INVITE where the user wants it, all else by its dialog."""
        if call.symmetric or not request.to.tag:
            return call.flow
        return self.settings.route(_next_hop(request), call.flow)

    def start(self, call: Call, wait: Wait, after: float) -> None:
        call.timers.add(wait)
        self.transactions.effects.append(SetTimer(CallTimer(call.id, wait), after))

    def stop(self, call: Call, wait: Wait) -> None:
        if wait in call.timers:
            call.timers.discard(wait)
            self.transactions.effects.append(CancelTimer(CallTimer(call.id, wait)))

    # --- the end -----------------------------------------------------------------------------------------

    def end(self, call: Call, ended: Ended) -> None:
        """Tell the application, once, and forget the call as soon as nothing of it is under way any more."""
        if call.over:
            return
        call.over = True
        # What is left only answers repetitions, for half a minute, and needs no media for it.
        call.media = call.offer = call.proposed = None
        call.early.clear()
        self.emit(ended)
        # Longer than any transaction that still gets its messages; for those that wait for nothing any more.
        self.start(call, Wait.FORGET, 2 * self.settings.times.timeout)
        self.forget_if_done(call)

    def forget_if_done(self, call: Call) -> None:
        if not call.over or call.transactions or self.calls.get(call.id) is not call:
            return
        for wait in sorted(call.timers):
            self.stop(call, wait)
        del self.calls[call.id]
        del self._dialogs[call.key]

    def forget(self, call: Call) -> None:
        """Forget a call that is over, and whatever of it still waits."""
        for name in sorted(call.transactions, key=str):
            self.transactions.abandon(name)
        self.forget_if_done(call)


def _next_hop(request: Request) -> Uri:
    """8.1.2: the first Route, unless that is a strict router, who is in the Request-URI already."""
    routes = request.routes
    first = routes[0].uri if routes else None
    return first if isinstance(first, SipUri) and first.loose else request.uri


def _reply(board: Switchboard, _call: Call, effect: dialog.Reply) -> None:
    board.reply(effect.request, effect.response)


def _ask(board: Switchboard, call: Call, effect: dialog.Ask) -> None:
    board.ask(call, effect.request)


def _acknowledge(board: Switchboard, call: Call, effect: dialog.Acknowledge) -> None:
    ack = effect.ack if call.signed is None else copied(call.signed, effect.ack)
    board.transactions.acknowledge(ack, board.flow_of(call, ack))


def _cancel(board: Switchboard, call: Call, effect: dialog.Cancel) -> None:
    if call.invite is not None:
        board.transactions.cancel(call, call.invite, effect.fields)


def _abandon(board: Switchboard, call: Call, _effect: dialog.Abandon) -> None:
    if call.invite is not None:
        board.transactions.abandon(call.invite)


def _start(board: Switchboard, call: Call, effect: dialog.Start) -> None:
    board.start(call, effect.wait, effect.after)


def _stop(board: Switchboard, call: Call, effect: dialog.Stop) -> None:
    board.stop(call, effect.wait)


def _finished(board: Switchboard, call: Call, effect: dialog.Finished) -> None:
    board.end(call, Ended(call.id, effect.cause, request=effect.request))


_ACTIONS: Final[Mapping[type[dialog.Effect], Action]] = {
    dialog.Reply: _reply,
    dialog.Ask: _ask,
    dialog.Acknowledge: _acknowledge,
    dialog.Cancel: _cancel,
    dialog.Abandon: _abandon,
    dialog.Start: _start,
    dialog.Stop: _stop,
    dialog.Finished: _finished,
}
