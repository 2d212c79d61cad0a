"""The event service: a pull point and what it gives. Pure.

ONVIF Core specification, 9 (event handling); WS-BaseNotification 1.3; WS-Addressing 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import tostring

from bridge.errors import ProtocolError
from bridge.protocols.onvif.addresses import Address
from bridge.protocols.onvif.soap import (
    NAMESPACES,
    Message,
    attribute,
    checked_text,
    children,
    element,
    name_of,
    node_at,
    text_at,
)
from bridge.protocols.onvif.times import read_time, write_duration

MAX_PARAMETERS: Final = 16
_EVENTS: Final = NAMESPACES["tev"]
_SUBSCRIPTIONS: Final = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_ANONYMOUS: Final = "http://www.w3.org/2005/08/addressing/anonymous"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A pull point: where it is, what must be echoed to it, and how long it lasts.

    parameters: the reference parameters as XML. life: seconds that the camera granted; None if it did not
    say so.
    """

    address: Address
    parameters: tuple[str, ...]
    life: float | None


@dataclass(frozen=True, slots=True)
class Notification:
    """One message. `operation`: `Initialized` is a present state and no news, `Changed`, `Deleted`, or ''.

    at: UTC epoch seconds by the camera's clock, None where it does not say. source, data: its simple items.
    """

    topic: str
    operation: str
    at: float | None
    source: Mapping[str, str]
    data: Mapping[str, str]


def create_pull_point(until: str) -> Message:
    """until: a duration (`PT600S`) or a time, as this camera wants it."""
    return Message(
        "tev",
        "CreatePullPointSubscription",
        element("tev:InitialTerminationTime", until),
        f"{_EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
    )


def pull_messages(wait: float, most: int) -> Message:
    """wait: whole seconds that the camera may hold the answer back while there is none."""
    inner = element("tev:Timeout", write_duration(wait)) + element("tev:MessageLimit", str(most))
    return Message("tev", "PullMessages", inner, f"{_EVENTS}/PullPointSubscription/PullMessagesRequest")


SYNCHRONIZE: Final = Message(
    "tev",
    "SetSynchronizationPoint",
    action=f"{_EVENTS}/PullPointSubscription/SetSynchronizationPointRequest",
)
UNSUBSCRIBE: Final = Message("wsnt", "Unsubscribe", action=f"{_SUBSCRIPTIONS}/UnsubscribeRequest")


def renew(until: str) -> Message:
    return Message("wsnt", "Renew", element("wsnt:TerminationTime", until), f"{_SUBSCRIPTIONS}/RenewRequest")


def addressing(message: Message, subscription: Subscription, number: str) -> str:
    """Return the header that leads a message to its subscription. number: unique among our messages."""
    return (
        f"<wsa:Action>{message.soap_action}</wsa:Action>"
        f"<wsa:To>{checked_text(subscription.address.told)}</wsa:To>"
        f"<wsa:MessageID>urn:uuid:{number}</wsa:MessageID>"
        f"<wsa:ReplyTo><wsa:Address>{_ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
        + "".join(subscription.parameters)
    )


def read_subscription(answer: Element) -> Subscription:
    """Raises ProtocolError without an address that can be used."""
    reference = node_at(answer, "SubscriptionReference")
    if reference is None:
        raise ProtocolError("the answer names no subscription")
    held = node_at(reference, "ReferenceParameters")
    parameters = [] if held is None else list(held)
    if len(parameters) > MAX_PARAMETERS:
        raise ProtocolError("the subscription has too many reference parameters")
    return Subscription(
        Address.parse(text_at(reference, "Address")), tuple(map(_echo, parameters)), _life(answer)
    )


def read_renewal(answer: Element) -> float | None:
    """Return the seconds granted, None if the camera does not say."""
    return _life(answer)


def _echo(parameter: Element) -> str:
    """A reference parameter as a header block (WS-Addressing SOAP binding, 3.2)."""
    parameter.tail = None
    parameter.set(f"{{{NAMESPACES['wsa']}}}IsReferenceParameter", "true")
    return str(tostring(parameter, encoding="unicode"))


def _life(answer: Element) -> float | None:
    now, end = read_time(text_at(answer, "CurrentTime")), read_time(text_at(answer, "TerminationTime"))
    return end - now if now is not None and end is not None else None


def read_messages(answer: Element) -> tuple[Notification, ...]:
    """Return what one pull gave, in order; a message of another kind than ONVIF's is left out."""
    found = []
    for row in children(answer, "NotificationMessage"):
        message = node_at(row, "Message", "Message")
        if message is not None:
            found.append(
                Notification(
                    topic=_topic(text_at(row, "Topic")),
                    operation=attribute(message, "PropertyOperation"),
                    at=read_time(attribute(message, "UtcTime")),
                    source=_items(message, "Source"),
                    data=_items(message, "Data"),
                )
            )
    return tuple(found)


def _topic(text: str) -> str:
    """Return the topic without its prefixes, which every camera chooses itself: `Device/Trigger/Relay`."""
    return "/".join(part.rpartition(":")[2] for part in text.split("/"))


def _items(message: Element, name: str) -> Mapping[str, str]:
    held = node_at(message, name)
    rows = () if held is None else (row for row in held if name_of(row) == "SimpleItem")
    return {attribute(row, "Name"): attribute(row, "Value") for row in rows}
