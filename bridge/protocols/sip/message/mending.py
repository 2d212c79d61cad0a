"""A request of which a header field cannot be read, as it must have been meant: for a cry for help only.

RFC 4475 leaves some of that to the receiver (sections 3.1.2.6 and 3.1.2.15), and what only describes the way
back of later requests is worth less than the call. Called by who knows that it is one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import quote
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message.fields import Headers
from bridge.protocols.sip.message.message import Request

_ADDRESSES: Final = ("From", "To", "Contact")
_DISPENSABLE: Final = (("Accept", "accept"), ("Record-Route", "record_routes"))
"""Name and attribute of what an INVITE can do without."""
_ONE_ADDRESS: Final = re.compile(r"([^<>]*+)(<[^<>]++>)([^<>]*+)", re.DOTALL)
_NO_NAME: Final = re.compile(r"[\"\\\x00-\x1f\x7f]")


def mended(request: Request) -> Request | None:
    """Return the request with every field readable that a call needs; None where that cannot be had.

    In an address that stands alone in angle brackets, quotation marks that do not match are left out of the
    name. With two in brackets nobody can tell which one was meant.
    """
    headers = request.headers
    for name in _ADDRESSES:
        headers = _with_address(headers, name)
    for name, attribute in _DISPENSABLE:
        try:
            getattr(request, attribute)
        except ProtocolError:
            headers = headers.setting(name)
    whole = request if headers is request.headers else replace(request, headers=headers)
    try:
        whole.check()
        _ = whole.contact
    except ProtocolError:
        return None
    return whole


def _with_address(headers: Headers, name: str) -> Headers:
    lines = headers.all(name)
    if len(lines) != 1:
        return headers
    try:
        Address.parse(lines[0])
    except ProtocolError:
        match = _ONE_ADDRESS.fullmatch(lines[0])
        if match is None:
            return headers
        words, uri, params = match.groups()
        said = _NO_NAME.sub("", words).strip()
        return headers.setting(name, f"{quote(said)} {uri}{params}" if said else f"{uri}{params}")
    return headers
