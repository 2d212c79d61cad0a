"""Contract cases of the milestone driver, at the simulator's XProtect."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bridge.model import DeliveryState, Operation
from bridge.simulator.vms.milestone import FakeMilestone
from bridge.simulator.vms.milestone_plant import number_of
from tests.drivers.case import SECRET, SECRET_NAME, Case, build, delivery
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


async def _case(
    clock: FakeClock,
    server_tls: ssl.SSLContext | None,
    more: dict[str, Any],
    *,
    operation: Operation,
    target: str,
    outcome: DeliveryState,
    acts: str,
    happy: list[str],
    effects: Callable[[FakeMilestone], int],
    params: dict[str, str] | None = None,
    log_in: tuple[str, ...] = (LOG_IN,),
) -> Case:
    fake = FakeMilestone(clock, users={"sosbridge": SECRET}, rules=RULES)
    await fake.start(tls=server_tls)
    settings = {**SETTINGS, "base_url": fake.url, **more}
    targets = {PTZ: frozenset({"post-03"}), FIXED: frozenset[str]()}
    driver, config = build("milestone", clock, settings, targets, frozenset({MONITOR}))
    return Case(
        driver=driver,
        fake=fake,
        clock=clock,
        delivery=delivery(clock, operation, target, **(params or {})),
        outcome=outcome,
        acts=f"POST {REST}{acts}",
        happy=[*log_in, *happy],
        effects=lambda: effects(fake),
        config=config,
        may=MAY,
    )


async def ms_preset(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    acts = f"/cameras/{PTZ}/ptzPresets/{POST_03}"
    return await _case(
        clock,
        server_tls,
        more,
        operation=Operation.RECALL_PRESET,
        target=PTZ,
        params={"preset": "post-03", "camera": "TANKFARM-EAST-PTZ-01"},
        outcome=DeliveryState.VERIFIED,
        acts=acts,
        happy=[PRESETS, f"POST {REST}{acts}", AT_CAMERA],
        effects=lambda fake: fake.state.moves,
    )


async def ms_bookmark(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    return await _case(
        clock,
        server_tls,
        more,
        operation=Operation.BOOKMARK,
        target=PTZ,
        outcome=DeliveryState.VERIFIED,
        acts="/bookmarks",
        happy=[f"POST {REST}/bookmarks", f"GET {REST}/bookmarks/{number_of('bookmarks', 1)}"],
        effects=lambda fake: len(fake.state.bookmarks),
    )


async def ms_windows(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    """A bookmark by a Windows user: unasked, with the first NTLM message, with the proof."""
    return await _case(
        clock,
        server_tls,
        {**WINDOWS_USER, **more},
        operation=Operation.BOOKMARK,
        target=PTZ,
        outcome=DeliveryState.VERIFIED,
        acts="/bookmarks",
        happy=[f"POST {REST}/bookmarks", f"GET {REST}/bookmarks/{number_of('bookmarks', 1)}"],
        effects=lambda fake: len(fake.state.bookmarks),
        log_in=(WINDOWS_LOG_IN,) * 3,
    )


async def ms_lock(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    return await _case(
        clock,
        server_tls,
        more,
        operation=Operation.LOCK_EVIDENCE,
        target=PTZ,
        outcome=DeliveryState.VERIFIED,
        acts="/evidenceLocks",
        happy=[f"POST {REST}/evidenceLocks", f"GET {REST}/evidenceLocks/{number_of('evidenceLocks', 1)}"],
        effects=lambda fake: len(fake.state.evidence_locks),
    )


async def ms_alarm(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    return await _case(
        clock,
        server_tls,
        more,
        operation=Operation.POPUP,
        target=MONITOR,
        params={"cameras": f"{PTZ},{FIXED}"},
        outcome=DeliveryState.VERIFIED,
        acts="/alarms",
        happy=[f"POST {REST}/alarms", f"GET {REST}/alarms/{number_of('alarms', 1)}"],
        effects=lambda fake: len(fake.state.alarms),
    )


async def ms_event(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    return await _case(
        clock,
        server_tls,
        more,
        operation=Operation.EVENT_START,
        target=PTZ,
        outcome=DeliveryState.ACCEPTED,
        acts="/events",
        happy=[f"GET {REST}/userDefinedEvents", f"POST {REST}/events"],
        effects=lambda fake: len(fake.state.events),
    )


async def ms_show(clock: FakeClock, server_tls: ssl.SSLContext | None = None, **more: Any) -> Case:
    acts = f"/monitors/{MONITOR}"
    return await _case(
        clock,
        server_tls,
        more,
        operation=Operation.SHOW,
        target=MONITOR,
        params={"cameras": f"{PTZ},{FIXED}"},
        outcome=DeliveryState.ACCEPTED,
        acts=acts,
        happy=[f"POST {REST}{acts}"],
        effects=lambda fake: int(bool(fake.state.monitors[MONITOR])),
    )
