"""One replay in a process of its own, so that its memory is its own: `python -m bench.replay_reader FILE`.

Prints, as JSON, what `bench.replay` compares. Called by it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import yaml

from bench.replay_calls import ALARM, POSTS
from bridge.cli.replay.work import Work
from bridge.config.loading import load_text
from bridge.model import Delivery, Incident, TimelineEntry
from bridge.replay import CallRow, Reading, Times, Troubles, choose, places


class Counted:
    """Where the command line shows rows."""

    found = True

    def __init__(self) -> None:
        self.calls = 0
        self.incidents = 0

    def call(self, _row: CallRow) -> None:
        self.calls += 1

    def incident(
        self, _incident: Incident, _deliveries: list[Delivery], _calls: set[str], _story: list[TimelineEntry]
    ) -> None:
        self.incidents += 1


def site() -> dict[str, Any]:
    """Return a site whose posts have a camera and a screen each."""
    layout = {"method": "PUT", "path": "/layout/{target}", "json": {"cameras": "{cameras:list}"}}
    return {
        "site": {"name": "bench", "timezone": "UTC"},
        "alarm": {"extensions": [ALARM], "consoles": ["desk"]},
        "pbx": [
            {"name": "pbx1", "type": "ami", "host": "127.0.0.1", "username": "x", "secret": {"env": "NONE"}}
        ],
        "vms": [
            {
                "name": "wall",
                "type": "http",
                "base_url": "http://127.0.0.1:9",
                "health": {"path": "/"},
                "requests": {"show": {**layout, "capability": "repeatable"}},
            }
        ],
        "phones": {
            f"phone-{post}": {"endpoint": post, "extension": post, "location": f"post-{post}"}
            for post in POSTS
        },
        "locations": {
            f"post-{post}": {"spoken": f"post {post}", "cameras": [f"camera-{post}"], "consoles": ["desk"]}
            for post in POSTS
        },
        "cameras": {f"camera-{post}": {"wall": post} for post in POSTS},
        "consoles": {"desk": {"endpoint": ALARM, "wall": "1"}},
    }


def replay(path: str) -> dict[str, float]:
    """Read the file as `sosbridge replay` does. Seconds are of this process alone."""
    shown, troubles, times = Counted(), Troubles(), Times("UTC")
    work = Work(load_text(yaml.safe_dump(site()), secrets=False).plan(), None, shown)
    reading = Reading(work, work.interest, troubles, times, source="asterisk/pbx1")
    began, cpu = time.perf_counter(), time.process_time()
    [log] = choose(places([path]), troubles, time_of=Times("UTC").of).logs
    with log.opened(troubles) as source:
        assert source is not None
        reading.read(source, log.found)
    reading.end()
    work.end()
    assert not troubles.total, troubles.named
    return {
        "records": reading.progress.records,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "calls": shown.calls,
        "incidents": shown.incidents,
    }


if __name__ == "__main__":
    print(json.dumps(replay(sys.argv[1])))
