"""AMI messages -> channel facts (`bridge.calls.facts`). Pure; used live, on recordings and in replay.

Event names and headers: Asterisk's own documentation of manager events (16 and 22 agree on all used here).
Names, causes and dialplan positions differ between versions and are never decided on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bridge.calls import facts
from bridge.protocols.ami import Message

PHONE_SERVICES: Final = frozenset({"PJSIP", "SIP", "IAX2"})
"""What phones register with. Security reports of AMI, ARI and so on are not about a phone."""
_DIALLED_BY_PBX: Final = ("AppDial", "AppQueue")
"""The application Asterisk shows for a channel that it has dialled itself."""
_HOLDING_APPLICATIONS: Final = frozenset({"BridgeWait", "Park", "ParkAndAnnounce"})
_UNREACHABLE: Final = frozenset({"Unreachable", "Unregistered", "Rejected"})
_REACHABLE: Final = frozenset({"Reachable", "Registered", "Lagged"})


def fact_of(message: Message, arrived: float) -> facts.Fact | None:
    """Return the fact an event states, or None for the many that do not matter.

    arrived: UTC; taken where the event has no time of its own (`timestampevents` is off).
    """
    build = _BUILDERS.get(message.event)
    return build(message, _time_of(message, arrived)) if build else None


def channel_of(row: Message) -> facts.LiveChannel:
    """Return one row (CoreShowChannel) of the channel snapshot."""
    application = row.get("Application")
    return facts.LiveChannel(
        uniqueid=row.get("Uniqueid"),
        linkedid=row.get("Linkedid"),
        channel=row.get("Channel"),
        state=row.get("ChannelStateDesc"),
        caller=row.get("CallerIDNum"),
        connected=row.get("ConnectedLineNum"),
        exten=row.get("Exten"),
        dialled_by_pbx=application.startswith(_DIALLED_BY_PBX),
        bridge=row.get("BridgeId"),
        mixing=application not in _HOLDING_APPLICATIONS,
        variables=_variables(row),
    )


def _variables(row: Message) -> Mapping[str, str]:
    """The channel variables that manager.conf's `channelvars` names, set ones only."""
    pairs = (line.partition("=") for line in row.all("ChanVariable"))
    return {name: value for name, _, value in pairs if value}


def _time_of(message: Message, arrived: float) -> float:
    try:
        at = float(message.get("Timestamp"))
    except ValueError:
        return arrived
    return at if math.isfinite(at) else arrived


def _new_channel(message: Message, at: float) -> facts.Fact:
    return facts.Created(
        at=at,
        uniqueid=message.get("Uniqueid"),
        linkedid=message.get("Linkedid"),
        channel=message.get("Channel"),
        # A device that calls us begins in state Ring (4), one that we call in state Down (0).
        incoming=message.get("ChannelState") != "0",
        caller=message.get("CallerIDNum"),
        name=message.get("CallerIDName"),
        exten=message.get("Exten"),
    )


def _new_state(message: Message, at: float) -> facts.Fact:
    return facts.StateChanged(at=at, uniqueid=message.get("Uniqueid"), state=message.get("ChannelStateDesc"))


def _dial_begin(message: Message, at: float) -> facts.Fact:
    # A call that the PBX itself starts has only the Dest headers.
    prefix = "" if "CallerIDNum" in message else "DestConnectedLine"
    return facts.DialBegan(
        at=at,
        dest_uniqueid=message.get("DestUniqueid"),
        dest_channel=message.get("DestChannel"),
        linkedid=message.get("DestLinkedid"),
        caller=message.get(f"{prefix}Num" if prefix else "CallerIDNum"),
        name=message.get(f"{prefix}Name" if prefix else "CallerIDName"),
    )


def _dial_end(message: Message, at: float) -> facts.Fact:
    return facts.DialEnded(
        at=at,
        dest_uniqueid=message.get("DestUniqueid"),
        linkedid=message.get("DestLinkedid"),
        status=message.get("DialStatus"),
    )


def _bridge_enter(message: Message, at: float) -> facts.Fact:
    return facts.Entered(
        at=at,
        uniqueid=message.get("Uniqueid"),
        bridge=message.get("BridgeUniqueid"),
        mixing=message.get("BridgeTechnology") != "holding_bridge",
    )


def _bridge_leave(message: Message, at: float) -> facts.Fact:
    return facts.Left(at=at, uniqueid=message.get("Uniqueid"), bridge=message.get("BridgeUniqueid"))


def _hangup_request(message: Message, at: float) -> facts.Fact:
    return facts.HangupRequested(at=at, uniqueid=message.get("Uniqueid"))


def _hangup(message: Message, at: float) -> facts.Fact:
    return facts.Destroyed(at=at, uniqueid=message.get("Uniqueid"), cause=message.get("Cause-txt"))


def _user_event(message: Message, at: float) -> facts.Fact | None:
    name = message.get("UserEvent")
    if not name.startswith("SOS"):
        return None
    return facts.Said(
        at=at,
        name=name,
        uniqueid=message.get("Uniqueid"),
        linkedid=message.get("Linkedid"),
        channel=message.get("Channel"),
        caller=message.get("CallerIDNum"),
        fields=_own_fields(message),
    )


def _own_fields(message: Message) -> Mapping[str, str]:
    """What the dialplan says itself: it stands behind the channel's headers and may repeat their names."""
    names = [header.lower() for header, _ in message.headers]
    own = message.headers[names.index("userevent") + 1 :]
    return {header.lower(): value for header, value in own}


def _refused(message: Message, at: float) -> facts.Fact | None:
    account = message.get("AccountID")
    if message.get("Service") not in PHONE_SERVICES or account in ("", "<unknown>"):
        return None
    return facts.Refused(at=at, account=account, what=message.event, remote=message.get("RemoteAddress"))


def _trusted(message: Message, at: float) -> facts.Fact | None:
    account = message.get("AccountID")
    if message.get("Service") not in PHONE_SERVICES or not account:
        return None
    return facts.Trusted(at=at, account=account)


def _peer_status(message: Message, at: float) -> facts.Fact | None:
    """The endpoint as a whole. ContactStatus speaks of one contact of perhaps several, so it is left out."""
    status = message.get("PeerStatus")
    if status not in _REACHABLE | _UNREACHABLE:
        return None
    return _reachability(message.get("Peer"), status in _REACHABLE, at)


def _device_state(message: Message, at: float) -> facts.Fact | None:
    """Only these two states say something: a phone in a call is INUSE even if nothing can be sent to it."""
    state = message.get("State")
    if state not in ("NOT_INUSE", "UNAVAILABLE"):
        return None
    return _reachability(message.get("Device"), state == "NOT_INUSE", at)


def _reachability(device: str, reachable: bool, at: float) -> facts.Fact | None:
    service, _, endpoint = device.partition("/")
    if service not in PHONE_SERVICES or not endpoint:
        return None
    return facts.Reachability(at=at, endpoint=endpoint, reachable=reachable)


_SECURITY: Final = (
    *("AuthMethodNotAllowed", "ChallengeResponseFailed", "FailedACL", "InvalidAccountID", "InvalidPassword"),
    *("InvalidTransport", "LoadAverageLimit", "MemoryLimit", "RequestBadFormat", "RequestNotAllowed"),
    *("RequestNotSupported", "SessionLimit"),
)
"""Reports of class `security` after which a phone's request was turned away. (ChallengeSent is normal.)"""

_BUILDERS: Final[Mapping[str, Callable[[Message, float], facts.Fact | None]]] = MappingProxyType(
    {
        "Newchannel": _new_channel,
        "Newstate": _new_state,
        "DialBegin": _dial_begin,
        "DialEnd": _dial_end,
        "BridgeEnter": _bridge_enter,
        "BridgeLeave": _bridge_leave,
        "HangupRequest": _hangup_request,
        "Hangup": _hangup,
        "UserEvent": _user_event,
        "SuccessfulAuth": _trusted,
        "PeerStatus": _peer_status,
        "DeviceStateChange": _device_state,
        **dict.fromkeys(_SECURITY, _refused),
    }
)

EVENTS: Final = frozenset(_BUILDERS)
"""Names of the events that may state a fact; all others can be skipped unread."""
