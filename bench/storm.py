"""200 places press SOS within two seconds, on three video systems, one of which hangs.

    python -m bench.storm                 # about a minute; --quick: 60 places

sipp calls a real Asterisk 22, each call from a phone of its own with a camera of its own. A third of the
cameras are at a system that shows and is read back, a third at one that records and is read back, a third at
one that takes every request and never answers. How long until the first picture is proven, and is there an
SOS without a picture that nobody could see?
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.figures import load, milliseconds, percentile, print_table
from bench.pbx import SECRET, SOS, Pbx
from bench.plant import SYSTEMS, USER, PlantOfThree
from bench.site import DESK, SECRET_VARIABLE, ami_pbx, phones_of
from bench.sosbridge import Sosbridge
from bench.waiting import wait

WITHIN: Final = 2.0
"""Seconds in which all of them press."""
PATIENCE: Final = 60.0
TARGET: Final = 2.0
PREFIX: Final = "5"

# One row a phone: its first proven picture, and the first line of its story that says that there is none.
_PICTURES: Final = """\
SELECT event.caller, event.occurred_at,
  (SELECT min(settled_at) FROM deliveries WHERE incident = call.incident AND state = 'verified'
     AND operation IN ('show', 'start_recording', 'prove_live')),
  (SELECT min(at) FROM timeline WHERE incident = call.incident AND text LIKE 'no picture confirmed%')
FROM calls AS call
JOIN events AS event ON event.key = call.key AND event.source = call.source AND event.kind = 'call_dialing'
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one SOS; seconds since the PBX told of it, None where it did not happen."""

    system: str
    picture: float | None
    told_missing: float | None


def system_of(number: str) -> str:
    return SYSTEMS[int(number.removeprefix(PREFIX)) % len(SYSTEMS)]


def site_of(numbers: Sequence[str], pbx: Pbx, plant: PlantOfThree) -> dict[str, Any]:
    """Return a site with a place, a camera and a screen for each phone."""
    ids = {number: number.removeprefix(PREFIX) for number in numbers}
    return {
        "site": {"name": "storm", "timezone": "UTC"},
        "pbx": [ami_pbx(pbx.ami_port)],
        "alarm": {"extensions": [SOS], "consoles": [DESK]},
        "vms": [
            _wall("wall", plant.addresses["wall"]),
            {
                "name": "recorder",
                "type": "zoneminder",
                "base_url": f"{plant.addresses['recorder']}/zm",
                "user": USER,
                "password": {"env": SECRET_VARIABLE},
            },
            _wall("hung", plant.addresses["hung"]),
        ],
        "phones": phones_of(numbers),
        "locations": {
            f"post-{number}": {
                "spoken": f"post {number}",
                "cameras": [f"camera-{number}"],
                "consoles": [f"screen-{ids[number]}"],
            }
            for number in numbers
        },
        "cameras": {f"camera-{number}": {system_of(number): ids[number]} for number in numbers},
        "consoles": {
            DESK: {"endpoint": DESK},
            **{f"screen-{ids[number]}": {"wall": ids[number], "hung": ids[number]} for number in numbers},
        },
    }


def _wall(name: str, url: str) -> dict[str, Any]:
    layout = "/api/monitors/{target}/layout"
    return {
        "name": name,
        "type": "http",
        "base_url": url,
        "health": {"path": "/api/status"},
        "requests": {
            "show": {
                "method": "PUT",
                "path": layout,
                "json": {"cameras": "{cameras:list}", "incident": "{incident}"},
                "capability": "repeatable",
                "read_back": {"path": layout, "expect": {"json": {"/incident": "{incident}"}}},
            },
            "start_recording": {
                "method": "PUT",
                "path": "/api/cameras/{target}/recording",
                "json": {"on": True},
                "capability": "repeatable",
                "read_back": {
                    "path": "/api/cameras/{target}",
                    "expect": {"json": {"/recording": True}},
                },
            },
        },
    }


def storm(posts: int) -> list[Outcome]:
    numbers = [f"{PREFIX}{count}" for count in range(1, posts + 1)]
    with (
        PlantOfThree(posts, SECRET) as plant,
        Pbx("http://127.0.0.1:9") as pbx,
        Sosbridge(lambda: site_of(numbers, pbx, plant)) as bridge,
    ):
        pbx.call(PREFIX, posts, posts / WITHIN)
        wait(lambda: _all_told(bridge.query(_PICTURES), posts), PATIENCE, every=0.5)
        rows = bridge.query(_PICTURES)
    return [
        Outcome(system_of(caller), picture and picture - began, missing and missing - began)
        for caller, began, picture, missing in rows
    ]


def _all_told(rows: Sequence[Sequence[Any]], posts: int) -> bool:
    return len(rows) == posts and all(picture or missing for _, _, picture, missing in rows)


def figures(outcomes: Iterable[Outcome], pressed: Mapping[str, int]) -> Iterable[Sequence[str]]:
    by_system: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_system[outcome.system].append(outcome)
    for system in SYSTEMS:
        seen = [one.picture for one in by_system[system] if one.picture is not None]
        missing = [
            one.told_missing
            for one in by_system[system]
            if one.told_missing is not None and one.picture is None
        ]
        yield (
            system,
            str(pressed[system]),
            str(len(seen)),
            *(milliseconds(percentile(seen, share)) for share in (0.5, 0.95, 1.0)),
            str(len(missing)),
            milliseconds(percentile(missing, 1.0)),
            str(pressed[system] - len(seen) - len(missing)),
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.storm", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="60 places")
    posts = 60 if parser.parse_args().quick else 200
    outcomes = storm(posts)
    pressed: dict[str, int] = defaultdict(int)
    for count in range(1, posts + 1):
        pressed[system_of(f"{PREFIX}{count}")] += 1
    print_table(
        f"{posts} places press SOS within {WITHIN:g} s; load average {load()}",
        ("system", "SOS", "picture", "p50 ms", "p95 ms", "max ms", "told missing", "max ms", "neither"),
        figures(outcomes, pressed),
        f"Targets: p95 of the first picture at most {TARGET:g} s at wall and recorder; nobody in `neither`.",
    )


if __name__ == "__main__":
    main()
