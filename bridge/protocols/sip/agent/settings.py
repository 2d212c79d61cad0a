"""How a user agent is to behave, and what it says about itself."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from bridge.protocols.sip.dialog import reliable, session_timer
from bridge.protocols.sip.dialog.vocabulary import Fields
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.params import URI_NONE, UriParameters
from bridge.protocols.sip.transaction.timers import STANDARD, Times
from bridge.protocols.sip.uri import SIP_PORT, SIPS_PORT, SipUri, Uri

OWN_METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK")
"""What the agent sees to itself."""
SUPPORTED: Final = (reliable.TAG, session_timer.TAG)
ACCEPTED_BODIES: Final = (
    *("application/sdp", "application/pidf+xml", "multipart/mixed"),
    *("application/dtmf-relay", "application/dtmf"),
)

SDP_TYPE: Final = ("Content-Type", "application/sdp")


def direct(uri: Uri, flow: Flow) -> Flow:
    """Return the flow to `uri` for a dialog that is on `flow`: to an address over UDP, else the same one.

    A connection serves its dialog as long as it lives, and a name is for who can resolve it.
    """
    if flow.reliable or not isinstance(uri, SipUri):
        return flow
    try:
        ip_address(uri.host)
    except ValueError:
        return flow
    remote = uri.host, uri.port or SIP_PORT
    return flow if remote == flow.remote else Flow(flow.transport, flow.local, remote)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """user, name: of our Contact and Server header.

    application_methods: which methods outside a call are put to the application (`RequestReceived`) instead
        of being refused; OPTIONS among them only if it is to be answered by the application.
    passes_on: calls are passed on to somebody else, so a request whose Max-Forwards is 0 gets 483, or two
        such would call each other for ever (RFC 7332). A mere endpoint takes it (RFC 4475 section 3.3.11).
    session_interval: seconds asked for in our calls, 0 for no session timer. smallest_interval: that we
        grant (RFC 4028).
    route: which flow leads to a URI for a dialog that is on another; an endpoint may know more ways than
        `direct`.
    """

    user: str = "bridge"
    name: str = "sosbridge"
    application_methods: Collection[str] = frozenset(("REGISTER", "MESSAGE"))
    passes_on: bool = False
    session_interval: int = session_timer.RECOMMENDED
    smallest_interval: int = session_timer.SMALLEST
    times: Times = STANDARD
    route: Callable[[Uri, Flow], Flow] = field(default=direct)

    @property
    def allow(self) -> str:
        return _allow(frozenset(self.application_methods))

    def contact(self, flow: Flow, *, secure: bool = False) -> Address:
        """Return where we are reached on `flow`; secure: in a call to a sips URI (8.1.1.8)."""
        return _contact(self.user, flow.transport, *flow.local, secure)

    def capabilities(self) -> Fields:
        """Return what an answer to OPTIONS says (11.2)."""
        return (
            ("Allow", self.allow),
            ("Accept", ", ".join(ACCEPTED_BODIES)),
            ("Supported", ", ".join(SUPPORTED)),
            ("Server", self.name),
        )


@lru_cache(maxsize=8)
def _allow(application_methods: frozenset[str]) -> str:
    return ", ".join(dict.fromkeys((*OWN_METHODS, *sorted(application_methods))))


@lru_cache(maxsize=256)
def _contact(user: str, transport: str, host: str, port: int, secure: bool) -> Address:
    params = URI_NONE if transport == "UDP" else UriParameters((("transport", transport.lower()),))
    usual = SIPS_PORT if transport == "TLS" else SIP_PORT
    uri = SipUri(host, user, None if port == usual else port, params, scheme="sips" if secure else "sip")
    return Address(uri)
