"""Logs in to Frigate and keeps the token. Called by `frigate.py` and `frigate_socket.py`.

Source: docs.frigate.video/configuration/authentication, and frigate/api/auth.py of 0.14 to 0.18. The token
is a JWT in a cookie, good as a Bearer token too; there is no renewal but another log-in. Log-ins may be
limited in number for everybody behind one proxy, so a refused password is not tried again and again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from typing import Any, Final

from bridge.errors import ConfigError, Permanent, Retryable
from bridge.model import Clock
from bridge.protocols.http import Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import Limits
from bridge.protocols.http_token import Token, Tokens
from bridge.protocols.secret import Secret

RENEW_AT: Final = 0.8
"""Part of a token's life after which a new one is got."""
SHORTEST_LIFE: Final = 60.0
"""Seconds that a token is used at least, whatever its end says: the two clocks may disagree."""
SESSION: Final = 86_400.0
"""Seconds that a token lives whose end cannot be read: Frigate's default."""
REFUSED_PAUSE: Final = 300.0
"""Seconds before a password that was refused is tried again."""
LIMITED_PAUSE: Final = 12.0
"""Seconds without a log-in after "too many": five a minute is what Frigate's documentation suggests."""

# Three base64url parts (RFC 7515 7.1); the cookie's name is a setting of Frigate.
_JWT_COOKIE: Final = re.compile(r"=([\w-]+\.[\w-]+\.[\w-]+)(?:;|,|$)", re.ASCII)


class Account:
    """One user; without a name and password, nobody (Frigate's port 5000 asks for none)."""

    def __init__(self, link: HttpLink, *, user: str, password: Secret | None, clock: Clock) -> None:
        self._link = link
        self._user = user
        self._password = password
        self._clock = clock
        self._refused = b""
        """Digest of the password that was refused."""
        self._refusal = ""
        self._pause_until = 0.0
        self.role = ""
        """What the token says of the user's role (0.16 and later); empty where it says nothing."""
        self.tokens = Tokens(self._log_in, clock)

    @property
    def protected(self) -> bool:
        """Whether Frigate asked for a log-in: if not, anybody may do what we do."""
        return self.tokens.given

    async def _log_in(self, limits: Limits) -> Token:
        """Raises Permanent if Frigate refuses the user, Retryable if it wants no log-ins for a while."""
        if self._password is None:
            return Token("")
        password = self._reveal(self._password)
        self._respect_refusals(password)
        try:
            answer = await self._link.request(
                "POST",
                "/api/login",
                effect=Effect.NONE,
                json={"user": self._user, "password": password},
                expect=frozenset({200, 404, 429}),
                deadline=limits.deadline,
                urgent=limits.urgent,
            )
        except Refused as error:
            if error.status not in (400, 401, 403):
                raise
            raise self._remember(password, error) from error
        return self._accept(answer)

    def _reveal(self, secret: Secret) -> str:
        try:
            password = secret.reveal()
        except ConfigError as error:
            raise Permanent(f"no log-in at Frigate: {error}") from None
        self._link.conceal(password)
        return password

    def _respect_refusals(self, password: str) -> None:
        left = self._pause_until - self._clock.monotonic()
        if left <= 0:
            return
        if not self._refused:
            raise Retryable(
                f"Frigate wants no log-in for another {left:.0f} s (too many of them)", retry_after=left
            )
        if self._refused == _digest(password):
            raise Permanent(f"{self._refusal} (not tried again for {left:.0f} s: log-ins are limited)")

    def _remember(self, password: str, error: Refused) -> Permanent:
        self._refused = _digest(password)
        self._refusal = f"Frigate refuses the user {self._user}: {error}"
        self._pause_until = self._clock.monotonic() + REFUSED_PAUSE
        return Permanent(self._refusal)

    def _accept(self, answer: HttpAnswer) -> Token:
        if answer.status == 429:
            self._refused = b""
            self._pause_until = self._clock.monotonic() + LIMITED_PAUSE
            raise Retryable("Frigate: HTTP 429: too many log-ins", retry_after=LIMITED_PAUSE)
        if answer.status == 404:
            if "disabled" not in answer.text:
                raise Permanent("Frigate: HTTP 404: there is no log-in at base_url (0.14 and later have one)")
            return Token("")
        found = _JWT_COOKIE.search(answer.headers.get("set-cookie", ""))
        if found is None:
            raise answer.unusable("it gave no token (a web page or a proxy instead of Frigate?)")
        self._link.conceal(found[1])
        claims = _claims(found[1])
        self.role = str(claims.get("role") or "")
        life = max(SHORTEST_LIFE, RENEW_AT * self._life(claims))
        return Token(found[1], renew_at=self._clock.monotonic() + life)

    def _life(self, claims: dict[str, Any]) -> float:
        """Seconds that the token is good for, from now on."""
        try:
            life = float(claims["exp"]) - self._clock.now()
        except (KeyError, TypeError, ValueError, OverflowError):
            return SESSION
        return life if math.isfinite(life) else SESSION


def _digest(password: str) -> bytes:
    """Tells passwords apart without keeping one."""
    return hashlib.sha256(password.encode()).digest()


def _claims(token: str) -> dict[str, Any]:
    """What the token says of itself (RFC 7519 4); its signature is Frigate's business."""
    middle = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
