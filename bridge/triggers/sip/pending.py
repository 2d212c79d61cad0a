"""INVITEs that nobody has answered finally, in both directions: what would ring for ever if we died.

Kept as text in the state file, so that the next run can take back what rings and refuse what waits
(`leftover`). Called by `line` for each message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.framing.datagram import parse_datagram
from bridge.protocols.sip.message import Request, Response

MOST: Final = 500
"""INVITEs of each direction; one that never gets any answer is forgotten when so many came after it."""


class Pending:
    """Of one line. By the branch of the INVITE's Via."""

    def __init__(self) -> None:
        self._ours: dict[str, tuple[Request, Flow]] = {}
        self._theirs: dict[str, tuple[Request, Flow]] = {}

    def sent(self, message: Request | Response, flow: Flow) -> None:
        """Note a message that leaves."""
        _note(message, flow, begun=self._ours, answered=self._theirs)

    def received(self, message: Request | Response, flow: Flow) -> None:
        """Note a message that comes."""
        _note(message, flow, begun=self._theirs, answered=self._ours)

    def answered(self, response: Response) -> Request | None:
        """Return the INVITE that a response of ours is about to answer, if it begins a call."""
        found = self._theirs.get(response.via.branch)
        return found[0] if found else None

    def plain(self) -> Mapping[str, Any]:
        """Return what JSON can hold, for `leftover` in the next process."""
        return {"ours": _plain(self._ours), "theirs": _plain(self._theirs)}


def _note(
    message: Request | Response,
    flow: Flow,
    *,
    begun: dict[str, tuple[Request, Flow]],
    answered: dict[str, tuple[Request, Flow]],
) -> None:
    if isinstance(message, Request):
        if message.method == "INVITE" and not message.to.tag:
            begun[message.via.branch] = message, flow
            if len(begun) > MOST:
                del begun[next(iter(begun))]
    elif message.final and message.cseq.method == "INVITE":
        answered.pop(message.via.branch, None)


def _plain(pending: Mapping[str, tuple[Request, Flow]]) -> Sequence[Mapping[str, Any]]:
    kept = []
    for invite, flow in pending.values():
        fields = (*invite.headers.only(("Via", "From", "To", "Call-ID", "CSeq", "Route", "Record-Route")),)
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        text = f"{invite.start_line}\r\n{head}\r\n"
        kept.append({"text": text, "flow": [flow.transport, *flow.local, *flow.remote]})
    return kept


def read(kept: Mapping[str, Any]) -> tuple[Request, Flow]:
    """Return one INVITE that was kept. Raises as `restoring.take_up`."""
    invite = parse_datagram(kept["text"].encode())
    if not isinstance(invite, Request):
        raise ProtocolError("no request was kept")
    transport, host, port, remote_host, remote_port = kept["flow"]
    return invite, Flow(transport, (host, port), (remote_host, remote_port))
