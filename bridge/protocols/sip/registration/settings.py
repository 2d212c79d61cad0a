"""As whom we register, where, and how patient we are. Called by `registration` and `effects`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bridge.protocols.secret import Secret
from bridge.protocols.sip.digest import Algorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Our extension. username: of the digest, `user` where it is empty.

    password: where it lies, read for every REGISTER, so that a new one needs no restart. expires: seconds
    asked for. algorithms: a site that wants no MD5 leaves it out.
    """

    user: str
    password: Secret | None = None
    username: str = ""
    expires: int = 300
    algorithms: Collection[Algorithm] = frozenset(Algorithm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A registrar. name: as the configuration has it, unique among those of a registration.

    host, port, transport: where it is reached. domain: of our address there, `host` where it is empty.
    """

    name: str
    host: str
    port: int = 5060
    transport: str = "UDP"
    domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds.

    first, longest: the wait after one failed round at all servers, and after many; each is at most twice the
    one before. refused: after a round in which every server refused us for good (a wrong password): asking
    faster mends nothing, and gets us banned. longest_retry_after: that a server can ask for. home: how often
    the first server is tried while we are at another.
    """

    first: float = 1.0
    longest: float = 60.0
    refused: float = 180.0
    longest_retry_after: float = 300.0
    home: float = 60.0
