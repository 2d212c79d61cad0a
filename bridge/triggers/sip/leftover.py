"""Calls that rang or waited when an earlier run died: taken back, refused; ended where somebody picked up.

A telephone that is answered while nobody is here to acknowledge it says so again for half a minute, in which
its user hears nothing and cannot be rung. Owned by `line`, told what was kept by `restoring`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.dialog.dialog import Dialog
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.via import Via
from bridge.protocols.sip.message import Request, Response, respond, stateless_tag
from bridge.protocols.sip.params import Parameters
from bridge.protocols.sip.transaction.requests import ack_of_failure, cancel_of
from bridge.triggers.sip.pending import read

_TO_BE_CALLED_AGAIN: Final = 480

Send = Callable[[Request | Response, Flow], None]


class Leftover:
    """send: puts a message on the wire. branch: returns one that was never used."""

    def __init__(self, send: Send, branch: Callable[[], str]) -> None:
        self._send = send
        self._branch = branch
        self._ours: dict[str, Request] = {}
        """INVITEs that were taken back, by the branch of their Via."""

    def release(self, kept: Mapping[str, Any]) -> None:
        """Take back what was sent, refuse what had come. Raises as `restoring.take_up`."""
        for invite, flow in map(read, kept["ours"]):
            self._ours[invite.via.branch] = invite
            self._send(cancel_of(invite), flow)
        for invite, flow in map(read, kept["theirs"]):
            self._send(respond(invite, _TO_BE_CALLED_AGAIN, to_tag=stateless_tag(invite.headers)), flow)

    def answered(self, response: Response, flow: Flow) -> bool:
        """Return whether this answers a call that was taken back, and end that if need be.

        RFC 3261: a failure is acknowledged (17.1.1.3), and so is a 200, which crossed the CANCEL or was
        there before it; then its call is ended (13.2.2.4). Each repeated answer gets the same again.
        """
        invite = self._ours.get(response.via.branch)
        if invite is None or response.cseq.method != "INVITE" or not response.final:
            return False
        if not response.successful:
            self._send(ack_of_failure(invite, response), flow)
            return True
        try:
            dialog = Dialog.of_client(invite, response, invite.from_)
        except ProtocolError:
            return True  # it leads nowhere
        _, bye = dialog.request("BYE")
        for request in (dialog.ack(invite.cseq.number), bye):
            self._send(self._with_via(request, flow), flow)
        return True

    def _with_via(self, request: Request, flow: Flow) -> Request:
        via = Via(flow.transport, *flow.local, Parameters((("branch", self._branch()), ("rport", ""))))
        return Request(request.method, request.uri, request.headers.setting("Via", via), request.body)
