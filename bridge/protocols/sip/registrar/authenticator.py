"""Who sent a request: digest on the server's side, with the nonces that it needs.

RFC 3261 section 22, RFC 7616, RFC 8760. Called by the registrar, and by whoever wants a telephone's INVITE
signed. A user who does not exist gets the same answer, after the same work, as one with a wrong password.

Old telephones give up when they see a challenge with SHA-256, even beside one with MD5 (baresip 1.0 and sipp
3.6 do). So whoever was asked and did not sign, or signs with the weaker algorithm, is offered only that from
then on; where MD5 is not among the algorithms at all, nobody is.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.protocols.secret import Secret
from bridge.protocols.sip.digest import (
    STRONGEST_FIRST,
    Algorithm,
    Verdict,
    algorithm_named,
    challenges,
    judge,
    secret_of,
)
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.headers.credentials import Credentials
from bridge.protocols.sip.message import MalformedError, Request

NONCE_LIFE: Final = 300.0
"""Seconds. A telephone that signs with an older one is asked again, with stale=true."""
_TURNED_AWAY: Final = 4096
"""Telephones that are remembered for not having signed when they were asked."""
_COUNTED: Final = 10_000
"""Nonces whose counts are remembered. Only who knows a password gets one in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A telephone that may register.

    phone: its id in the configuration. username: of its digest. aor: the user of its address of record,
    the username where it is empty. contacts: how many it may have at a time.
    """

    phone: str
    username: str
    password: Secret
    aor: str = ""
    contacts: int = 1

    @property
    def address(self) -> str:
        return self.aor or self.username


@dataclass(frozen=True, slots=True)
class Refusal:
    """Credentials that were not accepted: answer 401 with `challenges`.

    username: as it was claimed, untrusted, '' where nothing was. phone: of that account, '' if there is
    none. reason: for the log, never for the other side; '' for a request that had no credentials yet.
    """

    challenges: tuple[Challenge, ...]
    username: str = ""
    phone: str = ""
    reason: str = ""


class Authenticator:
    """randomness: gives so many unguessable bytes, `os.urandom` outside of tests.

    without_qop: accept telephones of RFC 2069. Nonces die with the process, which costs a telephone one
    more round trip.
    """

    def __init__(
        self,
        realm: str,
        accounts: Iterable[Account],
        *,
        randomness: Callable[[int], bytes],
        algorithms: Sequence[Algorithm] = STRONGEST_FIRST,
        without_qop: bool = False,
    ) -> None:
        self.realm: Final = realm
        self._accounts: Final[Mapping[str, Account]] = {account.username: account for account in accounts}
        self._randomness: Final = randomness
        self._algorithms: Final = tuple(algorithms)
        self._without_qop: Final = without_qop
        self._key: Final = randomness(32)
        self._counts: Final[OrderedDict[str, int]] = OrderedDict()
        self._turned_away: Final[OrderedDict[str, None]] = OrderedDict()
        # Stands in for a user who does not exist, so that looking for one takes as long.
        self._decoy: Final = next(iter(self._accounts.values()), None)

    def judge(self, request: Request, now: float) -> Account | Refusal:
        """Return who signed `request`, or what to answer. Raises ConfigError if a secret cannot be read."""
        telephone = f"{request.via.received or request.via.host} {request.to.uri}"
        try:
            signed = request.authorizations
        except MalformedError:
            return self._refusal(now, self._algorithms, reason="credentials that cannot be read")
        ours = [credentials for credentials in signed if credentials.realm == self.realm]
        if ours:
            return self._judge(request, ours[0], telephone, now)
        offered = self._algorithms[-1:] if telephone in self._turned_away else self._algorithms
        self._remember(telephone)
        return self._refusal(now, offered)

    def _judge(
        self, request: Request, credentials: Credentials, telephone: str, now: float
    ) -> Account | Refusal:
        algorithm = algorithm_named(credentials.algorithm)
        if algorithm is self._algorithms[0]:
            self._turned_away.pop(telephone, None)
        account = self._accounts.get(credentials.username)
        ruling = judge(
            credentials,
            method=request.method,
            uri=request.uri,
            realm=self.realm,
            secrets=self._secrets(account, credentials.username),
            nonce_is_valid=self._is_ours(credentials.nonce, now),
            highest_count=self._counts.get(credentials.nonce, 0),
            without_qop=self._without_qop,
        )
        if account is not None and ruling.verdict is Verdict.ACCEPTED:
            self._count(credentials)
            return account
        offered = (algorithm,) if algorithm in self._algorithms else self._algorithms
        stale = account is not None and ruling.verdict is Verdict.STALE
        return self._refusal(
            now,
            offered,
            username=credentials.username,
            phone=account.phone if account else "",
            reason="" if stale else ruling.reason if account else "an unknown user",
            stale=stale,
        )

    def _remember(self, telephone: str) -> None:
        self._turned_away[telephone] = None
        self._turned_away.move_to_end(telephone)
        if len(self._turned_away) > _TURNED_AWAY:
            self._turned_away.popitem(last=False)

    def _secrets(self, account: Account | None, username: str) -> Mapping[Algorithm, str]:
        known = account or self._decoy
        if known is None:
            return {}
        password = known.password.reveal()
        if account is None:
            password += self._randomness(16).hex()
        return {
            algorithm: secret_of(algorithm, username, self.realm, password) for algorithm in self._algorithms
        }

    def _refusal(
        self,
        now: float,
        offered: Sequence[Algorithm],
        *,
        username: str = "",
        phone: str = "",
        reason: str = "",
        stale: bool = False,
    ) -> Refusal:
        asked = challenges(self.realm, self._nonce(now), algorithms=offered, stale=stale)
        return Refusal(asked, username, phone, reason)

    # --- nonces -----------------------------------------------------------------------------------------

    def _nonce(self, now: float) -> str:
        """Return a nonce that proves by itself when we made it: strangers cannot fill a memory with them."""
        body = f"{int(now):x}-{self._randomness(12).hex()}"
        return f"{body}-{self._seal(body)}"

    def _is_ours(self, nonce: str, now: float) -> bool:
        body, _, seal = nonce.rpartition("-")
        made, _, _ = body.partition("-")
        if not nonce.isascii() or not hmac.compare_digest(seal, self._seal(body)):
            return False
        return abs(now - int(made, 16)) <= NONCE_LIFE

    def _seal(self, body: str) -> str:
        return hmac.new(self._key, f"{self.realm}\n{body}".encode(), hashlib.sha256).hexdigest()[:32]

    def _count(self, credentials: Credentials) -> None:
        self._counts[credentials.nonce] = credentials.nonce_count or 0
        self._counts.move_to_end(credentials.nonce)
        if len(self._counts) > _COUNTED:
            self._counts.popitem(last=False)
