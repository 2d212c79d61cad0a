"""Contract cases of the milestone driver, at the simulator's XProtect."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bridge.model import DeliveryState, Driver, Operation
from bridge.simulator.vms.milestone import FakeMilestone
from bridge.simulator.vms.milestone_plant import number_of
from tests.drivers.case import SECRET, SECRET_NAME, Deed, build, makers
from tests.fake_clock import FakeClock

PTZ: Final = number_of("cameras", 1)
FIXED: Final = number_of("cameras", 2)
HOME, POST_03, IN_CAMERA = (number_of("ptzPresets", n) for n in (1, 2, 3))
MONITOR: Final = number_of("monitors", 1)
RULES: Final = {"SOS emergency start": True, "SOS emergency stop": False}

REST: Final = "/api/rest/v1"
LOG_IN: Final = "POST /API/IDP/connect/token"
WINDOWS_LOG_IN: Final = "POST /IDP/connect/token"
PRESETS: Final = f"GET {REST}/cameras/{PTZ}/ptzPresets"
AT_CAMERA: Final = f"POST {REST}/cameras/{PTZ}"
MAY: Final = frozenset(
    {
        *(AT_CAMERA, f"GET {REST}/alarms"),
        # what a second attempt makes and reads back
        *(f"GET {REST}/{kind}/{number_of(kind, 2)}" for kind in ("bookmarks", "evidenceLocks")),
        # what check() asks
        *(f"GET {REST}/{what}" for what in ("sites", "cameras", "userDefinedEvents", "alarmStates")),
        *(PRESETS, f"GET {REST}/videoWalls", f"GET {REST}/videoWalls/{number_of('videoWalls', 1)}/monitors"),
    }
)
SETTINGS: Final[dict[str, Any]] = {
    "user": "sosbridge",
    "password": {"env": SECRET_NAME},
    "events": {"start": "SOS {tier} start", "stop": "SOS {tier} stop"},
    "evidence_lock": {},
    # Its connection would stand among the requests at no certain place; test_milestone_feed.py has it.
    "websocket": False,
}

WINDOWS_USER: Final[dict[str, Any]] = {"user": r"PLANT\sosbridge", "user_kind": "windows"}
WINDOWS_USERS: Final = Path(__file__).with_name("windows_users.txt")
"""The fake's users, in the form of NTLM_USER_FILE: `domain:name:password`, the password being `SECRET`."""


async def xprotect(
    clock: FakeClock, server_tls: ssl.SSLContext | None, more: Mapping[str, Any]
) -> tuple[Driver, Any, FakeMilestone]:
    """The driver at its fake, which is started."""
    fake = FakeMilestone(clock, users={"sosbridge": SECRET}, rules=RULES)
    await fake.start(tls=server_tls)
    settings = {**SETTINGS, "base_url": fake.url, **more}
    targets = {PTZ: frozenset({"post-03"}), FIXED: frozenset[str]()}
    driver, config = build("milestone", clock, settings, targets, frozenset({MONITOR}))
    return driver, config, fake


RECALL: Final = f"POST {REST}/cameras/{PTZ}/ptzPresets/{POST_03}"
APPLY: Final = f"POST {REST}/monitors/{MONITOR}"
EVENT: Final = f"POST {REST}/events"


def made_and_read_back(kind: str) -> tuple[str, str]:
    """The requests that make the first thing of a kind, and ask for it."""
    return f"POST {REST}/{kind}", f"GET {REST}/{kind}/{number_of(kind, 1)}"


_BOOKMARK: Final[Deed[FakeMilestone]] = Deed(
    operation=Operation.BOOKMARK,
    target=PTZ,
    acts=f"POST {REST}/bookmarks",
    happy=(LOG_IN, *made_and_read_back("bookmarks")),
    effects=lambda fake: len(fake.state.bookmarks),
)
CASES: Final = makers(
    xprotect,
    MAY,
    {
        "milestone-preset": Deed(
            operation=Operation.RECALL_PRESET,
            target=PTZ,
            params={"preset": "post-03", "camera": "TANKFARM-EAST-PTZ-01"},
            acts=RECALL,
            happy=(LOG_IN, PRESETS, RECALL, AT_CAMERA),
            effects=lambda fake: fake.state.moves,
        ),
        "milestone-bookmark": _BOOKMARK,
        "milestone-lock": Deed(
            operation=Operation.LOCK_EVIDENCE,
            target=PTZ,
            acts=f"POST {REST}/evidenceLocks",
            happy=(LOG_IN, *made_and_read_back("evidenceLocks")),
            effects=lambda fake: len(fake.state.evidence_locks),
        ),
        "milestone-alarm": Deed(
            operation=Operation.POPUP,
            target=MONITOR,
            params={"cameras": f"{PTZ},{FIXED}"},
            acts=f"POST {REST}/alarms",
            happy=(LOG_IN, *made_and_read_back("alarms")),
            effects=lambda fake: len(fake.state.alarms),
        ),
        "milestone-event": Deed(
            operation=Operation.EVENT_START,
            target=PTZ,
            outcome=DeliveryState.ACCEPTED,
            acts=EVENT,
            happy=(LOG_IN, f"GET {REST}/userDefinedEvents", EVENT),
            effects=lambda fake: len(fake.state.events),
        ),
        "milestone-show": Deed(
            operation=Operation.SHOW,
            target=MONITOR,
            params={"cameras": f"{PTZ},{FIXED}"},
            outcome=DeliveryState.ACCEPTED,
            acts=APPLY,
            happy=(LOG_IN, APPLY),
            effects=lambda fake: int(bool(fake.state.monitors[MONITOR])),
        ),
        # A bookmark by a Windows user: unasked, with the first NTLM message, with the proof.
        "milestone-windows": replace(
            _BOOKMARK,
            settings=WINDOWS_USER,
            happy=((WINDOWS_LOG_IN,) * 3 + made_and_read_back("bookmarks")),
        ),
    },
)
