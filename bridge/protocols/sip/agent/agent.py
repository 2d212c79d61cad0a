"""The user agent of one endpoint, sans-IO: messages, timers and the application's wishes in, effects out.

RFC 3261 as a whole, without sockets and clocks. Called by the endpoint (`receive`, `timer`,
`transport_failed`) and by the application: the B2BUA, the SIP trigger, a registration. Every call returns
what is to be done, in its order; nothing is remembered of a call once its last transaction has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bridge.protocols.sip.agent import called, calling, snapshot, talking
from bridge.protocols.sip.agent.calling import Target
from bridge.protocols.sip.agent.effects import CallTimer, Effect, RequestTimer, TimerId, TransactionTimer
from bridge.protocols.sip.agent.login import Login, Proofs
from bridge.protocols.sip.agent.reception import Reception
from bridge.protocols.sip.agent.settings import Settings
from bridge.protocols.sip.agent.snapshot import Snapshot
from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.dialog import session
from bridge.protocols.sip.dialog.vocabulary import Cause, Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.sdp import Local
from bridge.protocols.sip.transaction.layer import Name


class Agent:
    """Called from one thread.

    randomness: gives so many unguessable bytes, `os.urandom` outside of tests.
    """

    def __init__(self, randomness: Callable[[int], bytes], settings: Settings | None = None) -> None:
        self._settings: Final = settings or Settings()
        self._reception: Final = Reception(self._settings, Tokens(randomness))
        self._board: Final = self._reception.board
        self._outside: Final = self._reception.outside
        self._transactions: Final = self._reception.transactions

    @property
    def idle(self) -> bool:
        """Whether nothing at all is remembered."""
        return not (self._board.calls or len(self._transactions) or len(self._outside))

    @property
    def calls(self) -> Sequence[str]:
        """The ids of all calls that are not over."""
        return [call.id for call in self._board.calls.values() if not call.over]

    # --- the endpoint ------------------------------------------------------------------------------------

    def receive(self, message: Request | Response, flow: Flow) -> list[Effect]:
        """Take a message from the wire that `framing` has read, with the flow it came on."""
        self._transactions.receive(message, flow)
        return self._done()

    def timer(self, timer: TimerId) -> list[Effect]:
        """Say that a timer has run out."""
        match timer:
            case TransactionTimer(name, letter):
                self._transactions.fire(name, letter)
            case CallTimer(call_id, wait):
                self._reception.call_timer(call_id, wait)
            case RequestTimer(id_):
                self._outside.give_up(id_)
        return self._done()

    def transport_failed(self, transaction: Name) -> list[Effect]:
        """Say that what a transaction sent did not leave, or came back as undeliverable."""
        self._transactions.fail(transaction)
        return self._done()

    # --- calls that come in ------------------------------------------------------------------------------

    def ring(
        self, call: str, status: int = 180, *, local: Local | None = None, fields: Fields = ()
    ) -> list[Effect]:
        """Say that it rings; with `local` and 183 let the caller hear something before the answer.

        Raises ProtocolError if there is no such call to be answered; so do the others below.
        """
        called.ring(self._board, self._board.living(call), status, local, fields)
        return self._done()

    def accept(self, call: str, local: Local, *, fields: Fields = ()) -> list[Effect]:
        """Answer an offered call. Where nothing is in common it is refused with 488, and `Ended`."""
        called.accept(self._board, self._board.living(call), local, fields)
        return self._done()

    def reject(self, call: str, status: int, *, fields: Fields = ()) -> list[Effect]:
        """Refuse an offered call: 486 busy, 403, 503 with a Retry-After, ..."""
        called.refuse(self._board, self._board.living(call), status, fields, Cause.REJECTED)
        return self._done()

    def challenge(self, call: str, challenges: Sequence[Challenge]) -> list[Effect]:
        """Ask who calls (`digest.challenges`, `digest.judge`); the caller comes again with another INVITE."""
        fields = tuple(("WWW-Authenticate", challenge) for challenge in challenges)
        called.refuse(self._board, self._board.living(call), 401, fields, Cause.CHALLENGED)
        return self._done()

    # --- calls that we make ------------------------------------------------------------------------------

    def invite(self, call: str, target: Target, local: Local) -> list[Effect]:
        """Call somebody. call: a new id, the application's, who also says how long it may ring."""
        calling.invite(self._board, call, target, local)
        return self._done()

    # --- any call ----------------------------------------------------------------------------------------

    def hang_up(self, call: str, *, fields: Fields = ()) -> list[Effect]:
        """End a call in whatever state it is: BYE, CANCEL, or 480 to one that was offered.

        fields: for the BYE or CANCEL: a Reason, so that a telephone that somebody else was quicker than shows
        no missed call. `Ended` may come later: a CANCEL wants its answer, and a BYE
        has to wait for the ACK.
        """
        found = self._board.living(call)
        if found.session is not None:
            talking.hang_up(self._board, found, fields)
        elif found.outgoing is not None:
            calling.hang_up(self._board, found, fields)
        else:
            called.refuse(self._board, found, 480, fields, Cause.REJECTED)
        return self._done()

    def renegotiate(self, call: str, local: Local) -> list[Effect]:
        """Offer other media: a new address, or hold by `local.direction`.

        Its session id and version are the call's own. Raises ProtocolError while another offer is under way.
        """
        talking.renegotiate(self._board, self._board.living(call), local)
        return self._done()

    def send_digit(self, call: str, digit: str, milliseconds: int = 160) -> list[Effect]:
        """Tell by INFO that a key was pressed."""
        talking.send_digit(self._board, self._board.living(call), digit, milliseconds)
        return self._done()

    def snapshot(self, call: str) -> Snapshot:
        """Return a standing call as plain values for `restore`. Raises ProtocolError if it does not stand."""
        return snapshot.snapshot(self._board.living(call))

    def restore(self, kept: Snapshot, *, login: Login | None = None) -> list[Effect]:
        """Take up a call that another process left. Raises ProtocolError on what is no snapshot.

        login: for a call that we made; a snapshot holds no secrets.
        """
        call = snapshot.restore(kept, self._settings.times)
        call.proofs = Proofs(login)
        self._board.open(call)
        if call.session is not None:
            self._board.perform(call, session.resumed(call.session))
        return self._done()

    # --- requests outside of calls -----------------------------------------------------------------------

    def request(
        self,
        id_: str,
        method: str,
        target: Target,
        *,
        sequence: tuple[str, int] | None = None,
        body: bytes = b"",
    ) -> list[Effect]:
        """Send OPTIONS, REGISTER, ...: `RequestAnswered` tells what became of it.

        sequence: Call-ID and number; the request in `RequestAnswered` has the last number that was used.
        """
        self._outside.ask(id_, method, target, sequence, body)
        return self._done()

    def answer(self, id_: str, status: int, *, fields: Fields = (), body: bytes = b"") -> list[Effect]:
        """Answer what was `RequestReceived`, with a final response."""
        self._outside.answer(id_, status, fields, body)
        return self._done()

    def challenge_request(self, id_: str, challenges: Sequence[Challenge]) -> list[Effect]:
        """Ask who sent what was `RequestReceived`."""
        fields = tuple(("WWW-Authenticate", challenge) for challenge in challenges)
        return self.answer(id_, 401, fields=fields)

    # --- how ---------------------------------------------------------------------------------------------

    def _done(self) -> list[Effect]:
        effects, self._transactions.effects = self._transactions.effects, []
        return effects
