"""The site file of the demo: two help points of the tank farm, two desks, two dispatchers, and no PBX.

Made from the example that ships with the product, so that what it shows can be read there.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bridge.simulator.plant import Systems

PASSWORD: Final = "demo"  # noqa: S105  of telephones that exist in this process only
VARIABLE: Final = "SOSBRIDGE_DEMO_PHONES"
"""The environment variable with it."""
ALARM: Final = "9110"
EAST: Final = "EAST-03"
WEST: Final = "WEST-01"
DESKS: Final = ("desk-1", "desk-2")
LEAD: Final = "shift-lead"
MANAGER: Final = "plant-manager"
TIMES: Final[Mapping[str, float]] = {
    "picture": 2.0,
    "console_settle": 0.5,
    "post_roll_emergency": 1.5,
    "post_roll_routine": 1.5,
}
"""Waiting times that a spectator has the patience for."""


def site_of(systems: Systems, folder: Path, *, sip_port: int, sounds: Path) -> dict[str, Any]:
    """Return the whole site as data."""
    site = systems.site(folder, times=TIMES)
    site["phones"] = _only(site["phones"], (EAST, WEST))
    site["locations"] = _only(site["locations"], [phone["location"] for phone in site["phones"].values()])
    endpoints = [phone["endpoint"] for phone in site["phones"].values()]
    secret = {"secret": {"env": VARIABLE}}
    site["pbx"] = [
        {
            "name": "sip",
            "type": "sip",
            "listen": [{"transport": "UDP", "address": "127.0.0.1", "port": sip_port}],
            "allowed": ["127.0.0.0/8"],
            "realm": "plant.example",
            "accounts": {name: dict(secret) for name in (*endpoints, *DESKS, LEAD, MANAGER)},
            "sounds": str(sounds),
            # No call outlives the demo, so neither need what carries its voice.
            "media": {"type": "builtin", "orphan_after": 0.5},
        }
    ]
    site["alarm"]["extensions"] = [ALARM]
    site["dispatch"] = {"type": "sip_dispatch", "groups": {"shift": {"tiers": [[LEAD, MANAGER]]}}}
    return site


def free_port() -> int:
    """Return a UDP port of the loopback that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _only(section: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: section[name] for name in dict.fromkeys(names)}
