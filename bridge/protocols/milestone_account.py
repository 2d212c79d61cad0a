"""A user at a Milestone XProtect: the log-in at the identity provider, which gives the token of every call.

Called by `bridge.protocols.milestone_gateway`. Source: "MIP VMS RESTful Config API" at
doc.developer.milestonesys.com/mipvmsapi/api/config-rest/v1/, chapter "Get started".
"""

from __future__ import annotations

from typing import Final

from bridge.errors import ConfigError, Permanent
from bridge.model import Clock
from bridge.protocols.http import Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.http_ntlm import NtlmLogIn
from bridge.protocols.http_refusal import LastRefusal
from bridge.protocols.http_token import Token, Tokens
from bridge.protocols.milestone_values import number_in, object_in
from bridge.protocols.secret import Secret

TOKEN_PATHS: Final = ("/API/IDP/connect/token", "/IDP/connect/token")
"""Through the gateway, and at the identity provider itself: some gateways do not pass the first one on,
and none passes NTLM on."""
CLIENT_ID: Final = "GrantValidatorClient"
RENEW_AT: Final = 0.8
"""The part of a token's life after which the next request fetches another. There is no refresh token."""
LONGEST_LIFE: Final = 86_400.0
"""Seconds: what a token is believed to last at most."""
REFUSALS_OF_USERS: Final = frozenset({400, 401, 403})
"""OAuth says 400 `invalid_grant` (RFC 6749 5.2); gateways were seen to say 401."""
NO_SUCH_PATH: Final = frozenset({404, 405, 501})


class MilestoneAccount:
    """One user, and the token that it has now (`tokens`)."""

    def __init__(self, link: HttpLink, *, user: str, password: Secret, clock: Clock, windows: bool) -> None:
        """windows: the user is one of Windows, `DOMAIN\\name`, and not a basic user of XProtect."""
        self._link = link
        self._user = user
        self._windows = windows
        self._password = password
        self._clock = clock
        self._token_paths: tuple[str, ...] = TOKEN_PATHS[1:] if windows else TOKEN_PATHS
        # XProtect locks users out who keep trying.
        self._last_refusal = LastRefusal(clock)
        self.tokens = Tokens(self._log_in, clock)

    async def _log_in(self, limits: Limits) -> Token:
        """Get a new token. Raises Permanent if the user is refused."""
        try:
            password = self._password.reveal()
        except ConfigError as error:
            raise Permanent(f"no log-in at Milestone: {error}") from None
        self._link.conceal(password)
        self._last_refusal.respect(password)
        try:
            answer = await self._ask_for_token(password, limits)
        except Refused as error:
            if error.status not in REFUSALS_OF_USERS:
                raise
            why = f"Milestone refuses the user {self._user}: {error}"
            raise self._last_refusal.remember(password, why) from error
        said = object_in(answer)
        token, life = said.get("access_token"), number_in(said.get("expires_in"))
        if not isinstance(token, str) or not _is_token(token) or not life > 0:
            raise answer.unusable("the answer holds no token, or not how long it lasts")
        self._link.conceal(token)
        return Token(token, renew_at=self._clock.monotonic() + min(life, LONGEST_LIFE) * RENEW_AT)

    async def _ask_for_token(self, password: str, limits: Limits) -> HttpAnswer:
        """Post the credentials where they were taken before, or else at the other path."""
        first, *others = self._token_paths
        try:
            return await self._post_credentials(first, password, limits)
        except Refused as error:
            if error.status not in NO_SUCH_PATH or not others:
                raise
        answer = await self._post_credentials(others[0], password, limits)
        self._token_paths = (*others, first)
        return answer

    async def _post_credentials(self, path: str, password: str, limits: Limits) -> HttpAnswer:
        if self._windows:
            grant = {"grant_type": "windows_credentials"}
        else:
            grant = {"grant_type": "password", "username": self._user, "password": password}
        return await self._link.request(
            "POST",
            path,
            effect=Effect.NONE,
            data={**grant, "client_id": CLIENT_ID},
            auth=NtlmLogIn(self._user, password) if self._windows else None,
            deadline=limits.deadline,
            urgent=limits.urgent,
        )


def _is_token(text: str) -> bool:
    """Whether it can stand in a header (RFC 6750 2.1 allows less)."""
    return bool(text) and all("!" <= char <= "~" for char in text)
