"""What people call a resource: the names of the site file, never a video system's own id."""

from __future__ import annotations

import pytest

from bridge.response import Plan, name_of

PLAN = Plan(
    site="Tank farm",
    cameras={"PTZ-01": {"zm": "1", "wall": "cam/11"}, "FIX-02": {"zm": "11"}},
    consoles=("desk-1", "desk-2", "desk-3"),
    console_ids={"desk-1": {"wall": "M-1"}, "desk-2": {"zm": "M-1"}},
)


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("screen/wall/M-1", "screen/wall/desk-1"),
        ("screen/zm/M-1", "screen/zm/desk-2"),
        ("screen/wall/desk-3", "screen/wall/desk-3"),
        ("screen/wall/M-9", "screen/wall/M-9"),
        ("start_recording/zm/1", "start_recording/zm/PTZ-01"),
        ("start_recording/zm/11", "start_recording/zm/FIX-02"),
        ("event_start/wall/cam/11", "event_start/wall/PTZ-01"),
        ("start_recording/zm/12", "start_recording/zm/12"),
        ("ptz/PTZ-01", "ptz/PTZ-01"),
        ("dispatch/dispatch/east", "dispatch/dispatch/east"),
        ("beacon_on/relay/1", "beacon_on/relay/1"),
        ("", ""),
    ],
)
def test_a_resource_has_the_names_of_the_site_file(resource: str, name: str) -> None:
    """What the site file does not name (any more) keeps the id: better than nothing."""
    assert name_of(resource, PLAN) == name
