"""The server's side of NTLM over HTTP (MS-NTHT). Called by the dialects that have Windows users.

Who they are stands in the file that the environment variable NTLM_USER_FILE names, a line
`domain:name:password` for each: pyspnego reads it there. Without it nobody is let in.
"""

from __future__ import annotations

import base64

import spnego
from spnego.exceptions import SpnegoError

from bridge.simulator.vms.server import Answer, Request

_FIRST = b"NTLMSSP\0\1\0\0\0"
"""How the first message of a log-in begins (MS-NLMP 2.2.1.1)."""


class NtlmDoor:
    """Lets a request in whose connection has been through the handshake.

    offers: the schemes, as the field WWW-Authenticate names them. loses_challenges: close the connection
    with the challenge, so that the proof must come over another one.
    """

    def __init__(self) -> None:
        self.offers: tuple[str, ...] = ("NTLM", "Negotiate")
        self.loses_challenges = False
        self._begun: dict[int, spnego.ContextProxy] = {}
        """Connection -> its handshake: a challenge is good for its own connection only."""

    def refusal(self, request: Request) -> Answer | None:
        """What to answer instead of doing as asked; None if the user has proven who he is."""
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        if scheme not in self.offers or not said:
            return _refuse(", ".join(self.offers))
        message = base64.b64decode(said)
        try:
            if message.startswith(_FIRST):
                self._begun[request.client_port] = spnego.server(protocol="ntlm")
            context = self._begun[request.client_port]
            challenge = context.step(message)
        except (SpnegoError, KeyError):
            self._begun.pop(request.client_port, None)
            return _refuse(", ".join(self.offers))
        if context.complete:
            del self._begun[request.client_port]
            return None
        answer = _refuse(f"{scheme} {base64.b64encode(challenge or b'').decode()}")
        if self.loses_challenges:
            del self._begun[request.client_port]
            return Answer(answer.status, answer.body, answer.kind, {**answer.headers, "Connection": "close"})
        return answer


def _refuse(offers: str) -> Answer:
    page = b"<html><title>401 - Unauthorized</title></html>"
    return Answer(401, page, "text/html", {"WWW-Authenticate": offers})
