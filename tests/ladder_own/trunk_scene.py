"""A plant whose PBX may be lost: a real Asterisk with the dialplan pack, and the bridge's own trunk.

The trunk leads to a second Asterisk, which asks for a password and reaches a mobile phone. The phones of the
PBX are sipp. Between the bridge and the PBX's AMI lies a cable that can be cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bridge.simulator.vms.faults import Fault, Rule
from tests.app.plant import RunningPlant
from tests.app.scene import Scene
from tests.app.warm import WarmStarts
from tests.ari.cable import Cable
from tests.lab.lab import install_pack
from tests.ladder_own.people import PASSWORD
from tests.ladder_own.scene import DESK, EAST, LEAD, MANAGER, NEVER, TIMES, order
from tests.ladder_own.sounds import make_prompts
from tests.pack.lab import MODULES
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.ports import free_block, free_port, give_back

MOBILE: Final = "+31612345678"
"""Rings a telephone at the trunk's far side."""
BUSY, BROKEN = "+31600000486", "+31600000503"
"""Are refused there with 486, and with 503."""
BEYOND_THE_TRUNK: Final = f"""\
[from-bridge]
exten => {MOBILE},1,Dial(PJSIP/mobile,120)
 same => n,Hangup()
exten => {BUSY},1,Hangup(17)
exten => {BROKEN},1,Hangup(34)
"""
RTP_PORTS: Final = 40
STAFF: Final = (DESK, LEAD, MANAGER)


class TrunkScene(Scene):
    """dtmf: how the far side tells us of keys, `rfc4733` or `info`. `start` is to be called once."""

    def __init__(
        self, folder: Path, plant: RunningPlant, starts: WarmStarts, database: Path, *, dtmf: str = "rfc4733"
    ) -> None:
        super().__init__(folder, plant, starts, database)
        self._secret = folder / "password"
        self._secret.write_text(PASSWORD)
        self._secret.chmod(0o600)
        self._open = ExitStack()
        staff = (Endpoint(name=name, port=-1, dtmf="info") for name in STAFF)
        self.pbx = Asterisk("22", endpoints=(Endpoint(name=EAST, port=-1), *staff), modules=MODULES)
        self._open.callback(self.pbx.close)
        trunk = Endpoint(name="sos", context="from-bridge", password=PASSWORD, dtmf=dtmf)
        self.far = Asterisk(
            "22",
            endpoints=(trunk, Endpoint(name="mobile", port=-1)),
            append={"extensions.conf": BEYOND_THE_TRUNK},
        )
        self._open.callback(self.far.close)
        self.cable = Cable(self.pbx.ami_port)
        self.dead_port = free_port()
        """Where no trunk is."""
        self._open.callback(give_back, self.dead_port)
        self._sip_port = free_port()
        self._open.callback(give_back, self._sip_port)
        self._rtp = free_block(RTP_PORTS)
        self._open.callback(give_back, self._rtp, RTP_PORTS)

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self.plant.wait(self.cable.__aexit__())
        self._open.close()

    def set_up(self, *people: str, in_sequence: bool = False) -> None:
        """Start everything. people: whom the bridge's own exchange rings where the PBX cannot."""
        self.plant.wait(self.cable.__aenter__())
        # The VMSs take orders and never answer: dispatch is rung when they are lost, and not before.
        self.site["times"] = {**TIMES, "picture": NEVER, "fallback": 0.5}
        order(self, Rule(fault=Fault.SILENT))
        self.site["pbx"] = [self._link(), self._exchange(in_sequence)]
        self.site["dispatch"] = self._dispatch(people)
        self.write_site()
        make_prompts(self.site_file, self.folder / "sounds")
        install_pack(self.pbx, self.site_file)
        self.pbx.start()
        self.far.start()
        self.start()
        self.until(self._is_known, "known to the PBX, which would ring dispatch by itself")

    def kill_pbx(self) -> None:
        """It is gone, as after a power cut, and so are its calls."""
        self.pbx.kill()
        self.cut()

    def cut(self) -> None:
        """Cut the cable to the PBX, which goes on."""
        self.plant.do(self.cable.cut)

    def mend(self) -> None:
        """The cable is whole again."""
        self.cable.plugged = True

    def _is_known(self) -> bool:
        return re.search(r"SOS_BEAT_AT=\d{6}", self.pbx.cli("dialplan show globals")) is not None

    def _account(self, username: str) -> dict[str, Any]:
        return {"username": username, "secret": {"file": str(self._secret)}}

    def _link(self) -> dict[str, Any]:
        there = {"host": "127.0.0.1", "port": self.cable.port}
        return {"name": "main", "type": "ami", **there, **self._account("sos-watch")}

    def _exchange(self, in_sequence: bool) -> dict[str, Any]:
        login = {"user": "sos", "secret": {"file": str(self._secret)}}
        return {
            "name": "own",
            "type": "sip",
            "listen": [{"transport": "UDP", "address": "127.0.0.1", "port": self._sip_port}],
            "allowed": ["127.0.0.0/8"],
            "realm": "127.0.0.1",
            "trunks": {
                "trunk": {"host": "127.0.0.1", "port": self.far.sip_port, **login},
                "dead": {"host": "127.0.0.1", "port": self.dead_port},
            },
            "in_sequence": in_sequence,
            "provisional_trunk": 2.0,
            "ring": 300,
            "key_wait": 10,
            "media": {
                "type": "builtin",
                "first_port": self._rtp,
                "last_port": self._rtp + RTP_PORTS - 1,
                "orphan_after": 0.5,
            },
        }

    def _dispatch(self, people: Sequence[str]) -> dict[str, Any]:
        return {
            "pbx": "main",
            "fallback": "own",
            "host": "127.0.0.1",
            "port": self.cable.port,
            "originate": self._account("sos-originate"),
            "heartbeat": self._account("sos-heartbeat"),
            "heartbeat_every": 1,
            "heartbeat_stale": 600,
            "sounds": str(self.pbx.sounds),
            "ring": 300,
            "pause": 0.5,
            "groups": {"shift": {"tiers": [[LEAD], [MANAGER]], "fallback": [list(people)]}},
        }
