"""How our requests answer a digest challenge: RFC 3261 section 22, RFC 8760. Called for every request.

Each challenge is answered once, and once more where the password was right but the nonce had grown old.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.protocols.sip.agent.tokens import Tokens
from bridge.protocols.sip.digest import Algorithm, authorize, choose
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.message import MalformedError, Request, Response

_AUTHORIZATION: Final = {401: "Authorization", 407: "Proxy-Authorization"}
_MOST_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to others. algorithms: those that may be used; a site that wants no MD5 leaves it out."""

    username: str
    password: str = field(repr=False)
    algorithms: Collection[Algorithm] = frozenset(Algorithm)


@dataclass(frozen=True, slots=True)
class Proof:
    """A challenge that we can answer, and how often its nonce was used."""

    challenge: Challenge
    header: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Proofs:
    """What one call, or one request, has been asked for so far: by a server, by proxies, or by both.

    attempts: how often in a row, so that a server with ever new nonces does not keep us busy for ever.
    """

    login: Login | None = None
    known: tuple[Proof, ...] = ()
    attempts: int = 0

    def challenged(self, response: Response) -> Proofs | None:
        """Return the proofs that answer a 401 or 407, None if there is nothing more to say."""
        header = _AUTHORIZATION.get(response.status)
        if header is None or self.login is None or self.attempts == _MOST_ATTEMPTS:
            return None
        try:
            challenges = response.challenges if response.status == 401 else response.proxy_challenges
        except MalformedError:
            return None
        challenge = choose(challenges, self.login.algorithms)
        if challenge is None:
            return None
        used = self._nonce_used(header, challenge.realm)
        if used is not None and (not challenge.stale or used == challenge.nonce):
            return None
        others = tuple(
            proof
            for proof in self.known
            if (proof.header, proof.challenge.realm) != (header, challenge.realm)
        )
        return replace(self, known=(*others, Proof(challenge, header)), attempts=self.attempts + 1)

    def _nonce_used(self, header: str, realm: str) -> str | None:
        """Return the nonce that requests are signed with for `realm`, None if they are not."""
        same = (proof for proof in self.known if (proof.header, proof.challenge.realm) == (header, realm))
        return next((proof.challenge.nonce for proof in same), None)

    def signed(self, request: Request, tokens: Tokens) -> tuple[Proofs, Request]:
        """Return `request` with credentials for all that is known, and the proofs with their counts."""
        if self.login is None or not self.known:
            return self, request
        known = tuple(replace(proof, count=proof.count + 1) for proof in self.known)
        values: dict[str, list[object]] = {}
        for proof in known:
            credentials = authorize(
                proof.challenge,
                method=request.method,
                uri=request.uri,
                username=self.login.username,
                password=self.login.password,
                cnonce=tokens.text(),
                nonce_count=proof.count,
            )
            values.setdefault(proof.header, []).append(credentials)
        headers = request.headers
        for header, lines in values.items():
            headers = headers.setting(header, *lines)
        return replace(self, known=known), replace(request, headers=headers)


def copied(signed: Request, ack: Request) -> Request:
    """Return the ACK with the credentials of its INVITE (22.1), which a proxy may want to see."""
    headers = ack.headers
    for name in _AUTHORIZATION.values():
        if name in signed.headers:
            headers = headers.setting(name, *signed.headers.all(name))
    return ack if headers is ack.headers else replace(ack, headers=headers)
