"""The sites of the benches as data: many phones behind one gateway, each with a camera of its own.

So every SOS opens an incident of its own and asks for exactly one recording at the generic HTTP VMS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bench.pbx import GATEWAY, SECRET, SOS, USER

SECRET_VARIABLE: Final = "SOSBRIDGE_BENCH_SECRET"
ENVIRONMENT: Final = {SECRET_VARIABLE: SECRET}
DESK: Final = "desk"
"""The console: with a PBX nobody answers there."""
DESK_NUMBER: Final = "100"
LOOPBACK: Final = "127.0.0.1"


def site_of(numbers: Iterable[str], *, pbx: Mapping[str, Any], vms_url: str) -> dict[str, Any]:
    """Return the site file for phones with these numbers. Everything that is not here has its default."""
    numbers = list(numbers)
    return {
        "site": {"name": "bench", "timezone": "UTC"},
        "pbx": [dict(pbx)],
        "alarm": {"extensions": [SOS], "consoles": [DESK]},
        "vms": [
            {
                "name": "vms",
                "type": "http",
                "base_url": vms_url,
                "health": {"path": "/health"},
                "requests": {
                    "start_recording": {
                        "method": "PUT",
                        "path": "/recording/{target}",
                        "json": {"incident": "{incident}", "title": "{title}"},
                        "capability": "repeatable",
                    }
                },
            }
        ],
        "phones": phones_of(numbers),
        "locations": {
            f"post-{number}": {"spoken": f"post {number}", "cameras": [f"camera-{number}"]}
            for number in numbers
        },
        "cameras": {f"camera-{number}": {"vms": number} for number in numbers},
        "consoles": {DESK: {"endpoint": DESK}},
    }


def ami_pbx(port: int) -> dict[str, Any]:
    """Return the stanza of an Asterisk whose AMI is there."""
    return {
        "name": "pbx1",
        "type": "ami",
        "host": LOOPBACK,
        "port": port,
        "username": USER,
        "secret": {"env": SECRET_VARIABLE},
    }


def own_exchange(port: int, rtp: range) -> dict[str, Any]:
    """Return the stanza of the bridge's own exchange: the gateway is a trunk, the desk registers."""
    return {"name": "exchange", "type": "sip", **exchange_settings(port, rtp)}


def exchange_settings(port: int, rtp: range) -> dict[str, Any]:
    """Return the settings of `triggers.sip`. rtp: the ports of the media."""
    return {
        "realm": LOOPBACK,
        "algorithms": ["MD5"],  # sipp knows no other
        "listen": [{"transport": "UDP", "address": LOOPBACK, "port": port}],
        "allowed": [f"{LOOPBACK}/32"],
        "trunks": {GATEWAY: {"host": LOOPBACK}},
        "accounts": {DESK: {"secret": {"env": SECRET_VARIABLE}}},
        "numbers": {DESK_NUMBER: DESK},
        "longest_registration": 86_400,
        # sipp would take it for a call.
        "options_every": 86_400,
        "media": {"type": "builtin", "first_port": rtp.start, "last_port": rtp.stop - 1},
    }


def phones_of(numbers: Iterable[str]) -> dict[str, Any]:
    """A phone behind the gateway for each number, at a post of its own."""
    return {
        f"phone-{number}": {
            "endpoint": GATEWAY,
            "extension": number,
            "location": f"post-{number}",
            "shared": True,
        }
        for number in numbers
    }
