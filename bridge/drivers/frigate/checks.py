"""What `sosbridge check` finds at a Frigate. Called by the driver; does nothing that anybody would see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bridge.drivers.frigate.settings import Config
from bridge.errors import DeliveryError
from bridge.model import Finding, Say, Targets
from bridge.protocols.frigate import FrigateApi
from bridge.protocols.frigate_values import FrigateCamera

OLDEST: Final = (0, 13)
DESCRIBES: Final = (0, 15)
NEWEST_READ: Final = (0, 18)
NAMED: Final = 10
"""Cameras or presets that are named at most when one is missing."""


async def findings(api: FrigateApi, config: Config, name: str, targets: Targets) -> list[Finding]:
    """Log in and look; the first thing that cannot be asked ends the list."""
    say = Say(name)
    found: list[Finding] = []
    try:
        found += _version(await api.version(), say)
        cameras = {camera.name: camera for camera in await api.cameras()}
        found += _access(api, say)
        rates = await api.rates()
        for target, presets in sorted(targets.cameras.items()):
            if target in cameras:
                found += _camera(cameras[target], rates.get(target, 0.0), config, say)
                found += await _presets(api, cameras[target], presets, say)
            else:
                there = ", ".join(list(cameras)[:NAMED]) or "none"
                found.append(
                    say.error(f"there is no camera {target}, or no right to see it; there is {there}")
                )
    except DeliveryError as error:
        found.append(say.error(str(error)))
    if targets.consoles:
        consoles = ", ".join(sorted(targets.consoles)[:NAMED])
        found.append(say.error(f"Frigate has no consoles, and the site uses {consoles}"))
    return found


def _version(text: str, say: Say) -> Iterator[Finding]:
    numbers = re.match(r"(\d+)\.(\d+)", text)
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    if version < OLDEST:
        yield say.error(f"Frigate {text} is too old: 0.13 and later have events that stay open")
    elif version < DESCRIBES:
        yield say.warning(f"Frigate {text}: bookmarks need 0.15 (descriptions); everything else works")
    elif version > NEWEST_READ:
        yield say.warning(f"Frigate {text} is newer than what this driver was written from (0.18)")
    else:
        yield say.ok(f"Frigate {text}")


def _access(api: FrigateApi, say: Say) -> Iterator[Finding]:
    if not api.account.protected:
        yield say.warning("Frigate asks for no log-in here: anybody who reaches this port may do this")
        return
    role = api.account.role
    if role in ("", "admin"):
        yield say.ok(f"logged in{' as admin' if role else ''}")
    else:
        yield say.error(f"the user has the role {role!r}: creating events needs admin")


def _camera(camera: FrigateCamera, rate: float, config: Config, say: Say) -> Iterator[Finding]:
    who = f"camera {camera.name}"
    if not camera.enabled:
        yield say.error(f"{who} is disabled")
        return
    if rate <= 0:
        yield say.error(f"{who} gives no pictures")
    else:
        yield say.ok(f"{who}: {rate:g} pictures a second")
    if not camera.records and not (camera.may_record and config.switch_recording == "on"):
        yield say.error(f"{who} does not record: its events keep nothing (record.enabled)")
    if not camera.alerts:
        yield say.error(
            f"{who} makes no alerts: the recording of an event is not kept (review.alerts.enabled)"
        )
    if camera.keeps_days:
        yield say.ok(f"{who}: the recording of an alert is kept for {camera.keeps_days:g} days")
    if camera.keeps not in ("", "all"):
        yield say.warning(
            f"{who} keeps only what has {camera.keeps} of an alert, nothing of a scene that stands still:"
            " set record.alerts.retain.mode to all"
        )


async def _presets(
    api: FrigateApi, camera: FrigateCamera, presets: frozenset[str], say: Say
) -> list[Finding]:
    if not presets:
        return []
    known = await api.presets(camera.name)
    if known is None:
        return [
            say.error(f"camera {camera.name}: Frigate reaches no ONVIF there: presets cannot be recalled")
        ]
    return list(_unknown(camera.name, presets, known, say))


def _unknown(camera: str, presets: frozenset[str], known: list[str], say: Say) -> Iterator[Finding]:
    for preset in sorted(presets):
        if preset.lower() not in known:
            there = ", ".join(known[:NAMED]) or "none"
            yield say.error(f"camera {camera} has no preset {preset!r}; there is {there}")
    yield say.ok(f"camera {camera}: presets can be recalled, but never verified")
