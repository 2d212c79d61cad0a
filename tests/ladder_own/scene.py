"""A plant whose exchange is the bridge itself: `sosbridge run`, simulated VMSs, and who is to be rung.

The tank farm with two dispatchers in the first tier and one in the second; `gatekeeper` has a telephone, and
is in no group.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bridge.simulator.vms.faults import Rule
from tests.app.plant import RunningPlant
from tests.app.scene import Scene
from tests.app.warm import Bridge, WarmStarts
from tests.ladder_own.people import PASSWORD
from tests.ladder_own.sounds import make_prompts
from tests.parts.ports import free_block, free_port, give_back

RTP_PORTS: Final = 120
EAST, WEST, GATE, PUMP = "help-east-03", "help-west-01", "help-gate-01", "help-pump-01"
DESK: Final = "desk-1"
LEAD, SECOND, MANAGER, GATEKEEPER = "shift-lead", "shift-second", "plant-manager", "gatekeeper"
NEVER: Final = 600.0
"""Seconds: later than any test is over."""
TIMES: Final = {
    "picture": 1.5,
    "escalate_1": NEVER,
    "escalate_2": 2 * NEVER,
    "console_settle": 0.5,
    "redial_wait": 0.3,
    "dispatch_grace": 0.3,
    "post_roll_emergency": 0.3,
    "post_roll_routine": 0.3,
}


class OwnScene(Scene):
    """`start` begins the bridge, as often as it is killed: on the same ports and state."""

    def __init__(self, folder: Path, plant: RunningPlant, starts: WarmStarts, database: Path) -> None:
        super().__init__(folder, plant, starts, database)
        self.sip_port = free_port()
        self._rtp = free_block(RTP_PORTS)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        accounts = [phone["endpoint"] for phone in self.site["phones"].values() if not phone.get("shared")]
        accounts += [DESK, "desk-2", LEAD, SECOND, MANAGER, GATEKEEPER]
        self.exchange: dict[str, Any] = {
            "name": "own",
            "type": "sip",
            "listen": [{"transport": "UDP", "address": "127.0.0.1", "port": self.sip_port}],
            "allowed": ["127.0.0.0/8"],
            "realm": "127.0.0.1",
            "algorithms": ["MD5"],  # baresip 1.0 and sipp know no other
            "accounts": {name: {"secret": {"file": str(secret)}} for name in accounts},
            "trunks": {"gateway-jetty": {"host": "192.0.2.9"}},
            "options_every": 3600,  # sipp would take it for a call
            "watchdog": {"interval": 3600},  # nothing is sent but what a test is about
            "console_ring": 300,
            "ring": 300,
            "pause": 0.5,
            "key_wait": 10,
            "callback_ring": 60,
            "media": {
                "type": "builtin",
                "first_port": self._rtp,
                "last_port": self._rtp + RTP_PORTS - 1,
                "orphan_after": 5.0,
            },
        }
        self.site["pbx"] = [self.exchange]
        self.site["times"] = dict(TIMES)
        self.site["dispatch"] = {
            "type": "sip_dispatch",
            "groups": {"shift": {"tiers": [[LEAD, SECOND], [MANAGER]]}},
        }
        self.write_site()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        give_back(self.sip_port)
        give_back(self._rtp, RTP_PORTS)

    def start(self, *, ready: bool = True) -> Bridge:
        """Make what is announced, and start `sosbridge run`."""
        make_prompts(self.site_file, self.folder / "sounds")
        return super().start(ready=ready)


def switch_off(own: Scene) -> None:
    """Kill the VMSs: every connection is refused from now on."""
    own.plant.wait(own.plant.plant.systems.switch_off())


def order(own: Scene, rule: Rule) -> None:
    """Let both VMSs go wrong like this."""
    for server in (own.plant.zoneminder, own.plant.wall):
        own.plant.do(server.faults.order, replace(rule))
