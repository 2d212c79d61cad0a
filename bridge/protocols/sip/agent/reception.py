"""Whatever reaches the user agent, brought to whom it is for: a call, a question of ours, the application.

RFC 3261 sections 8.2, 9.2 and 12.2.2. Called by `agent` and, through `transactions`, by the transactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import admission, called, calling, talking
from bridge.protocols.sip.agent.outside import Outside, Question
from bridge.protocols.sip.agent.settings import Settings
from bridge.protocols.sip.agent.switchboard import Action, Call, Switchboard
from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.agent.transactions import Owner, Transactions
from bridge.protocols.sip.dialog import incoming
from bridge.protocols.sip.dialog import vocabulary as dialog
from bridge.protocols.sip.dialog.vocabulary import Wait
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import MalformedError, Request, Response, answer_to, respond
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip.transaction.machine import Failure

_ACTIONS: Final[Mapping[type[dialog.Effect], Action]] = {**calling.ACTIONS, **talking.ACTIONS}
_TIMERS: Final = {
    Wait.RESEND: talking.timer,
    Wait.ACK: talking.timer,
    Wait.GLARE: talking.timer,
    Wait.SESSION: talking.timer,
    Wait.RESEND_PROVISIONAL: called.timer,
    Wait.PRACK: called.timer,
    Wait.CANCELLED: calling.timer,
    Wait.LATE_ANSWERS: calling.timer,
}
_BEFORE_THE_ANSWER: Final = ("PRACK", "BYE", "UPDATE")


class Reception:
    """Owned by the agent: all that it remembers."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        self._settings: Final = settings
        self.transactions: Final = Transactions(self, tokens, settings.times)
        self.outside: Final = Outside(settings, tokens, self.transactions)
        self.board: Final = Switchboard(
            settings, tokens, self.transactions, _ACTIONS, self._put_to_application
        )

    # --- what the transactions tell ----------------------------------------------------------------------

    def request_came(self, name: Name, request: Request, flow: Flow) -> None:
        try:
            self._take(name, request, flow)
        except ProtocolError as error:
            malformed = error if isinstance(error, MalformedError) else request.malformed(str(error))
            response = answer_to(malformed)
            if response is not None:
                self.board.reply(request, response)

    def ack_came(self, ack: Request, flow: Flow, owner: Owner | None) -> None:
        """Take the ACK of a 2xx. owner: of the INVITE whose branch it has, which it should not have.

        Some telephones (pyVoIP) then put a To tag into it that nobody gave them. We know what they mean.
        """
        call = self.board.call_of(ack) or (owner if isinstance(owner, Call) else None)
        if call is not None and _is_of(call, ack):
            _follow(call, flow)
            talking.request_came(self.board, call, ack)

    def response_came(self, owner: Owner, asked: Request, response: Response) -> None:
        if isinstance(owner, Question):
            self.outside.response_came(owner, asked, response)
        elif isinstance(owner, Call):
            if owner.outgoing is not None and asked is owner.outgoing.invite:
                calling.response_came(self.board, owner, asked, response)
            elif _is_of_session(owner, asked):
                talking.response_came(self.board, owner, asked, response)

    def request_failed(self, owner: Owner, asked: Request, failure: Failure) -> None:
        if isinstance(owner, Question):
            self.outside.request_failed(owner, asked, failure)
        elif isinstance(owner, Call):
            if owner.outgoing is not None and asked is owner.outgoing.invite:
                calling.request_failed(self.board, owner, asked, failure)
            elif _is_of_session(owner, asked):
                talking.request_failed(self.board, owner, asked, failure)

    def reply_failed(self, owner: Owner, name: Name) -> None:
        if isinstance(owner, Call) and name.key[-1] == "INVITE":
            called.reply_failed(self.board, owner)

    def transaction_ended(self, owner: Owner) -> None:
        if isinstance(owner, Call):
            self.board.forget_if_done(owner)

    def call_timer(self, id_: str, wait: Wait) -> None:
        """Say that a timer of a call has run out; the call may be over by now."""
        call = self.board.calls.get(id_)
        if call is None or wait not in call.timers:
            return
        call.timers.discard(wait)
        if wait is Wait.FORGET:
            self.board.forget(call)
        else:
            _TIMERS[wait](self.board, call, wait)

    # --- requests ----------------------------------------------------------------------------------------

    def _take(self, name: Name, request: Request, flow: Flow) -> None:
        """8.2, 9.2, 12.2.2: raises ProtocolError on what cannot be read."""
        if request.method == "CANCEL":
            self._take_cancel(name, request)
            return
        call = self.board.call_of(request) if request.to.tag else None
        if request.to.tag and (call is None or not _is_of(call, request)):
            self.board.reply(request, respond(request, 481))
            return
        refused = admission.refusal(request, self._settings)
        if call is not None:
            self.transactions.adopt(name, call)
        if refused is not None:
            self.board.reply(request, refused)
        elif call is not None:
            _follow(call, flow)
            self._take_in_call(call, request)
        else:
            self._take_outside(name, request, flow)

    def _take_outside(self, name: Name, request: Request, flow: Flow) -> None:
        if request.method == "INVITE":
            called.offer(self.board, name, request, flow)
        elif request.method in self._settings.application_methods:
            self.outside.put_to_application(request, flow)
        elif request.method == "OPTIONS":
            self.board.reply(request, admission.answer(request, 200, *self._settings.capabilities()))
        else:
            # BYE, INFO, PRACK, UPDATE: what belongs to a dialog and names none.
            self.board.reply(request, admission.answer(request, 481))

    def _take_in_call(self, call: Call, request: Request) -> None:
        if call.session is not None:
            talking.request_came(self.board, call, request)
        elif call.over or request.method in _BEFORE_THE_ANSWER:
            self._take_before_answer(call, request)
        elif request.method == "INVITE":
            # 14.2: an offer before the first one is answered.
            again = ("Retry-After", request.cseq.number % 11)
            self.board.reply(request, respond(request, 500, again))
        else:
            talking.answer(self.board, call, request)

    def _take_before_answer(self, call: Call, request: Request) -> None:
        if call.invitation is None:
            self.board.reply(request, respond(request, 481))
        else:
            called.request_came(self.board, call, request)

    def _take_cancel(self, name: Name, cancel: Request) -> None:
        """9.2: what has its final answer is not changed by a CANCEL, which is answered all the same."""
        found = self.transactions.cancelled(cancel)
        if found is None:
            self.board.reply(cancel, admission.answer(cancel, 481))
            return
        owner, invite = found
        if isinstance(owner, Call):
            self.transactions.adopt(name, owner)
            invitation = owner.invitation
            if (
                invitation is not None
                and invitation.invite is invite
                and invitation.state is incoming.State.RINGING
            ):
                called.request_came(self.board, owner, cancel)
                return
        self.board.reply(cancel, admission.answer(cancel, 200))

    def _put_to_application(self, request: Request, call: Call) -> None:
        self.outside.put_to_application(request, call.flow, call.id)


def _is_of(call: Call, request: Request) -> bool:
    """Whether a request that names the call's dialog has the other side's tag as well (12)."""
    if call.session is not None:
        return call.session.dialog.remote.tag == request.from_.tag
    if call.invitation is not None:
        return call.invitation.invite.from_.tag == request.from_.tag
    return call.outgoing is not None and call.outgoing.branch(request.from_.tag) is not None


def _is_of_session(call: Call, asked: Request) -> bool:
    """Whether a request of ours was sent in the call's dialog, and not to a branch that answered too late."""
    if call.session is None or asked.method in ("PRACK", "CANCEL"):
        return False
    return asked.to.tag == call.session.dialog.remote.tag


def _follow(call: Call, flow: Flow) -> None:
    """The other side may come by another connection, or by another hole in its NAT, than before."""
    if (call.symmetric or flow.reliable) and flow != call.flow:
        call.flow = flow
