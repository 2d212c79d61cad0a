"""Digest authentication as pure computation, for both sides (RFC 7616, RFC 8760, RFC 3261 section 22).

Called by the registrar and the user agent server (`challenges`, `judge`) and by registrations and the user
agent client (`choose`, `authorize`). Nonces, their age and their counts are the caller's: it makes and
remembers them, and passes in what it knows. Only `qop=auth` is offered and answered.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import shorten
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.headers.credentials import Credentials
from bridge.protocols.sip.uri import SipUri, Uri, parse_uri
from bridge.protocols.sip.uri_equality import same_uri


class Algorithm(enum.StrEnum):
    """As they are named on the wire."""

    MD5 = "MD5"
    MD5_SESS = "MD5-sess"
    SHA_256 = "SHA-256"
    SHA_256_SESS = "SHA-256-sess"

    def hash(self, text: str) -> str:
        """Return the hexadecimal hash of `text`."""
        data = text.encode(errors="surrogatepass")
        if self in (Algorithm.SHA_256, Algorithm.SHA_256_SESS):
            return hashlib.sha256(data).hexdigest()
        return hashlib.md5(data, usedforsecurity=False).hexdigest()  # telephones know no other

    @property
    def of_session(self) -> bool:
        return self in (Algorithm.MD5_SESS, Algorithm.SHA_256_SESS)


STRONGEST_FIRST: Final = (Algorithm.SHA_256, Algorithm.MD5)
"""What a server offers: the first is the one it likes best (RFC 8760 section 2.3)."""
_BY_NAME: Final = {algorithm.lower(): algorithm for algorithm in Algorithm}


def algorithm_named(name: str) -> Algorithm | None:
    """Return the algorithm of a challenge or of credentials; no name means MD5, None is one we cannot do."""
    return _BY_NAME.get((name or Algorithm.MD5).lower())


def secret_of(algorithm: Algorithm, username: str, realm: str, password: str) -> str:
    """Return the hash that stands for the password of `username` in `realm` (RFC 7616 section 3.4.2).

    A server needs to keep no more than this; it is as secret as the password itself.
    """
    return algorithm.hash(f"{username}:{realm}:{password}")


def _response(algorithm: Algorithm, secret: str, credentials: Credentials, method: str) -> str:
    """Return the response that these credentials must carry (RFC 7616 section 3.4.1)."""
    if algorithm.of_session:
        secret = algorithm.hash(f"{secret}:{credentials.nonce}:{credentials.cnonce}")
    request = algorithm.hash(f"{method}:{credentials.uri}")
    if not credentials.qop:
        return algorithm.hash(f"{secret}:{credentials.nonce}:{request}")
    count = f"{credentials.nonce_count or 0:08x}"
    proof = f"{credentials.nonce}:{count}:{credentials.cnonce}:{credentials.qop}"
    return algorithm.hash(f"{secret}:{proof}:{request}")


# --- the client's side ---------------------------------------------------------------------------------


def choose(
    challenges: Iterable[Challenge], allowed: Collection[Algorithm] = frozenset(Algorithm)
) -> Challenge | None:
    """Return the first challenge that we can answer, None if there is none (RFC 8760 section 2.4).

    allowed: a site that wants no MD5 leaves it out here.
    """
    for challenge in challenges:
        possible = not challenge.qop or any(option.lower() == "auth" for option in challenge.qop)
        if possible and algorithm_named(challenge.algorithm) in allowed:
            return challenge
    return None


def authorize(
    challenge: Challenge,
    *,
    method: str,
    uri: Uri | str,
    username: str,
    password: str,
    cnonce: str,
    nonce_count: int,
) -> Credentials:
    """Return the credentials that answer `challenge` for a request to `uri`.

    cnonce: unguessable text of the caller. nonce_count: 1 for the first request with this nonce, then one
    more each time. Raises ProtocolError on a challenge that `choose` would not have taken.
    """
    algorithm = algorithm_named(challenge.algorithm)
    if algorithm is None:
        raise ProtocolError(f"an algorithm that we cannot do: {shorten(challenge.algorithm)}")
    counted = bool(challenge.qop)
    unsigned = Credentials(
        username=username,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=str(uri),
        response="",
        algorithm=challenge.algorithm,
        cnonce=cnonce if counted or algorithm.of_session else "",
        opaque=challenge.opaque,
        qop="auth" if counted else "",
        nonce_count=nonce_count if counted else None,
    )
    secret = secret_of(algorithm, username, challenge.realm, password)
    return replace(unsigned, response=_response(algorithm, secret, unsigned, method))


# --- the server's side ---------------------------------------------------------------------------------


class Verdict(enum.StrEnum):
    ACCEPTED = "accepted"
    STALE = "stale"
    """The password is right, the nonce is used up: challenge again with stale=true."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a server makes of credentials. `reason` is for the log, never for the other side."""

    verdict: Verdict
    reason: str


def challenges(
    realm: str,
    nonce: str,
    *,
    algorithms: Sequence[Algorithm] = STRONGEST_FIRST,
    opaque: str = "",
    stale: bool = False,
) -> tuple[Challenge, ...]:
    """Return the challenges of a 401 or 407, the one liked best first (RFC 8760 section 2.3)."""
    return tuple(
        Challenge(realm=realm, nonce=nonce, algorithm=algorithm, qop=("auth",), opaque=opaque, stale=stale)
        for algorithm in algorithms
    )


def judge(
    credentials: Credentials,
    *,
    method: str,
    uri: Uri,
    realm: str,
    secrets: Mapping[Algorithm, str],
    nonce_is_valid: bool,
    highest_count: int,
    without_qop: bool = False,
) -> Ruling:
    """Judge the credentials of a request with `method` to `uri`.

    secrets: `secret_of` the user named in the credentials, for each algorithm that was offered; empty for a
        user who does not exist. An algorithm that is not in it is a downgrade, and refused.
    nonce_is_valid: whether the nonce is one of the caller's, for this realm, and young enough.
    highest_count: the highest nonce count accepted with this nonce so far, 0 for none. A lower or the same
        one is a replay. On ACCEPTED the caller stores `credentials.nonce_count`.
    without_qop: accept telephones of RFC 2069, whose credentials can be replayed while the nonce lives.
    """
    algorithm = algorithm_named(credentials.algorithm)
    known = secrets.get(algorithm) if algorithm else None
    # An unknown user costs as much time as a wrong password.
    right = hmac.compare_digest(
        _response(algorithm or Algorithm.MD5, known or "", credentials, method),
        credentials.response.lower() if credentials.response.isascii() else "",
    )
    if flaw := _flaw(credentials, uri, realm, without_qop=without_qop):
        return Ruling(Verdict.REFUSED, flaw)
    if known is None:
        return Ruling(Verdict.REFUSED, "an unknown user, or an algorithm that was not offered")
    if not right:
        return Ruling(Verdict.REFUSED, "a wrong password")
    if not nonce_is_valid:
        return Ruling(Verdict.STALE, "an old nonce")
    if credentials.qop and (credentials.nonce_count or 0) <= highest_count:
        return Ruling(Verdict.STALE, "a nonce count that was used before")
    return Ruling(Verdict.ACCEPTED, "")


def _flaw(credentials: Credentials, uri: Uri, realm: str, *, without_qop: bool) -> str:
    """Return what is wrong with credentials whoever signed them, '' if nothing is."""
    counted = bool(credentials.qop)
    flaws = {
        "another realm": credentials.realm != realm,
        "signed for another URI": not _is_for(credentials.uri, uri),
        "a hashed user name, which was not offered": credentials.userhash,
        "no qop": not counted and not without_qop,
        "a qop that was not offered": counted and credentials.qop.lower() != "auth",
        "a qop without cnonce or nonce count": counted
        and not (credentials.cnonce and credentials.nonce_count),
    }
    return next((flaw for flaw, found in flaws.items() if found), "")


def _is_for(signed: str, uri: Uri) -> bool:
    """Whether it is the Request-URI that was signed; pyVoIP names the transport in only one."""
    try:
        return same_uri(_without_transport(parse_uri(signed)), _without_transport(uri))
    except ProtocolError:
        return False


def _without_transport(uri: Uri) -> Uri:
    return replace(uri, params=uri.params.without("transport")) if isinstance(uri, SipUri) else uri
