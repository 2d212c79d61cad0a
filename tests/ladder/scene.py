"""Everything at once: a real PBX with the pack and telephones, a real `sosbridge run`, VMSs that break.

    ladder.start()
    dispatcher = ladder.crew({"lead-1": BUSY})
    caller = ladder.press()
    ladder.accept(dispatcher)
    dispatcher.press("1")
    ladder.until_incident(lambda story: story["acknowledged_by"] == HAND, "acknowledged")
    ladder.hang_up(caller)
    ladder.close()
    assert unexpected(ladder) == []

Built of `tests/app/scene.py` (the bridge, its store, the VMSs), `tests/pack/lab.py` (the PBX) and the relay
module of the place. The far sides' own logs tell what was done to them: see `verdict.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bridge.simulator.modbus_module import FakeModule
from tests.app.plant import RunningPlant
from tests.app.scene import Scene, Story, settled, texts
from tests.app.warm import Bridge, WarmStarts
from tests.ari.cable import Cable
from tests.ladder import site as sites
from tests.ladder.site import BEACON, COIL, DESK, PHONE, PHONE_ID, PLACE, Ports, Setting, Staff
from tests.pack.lab import PackLab
from tests.parts.baresip import Baresip
from tests.parts.sip import Phone, Phones, Sipp, answers, calls, refuses, rings_unanswered

HAND: Final = "lead-2"
"""The dispatcher whose hand the test is."""
ANSWERS: Final = answers(after=0.1)
"""A console that talks; as a dispatcher a voicemail, or somebody who listens and does nothing."""
BUSY: Final = refuses("486 Busy Here")
EXTENSION: Final = "9110"
_PICTURES: Final = ("start_recording", "bookmark", "recall_preset", "show")
_STATE: Final = 4
"""Column of `core show channels concise`."""
_PLAYED: Final = re.compile(r"<PJSIP/([\w-]+)-[0-9a-f]{8}> Playing '[^']*/en/([\w/-]+)\.")


class Ladder(Scene):
    """lab: running, with nobody in a call. setting, staff: what the lab was made for."""

    def __init__(
        self,
        folder: Path,
        plant: RunningPlant,
        starts: WarmStarts,
        database: Path,
        lab: PackLab,
        *,
        phones: Phones,
        setting: Setting,
        staff: Staff,
    ) -> None:
        super().__init__(folder, plant, starts, database)
        self.lab = lab
        self.phones = phones
        self.setting = setting
        self.staff = staff
        self.vmss_up = True
        self.restarts = -1
        """How often the bridge was started again."""
        self.log_start = len(lab.pbx.log())
        self.module = FakeModule()
        self.people: dict[str, Sipp | Baresip] = {}
        """Whose telephones are there, the SOS phone's own among them."""
        self.cables: list[Cable] = []
        plant.wait(self.module.start())
        sites.write_secrets(folder)
        self.site["times"] = sites.times_of(staff)
        for vms in self.site["vms"]:
            vms["timeouts"] = {"total": 0.8}
        outputs = {BEACON: {"coil": COIL}}
        relays = {"name": "io-east", "type": "modbus", "host": "127.0.0.1", "timeout": 0.5}
        self.site["vms"].append(relays | {"port": self.module.port, "outputs": outputs})
        self.site["locations"][PLACE]["beacons"] = [BEACON]
        self.site["response"]["sos"].insert(0, {"do": "beacon_on", "with": "io-east"})
        self.connect()

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        for cable in self.cables:
            self.plant.wait(cable.__aexit__())
        self.plant.wait(self.module.stop())

    # --- the way to the PBX -------------------------------------------------------------------------

    @property
    def pbx_port(self) -> int:
        """Where this way of watching and calling ends: AMI's port, or ARI's."""
        return self.lab.pbx.http_port if self.setting.way == "ari" else self.lab.pbx.ami_port

    def connect(self, *, watch: int = 0, dispatch: int = 0) -> None:
        """Write the site file. watch, dispatch: ports of cables; 0 = the PBX itself."""
        ports = Ports(watch or self.pbx_port, dispatch or self.pbx_port, self.lab.pbx.ami_port)
        sounds = str(self.lab.pbx.sounds)
        self.site |= sites.settings(self.folder, self.setting, self.staff, sounds, ports)
        self.write_site()

    def lay_cable(self) -> Cable:
        """Return a cable to the PBX, whole to begin with."""
        cable = Cable(self.pbx_port)
        self.plant.wait(cable.__aenter__())
        self.cables.append(cable)
        return cable

    # --- the VMSs ----------------------------------------------------------------------------------

    def without_cameras(self) -> None:
        """Have nothing that could show the place: dispatch is called at once. Before `start`."""
        sos = self.site["response"]["sos"]
        self.site["response"]["sos"] = [step for step in sos if step["do"] not in _PICTURES]
        self.write_site()

    def kill_vmss(self) -> None:
        self.vmss_up = False
        self.plant.wait(self.plant.plant.systems.switch_off())

    def revive_vmss(self) -> None:
        """Have them there again, if they were killed."""
        if not self.vmss_up:
            self.vmss_up = True
            self.plant.wait(self.plant.plant.systems.switch_on())

    # --- the bridge ---------------------------------------------------------------------------------

    def start(self, *, ready: bool = True) -> Bridge:
        """As `Scene.start`; besides, the PBX has its heartbeat, and the pack is this site's."""
        self.restarts += 1
        bridge = super().start(ready=ready)
        if ready:
            self.until(lambda: self.pbx_global("SOS_BEAT_AT") not in ("", "0"), "alive to the PBX")
        return bridge

    def pbx_global(self, name: str) -> str:
        """A global variable of the dialplan."""
        return self.lab.as_administrator("Getvar", ("Variable", name)).get("Value")

    def channel_of(self, person: str) -> str:
        """The name of the one channel of somebody's telephone."""
        [name] = [row[0] for row in self.lab.pbx.channels() if row[0].startswith(f"PJSIP/{person}-")]
        return name

    # --- people -------------------------------------------------------------------------------------

    def crew(self, scenarios: Mapping[str, str]) -> Baresip:
        """Man every telephone there is; those without a scenario ring unanswered. Return that of `HAND`."""
        for name in (*self.staff.people, PHONE):
            if name != HAND:
                scenario = scenarios.get(name, rings_unanswered())
                self.people[name] = self.phones.answer(scenario, self.lab.port(name))
        pbx = self.lab.pbx.sip_port
        hand = self.phones.keep(Baresip(HAND, pbx, register=False, port=self.lab.port(HAND)))
        self.people[HAND] = hand
        return hand

    def accept(self, dispatcher: Baresip) -> None:
        """Pick up when it rings, and hear the whole announcement."""
        dispatcher.wait_event("CALL_INCOMING", timeout=20)
        dispatcher.accept()
        self.until(lambda: "press-1" in self.heard(HAND), "told to press 1")

    def follows(self, name: str) -> Sipp:
        """The telephone of somebody who follows a scenario, for a look at its messages."""
        telephone = self.people[name]
        assert isinstance(telephone, Sipp)
        return telephone

    def press(self) -> Sipp:
        """The SOS at post three. The phone never hangs up by itself: `hang_up`."""
        return self.phones.call(calls(Phone(PHONE)), self.lab.pbx.sip_port, EXTENSION)

    def hang_up(self, caller: Sipp) -> None:
        """End the phone's call, once somebody has picked it up."""
        caller.wait_received("200")
        self.lab.as_administrator("Hangup", ("Channel", f"/^PJSIP/{PHONE}-.*$/"))
        caller.finish()

    def until_console_has_it(self) -> None:
        """Wait until the console has talked long enough to count, to the bridge and the dialplan alike."""
        told = f"{DESK} is talking to the phone: escalation waits for a click"
        self.until_incident(lambda it: told in texts(it), "told that the console talks")

    # --- what was said ------------------------------------------------------------------------------

    def heard(self, person: str) -> list[str]:
        """The prompts that somebody was played, by the PBX's own log."""
        log = self.lab.pbx.log()[self.log_start :]
        return [name for who, name in _PLAYED.findall(log) if who == person]

    def spoken_of_picture(self) -> str:
        """What announcements of the phone's SOS say of the video: `unconfirmed`, `none` or nothing."""
        return self.pbx_global(f"SOS_VIDEO_{PHONE_ID}").partition("/")[2]

    def finish(self, caller: Sipp) -> Story:
        """Mend the VMSs, let everything settle, and end the call of an SOS that somebody has."""
        self.revive_vmss()
        self.until_incident(settled, "settled")
        self.hang_up(caller)
        return self.close()

    def close(self, *, timeout: float = 30.0) -> Story:
        """Wait until the only incident is closed and every call is over; return it."""
        story = self.until_incident(lambda it: it["state"] == "closed" and settled(it), "closed", timeout)
        self.until(lambda: all(row[_STATE] == "Up" for row in self.lab.pbx.channels()), "silent")
        self.lab.pbx.hang_up_all()  # dispatcher and console may talk on
        return story
