"""The device service: time, addresses of the other services, relay outputs. Pure.

ONVIF Core specification, 8.1.2 and 8.3.6; ONVIF Device Management WSDL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element

from bridge.errors import ProtocolError
from bridge.protocols.onvif.addresses import Address
from bridge.protocols.onvif.soap import (
    NAMESPACES,
    Message,
    attribute,
    children,
    element,
    node_at,
    text_at,
)

GET_TIME: Final = Message("tds", "GetSystemDateAndTime")
GET_SERVICES: Final = Message("tds", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
GET_CAPABILITIES: Final = Message("tds", "GetCapabilities", "<tds:Category>All</tds:Category>")
GET_RELAYS: Final = Message("tds", "GetRelayOutputs")

_BY_CAPABILITY: Final = {"Media": "trt", "PTZ": "tptz", "Events": "tev"}

Services = Mapping[str, Address]
"""Prefix of `soap.NAMESPACES` -> where that service is."""


@dataclass(frozen=True, slots=True)
class Relay:
    """An output. `pulse`: it falls back by itself (mode Monostable), and cannot be switched off."""

    token: str
    pulse: bool


def read_time_of(answer: Element) -> float | None:
    """Return the camera's time as UTC epoch seconds; None where it does not tell its UTC time."""
    moment = node_at(answer, "SystemDateAndTime", "UTCDateTime")
    if moment is None:
        return None
    try:
        date = [int(text_at(moment, "Date", part)) for part in ("Year", "Month", "Day")]
        time = [int(text_at(moment, "Time", part)) for part in ("Hour", "Minute", "Second")]
        year, month, day = date
        hour, minute, second = time
        # Second 60 is a leap second, and 61 is allowed by the schema.
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise ProtocolError("the camera's time is none") from None


def read_services(answer: Element) -> Services:
    """Return the services that we use; one at an address that is none is left out."""
    prefixes = {space: prefix for prefix, space in NAMESPACES.items()}
    told = [(text_at(row, "Namespace"), text_at(row, "XAddr")) for row in children(answer, "Service")]
    return _addresses({prefixes[space]: url for space, url in told if space in prefixes})


def read_capabilities(answer: Element) -> Services:
    """The same from the older question, which names fewer."""
    found = {
        prefix: text_at(answer, "Capabilities", name, "XAddr") for name, prefix in _BY_CAPABILITY.items()
    }
    return _addresses({prefix: url for prefix, url in found.items() if url})


def _addresses(told: Mapping[str, str]) -> Services:
    found = {}
    for prefix, url in told.items():
        try:
            found[prefix] = Address.parse(url)
        except ProtocolError:
            continue
    return found


def read_relays(answer: Element) -> tuple[Relay, ...]:
    return tuple(
        Relay(attribute(row, "token"), text_at(row, "Properties", "Mode") == "Monostable")
        for row in children(answer, "RelayOutputs")
    )


def set_relay(token: str, *, active: bool) -> Message:
    """Raises ProtocolError if the token cannot be sent."""
    state = element("tds:LogicalState", "active" if active else "inactive")
    return Message("tds", "SetRelayOutputState", element("tds:RelayOutputToken", token) + state)
