"""AMI events in, calls and events out: the live trigger's mapping, see `gathering`. One pass.

Seven events in ten may state a fact, and most of those are of calls that matter to no site. Of these only the
few headers are read that the mapping looks at. Called by `spoken`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from bridge.calls.facts import Fact
from bridge.protocols.ami import Message
from bridge.replay.gathering import Gathering
from bridge.replay.interest import Interest
from bridge.replay.outlet import Outlet
from bridge.replay.records import text_of
from bridge.triggers.ami import mapping

_NEW, _STATE, _DIAL, _DIAL_END, _ENTER, _LEAVE, _REQUEST, _HANGUP = range(8)
_BORN: Final = re.compile(rb"^Uniqueid: (?:[\w.-]+-)?(\d{9,10})\.\d+$", re.MULTILINE | re.IGNORECASE)
_STAMP: Final = re.compile(rb"\nTimestamp: (\d{9,10}(?:\.\d+)?)$", re.MULTILINE)
_DEVICE_STATES: Final = frozenset({b"NOT_INUSE", b"UNAVAILABLE"})
"""Of these alone the mapping makes something."""


class AmiCalls:
    """What one PBX says, whatever files it is in. source: its name in events (`asterisk/pbx1`).

    Where the PBX writes no time (`timestampevents` is off) an event counts as happening with the latest one
    that tells its time, by its own or by the Uniqueid of a new channel.
    """

    def __init__(self, outlet: Outlet, interest: Interest, *, source: str) -> None:
        self._interest = interest
        self._gathering: Gathering[bytes] = Gathering(self, outlet, source=source, via="ami")
        self._channels = self._gathering.channels
        self._alarms = lru_cache(maxsize=10_000)(lambda exten: interest.is_alarm(text_of(exten)))
        self._latest = b""
        """The latest event that tells its time."""
        self._device_states: dict[bytes, bytes] = {}
        """What was heard last, by endpoint."""
        self.takers: Mapping[bytes, Callable[[bytes], None]] = {
            **{b"Event: %b" % name.encode(): self._tell for name in mapping.EVENTS},
            b"Event: PeerStatus": self._peer_status,
            b"Event: DeviceStateChange": self._device_state,
            b"Event: UserEvent": self._said,
            b"Event: Newchannel": self._new_channel,
            b"Event: Newstate": self._new_state,
            b"Event: DialBegin": self._dial_begin,
            b"Event: DialEnd": self._dial_end,
            b"Event: BridgeEnter": self._bridge_enter,
            b"Event: BridgeLeave": self._bridge_leave,
            b"Event: HangupRequest": self._hangup_request,
            b"Event: Hangup": self._hangup,
        }
        """By an event's first line, who takes its bytes; of all others nothing is made."""

    def end(self) -> None:
        """The log is over: tell of the calls that live."""
        self._gathering.finish()

    # --- events of channels ---------------------------------------------------------------------------

    def _new_channel(self, raw: bytes) -> None:
        uniqueid = _value(raw, b"\nUniqueid: ")
        if uniqueid in self._channels:
            return
        linkedid, name = _value(raw, b"\nLinkedid: "), _value(raw, b"\nChannel: ")
        called = _value(raw, b"\nChannelState: ") == b"0"
        channel = self._gathering.begin(uniqueid, linkedid, name)
        kin = self._gathering.kin(channel)
        self._gathering.add(channel, self._timed(raw), _NEW, kin, called, uniqueid == linkedid)
        if self._alarms(_value(raw, b"\nExten: ")) or self._interest.of_channel(name):
            self._gathering.track(channel.group)

    def _new_state(self, raw: bytes) -> None:
        if channel := self._channels.get(_value(raw, b"\nUniqueid: ")):
            self._gathering.add(channel, self._timed(raw), _STATE, _value(raw, b"\nChannelStateDesc: "))

    def _dial_begin(self, raw: bytes) -> None:
        """The channel may be one whose beginning the log has not."""
        uniqueid = _value(raw, b"\nDestUniqueid: ")
        channel, kin = self._channels.get(uniqueid), None
        if channel is None:
            linkedid, name = _value(raw, b"\nDestLinkedid: "), _value(raw, b"\nDestChannel: ")
            channel = self._gathering.begin(uniqueid, linkedid, name)
            kin = (self._gathering.kin(channel), uniqueid == linkedid)
            if self._interest.of_channel(name):
                self._gathering.track(channel.group)
        self._gathering.add(channel, self._timed(raw), _DIAL, kin)

    def _dial_end(self, raw: bytes) -> None:
        """It concerns who is dialled and who dials; one of them may be gone."""
        dialled = self._channels.get(_value(raw, b"\nDestUniqueid: "))
        dialling = self._channels.get(_value(raw, b"\nDestLinkedid: "))
        channel = dialling or dialled
        if channel is None:
            return
        who = self._gathering.number_in(channel.group, dialled), dialling is not None
        self._gathering.add(channel, self._timed(raw), _DIAL_END, who, _value(raw, b"\nDialStatus: "))

    def _bridge_enter(self, raw: bytes) -> None:
        if channel := self._channels.get(_value(raw, b"\nUniqueid: ")):
            bridge = self._gathering.entered(channel, _value(raw, b"\nBridgeUniqueid: "))
            technology = _value(raw, b"\nBridgeTechnology: ")
            self._gathering.add(channel, self._timed(raw), _ENTER, bridge, technology)

    def _bridge_leave(self, raw: bytes) -> None:
        if channel := self._channels.get(_value(raw, b"\nUniqueid: ")):
            bridge = channel.group.bridges.get(_value(raw, b"\nBridgeUniqueid: "))
            self._gathering.add(channel, self._timed(raw), _LEAVE, bridge)

    def _hangup_request(self, raw: bytes) -> None:
        if channel := self._channels.get(_value(raw, b"\nUniqueid: ")):
            self._gathering.add(channel, self._timed(raw), _REQUEST)

    def _hangup(self, raw: bytes) -> None:
        uniqueid = _value(raw, b"\nUniqueid: ")
        if channel := self._channels.get(uniqueid):
            self._gathering.add(channel, self._timed(raw), _HANGUP)
            self._gathering.end(uniqueid)

    # --- all others -----------------------------------------------------------------------------------

    def _said(self, raw: bytes) -> None:
        """What the dialplan pack reports makes a call one that matters."""
        message = Message(raw)
        if not message.get("UserEvent").startswith("SOS"):
            return
        uniqueid = _value(raw, b"\nUniqueid: ")
        for name in (uniqueid, message.get("SosUid").encode()):
            if channel := self._channels.get(name):
                self._gathering.track(channel.group)
        if uniqueid not in self._channels and message.get("UserEvent") == "SOSCall":
            name = _value(raw, b"\nChannel: ")
            channel = self._gathering.begin(uniqueid, _value(raw, b"\nLinkedid: "), name)
            self._gathering.track(channel.group)
        self._tell(raw)

    def _device_state(self, raw: bytes) -> None:
        """Every fifth event is one, and hardly any of them is news."""
        state = _value(raw, b"\nState: ")
        if state not in _DEVICE_STATES:
            return
        device = _value(raw, b"\nDevice: ")
        endpoint = device.partition(b"/")[2]
        if self._device_states.get(endpoint) != device + state:
            self._device_states[endpoint] = device + state
            self._tell(raw)

    def _peer_status(self, raw: bytes) -> None:
        """It speaks of endpoints as well."""
        self._device_states.clear()
        self._tell(raw)

    def _tell(self, raw: bytes) -> None:
        self._gathering.tell(self._timed(raw))

    def _timed(self, raw: bytes) -> bytes:
        """Return the event, with the time at which it counts as happening where it has none of its own."""
        if _STAMP.search(raw) is None:
            born = _BORN.search(raw)
            at = max(self.time(self._latest), float(born[1]) if born else 0.0)
            name, _, headers = raw.partition(b"\n")
            raw = b"%b\nTimestamp: %.6f\n%b" % (name, at, headers)
        self._latest = raw
        return raw

    # --- what a row says, for the gathering -----------------------------------------------------------

    def facts(self, row: bytes, names: dict[str, str]) -> Sequence[Fact]:
        del names  # AMI tells channels by their Uniqueids
        fact = mapping.fact_of(Message(row), self.time(row))
        return (fact,) if fact else ()

    def time(self, row: bytes) -> float:
        stamp = _STAMP.search(row)
        return float(stamp[1]) if stamp else 0.0

    def start(self, row: bytes) -> tuple[str, str, str]:
        message = Message(row)
        return message.get("Uniqueid"), message.get("Channel"), message.get("Exten")


def _value(raw: bytes, header: bytes) -> bytes:
    """Return the header's value. header: as Asterisk spells it, between the line end before it and its value.

    Many times as fast as `Message.get`, which is asked where another spelling is in use.
    """
    start = raw.find(header)
    if start < 0:
        return Message(raw).get(header[1:-2].decode()).encode()
    start += len(header)
    end = raw.find(b"\n", start)
    return raw[start:end] if end >= 0 else raw[start:]
