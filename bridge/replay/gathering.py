"""The calls of a log, each put together while its channels live. Used by the readers of CEL and of AMI. Pure.

A call that may matter to a site goes through the tracker row by row, as live, and so do calls that touch one
another (a transfer, a pickup, a conference). Of any other the reader keeps the rows and notes their shape;
what comes of them is told when its last channel is gone, see `shapes`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from bridge.calls import CallTracker
from bridge.calls.channels import endpoint_of
from bridge.calls.facts import Fact
from bridge.replay.calls import CallRow
from bridge.replay.outlet import Outlet
from bridge.replay.shapes import Shapes

MOST_LIVE: Final = 100_000
"""Channels whose end the log has not shown. The oldest are given up first: their end was never written."""
STEP: Final = 16
"""Between the numbers of two channels: a row's kind, below it, and its channel's number make one number."""
NOBODY: Final = -1
"""Number of a channel that is not known."""

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)


class Rows(Protocol[R_contra]):
    """The reader, which alone knows what its rows look like."""

    def facts(self, row: R_contra, names: dict[str, str]) -> Sequence[Fact]:
        """Return what the row states. names: Uniqueids of living channels by name; the reader keeps it."""

    def time(self, row: R_contra) -> float: ...

    def start(self, row: R_contra) -> tuple[str, str, str]:
        """Return Uniqueid, channel and extension of the row in which a phone's channel begins."""


class Group(Generic[R]):
    """The channels of one linkedid, while one of them lives."""

    __slots__ = ("born", "bridges", "linkedid", "open", "rows", "shape")

    def __init__(self, linkedid: bytes) -> None:
        self.linkedid = linkedid
        self.rows: list[R] | None = []
        """What its channels did; None once it goes through the tracker."""
        self.shape: list[Hashable] = []
        self.born = 0
        """Channels so far, times `STEP`."""
        self.open = 0
        self.bridges: dict[bytes, int] = {}
        """Bridges that its channels entered, numbered."""


class Channel(Generic[R]):
    """A channel that lives. number: within its group, a multiple of `STEP`."""

    __slots__ = ("group", "name", "number")

    def __init__(self, name: bytes, group: Group[R]) -> None:
        self.name = name
        self.group = group
        self.number = group.born


class Gathering(Generic[R]):
    """source: the PBX's name in events, as live (`asterisk/pbx1`); via: the way of its facts."""

    def __init__(self, rows: Rows[R], outlet: Outlet, *, source: str, via: str) -> None:
        self._rows = rows
        self._outlet = outlet
        self._tracker = CallTracker(source, via=via)
        self._names: dict[str, str] = {}
        self._shapes = Shapes(rows.facts)
        self.channels: dict[bytes, Channel[R]] = {}
        """By Uniqueid."""
        self._named: dict[bytes, Channel[R]] = {}
        self._linked: dict[bytes, Group[R]] = {}
        self._in_bridge: dict[bytes, Group[R]] = {}

    # --- what readers say ---------------------------------------------------------------------------

    def begin(self, uniqueid: bytes, linkedid: bytes, name: bytes) -> Channel[R]:
        """Return the channel, which is new."""
        if len(self.channels) >= MOST_LIVE:
            self.end(next(iter(self.channels)))
        group = self._linked.get(linkedid)
        if group is None:
            group = self._linked[linkedid] = Group(linkedid)
            self._touch(group, self.channels.get(linkedid))
        channel = self.channels[uniqueid] = self._named[name] = Channel(name, group)
        group.born += STEP
        group.open += 1
        if uniqueid != linkedid and (others := self._linked.get(uniqueid)):
            self._touch(others, channel)
        return channel

    def end(self, uniqueid: bytes) -> None:
        """The channel is gone; it must be known. With the last of its group the calls are told."""
        channel = self.channels.pop(uniqueid)
        if self._named.get(channel.name) is channel:
            del self._named[channel.name]
        group = channel.group
        group.open -= 1
        if group.open:
            return
        for bridge in group.bridges:
            if self._in_bridge.get(bridge) is group:
                del self._in_bridge[bridge]
        del self._linked[group.linkedid]
        self._finish(group)

    def finish(self) -> None:
        """The log is over: tell of the calls that live."""
        for group in dict.fromkeys(channel.group for channel in self.channels.values()):
            self._finish(group)
        for index in (self.channels, self._named, self._linked, self._in_bridge):
            index.clear()

    def add(self, channel: Channel[R], row: R, kind: int, *shape: Hashable) -> None:
        """Keep a row. kind: its own number, below `STEP`. shape: what else the mapping looks at."""
        group = channel.group
        if group.rows is None:
            self.tell(row)
        else:
            group.rows.append(row)
            group.shape.append(channel.number + kind)
            group.shape += shape

    def track(self, group: Group[R]) -> None:
        """From now on its rows go through the tracker, and so do those that came already."""
        rows, group.rows = group.rows, None
        for row in rows or ():
            self.tell(row)

    def tell(self, row: R) -> None:
        """Put a row through the tracker."""
        for fact in self._rows.facts(row, self._names):
            for event in self._tracker.feed(fact):
                self._outlet.event(event)

    # --- for a row's shape --------------------------------------------------------------------------

    def number_in(self, group: Group[R], other: Channel[R] | None) -> int:
        """Return the number of a channel that does something to this group."""
        if other is None:
            return NOBODY
        self._touch(group, other)
        return other.number

    def named(self, group: Group[R], name: bytes) -> int:
        """Return the number of the living channel of that name."""
        return self.number_in(group, self._named.get(name))

    def kin(self, channel: Channel[R]) -> Hashable:
        """What the mapping sees in a name: the technology, and which half of which Local channel it is."""
        name = channel.name
        technology, _, rest = name.partition(b"/")
        if technology != b"Local":
            return technology if rest else None
        twin = name[:-1] + (b"2" if name.endswith(b"1") else b"1")
        return (technology, name[-1:], self.named(channel.group, twin))

    def entered(self, channel: Channel[R], bridge: bytes) -> int:
        """Return the bridge's number. Calls that meet in one go through the tracker from now on."""
        group = channel.group
        number = group.bridges.get(bridge)
        if number is None:
            number = group.bridges[bridge] = len(group.bridges)
            other = self._in_bridge.setdefault(bridge, group) if bridge else group
            if other is not group:
                self.track(other)
                self.track(group)
        return number

    # --- how it comes out ---------------------------------------------------------------------------

    def _touch(self, group: Group[R], other: Channel[R] | None) -> None:
        """Where that channel is another group's, none of both can be told by its own rows alone."""
        if other is not None and other.group is not group:
            self.track(other.group)
            self.track(group)

    def _finish(self, group: Group[R]) -> None:
        rows = group.rows
        if not rows:
            return
        for found in self._shapes.outcomes(tuple(group.shape), rows):
            uniqueid, channel, exten = self._rows.start(rows[found.dialing])
            self._outlet.call(
                CallRow(
                    uniqueid,
                    endpoint_of(channel),
                    exten,
                    False,
                    self._rows.time(rows[found.dialing]),
                    self._time_at(rows, found.picked_up),
                    self._time_at(rows, found.answered),
                    self._time_at(rows, found.ended),
                    found.outcome,
                )
            )

    def _time_at(self, rows: Sequence[R], position: int) -> float | None:
        return self._rows.time(rows[position]) if position >= 0 else None
