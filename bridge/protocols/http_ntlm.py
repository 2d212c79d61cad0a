"""NTLM on an HTTP request: three legs, the last two over one connection (MS-NTHT 3.1, RFC 4559 4).

Called by `bridge.protocols.milestone_account`, which gives an `NtlmLogIn` to `HttpLink.request`; requests
calls it in the thread that sends. The NTLM messages themselves (MS-NLMP) are those of pyspnego.
"""

from __future__ import annotations

import base64
import logging
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import spnego
from requests.auth import AuthBase

from bridge.protocols.http_wire import CHUNK, LogInBroken, LogInRefused

SCHEMES: Final = ("NTLM", "Negotiate")
"""In the order in which they are taken. Windows understands a bare NTLM message under both names."""
MOST_READ_AWAY: Final = 256 * 1024
"""Bytes of a 401's body that are read away, so that its connection can carry the next leg."""

# Its debug lines hold the messages, from which a password can be guessed.
logging.getLogger("spnego._ntlm").addFilter(lambda record: record.levelno > logging.DEBUG)


class NtlmLogIn(AuthBase):
    """Answers the 401 of a server that wants NTLM. One for one request; a second 401 stands.

    Raises LogInRefused and LogInBroken inside `session.send`.
    """

    def __init__(self, user: str, password: str) -> None:
        """user: `DOMAIN\\name`."""
        self._user = user
        self._password = password

    def __repr__(self) -> str:
        return f"NtlmLogIn({self._user})"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.register_hook("response", self._answered)  # type: ignore[no-untyped-call]  # as it is in requests
        return request

    def _answered(self, response: requests.Response, **sending: Any) -> requests.Response:
        """Go on after the first leg. sending: stream, timeout and what else that was sent with."""
        if response.status_code != 401:
            return response
        scheme = _scheme_of(response)
        context = self._context(urlsplit(response.url).hostname)
        _read_away(response)
        second = _resend(response, f"{scheme} {_step(context, None)}", sending)
        if second.status_code != 401:
            return second
        challenge = _offers(second).get(scheme.lower(), "")
        if not challenge:
            second.close()
            raise LogInRefused(f"it offers {scheme} and does not answer it with a challenge")
        connection = second.raw.connection
        _read_away(second)
        # The challenge is good on its own connection only: on another one the right proof would be refused.
        if connection is None or not connection.is_connected:
            raise LogInBroken
        return _resend(second, f"{scheme} {_step(context, challenge)}", sending)

    def _context(self, host: Any) -> spnego.ContextProxy:
        try:
            return spnego.client(self._user, self._password, hostname=host, service="http", protocol="ntlm")
        except Exception as error:
            raise _unusable(error) from None


def _read_away(response: requests.Response) -> None:
    """Free the connection of `response` for the next leg."""
    with response:
        left = MOST_READ_AWAY
        for chunk in response.iter_content(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise LogInRefused(f"its 401 is larger than {MOST_READ_AWAY} bytes")


def _resend(response: requests.Response, authorization: str, sending: dict[str, Any]) -> requests.Response:
    """Send the request of `response` again with `authorization`, on the same connection while it lives."""
    request = response.request.copy()
    request.headers["Authorization"] = authorization
    answer: requests.Response = response.connection.send(request, **sending)
    return answer


def _scheme_of(response: requests.Response) -> str:
    """The scheme to log in with. Raises LogInRefused if the server offers none of ours."""
    offers = _offers(response)
    for scheme in SCHEMES:
        if scheme.lower() in offers:
            return scheme
    response.close()
    offered = ", ".join(sorted(offers)) or "nothing"
    raise LogInRefused(f"HTTP 401: it offers no Windows log-in (NTLM), only {offered}: switch it on there")


def _offers(response: requests.Response) -> dict[str, str]:
    """Scheme in lower case -> what follows it (RFC 9110 11.6.1; several fields were joined by commas)."""
    offers = (item.strip().partition(" ") for item in response.headers.get("WWW-Authenticate", "").split(","))
    return {scheme.lower(): said.strip() for scheme, _, said in offers if scheme and "=" not in scheme}


def _step(context: spnego.ContextProxy, challenge: str | None) -> str:
    """Return our next message in base64. Raises LogInRefused if the server's cannot be used."""
    try:
        heard = None if challenge is None else base64.b64decode(challenge, validate=True)
        return base64.b64encode(context.step(heard) or b"").decode()
    except Exception as error:  # a broken challenge ends in whatever the parser meets
        raise _unusable(error) from None


def _unusable(error: Exception) -> LogInRefused:
    """Only the error's kind: its text may hold parts of messages."""
    return LogInRefused(f"the NTLM log-in cannot go on ({type(error).__name__}): what it sent is not usable")
