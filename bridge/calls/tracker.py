"""The mapping rule: what channel facts mean for a phone's call. Pure; one tracker a PBX.

A call is the phone's own channel, known by its Uniqueid, from its first sight to its end: `out` when the
phone called the PBX, `in` when the PBX called the phone. Linkedid only gathers the legs. Each event of a
call carries the same endpoint, caller and dialled number, because they are part of its identity.

* dialing: the channel exists (nothing later is certain: Playback, Congestion and an unregistered target
  have no Dial at all);
* answered: its state is Up. Queues and announcements do that at once, so it is not a person;
* connected: it can hear another device that is Up, see `channels`;
* ended: the channel is gone. Who hung up is told by the last device that asked for it, never by the cause,
  which differs between versions and between a cancel, a timeout and a restart;
* failed: gone, never answered, the phone did not hang up, and nobody's phone rang or was busy.

Checked against recordings of Asterisk 16.28 and 22.10 (tests/fixtures/ami).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from bridge.calls import facts
from bridge.calls.call import RECOVERED, LiveCall, remembered, shown
from bridge.calls.channels import Channel, Channels
from bridge.calls.devices import Devices
from bridge.calls.phones import PhoneWatch
from bridge.calls.reports import Reports
from bridge.model import NOTHING, Call, Event, Kind

_BORN: Final = re.compile(r"(\d{9,10})\.\d+")
"""A Uniqueid ends in the second of the channel's creation and a counter: `[system-]1795345072.128`."""


class CallTracker:
    """Feed it every fact in order; it holds no more than the channels that live.

    source: the PBX's name in all events, the same whatever way its facts come (`asterisk/pbx1`).
    via: that way. devices: shared by the trackers of all ways to this PBX; None: there is only this one.
    """

    def __init__(self, source: str, *, via: str = "ami", devices: Devices | None = None) -> None:
        self._source = source
        self._via = via
        self._channels = Channels()
        self._calls: dict[str, LiveCall] = {}
        """By the Uniqueid of the phone's own channel, which is the call's key."""
        self._unfinished: dict[str, LiveCall] = {}
        """What an earlier run left unfinished, until the first snapshot; by the same key."""
        devices = devices or Devices()
        self._phones = PhoneWatch(source, via, devices)
        self._reports = Reports(source, via, devices)

    @property
    def live_channels(self) -> int:
        return len(self._channels.by_id)

    @property
    def live_calls(self) -> int:
        return len(self._calls)

    def feed(self, fact: facts.Fact) -> list[Event]:  # noqa: PLR0911  one line a kind of fact
        """Return the events that `fact` means, in order. A fact seen twice means nothing the second time."""
        match fact:
            case facts.Created():
                return self._created(fact)
            case facts.StateChanged():
                return self._state_changed(fact)
            case facts.Entered():
                return self._entered(fact)
            case facts.Left():
                return self._left(fact)
            case facts.DialBegan():
                return self._dial_began(fact)
            case facts.DialEnded():
                return self._dial_ended(fact)
            case facts.HangupRequested():
                return self._hangup_requested(fact)
            case facts.Destroyed():
                return self._destroyed(fact)
            case facts.Said():
                return self._said(fact)
            case _:
                return self._phones.feed(fact)

    def recall(self, calls: Iterable[Call]) -> None:
        """Learn which calls an earlier run left unfinished: `reconcile` goes on with them, or ends them."""
        mine = (call for call in calls if call.source == self._source and call.key not in self._calls)
        self._unfinished = {call.key: remembered(call) for call in mine}

    def reconcile(
        self, rows: Sequence[facts.LiveChannel], now: float, *, ending: Collection[str] = ()
    ) -> list[Event]:
        """Bring the tracker in line with a snapshot of all channels; return what had been missed.

        Calls that began unseen are opened, marked recovered; who pressed 1 unseen has acknowledged; calls
        whose channel is not there any more are ended. ending: Uniqueids whose end is already on its way as a
        fact that will be fed next, and knows better who hung up.
        """
        events = self._end_unfinished(rows, now)
        events += [event for row in rows for event in self._adopt(row, now)]
        events += [event for row in rows for event in self._reports.acknowledged_on(row, now)]
        for row in rows:
            events += self._connect(self._channels.by_id[row.uniqueid], now, RECOVERED)
        gone = self.missing_from(row.uniqueid for row in rows)
        return events + self.forget(gone.difference(ending), now)

    def _end_unfinished(self, rows: Sequence[facts.LiveChannel], now: float) -> list[Event]:
        """End what was left unfinished and is not there any more: when and by whom, nobody can tell."""
        over = set(self._unfinished).difference(row.uniqueid for row in rows)
        unknown = {"outcome": "unknown", **RECOVERED}
        return [self._event(self._unfinished.pop(key), Kind.CALL_ENDED, now, unknown) for key in sorted(over)]

    def missing_from(self, uniqueids: Iterable[str]) -> set[str]:
        """Return the channels known here that a snapshot of these does not hold."""
        return set(self._channels.by_id).difference(uniqueids)

    def forget(self, uniqueids: Collection[str], now: float) -> list[Event]:
        """Drop channels whose end was missed, and end their calls."""
        return [event for uniqueid in sorted(uniqueids) for event in self._vanished(uniqueid, now)]

    # --- one channel --------------------------------------------------------------------------------

    def _created(self, fact: facts.Created) -> list[Event]:
        if fact.uniqueid in self._channels.by_id:
            return []
        channel = self._channels.add(fact.uniqueid, fact.linkedid, fact.channel)
        if channel.device and fact.incoming and fact.uniqueid == fact.linkedid:
            call = self._call_of(channel, fact.exten, fact.caller, fact.name)
            return self._open(channel, call, fact.at, NOTHING)
        return []

    def _dial_began(self, fact: facts.DialBegan) -> list[Event]:
        channel = self._channels.add(fact.dest_uniqueid, fact.linkedid, fact.dest_channel)
        if not channel.device or fact.dest_uniqueid in self._calls:
            return []
        return self._open(channel, self._call_to(channel, fact.caller, fact.name), fact.at, NOTHING)

    def _open(self, channel: Channel, call: LiveCall, at: float, extra: Mapping[str, str]) -> list[Event]:
        self._calls[channel.uniqueid] = call
        return [self._event(call, Kind.CALL_DIALING, at, extra)]

    def _call_of(self, channel: Channel, dialled: str, caller: str, name: str = "") -> LiveCall:
        return LiveCall(channel.uniqueid, "out", channel.endpoint, shown(caller), dialled, shown(name))

    def _call_to(self, channel: Channel, caller: str, name: str = "") -> LiveCall:
        endpoint = channel.endpoint
        return LiveCall(channel.uniqueid, "in", endpoint, shown(caller), endpoint, shown(name))

    def _state_changed(self, fact: facts.StateChanged) -> list[Event]:
        channel = self._channels.by_id.get(fact.uniqueid)
        if channel is None:
            return []
        call = self._calls.get(fact.uniqueid)
        if fact.state == "Up":
            return self._up(channel, fact.at)
        if fact.state == "Ringing" and (calling := self._calls.get(channel.linkedid)):
            calling.rang = True
        if fact.state == "Busy" and call is not None:
            call.refused = True
        return []

    def _up(self, channel: Channel, at: float, extra: Mapping[str, str] = NOTHING) -> list[Event]:
        channel.up = True
        call = self._calls.get(channel.uniqueid)
        if call is None or call.answered:
            return self._connect(channel, at, extra)
        call.answered = True
        answered = self._event(call, Kind.CALL_ANSWERED, at, extra)
        return [answered, *self._connect(channel, at, extra)]

    def _dial_ended(self, fact: facts.DialEnded) -> list[Event]:
        for key in (fact.linkedid, fact.dest_uniqueid):
            if call := self._calls.get(key):
                call.busy = call.busy or fact.status == "BUSY"
                call.rang = call.rang or fact.status == "NOANSWER"
        return []

    # --- who hears whom -----------------------------------------------------------------------------

    def _entered(self, fact: facts.Entered) -> list[Event]:
        channel = self._channels.by_id.get(fact.uniqueid)
        if channel is None:
            return []
        if not fact.mixing:
            self._channels.leave(channel)
            return []
        self._channels.enter(channel, fact.bridge)
        if call := self._calls.get(fact.uniqueid):
            call.ended_by = ""  # the other side hung up, and the call went on to somebody else
        return self._connect(channel, fact.at)

    def _left(self, fact: facts.Left) -> list[Event]:
        channel = self._channels.by_id.get(fact.uniqueid)
        if channel is not None and channel.bridge == fact.bridge:
            self._channels.leave(channel)
        return []

    def _connect(self, channel: Channel, at: float, extra: Mapping[str, str] = NOTHING) -> list[Event]:
        people = [near for near in self._channels.reached_from(channel) if near.device and near.up]
        if len(people) < 2:
            return []
        events = []
        for person in people:
            call = self._calls.get(person.uniqueid)
            if call is not None and call.answered and not call.connected:
                call.connected = True
                other = next(near for near in people if near is not person)
                to = {"connected_to": other.endpoint, **extra}
                events.append(self._event(call, Kind.CALL_CONNECTED, at, to))
        return events

    # --- the end ------------------------------------------------------------------------------------

    def _hangup_requested(self, fact: facts.HangupRequested) -> list[Event]:
        channel = self._channels.by_id.get(fact.uniqueid)
        if channel is None or not channel.device:
            return []
        call = self._calls.get(fact.uniqueid)
        if call is not None and call.refused:
            return []
        if call is not None:
            call.ended_by = call.own_side
        for other in self._others_of(channel):
            if (theirs := self._calls.get(other.uniqueid)) and theirs.ended_by != theirs.own_side:
                theirs.ended_by = theirs.other_side
        return []

    def _others_of(self, channel: Channel) -> list[Channel]:
        """Whom this hangup takes with it: who hears it, or, for a caller who gives up, who still rings."""
        if channel.bridge:
            return self._channels.reached_from(channel)[1:]
        if channel.uniqueid != channel.linkedid:
            return []
        return [leg for leg in self._channels.of_call(channel.linkedid) if leg is not channel and not leg.up]

    def _destroyed(self, fact: facts.Destroyed) -> list[Event]:
        call = self._forget(fact.uniqueid)
        if call is None:
            return []
        if fact.by and not call.refused:
            call.ended_by = call.own_side if fact.by == fact.uniqueid else call.other_side
        ended = {"ended_by": call.ender, "outcome": call.outcome}
        if fact.lost:
            ended["lost"] = "yes"
        if call.outcome == "failed":
            return [self._event(call, Kind.CALL_FAILED, fact.at, {**ended, "text": fact.cause})]
        return [self._event(call, Kind.CALL_ENDED, fact.at, ended)]

    def _vanished(self, uniqueid: str, at: float) -> list[Event]:
        """It ended unseen: when, and by whom, nobody can tell."""
        call = self._forget(uniqueid)
        if call is None:
            return []
        ended = {"ended_by": call.ended_by, "outcome": "unknown", **RECOVERED}
        return [self._event(call, Kind.CALL_ENDED, at, ended)]

    def _forget(self, uniqueid: str) -> LiveCall | None:
        self._channels.remove(uniqueid)
        return self._calls.pop(uniqueid, None)

    # --- snapshots and reports ----------------------------------------------------------------------

    def _adopt(self, row: facts.LiveChannel, now: float) -> list[Event]:
        known = row.uniqueid in self._channels.by_id
        channel = self._channels.add(row.uniqueid, row.linkedid, row.channel)
        if row.bridge and row.mixing:
            self._channels.enter(channel, row.bridge)
        else:
            self._channels.leave(channel)
        events: list[Event] = []
        if not known and channel.device:
            events += self._open_recovered(channel, row, now)
        events += self._led_on_unseen(row, now)
        if row.state == "Up" and not channel.up:
            events += self._up(channel, now, RECOVERED)
        return events

    def _led_on_unseen(self, row: facts.LiveChannel, now: float) -> list[Event]:
        """Return what it means that the phone's call became an SOS while nobody watched."""
        call, extension = self._calls.get(row.uniqueid), row.variables.get("SOS_EXTEN", "")
        phones_own = call is not None and call.direction == "out" and row.uniqueid == row.linkedid
        if call is None or not phones_own or extension in ("", call.dialled):
            return []
        return self._led_on(call, extension, now, RECOVERED)

    def _open_recovered(self, channel: Channel, row: facts.LiveChannel, now: float) -> list[Event]:
        if left := self._unfinished.pop(row.uniqueid, None):
            self._calls[row.uniqueid] = left
            return []
        born = _BORN.search(row.uniqueid)
        at = min(float(born[1]), now) if born else now
        if row.dialled_by_pbx or row.uniqueid != row.linkedid:
            return self._open(channel, self._call_to(channel, row.connected), at, RECOVERED)
        dialled = row.variables.get("SOS_EXTEN") or row.exten
        return self._open(channel, self._call_of(channel, dialled, row.caller), at, RECOVERED)

    def _said(self, fact: facts.Said) -> list[Event]:
        if fact.name == "SOSCall":
            return self._sos_call(fact)
        return self._reports.feed(fact)

    def _sos_call(self, fact: facts.Said) -> list[Event]:
        """The dialplan itself says that this is an alarm call.

        Almost always it only repeats what the channel's creation told. But where a key or a feature code
        leads to the alarm extension, the phone dialled something else, and only this makes it an SOS.
        """
        # The pack calls it `AlarmExten`; `Exten` is what a dialplan written by hand may call it.
        extension = fact.fields.get("alarmexten") or fact.fields.get("exten", "")
        key = fact.uniqueid if fact.uniqueid in self._calls else fact.fields.get("sosuid", fact.uniqueid)
        call = self._calls.get(key)
        if call is None:
            return self._unseen_sos(fact, key, extension)
        if not extension or call.dialled == extension:
            return []
        return self._led_on(call, extension, fact.at, NOTHING)

    def _led_on(self, call: LiveCall, extension: str, at: float, extra: Mapping[str, str]) -> list[Event]:
        """The PBX led the phone's call to the alarm: what it was ends, what it is begins."""
        redirected = {"ended_by": "pbx", "outcome": "redirected", **extra}
        before = self._event(call, Kind.CALL_ENDED, at, redirected)
        call.dialled = extension
        events = [self._event(call, Kind.CALL_DIALING, at, extra), before]
        if call.answered:
            events.append(self._event(call, Kind.CALL_ANSWERED, at, extra))
        return events

    def _unseen_sos(self, fact: facts.Said, key: str, extension: str) -> list[Event]:
        """An alarm call whose channel was never seen: an SOS all the same."""
        channel = self._channels.add(fact.uniqueid, fact.linkedid, fact.channel)
        if channel.device:
            return self._open(channel, self._call_of(channel, extension, fact.caller), fact.at, NOTHING)
        call = LiveCall(key, "out", fact.fields.get("phone", ""), shown(fact.caller), extension)
        return [self._event(call, Kind.CALL_DIALING, fact.at)]

    def _event(self, call: LiveCall, kind: Kind, at: float, attributes: Mapping[str, str] = NOTHING) -> Event:
        return call.event(kind, self._source, self._via, at, attributes)
