"""Two links that watch one PBX: what both tell is one event, whatever moment each gives to it."""

from __future__ import annotations

import itertools

import pytest

from bridge.calls import CallTracker, Devices, facts
from bridge.model import Event, Kind

SOURCE = "asterisk/pbx1"
LATER = 0.0004
"""Seconds; AMI and ARI stamp the same change with moments of their own."""


class TwoWays:
    """Trackers of AMI and ARI on one PBX; every event either makes."""

    def __init__(self) -> None:
        devices = Devices()
        self.ami = CallTracker(SOURCE, via="ami", devices=devices)
        self.ari = CallTracker(SOURCE, via="ari", devices=devices)
        self.events: list[Event] = []

    def tell(self, *trackers: CallTracker, fact: facts.Fact) -> None:
        for tracker in trackers:
            self.events += tracker.feed(fact)

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]


@pytest.fixture
def ways() -> TwoWays:
    return TwoWays()


def reach(at: float, reachable: bool) -> facts.Reachability:
    return facts.Reachability(at=at, endpoint="1001", reachable=reachable)


def said(name: str, at: float) -> facts.Said:
    fields = {"sosuid": "1700000000.0", "phone": "1001"}
    channel = {"uniqueid": "1700000000.0", "linkedid": "1700000000.0", "channel": "PJSIP/1001-00000001"}
    return facts.Said(at=at, name=name, fields=fields, **channel)


@pytest.mark.parametrize("first", [0, 1], ids=["ami-first", "ari-first"])
def test_a_phone_that_comes_and_goes_is_told_once_each_time(ways: TwoWays, first: int) -> None:
    order = [(ways.ami, 0.0), (ways.ari, LATER)]
    for at, reachable in ((10.0, False), (20.0, True), (30.0, False)):
        for tracker, later in (order[first], order[1 - first]):
            ways.tell(tracker, fact=reach(at + later, reachable))
    assert ways.kinds == [Kind.OFFLINE, Kind.ONLINE, Kind.OFFLINE]
    assert len({event.id for event in ways.events}) == 3


def test_what_one_way_missed_the_other_tells(ways: TwoWays) -> None:
    ways.tell(ways.ami, ways.ari, fact=reach(10.0, True))
    ways.tell(ways.ari, fact=reach(20.0, False))  # AMI is down
    ways.tell(ways.ami, fact=reach(21.0, False))  # AMI is back, and lists all devices
    ways.tell(ways.ami, fact=reach(30.0, True))  # ARI is down
    assert ways.kinds == [Kind.ONLINE, Kind.OFFLINE, Kind.ONLINE]


def test_a_phone_of_another_pbx_is_another(ways: TwoWays) -> None:
    other = CallTracker("asterisk/pbx2", devices=Devices())
    ways.tell(ways.ami, other, fact=reach(10.0, False))
    assert ways.kinds == [Kind.OFFLINE, Kind.OFFLINE]


def test_silence_and_sound_are_told_once_each_time(ways: TwoWays) -> None:
    story = ("SOSSilent", "SOSHeard", "SOSSilent")
    for at, name in zip(itertools.count(10.0), story, strict=False):
        ways.tell(ways.ami, fact=said(name, at))
        ways.tell(ways.ari, fact=said(name, at + LATER))
    assert ways.kinds == [Kind.FAULT, Kind.FAULT_CLEARED, Kind.FAULT]
    assert len({event.id for event in ways.events}) == 3


def test_calls_whose_silence_was_told_are_forgotten_in_time() -> None:
    devices = Devices()
    assert devices.sounded("first", sounds=False)
    assert not devices.sounded("first", sounds=False)
    for number in range(1000):
        devices.sounded(f"call-{number}", sounds=False)
    assert devices.sounded("first", sounds=False)


@pytest.mark.parametrize(
    "name", ["SOSAck", "SOSTier", "SOSUnanswered", "SOSRecording", "SOSNotTaken", "SOSNoAck"]
)
def test_every_other_report_has_the_same_id_by_both(ways: TwoWays, name: str) -> None:
    """Their keys hold no time."""
    ways.tell(ways.ami, fact=said(name, 10.0))
    ways.tell(ways.ari, fact=said(name, 10.0 + LATER))
    assert len(ways.events) == 2
    assert len({event.id for event in ways.events}) == 1
