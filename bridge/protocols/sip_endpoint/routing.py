"""Via, the way back: what the transport writes into it, and where a response goes. Pure.

RFC 3261 section 18.2, RFC 3581. Called by `inbox` and `endpoint`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.grammar import split_list
from bridge.protocols.sip.headers.via import Via
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.uri import SIP_PORT, SIPS_PORT

_UNTOUCHED: Final = ("from_", "to", "call_id", "cseq", "contacts")
"""Fields that a change of Via does not change."""

LARGEST_DATAGRAM: Final = 1300
"""Bytes of a request. Longer ones take a stream where there is one (section 18.1.1)."""


def stamped(request: Request, remote: HostPort) -> Request:
    """Return a request that came in with its source in the top Via (18.2.1, RFC 3581 section 4)."""
    host, port = remote
    via = request.via.with_received(host.partition("%")[0], port)
    return request if via is request.via else _with_top_via(request, via)


def with_sent_by(request: Request, flow: Flow) -> Request:
    """Return a request that goes out with our own address in the top Via (18.1.1) and a wish for rport."""
    via = request.via
    host, port = flow.local
    params = via.params if via.wants_rport else via.params.with_("rport")
    ours = replace(via, transport=flow.transport, host=host.partition("%")[0], port=port, params=params)
    return request if ours == via else _with_top_via(request, ours)


def _with_top_via(request: Request, via: Via) -> Request:
    first, *further = request.headers.all("Via")
    below = split_list(first)[1:] if "," in first else ()
    headers = request.headers.setting("Via", via, *below, *further)
    changed = Request(request.method, request.uri, headers, request.body)
    # What a message has once read of its fields it keeps in its `__dict__` (`message.reading`): a third of
    # the work on a message is not done twice.
    known = vars(request)
    vars(changed).update({name: known[name] for name in _UNTOUCHED if name in known}, via=via)
    return changed


def way_back(response: Response, flow: Flow) -> HostPort:
    """Return where a response goes that cannot take the connection of its request (18.2.2).

    The host is always the one that the request came from, whatever `received` or `maddr` say: nobody makes
    us send to a third party. Where there is rport the port is the source's, too (RFC 3581), otherwise that
    of the sent-by.
    """
    host, port = flow.remote
    try:
        via = response.via
    except ProtocolError:
        return flow.remote
    if via.wants_rport and not flow.reliable:
        return host, port
    return host, via.port or (SIPS_PORT if flow.transport == "TLS" else SIP_PORT)
