"""The transaction layer with flows, Via and owners: what the agent sends, and whom an answer is for.

Called by `switchboard` and `agent`. What comes up from a transaction goes to the `User`, at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from bridge.protocols.sip.agent.effects import CancelTimer, Effect, Send, SetTimer, TransactionTimer
from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.dialog.vocabulary import Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.via import Via
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.params import Parameters
from bridge.protocols.sip.transaction import machine
from bridge.protocols.sip.transaction.layer import Name, Outcome, Side, TransactionLayer
from bridge.protocols.sip.transaction.machine import Failure
from bridge.protocols.sip.transaction.matching import client_key, server_key
from bridge.protocols.sip.transaction.requests import cancel_of
from bridge.protocols.sip.transaction.timers import Timer, Times


@dataclass(eq=False)
class Owner:
    """Whose transactions they are: a call, or a request outside of calls."""

    transactions: set[Name] = field(default_factory=set, kw_only=True)


@dataclass(slots=True)
class _Living:
    """asked: our request as its owner knows it, without Via; None where we are the server."""

    flow: Flow
    owner: Owner | None = None
    asked: Request | None = None
    timers: set[Timer] = field(default_factory=set)


class User(Protocol):
    """What a transaction has to tell."""

    def request_came(self, name: Name, request: Request, flow: Flow) -> None: ...
    def ack_came(self, ack: Request, flow: Flow, owner: Owner | None) -> None: ...
    def response_came(self, owner: Owner, asked: Request, response: Response) -> None: ...
    def request_failed(self, owner: Owner, asked: Request, failure: Failure) -> None: ...
    def reply_failed(self, owner: Owner, name: Name) -> None: ...
    def transaction_ended(self, owner: Owner) -> None: ...


class Transactions:
    """All transactions of the agent. Effects are collected in `effects`, which the agent empties."""

    def __init__(self, user: User, tokens: Tokens, times: Times) -> None:
        self.effects: list[Effect] = []
        self._user: Final = user
        self._tokens: Final = tokens
        self._layer: Final = TransactionLayer(times)
        self._living: Final[dict[Name, _Living]] = {}

    def __len__(self) -> int:
        return len(self._living)

    # --- what happens ------------------------------------------------------------------------------------

    def receive(self, message: Request | Response, flow: Flow) -> None:
        """Take a message from the wire."""
        name, effects = self._layer.receive(message, reliable=flow.reliable)
        if name is not None and name not in self._living:
            self._living[name] = _Living(flow)
        self._perform((name, effects), flow)

    def fire(self, name: Name, timer: Timer) -> None:
        if name in self._living and timer in self._living[name].timers:
            self._living[name].timers.discard(timer)
            self._perform(self._layer.fire(name, timer))

    def fail(self, name: Name) -> None:
        """What this transaction sent did not leave."""
        self._perform(self._layer.fail(name))

    # --- what is to be done ------------------------------------------------------------------------------

    def ask(self, owner: Owner, request: Request, flow: Flow, signed: Request | None = None) -> Name:
        """Send a request of `owner`, in a transaction of its own. signed: the same with its credentials."""
        return self._send(owner, request, self._with_via(signed or request, flow), flow)

    def acknowledge(self, ack: Request, flow: Flow) -> None:
        """Send the ACK of a 2xx."""
        self.effects.append(Send(self._with_via(ack, flow), flow, None))

    def cancel(self, owner: Owner, name: Name, fields: Fields) -> None:
        """Send the CANCEL of an INVITE: where that went, with its branch (9.1)."""
        invite = self._layer.request_of(name)
        if invite is not None:
            cancel = cancel_of(invite)
            cancel = replace(cancel, headers=cancel.headers.adding(*fields))
            self._send(owner, cancel, cancel, self._living[name].flow)

    def respond(self, request: Request, response: Response) -> None:
        """Answer a request that came in; nothing happens if its transaction has ended."""
        self._perform(self._layer.respond(Name(Side.SERVER, server_key(request)), response))

    def abandon(self, name: Name) -> None:
        self._perform(self._layer.abandon(name))

    def adopt(self, name: Name, owner: Owner) -> None:
        """Make a request that came in a matter of `owner`."""
        self._living[name].owner = owner
        owner.transactions.add(name)

    def cancelled(self, cancel: Request) -> tuple[Owner | None, Request] | None:
        """Return whom the INVITE of a CANCEL belongs to, and the INVITE; None if there is no such thing."""
        name = self._layer.invite_of(cancel)
        invite = None if name is None else self._layer.request_of(name)
        if name is None or invite is None:
            return None
        return self._living[name].owner, invite

    # --- how ---------------------------------------------------------------------------------------------

    def _send(self, owner: Owner, asked: Request, sent: Request, flow: Flow) -> Name:
        name = Name(Side.CLIENT, client_key(sent))
        _, effects = self._layer.send(sent, reliable=flow.reliable)
        self._living[name] = _Living(flow, owner, asked)
        owner.transactions.add(name)
        self._perform((name, effects))
        return name

    def _with_via(self, request: Request, flow: Flow) -> Request:
        """18.1.1, with `rport` (RFC 3581) so that the answer finds the way back through a NAT."""
        params = Parameters((("branch", self._tokens.branch()), ("rport", "")))
        via = Via(flow.transport, *flow.local, params)
        return Request(request.method, request.uri, request.headers.setting("Via", via), request.body)

    def _perform(self, outcome: Outcome, flow: Flow | None = None) -> None:
        """flow: for what belongs to no transaction."""
        name, effects = outcome
        living = None if name is None else self._living.get(name)
        if name is None or living is None:
            for effect in effects:
                self._perform_stateless(effect, flow)
            return
        for effect in effects:
            # Not `match`, which takes four times as long, and every message passes here.
            if isinstance(effect, machine.Send):
                self.effects.append(Send(effect.message, living.flow, name))
            elif isinstance(effect, machine.SetTimer):
                living.timers.add(effect.timer)
                self.effects.append(SetTimer(TransactionTimer(name, effect.timer), effect.after))
            elif isinstance(effect, machine.StopTimer):
                self._stop(name, living, effect.timer)
            elif isinstance(effect, machine.Deliver):
                self._deliver(name, living, effect.message)
            elif isinstance(effect, machine.Failed):
                self._tell_failure(name, living, effect.failure)
            else:
                self._end(name, living)

    def _perform_stateless(self, effect: machine.Effect, flow: Flow | None) -> None:
        if flow is None:
            return
        if isinstance(effect, machine.Send):
            self.effects.append(Send(effect.message, flow, None))
        elif isinstance(effect, machine.Deliver) and isinstance(effect.message, Request):
            self._user.ack_came(effect.message, flow, None)

    def _stop(self, name: Name, living: _Living, timer: Timer) -> None:
        if timer in living.timers:
            living.timers.discard(timer)
            self.effects.append(CancelTimer(TransactionTimer(name, timer)))

    def _deliver(self, name: Name, living: _Living, message: Request | Response) -> None:
        if isinstance(message, Request):
            if message.method == "ACK":
                self._user.ack_came(message, living.flow, living.owner)
            else:
                self._user.request_came(name, message, living.flow)
        elif living.owner is not None and living.asked is not None:
            self._user.response_came(living.owner, living.asked, message)

    def _tell_failure(self, name: Name, living: _Living, failure: Failure) -> None:
        if living.owner is None:
            return
        if living.asked is not None:
            self._user.request_failed(living.owner, living.asked, failure)
        else:
            self._user.reply_failed(living.owner, name)

    def _end(self, name: Name, living: _Living) -> None:
        del self._living[name]
        for timer in sorted(living.timers):
            self.effects.append(CancelTimer(TransactionTimer(name, timer)))
        if living.owner is not None:
            living.owner.transactions.discard(name)
            self._user.transaction_ended(living.owner)
