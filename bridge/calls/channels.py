"""Which channels live and who can hear whom. Pure; used by the call tracker only.

Two people talk when a path leads from one device's channel to the other's: through bridges, and through
the two halves of a Local channel. That is the proof of "a person is connected" that nothing else gives:
a Dial's ANSWER comes when a dispatcher picks up and is still being asked to press 1, and Up means no more
than that the PBX answered. A path exists only after both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_INTERNAL: Final = frozenset(
    (
        *("Local", "Announcer", "AsyncGoto", "AudioSocket", "CBAnn", "CBRec", "Message", "MulticastRTP"),
        *("OutgoingSpoolFailed", "Recorder", "Snoop", "Surrogate", "UnicastRTP", "WebSocket"),
    )
)
"""Technologies behind which no telephone is. Everything else may be a person."""


def technology_of(channel: str) -> str:
    """`PJSIP` of `PJSIP/1001-0000002a`."""
    return channel.partition("/")[0]


def endpoint_of(channel: str) -> str:
    """`1001` of `PJSIP/1001-0000002a`; the endpoint's own name may hold dashes and slashes."""
    rest = channel.partition("/")[2].partition("<")[0]
    return rest.rpartition("-")[0] or rest


def is_device(channel: str) -> bool:
    """Whether a telephone is behind the channel."""
    return bool(channel.partition("/")[2]) and technology_of(channel) not in _INTERNAL


@dataclass(slots=True, eq=False)
class Channel:
    uniqueid: str
    linkedid: str
    name: str
    device: bool
    up: bool = False
    bridge: str = ""

    @property
    def endpoint(self) -> str:
        return endpoint_of(self.name)


@dataclass(slots=True)
class Channels:
    """Every living channel, found by id, by call (linkedid), by bridge and, for Local halves, by name."""

    by_id: dict[str, Channel] = field(default_factory=dict)
    _linked: dict[str, dict[str, Channel]] = field(default_factory=dict)
    _bridges: dict[str, dict[str, Channel]] = field(default_factory=dict)
    _halves: dict[str, Channel] = field(default_factory=dict)

    def add(self, uniqueid: str, linkedid: str, name: str) -> Channel:
        """Return the channel, new or known."""
        known = self.by_id.get(uniqueid)
        if known is not None:
            return known
        channel = Channel(uniqueid, linkedid, name, is_device(name))
        self.by_id[uniqueid] = channel
        self._linked.setdefault(linkedid, {})[uniqueid] = channel
        if technology_of(name) == "Local":
            self._halves[name] = channel
        return channel

    def remove(self, uniqueid: str) -> Channel | None:
        channel = self.by_id.pop(uniqueid, None)
        if channel is None:
            return None
        self.leave(channel)
        _discard(self._linked, channel.linkedid, uniqueid)
        if self._halves.get(channel.name) is channel:
            del self._halves[channel.name]
        return channel

    def enter(self, channel: Channel, bridge: str) -> None:
        if channel.bridge != bridge:
            self.leave(channel)
            channel.bridge = bridge
            self._bridges.setdefault(bridge, {})[channel.uniqueid] = channel

    def leave(self, channel: Channel) -> None:
        if channel.bridge:
            _discard(self._bridges, channel.bridge, channel.uniqueid)
            channel.bridge = ""

    def of_call(self, linkedid: str) -> list[Channel]:
        return list(self._linked.get(linkedid, {}).values())

    def reached_from(self, channel: Channel) -> list[Channel]:
        """Return the channel and every other it exchanges voice with, nearest first."""
        found = {channel.uniqueid: channel}
        queue = [channel]
        for current in queue:
            for near in self._neighbours(current):
                if near.uniqueid not in found:
                    found[near.uniqueid] = near
                    queue.append(near)
        return queue

    def _neighbours(self, channel: Channel) -> Iterator[Channel]:
        if channel.bridge:
            yield from self._bridges[channel.bridge].values()
        if self._halves.get(channel.name) is channel:
            other = self._halves.get(channel.name[:-1] + ("2" if channel.name.endswith("1") else "1"))
            if other is not None:
                yield other


def _discard(index: dict[str, dict[str, Channel]], key: str, uniqueid: str) -> None:
    members = index.get(key, {})
    members.pop(uniqueid, None)
    if not members:
        index.pop(key, None)
