"""The site of the benches as data: many phones behind one gateway, each with a camera of its own.

So every SOS opens an incident of its own and asks for exactly one recording at the generic HTTP VMS.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from bench.pbx import GATEWAY, SECRET, SOS, USER

SECRET_VARIABLE: Final = "SOSBRIDGE_BENCH_AMI"
ENVIRONMENT: Final = {SECRET_VARIABLE: SECRET}


def site_of(numbers: Iterable[str], *, folder: Path, ami_port: int, vms_url: str, web: str) -> dict[str, Any]:
    """Return the site file for phones with these numbers. Everything that is not here has its default."""
    numbers = list(numbers)
    return {
        "site": {"name": "bench", "timezone": "UTC"},
        "state_dir": str(folder),
        "pbx": [
            {
                "name": "pbx1",
                "type": "ami",
                "host": "127.0.0.1",
                "port": ami_port,
                "username": USER,
                "secret": {"env": SECRET_VARIABLE},
            }
        ],
        "alarm": {"extensions": [SOS], "consoles": ["desk"]},
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
        "phones": {
            f"phone-{number}": {
                "endpoint": GATEWAY,
                "extension": number,
                "location": f"post-{number}",
                "shared": True,
            }
            for number in numbers
        },
        "locations": {
            f"post-{number}": {"spoken": f"post {number}", "cameras": [f"camera-{number}"]}
            for number in numbers
        },
        "cameras": {f"camera-{number}": {"vms": number} for number in numbers},
        "consoles": {"desk": {"endpoint": "desk"}},
        "web": {"listen": web},
    }
