"""The site of `bench.fallback` as data: places whose video systems are all broken.

Every place of the first calls has a system of its own (a driver instance, with its own breaker) that nobody
has asked for anything yet; the second calls come from other places of the same systems.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench.pbx import GATEWAY, SOS
from bench.site import DESK, SECRET_VARIABLE, ami_pbx, own_exchange
from bridge.simulator.plant import example_folder

DUTY: Final = "duty"
"""The dispatcher; with the own exchange a number beyond the trunk."""
GROUP: Final = "shift"
LOGIN: Final = {"secret": {"env": SECRET_VARIABLE}}
TRIED_FOR: Final = 15.0
"""Seconds in which a broken system is tried again for one SOS; else a hundred of them would be tried at once.
Long enough for the breaker of one that hangs to open."""
_WALL: Final = "wall"


class Broken(enum.StrEnum):
    """What is wrong with a video system."""

    REFUSING = "refusing"
    FORBIDDING = "forbidding"
    HUNG = "hung"
    LYING = "lying"


@dataclass(frozen=True, slots=True)
class Post:
    """One phone, its place, its camera and its screen. number: from 1. again: the system's second place."""

    broken: Broken
    number: int
    again: bool = False

    @property
    def extension(self) -> str:
        """The phone's number, which begins everybody's name: 5 or 6, the kind of system, which one."""
        return f"{6 if self.again else 5}{list(Broken).index(self.broken)}{self.number:03d}"

    @property
    def system(self) -> str:
        return f"{self.broken}-{self.number}"


def posts_of(systems: int) -> list[Post]:
    """Return both posts of every system, where there are so many of each kind."""
    return [
        Post(broken, number, again)
        for broken in Broken
        for number in range(1, systems + 1)
        for again in (False, True)
    ]


def through_asterisk(
    posts: Sequence[Post], urls: Mapping[Broken, str], *, port: int, sounds: Path
) -> dict[str, Any]:
    """Return the site whose PBX has the dialplan pack and its AMI at `port`. sounds: the PBX's folder."""
    dispatch = {
        "port": port,
        "sounds": str(sounds),
        "originate": {"username": "sos-originate", **LOGIN},
        "heartbeat": {"username": "sos-heartbeat", **LOGIN},
        "groups": {GROUP: {"tiers": [[DUTY]]}},
    }
    return _site(posts, urls) | {"pbx": [ami_pbx(port) | {"username": "sos-watch"}], "dispatch": dispatch}


def through_exchange(
    posts: Sequence[Post], urls: Mapping[Broken, str], *, port: int, duty: int, rtp: range, sounds: Path
) -> dict[str, Any]:
    """Return the site that is its own exchange at `port`. duty: the port beyond the trunk."""
    exchange = own_exchange(port, rtp) | {"sounds": str(sounds)}
    exchange["trunks"] = {GATEWAY: {**exchange["trunks"][GATEWAY], "port": duty}}
    dispatch = {"type": "sip_dispatch", "groups": {GROUP: {"tiers": [[f"{DUTY}@{GATEWAY}"]]}}}
    return _site(posts, urls) | {"pbx": [exchange], "dispatch": dispatch}


def _site(posts: Sequence[Post], urls: Mapping[Broken, str]) -> dict[str, Any]:
    names = {post: post.extension for post in posts}
    return {
        "site": {"name": "fallback", "timezone": "UTC"},
        "alarm": {"extensions": [SOS], "consoles": [DESK]},
        "times": {"deadline_emergency": TRIED_FOR, "deadline_stop": TRIED_FOR},
        "vms": list(_systems(posts, urls)),
        "phones": {
            f"phone-{name}": {
                "endpoint": GATEWAY,
                "extension": name,
                "location": f"post-{name}",
                "shared": True,
            }
            for name in names.values()
        },
        "locations": {
            f"post-{name}": {
                "spoken": f"post {name}",
                "cameras": [f"camera-{name}"],
                "consoles": [f"screen-{name}"],
            }
            for name in names.values()
        },
        "cameras": {f"camera-{name}": {post.system: name} for post, name in names.items()},
        "consoles": {
            DESK: {"endpoint": DESK},
            **{f"screen-{name}": {post.system: name} for post, name in names.items()},
        },
    }


def _systems(posts: Sequence[Post], urls: Mapping[Broken, str]) -> Iterator[dict[str, Any]]:
    """The video wall of the tank-farm example, which here records as well: so a picture can be proven.

    Only what is asked for until dispatch is told: everything else would be tried in vain as well, and cost.
    """
    example = yaml.safe_load((example_folder() / "site.yaml").read_text("utf-8"))
    [wall] = [stanza for stanza in example["vms"] if stanza["name"] == _WALL]
    del wall["camera_check"]
    wall["requests"] = {name: wall["requests"][name] for name in ("show", "popup")}
    wall["requests"]["start_recording"] = {
        "method": "PUT",
        "path": "/api/cameras/{target}/recording",
        "json": {"on": True},
        "capability": "repeatable",
        "read_back": {"path": "/api/cameras/{target}", "expect": {"json": {"/recording": True}}},
    }
    for post in posts:
        if not post.again:
            yield {**wall, "name": post.system, "base_url": urls[post.broken]}
