"""The way to an Nx server: which version of its API, a log-in session, and every request with its token.

Called by `bridge.protocols.nx`. Sources: the vendor's OpenAPI file of REST v4 (login/sessions, site/info),
its Python samples, and its own Python client for the errors: a 401 for a token that ran out, and a 403 or
422 whose `errorId` names the session for one that is too old for what is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import ConfigError, Permanent
from bridge.model import NOTHING, Clock
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.http_refusal import LastRefusal
from bridge.protocols.http_token import Token, Tokens, unauthorized
from bridge.protocols.nx_answers import (
    number_in,
    object_in,
    parse_site,
    text_in,
)
from bridge.protocols.nx_values import (
    SiteInfo,
)
from bridge.protocols.secret import Secret

RENEW_AT: Final = 0.8
"""Part of a session's life after which another one is opened."""
TOO_OLD: Final = frozenset({403, 422})
"""Statuses that may only mean that the session is too old."""

_TOKEN: Final = re.compile(r"[!-~]+")


class SessionTooOld(Refused):
    """The server knows the session, and it is too old for what was asked."""


class NxSession:
    """One user's session. `version` 0 asks the server for the highest version of its API."""

    def __init__(self, link: HttpLink, *, user: str, password: Secret, version: int, clock: Clock) -> None:
        self._link = link
        self._user = user
        self._password = password
        self._pinned = version
        self._version = version
        self._clock = clock
        self._last_refusal = LastRefusal(clock)
        self._tokens = Tokens(self._log_in, clock, outlived=_outlived)

    @property
    def version(self) -> int:
        """The API's version in use: 1 to 4; 0 before the first log-in where it is not pinned."""
        return self._version

    async def site(self, limits: Limits = NO_LIMITS) -> SiteInfo:
        """Ask the server what it is; needs no log-in. Raises Refused 404 where there is no REST API at all.

        The first version's path answers on every server since 5.0; the other one is for a server that
        has dropped it.
        """
        try:
            return parse_site(await self._send("GET", "/rest/v1/system/info", Effect.NONE, limits))
        except Refused as error:
            if error.status != 404:
                raise
        try:
            return parse_site(await self._send("GET", "/rest/v4/site/info", Effect.NONE, limits))
        except Refused as error:
            raise Refused(f"{error}: no REST API here; Nx 5.0 or later is needed", error.status) from None

    async def log_in(self, limits: Limits = NO_LIMITS) -> None:
        """Open a new session. Raises Permanent if the server refuses the user."""
        await self._tokens.renew(limits)

    async def open(self, limits: Limits = NO_LIMITS) -> str:
        """Return the token of a session that lives, which may need a log-in."""
        return await self._tokens.valid(limits)

    async def _log_in(self, limits: Limits) -> Token:
        try:
            password = self._password.reveal()
        except ConfigError as error:
            raise Permanent(f"no log-in at the Nx server: {error}") from None
        self._link.conceal(password)
        self._last_refusal.respect(password)
        self._version = self._pinned or (await self.site(limits)).api
        body = {"username": self._user, "password": password, "setCookie": False}
        try:
            answer = await self._send(
                "POST", f"/rest/v{self._version}/login/sessions", Effect.NONE, limits, body=body
            )
        except Refused as error:
            if error.status not in (401, 403, 422):
                raise
            why = f"the Nx server refuses the user {self._user}: {error}"
            raise self._last_refusal.remember(password, why) from error
        said = object_in(answer)
        life, token = number_in(answer, said, "expiresInS"), text_in(answer, said, "token")
        if not _TOKEN.fullmatch(token):
            raise answer.unusable("the token that it gave cannot stand in a header")
        self._link.conceal(token)
        return Token(token, renew_at=self._clock.monotonic() + life * RENEW_AT)

    async def rest(
        self,
        method: str,
        path: str,
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        body: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        """`request` below `/rest/v{version}`."""
        return await self.request(method, path, effect, limits, params=params, body=body, rest=True)

    async def request(
        self,
        method: str,
        path: str,
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        body: Mapping[str, Any] | None = None,
        rest: bool = False,
    ) -> HttpAnswer:
        """Send with a valid token; where the session is refused open another and send once more."""

        async def send(token: str) -> HttpAnswer:
            where = f"/rest/v{self._version}{path}" if rest else path
            return await self._send(method, where, effect, limits, params=params, body=body, token=token)

        return await self._tokens.use(send, limits)

    async def _send(
        self,
        method: str,
        path: str,
        effect: Effect,
        limits: Limits,
        *,
        params: Mapping[str, str] = NOTHING,
        body: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> HttpAnswer:
        """Send once. Raises SessionTooOld besides what `HttpLink.request` does."""
        answer = await self._link.request(
            method,
            path,
            effect=effect,
            params=params,
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else NOTHING,
            expect={*SUCCESS, *TOO_OLD},
            within=limits.within,
            deadline=limits.deadline,
            urgent=limits.urgent,
            max_body=limits.max_body,
        )
        if answer.status in SUCCESS:
            return answer
        kind = SessionTooOld if _speaks_of_the_session(answer) else Refused
        raise kind(f"{method} {path}: HTTP {answer.status}: {self._link.excerpt(answer.body)}", answer.status)


def _outlived(error: Refused) -> bool:
    return unauthorized(error) or isinstance(error, SessionTooOld)


def _speaks_of_the_session(answer: HttpAnswer) -> bool:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and "session" in str(said.get("errorId")).lower()
