"""Requests outside of calls, ours and the other side's: OPTIONS, REGISTER, MESSAGE. Called by `agent`.

RFC 3261 sections 8.1 and 8.2. Requests within a call that only the application can answer wait here as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.calling import Target
from bridge.protocols.sip.agent.effects import CancelTimer, RequestTimer, SetTimer
from bridge.protocols.sip.agent.events import RequestAnswered, RequestReceived
from bridge.protocols.sip.agent.login import Proofs
from bridge.protocols.sip.agent.settings import Settings
from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.agent.transactions import Owner, Transactions
from bridge.protocols.sip.dialog.vocabulary import Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.max_forwards import MaxForwards
from bridge.protocols.sip.message import Headers, Request, Response, respond
from bridge.protocols.sip.transaction.machine import Failure

_NEVER_ASKED: Final = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE")
"""Methods that belong to calls."""


@dataclass(eq=False, kw_only=True)
class Question(Owner):
    """A request of the application's that waits for its final response."""

    id: str
    flow: Flow
    proofs: Proofs
    answered: bool = False


class Outside:
    """Owned by the agent."""

    def __init__(self, settings: Settings, tokens: Tokens, transactions: Transactions) -> None:
        self._settings: Final = settings
        self._tokens: Final = tokens
        self._transactions: Final = transactions
        self._questions: Final[dict[str, Question]] = {}
        self._waiting: Final[dict[str, Request]] = {}
        """Requests that the application has not answered."""

    def __len__(self) -> int:
        return len(self._questions) + len(self._waiting)

    # --- ours --------------------------------------------------------------------------------------------

    def ask(
        self, id_: str, method: str, target: Target, sequence: tuple[str, int] | None, body: bytes
    ) -> None:
        """sequence: Call-ID and number, for what must keep them (REGISTER, 10.2). Raises ProtocolError."""
        if id_ in self._questions or method in _NEVER_ASKED:
            raise ProtocolError(f"no {method} can be sent under the name {id_}")
        call_id, number = sequence or (self._tokens.text(), 1)
        headers = Headers.of(
            *(("Route", route) for route in target.routes),
            ("Max-Forwards", MaxForwards(target.hops)),
            ("From", target.from_.with_tag(self._tokens.text())),
            ("To", target.to or Address(target.uri)),
            ("Call-ID", call_id),
            ("CSeq", CSeq(number, method)),
            ("User-Agent", self._settings.name),
            *target.fields,
        )
        request = Request(method, target.uri, headers, body)
        bytes(request)  # what cannot be written is found out before there is a question
        self._questions[id_] = Question(id=id_, flow=target.flow, proofs=Proofs(target.login))
        self._send(self._questions[id_], request)

    def _send(self, question: Question, request: Request) -> None:
        question.proofs, signed = question.proofs.signed(request, self._tokens)
        self._transactions.ask(question, request, question.flow, signed)

    def response_came(self, question: Question, asked: Request, response: Response) -> None:
        if not response.final or question.answered:
            return
        proofs = question.proofs.challenged(response)
        if proofs is None:
            self._settle(question, RequestAnswered(question.id, asked, response, None))
            return
        question.proofs = proofs
        number = CSeq(asked.cseq.number + 1, asked.method)
        self._send(question, replace(asked, headers=asked.headers.setting("CSeq", number)))

    def request_failed(self, question: Question, asked: Request, failure: Failure) -> None:
        self._settle(question, RequestAnswered(question.id, asked, None, failure))

    def _settle(self, question: Question, event: RequestAnswered) -> None:
        """The name is free at once; the transaction lives on for a repeated response."""
        if not question.answered:
            question.answered = True
            del self._questions[question.id]
            self._transactions.effects.append(event)

    # --- the other side's --------------------------------------------------------------------------------

    def put_to_application(self, request: Request, flow: Flow, call: str = "") -> None:
        """An application that says nothing must not keep the other side, and us, waiting for ever."""
        id_ = self._tokens.text()
        self._waiting[id_] = request
        self._transactions.effects += (
            SetTimer(RequestTimer(id_), self._settings.times.timeout),
            RequestReceived(id_, request, flow, call),
        )

    def answer(self, id_: str, status: int, fields: Fields, body: bytes) -> None:
        """Raises ProtocolError if there is no such request, or its time has passed."""
        if id_ not in self._waiting or status < 200:
            raise ProtocolError(f"no answer {status} can be given to request {id_}")
        self._transactions.effects.append(CancelTimer(RequestTimer(id_)))
        self._respond(self._waiting.pop(id_), status, fields, body)

    def give_up(self, id_: str) -> None:
        """The application has not answered in time."""
        request = self._waiting.pop(id_, None)
        if request is not None:
            self._respond(request, 500, (), b"")

    def waiting(self, id_: str) -> Request:
        """Raises ProtocolError if there is no such request."""
        if id_ not in self._waiting:
            raise ProtocolError(f"there is no request {id_}")
        return self._waiting[id_]

    def _respond(self, request: Request, status: int, fields: Fields, body: bytes) -> None:
        response = respond(request, status, *fields, to_tag=self._tokens.text(), body=body)
        self._transactions.respond(request, response)
