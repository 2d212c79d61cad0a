"""ARI messages -> channel facts (`bridge.calls.facts`). Pure; used live and on recordings.

Event and field names: Asterisk's own ARI documentation (16 and 22 agree on all used here). Each fact is the
one that the AMI trigger makes of the same moment, so that the tracker makes the same events of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bridge.calls import facts
from bridge.protocols.ari.events import Message, text_at, texts_at

LINKEDID: Final = "CHANNEL(linkedid)"
"""ARI tells of no channel to which call it belongs, unless ari.conf's `channelvars` names this."""
PHONE_SERVICES: Final = frozenset({"PJSIP", "SIP", "IAX2"})
"""What phones register with."""
_DIALLED_BY_PBX: Final = ("AppDial", "AppQueue")
"""The application Asterisk shows for a channel that it has dialled itself."""
_GOING_ON: Final = frozenset({"RINGING", "PROCEEDING", "PROGRESS"})
"""Dial states after which the dialling still goes on."""
_UNREACHABLE: Final = frozenset({"Unreachable", "Unregistered", "Rejected", "UNAVAILABLE", "offline"})
_REACHABLE: Final = frozenset({"Reachable", "Registered", "Lagged", "NOT_INUSE", "online"})
"""The words of peers, devices and endpoints. A device that is INUSE says nothing: it stays so in a call even
if nothing can be sent to it any more."""


def fact_of(message: Message, arrived: float) -> facts.Fact | None:
    """Return the fact an event states, or None for the many that do not matter.

    arrived: UTC; taken where the event has no time of its own.
    """
    build = _BUILDERS.get(message.type)
    if build is None:
        return None
    at = message.at
    return build(message, arrived if at is None else at)


def channels_of(rows: Iterable[Any], bridges: Iterable[Any]) -> list[facts.LiveChannel]:
    """Return the snapshot: `GET /channels`, and of `GET /bridges` who is where."""
    where = {
        member: bridge
        for bridge in bridges
        for member in (bridge.get("channels", ()) if isinstance(bridge, dict) else ())
        if isinstance(member, str)
    }
    return [_live_channel(row, where.get(text_at(row, "id"))) for row in rows if text_at(row, "id")]


def devices_of(endpoints: Iterable[Any], at: float) -> list[facts.Reachability]:
    """Return which devices can be reached: `GET /endpoints`."""
    found = (
        _reachability(text_at(row, "technology"), text_at(row, "resource"), text_at(row, "state"), at)
        for row in endpoints
    )
    return [fact for fact in found if fact is not None]


def linkedid_of(channel: object) -> str:
    """Return the call that a channel belongs to: itself where the PBX does not tell."""
    return text_at(channel, "channelvars", LINKEDID) or text_at(channel, "id")


def _live_channel(row: Mapping[str, Any], bridge: Mapping[str, Any] | None) -> facts.LiveChannel:
    return facts.LiveChannel(
        uniqueid=text_at(row, "id"),
        linkedid=linkedid_of(row),
        channel=text_at(row, "name"),
        state=text_at(row, "state"),
        caller=text_at(row, "caller", "number"),
        connected=text_at(row, "connected", "number"),
        exten=text_at(row, "dialplan", "exten"),
        dialled_by_pbx=text_at(row, "dialplan", "app_name").startswith(_DIALLED_BY_PBX),
        bridge=text_at(bridge, "id"),
        mixing=_mixes(bridge),
        variables=texts_at(row, "channelvars"),
    )


def _mixes(bridge: object) -> bool:
    return text_at(bridge, "technology") != "holding_bridge"


def _created(message: Message, at: float) -> facts.Fact:
    return facts.Created(
        at=at,
        uniqueid=message.text("channel", "id"),
        linkedid=linkedid_of(message.body.get("channel")),
        channel=message.text("channel", "name"),
        # A device that calls us begins in state Ring, one that we call in state Down.
        incoming=message.text("channel", "state") != "Down",
        caller=message.text("channel", "caller", "number"),
        name=message.text("channel", "caller", "name"),
        exten=message.text("channel", "dialplan", "exten"),
    )


def _state_changed(message: Message, at: float) -> facts.Fact:
    return facts.StateChanged(
        at=at, uniqueid=message.text("channel", "id"), state=message.text("channel", "state")
    )


def _dial(message: Message, at: float) -> facts.Fact | None:
    """One event a step: '' when dialling begins, then `RINGING` and the like, then how it ended."""
    status = message.text("dialstatus")
    if not status:
        return _dial_began(message, at)
    if status in _GOING_ON:
        return None
    return facts.DialEnded(
        at=at,
        dest_uniqueid=message.text("peer", "id"),
        linkedid=linkedid_of(message.body.get("peer")),
        status=status,
    )


def _dial_began(message: Message, at: float) -> facts.Fact:
    # A call that the PBX itself starts has no caller.
    who = ("caller", "caller") if "caller" in message else ("peer", "connected")
    return facts.DialBegan(
        at=at,
        dest_uniqueid=message.text("peer", "id"),
        dest_channel=message.text("peer", "name"),
        linkedid=linkedid_of(message.body.get("peer")),
        caller=message.text(*who, "number"),
        name=message.text(*who, "name"),
    )


def _entered(message: Message, at: float) -> facts.Fact:
    return facts.Entered(
        at=at,
        uniqueid=message.text("channel", "id"),
        bridge=message.text("bridge", "id"),
        mixing=_mixes(message.body.get("bridge")),
    )


def _left(message: Message, at: float) -> facts.Fact:
    return facts.Left(at=at, uniqueid=message.text("channel", "id"), bridge=message.text("bridge", "id"))


def _hangup_requested(message: Message, at: float) -> facts.Fact | None:
    """`soft`: the PBX's own wish, not the device's."""
    if message.body.get("soft"):
        return None
    return facts.HangupRequested(at=at, uniqueid=message.text("channel", "id"))


def _destroyed(message: Message, at: float) -> facts.Fact:
    return facts.Destroyed(at=at, uniqueid=message.text("channel", "id"), cause=message.text("cause_txt"))


def _said(message: Message, at: float) -> facts.Fact | None:
    name = message.text("eventname")
    if not name.startswith("SOS"):
        return None
    channel = message.body.get("channel")
    said = texts_at(message.body, "userevent")
    return facts.Said(
        at=at,
        name=name,
        uniqueid=text_at(channel, "id"),
        linkedid=linkedid_of(channel),
        channel=text_at(channel, "name"),
        caller=text_at(channel, "caller", "number"),
        fields={field.lower(): value for field, value in said.items() if field != "eventname"},
    )


def _peer_status(message: Message, at: float) -> facts.Fact | None:
    """The endpoint as a whole. ContactStatusChange speaks of one contact of perhaps several: left out."""
    return _reachability(
        message.text("endpoint", "technology"),
        message.text("endpoint", "resource"),
        message.text("peer", "peer_status"),
        at,
    )


def _device_state(message: Message, at: float) -> facts.Fact | None:
    service, _, endpoint = message.text("device_state", "name").partition("/")
    return _reachability(service, endpoint, message.text("device_state", "state"), at)


def _reachability(service: str, endpoint: str, word: str, at: float) -> facts.Reachability | None:
    if service not in PHONE_SERVICES or not endpoint or word not in _REACHABLE | _UNREACHABLE:
        return None
    return facts.Reachability(at=at, endpoint=endpoint, reachable=word in _REACHABLE)


_BUILDERS: Final[Mapping[str, Callable[[Message, float], facts.Fact | None]]] = MappingProxyType(
    {
        "ChannelCreated": _created,
        "ChannelStateChange": _state_changed,
        "Dial": _dial,
        "ChannelEnteredBridge": _entered,
        "ChannelLeftBridge": _left,
        "ChannelHangupRequest": _hangup_requested,
        "ChannelDestroyed": _destroyed,
        "ChannelUserevent": _said,
        "PeerStatusChange": _peer_status,
        "DeviceStateChanged": _device_state,
    }
)
