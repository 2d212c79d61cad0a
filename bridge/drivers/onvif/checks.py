"""What `sosbridge check` finds at ONVIF cameras. Called by the driver; moves and switches nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.drivers.onvif.settings import CameraConfig, Config
from bridge.errors import DeliveryError, Permanent, ProtocolError
from bridge.model import Finding
from bridge.protocols.onvif.camera import Camera
from bridge.protocols.onvif.ptz import Preset

WRONG_CLOCK: Final = 5.0
"""Seconds that a camera's clock may be off before a person hears of it: cameras forgive about as many."""


@dataclass(frozen=True, slots=True)
class _Say:
    """Findings about one camera."""

    subject: str
    who: str

    def ok(self, text: str) -> Finding:
        return Finding(level="ok", subject=self.subject, text=f"camera {self.who}: {text}")

    def warning(self, text: str) -> Finding:
        return Finding(level="warning", subject=self.subject, text=f"camera {self.who}: {text}")

    def error(self, text: str) -> Finding:
        return Finding(level="error", subject=self.subject, text=f"camera {self.who}: {text}")


def one_named(wanted: str, presets: Sequence[Preset], who: str) -> Preset:
    """Return the preset with this token, else the one with this name. Raises Permanent.

    Asked before it is recalled: some cameras say yes to a preset that does not exist.
    """
    found = [preset for preset in presets if preset.token == wanted]
    found = found or [preset for preset in presets if preset.name == wanted]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{preset.token} ({preset.name})" for preset in presets[:10]) or "none"
    problem = f"several presets are named {wanted!r}" if found else f"there is no preset {wanted!r}"
    raise Permanent(f"{who}: {problem}; there is {there}")


async def findings_of(
    name: str, config: Config, cameras: Mapping[str, Camera], targets: Mapping[str, frozenset[str]]
) -> list[Finding]:
    """Look at all cameras at once; the first thing that cannot be asked of one ends its list."""
    found = [
        Finding(
            level="error",
            subject=name,
            text=f"there is no camera {target!r}; there is {', '.join(list(cameras)[:10])}",
        )
        for target in sorted(targets.keys() - cameras.keys())
    ]
    looked = [
        _camera(_Say(name, number), camera, config.cameras[number], targets.get(number, frozenset()))
        for number, camera in cameras.items()
    ]
    for each in await asyncio.gather(*looked):
        found += each
    return found


async def _camera(
    say: _Say, camera: Camera, settings: CameraConfig, presets: frozenset[str]
) -> list[Finding]:
    found = [
        replace(finding, subject=say.subject, text=f"camera {say.who}: {finding.text}")
        for finding in camera.session.link.warnings()
    ]
    try:
        profile = await camera.profile()
        found.append(say.ok(f"logged in ({camera.session.authentication}), profile {profile.token}"))
        found += _clock(say, camera)
        wanted = presets | ({settings.home_preset} if settings.home_preset else set())
        if wanted:
            found += await _presets(say, camera, wanted)
        if settings.relay:
            found += await _relay(say, camera, settings.relay)
    except (DeliveryError, ProtocolError) as error:
        found.append(say.error(str(error)))
    return found


def _clock(say: _Say, camera: Camera) -> Iterator[Finding]:
    offset = camera.session.clock_offset
    if offset is None:
        yield say.warning("does not tell its time: if its clock is off, it refuses the log-in one day")
    elif abs(offset) > WRONG_CLOCK:
        yield say.warning(
            f"its clock is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}; log-ins allow for it,"
            " the time in its pictures is wrong: set up NTP"
        )


async def _presets(say: _Say, camera: Camera, wanted: frozenset[str]) -> list[Finding]:
    there = await camera.presets()
    found = []
    placeless = []
    for preset in sorted(wanted):
        try:
            if not one_named(preset, there, say.who).position.known:
                placeless.append(preset)
        except Permanent as error:
            found.append(say.error(str(error)))
    status = await camera.status()
    if status is None or not status.position.known:
        text = "does not tell its position: presets are accepted at best, and it is never sent home"
        found.append(say.warning(text))
    elif placeless:
        text = f"does not tell where its presets {', '.join(placeless)} are: they are accepted at best"
        found.append(say.warning(text))
    elif not found:
        found.append(say.ok(f"presets {', '.join(sorted(wanted))} exist, and arriving there can be verified"))
    return found


async def _relay(say: _Say, camera: Camera, token: str) -> list[Finding]:
    relays = await camera.relays()
    for relay in relays:
        if relay.token == token:
            if relay.pulse:
                text = f"output {token} falls back by itself (Monostable): event_stop does nothing there"
                return [say.warning(text)]
            return [say.ok(f"output {token} exists")]
    there = ", ".join(relay.token for relay in relays[:10]) or "none"
    return [say.error(f"there is no output {token!r}; there is {there}")]
