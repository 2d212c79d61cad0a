"""The tank farm with a real PBX: its site file as data, the pack it renders, the PBX that has loaded it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import yaml

from bridge.config import load_text
from bridge.pack.render import render_texts
from bridge.pack.site import facts_of
from bridge.simulator.plant import example_folder
from tests.calls.record import LOG_FILES
from tests.pack.lab import PackLab
from tests.parts.asterisk_files import Endpoint

T = TypeVar("T")

PHONE: Final = "help-east-03"
PHONE_ID: Final = "EAST-03"
PLACE: Final = "TANKFARM-EAST-POST-03"
BEACON: Final = "east-beacon"
COIL: Final = 16
CEL_FILE: Final = "log/cel-custom/Master.csv"
"""Below the PBX's folder."""
DESK: Final = "desk-1"
"""The console of the place."""
ADMINISTRATOR: Final = ("lab", "lab-secret")
NIGHT: Final = "night-shift"
"""Somebody whose telephone has never registered."""
RING: Final = 120.0
"""Seconds a dispatcher's telephone rings; no test waits so long."""
NEVER: Final = 300.0
"""Seconds; no test lasts so long."""


@dataclass(frozen=True)
class Staff:
    """Who is rung, tier by tier, and after how many seconds the dialplan goes on to the next tier."""

    name: str
    tiers: tuple[tuple[str, ...], ...]
    times: Mapping[str, float] = field(default_factory=dict)
    repeats: int = 2
    """How often the announcement is said."""

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who has a telephone."""
        everybody = (DESK, *(person for tier in self.tiers for person in tier))
        return tuple(person for person in everybody if person != NIGHT)


PATIENT: Final = Staff(
    "patient",
    (("lead-1", "lead-2", "lead-3"), ("chief",)),
    {"escalate_1": NEVER, "escalate_2": 2 * NEVER},
    repeats=20,
)
"""Nobody is rung but by the bridge, and who listens may take their time."""
SHIFT: Final = Staff(
    "shift",
    (("lead-1", "lead-3", "lead-4", "lead-5", "lead-6", NIGHT), ("lead-2",)),
    {"escalate_1": 1.5, "escalate_2": 3.0},
)
"""One who can be reached in the second tier."""


@dataclass(frozen=True)
class Setting:
    """Which Asterisk, and by which way the bridge watches it and starts its calls."""

    version: str
    way: str

    def __str__(self) -> str:
        return f"asterisk-{self.version}-{self.way}"


_ALL: Final = [Setting(version, way) for version, way in itertools.product(("22", "16"), ("ami", "ari"))]
ALL: Final = bool(os.environ.get("SOSBRIDGE_LADDER_ALL"))
SETTINGS: Final = _ALL if ALL else [Setting("22", "ami"), Setting("16", "ari")]
FIRST: Final = SETTINGS if ALL else SETTINGS[:1]
LAST: Final = SETTINGS if ALL else SETTINGS[-1:]
"""Where one setting is enough, because the way does not matter or the other is proven elsewhere."""


def dealt(cases: Mapping[str, T]) -> list[Any]:
    """Return (setting, case) pairs for `parametrize`: the settings in turn, or, if all are wanted, each."""
    if ALL:
        return [
            pytest.param(setting, case, id=f"{name}-{setting}")
            for name, case in cases.items()
            for setting in SETTINGS
        ]
    turns = zip(cases.items(), itertools.cycle(SETTINGS), strict=False)
    return [pytest.param(setting, case, id=f"{name}-{setting}") for (name, case), setting in turns]


@dataclass(frozen=True)
class Ports:
    """Where the bridge finds the PBX: itself, or a cable before it."""

    watch: int
    dispatch: int
    heartbeat: int


def settings(folder: Path, setting: Setting, staff: Staff, sounds: str, ports: Ports) -> dict[str, Any]:
    """Return the sections of the site file that say how the PBX is watched and who is rung.

    folder: where `write_secrets` has put the secrets.
    """

    def user(name: str) -> dict[str, Any]:
        return {"username": name, "secret": {"file": str(folder / name)}}

    watch: dict[str, Any] = {"name": "pbx1", "type": setting.way, **user("sos-watch")}
    dispatch: dict[str, Any] = {"heartbeat": user("sos-heartbeat"), "port": ports.heartbeat}
    if setting.way == "ari":
        watch["base_url"] = f"http://127.0.0.1:{ports.watch}"
        dispatch["ari"] = {"base_url": f"http://127.0.0.1:{ports.dispatch}", **user("sos-calls")}
    else:
        watch |= {"host": "127.0.0.1", "port": ports.watch}
        # One address for both accounts: a cable before the calls is one before the heartbeat.
        dispatch |= {"port": ports.dispatch, "originate": user("sos-calls")}
    dispatch |= {
        "sounds": sounds,
        "ring": RING,
        "pause": 0.5,
        "key_wait": 0.5,
        "repeats": staff.repeats,
        "callback_ring": 5,
        "hunt": 60,
        "heartbeat_every": 0.5,
        "groups": {"shift": {"tiers": [list(tier) for tier in staff.tiers]}},
    }
    return {"pbx": [watch], "dispatch": dispatch}


def write_secrets(folder: Path) -> None:
    for user in ("sos-watch", "sos-calls", "sos-heartbeat"):
        file = folder / user
        file.touch(mode=0o600)
        file.write_text(f"{user}-secret")


def times_of(staff: Staff) -> dict[str, float]:
    """The waiting times of semantics.md, scaled down, but for those that no test waits for."""
    return {
        "picture": 1.0,
        "console_settle": 1.0,
        "redial_wait": 0.5,
        "dispatch_grace": 1.0,
        "post_roll_emergency": 0.3,
        "post_roll_routine": 0.3,
        **staff.times,
    }


def start_pbx(folder: Path, setting: Setting, staff: Staff) -> PackLab:
    """Return a PBX, not started yet, with the pack of this site. folder: for its secrets."""
    write_secrets(folder)
    example = yaml.safe_load((example_folder() / "site.yaml").read_text("utf-8"))
    phones = {phone["endpoint"] for phone in example["phones"].values()}
    example |= {"state_dir": str(folder), "times": times_of(staff)}

    def facts(sounds: str) -> Any:
        sections = settings(folder, setting, staff, sounds, Ports(5038, 5038, 5038))
        return facts_of(load_text(yaml.safe_dump(example | sections), secrets=False))

    lab = PackLab(
        setting.version,
        facts=replace(facts("/sounds"), sounds="@SOUNDS@"),
        endpoints=tuple(_endpoints(sorted(phones), staff)),
        watch=ADMINISTRATOR[0],
        secret=ADMINISTRATOR[1],
    )
    lab.pbx.write("cel_custom.conf", LOG_FILES["cel_custom.conf"])  # in the order of Asterisk's sample
    # Once more with the folder as the site names it: the bridge compares the pack's hash with its own.
    for name, text in render_texts(facts(str(lab.pbx.sounds))).items():
        lab.pbx.write(f"sosbridge/{name}", text)
    return lab


def _endpoints(phones: Sequence[str], staff: Staff) -> list[Endpoint]:
    there = [Endpoint(name=name, port=-1, dtmf="auto_info") for name in (*phones, *staff.people)]
    return [*there, Endpoint(name=NIGHT)]
