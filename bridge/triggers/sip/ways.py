"""Endpoint -> where to send the INVITE, and as whom. The only place that knows addresses to be called.

An endpoint is a telephone that registers here, a trunk, a PBX where we are registered, or a number at one of
the latter two (`+31201234567@trunk`). Nothing that a caller says is ever one of them. Called by `switch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from bridge.errors import ConfigError
from bridge.protocols.sip.agent import Login, Target
from bridge.protocols.sip.dialog.vocabulary import Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.max_forwards import DEFAULT_MAX_FORWARDS
from bridge.protocols.sip.registrar import Binding
from bridge.protocols.sip.uri import SipUri, Uri, escape_user
from bridge.protocols.sip_endpoint import Hop, NotSentError
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.settings import Config, TrunkSettings
from bridge.triggers.sip.telephones import Telephones
from bridge.triggers.sip.upstream import Upstream

AUTO_ANSWER: Final[Fields] = (
    ("Call-Info", "<sip:sos>;answer-after=0"),
    ("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=0"),
)
"""Ask the device to answer by itself: there is no standard, and telephones know the one or the other."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `b2bua.effects.Dial` asks for, besides the endpoint. hops: Max-Forwards that are left."""

    number: str = ""
    caller: str = ""
    name: str = ""
    auto_answer: bool = False
    hops: int = DEFAULT_MAX_FORWARDS


class Ways:
    """Resolves trunks by name while it runs, so that what comes from them is known."""

    def __init__(self, config: Config, line: Line, telephones: Telephones, upstream: Upstream) -> None:
        self._config = config
        self._line = line
        self._telephones = telephones
        self._upstream = upstream
        self._trunks_at: dict[str, str] = {}
        """Address -> trunk."""

    def trunk_at(self, address: str) -> str:
        """Return the trunk that an address belongs to, '' if none's."""
        return self._trunks_at.get(address, "")

    async def resolve(self) -> None:
        """Look up where the trunks are, all at once: one that hangs must not keep the others unknown."""
        await asyncio.gather(*(self._look_up(name, trunk) for name, trunk in self._config.trunks.items()))

    async def _look_up(self, name: str, trunk: TrunkSettings) -> None:
        try:
            flow = await self._line.endpoint.open(Hop(trunk.host, trunk.port, trunk.transport))
        except NotSentError as error:
            _log.warning("a trunk is not reached", trunk=name, why=str(error))
        else:
            self._trunks_at[flow.remote[0]] = name

    async def to(self, endpoint: str, wanted: Wanted) -> Sequence[Target]:
        """Return every way to `endpoint`, none where there is none now."""
        user, _, place = endpoint.rpartition("@")
        number = wanted.number or user
        try:
            if user or endpoint not in self._config.accounts:
                return [await self._beyond(place, number, wanted)]
            return [self._to_contact(binding, wanted) for binding in self._telephones.contacts(endpoint)]
        except (NotSentError, ConfigError) as error:
            _log.warning("no way to an endpoint", endpoint=endpoint, why=str(error))
            return []

    def login_at(self, endpoint: str) -> Login | None:
        """Return who we are to the PBX that `endpoint` lies beyond; None for a telephone of our own."""
        place = endpoint.rpartition("@")[2]
        try:
            if trunk := self._config.trunks.get(place):
                return _login(trunk)
            found = self._upstream.server_of(place)
        except ConfigError as error:
            _log.warning("a password cannot be read", endpoint=endpoint, why=str(error))
            return None
        return found[1] if found else None

    def _to_contact(self, binding: Binding, wanted: Wanted) -> Target:
        uri: Uri = binding.contact
        if wanted.number and isinstance(uri, SipUri):
            uri = replace(uri, user=escape_user(wanted.number))
        return self._target(uri, binding.flow, wanted, symmetric=True)

    async def _beyond(self, place: str, number: str, wanted: Wanted) -> Target:
        """Raises NotSentError, ConfigError."""
        if trunk := self._config.trunks.get(place):
            return await self._by_trunk(trunk, number, wanted)
        if found := self._upstream.server_of(place):
            server, login = found
            flow = self._upstream.flow_to(place) or await self._line.endpoint.open(
                Hop(server.host, server.port, server.transport)
            )
            domain = server.domain or server.host
            uri = SipUri(domain, escape_user(number), server.port)
            # A PBX knows its extension by the user in From.
            ours = Address(SipUri(domain, escape_user(self._upstream.user_of(place))), wanted.name)
            return self._target(uri, flow, wanted, login=login, from_=ours)
        raise NotSentError("it is no account, trunk or registration")

    async def _by_trunk(self, trunk: TrunkSettings, number: str, wanted: Wanted) -> Target:
        flow = await self._line.endpoint.open(Hop(trunk.host, trunk.port, trunk.transport))
        ours = Address(SipUri(trunk.host, escape_user(trunk.user)), wanted.name) if trunk.user else None
        return self._target(
            SipUri(trunk.host, escape_user(number), trunk.port), flow, wanted, login=_login(trunk), from_=ours
        )

    def _target(
        self,
        uri: Uri,
        flow: Flow,
        wanted: Wanted,
        *,
        login: Login | None = None,
        from_: Address | None = None,
        symmetric: bool = False,
    ) -> Target:
        shown = Address(SipUri(self._config.realm, escape_user(wanted.caller or "sos")), wanted.name)
        return Target(
            uri=uri,
            flow=flow,
            from_=from_ or shown,
            login=login,
            symmetric=symmetric,
            hops=wanted.hops,
            fields=AUTO_ANSWER if wanted.auto_answer else (),
        )


def _login(trunk: TrunkSettings) -> Login | None:
    """Raises ConfigError where the secret cannot be read."""
    return Login(trunk.user, trunk.secret.reveal()) if trunk.secret else None
