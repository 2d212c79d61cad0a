"""What `sosbridge check` finds at a Milestone XProtect. Called by the driver; nobody sees that it looks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.drivers.milestone.alarm_states import called
from bridge.drivers.milestone.alarms import Alarms
from bridge.drivers.milestone.events import Events
from bridge.drivers.milestone.ptz import Ptz, chosen
from bridge.drivers.milestone.settings import Config
from bridge.errors import DeliveryError
from bridge.model import Finding, Say, Targets
from bridge.protocols.milestone import MilestoneApi
from bridge.protocols.milestone_gateway import MilestoneGateway
from bridge.protocols.milestone_values import Camera, Named
from bridge.protocols.template import Template

OLDEST: Final = (24, 2)
"""2024 R2: preset recall, bookmarks and evidence locks are not in earlier gateways."""
MOST_NAMED: Final = 10
ENTITLED: Final = "or the user may not see it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is looked at, and through what."""

    name: str
    config: Config
    targets: Targets
    gateway: MilestoneGateway
    api: MilestoneApi
    ptz: Ptz
    events: Events
    alarms: Alarms

    async def findings(self) -> list[Finding]:
        """Log in and look; the first thing that cannot be asked ends the list."""
        say = Say(self.name)
        found: list[Finding] = []
        try:
            await self.gateway.account.tokens.renew()
            found += _version(await self.api.version(), say)
            found += await self._cameras(say)
            found += await self._events(say)
            found += await self._alarms(say)
            found += await self._consoles(say)
        except DeliveryError as error:
            found.append(say.error(str(error)))
        return found

    async def _cameras(self, say: Say) -> list[Finding]:
        cameras = {camera.id.lower(): camera for camera in await self.api.cameras()}
        found = []
        for target, presets in sorted(self.targets.cameras.items()):
            camera = cameras.get(target.lower())
            if camera is None:
                there = _names(cameras.values())
                found.append(
                    say.error(f"there is no camera {target}, it is disabled, {ENTITLED}; there is {there}")
                )
                continue
            wrong = [each async for each in self._presets(camera, presets, say)] if presets else []
            found += wrong or [say.ok(f"camera {target} ({camera.name}) is there")]
        return found

    async def _presets(self, camera: Camera, wanted: frozenset[str], say: Say) -> AsyncIterator[Finding]:
        who = f"camera {camera.id} ({camera.name})"
        if not camera.ptz:
            yield say.error(
                f"{who} is no PTZ camera (or PTZ is not enabled on it): no preset can be recalled"
            )
            return
        known = await self.ptz.presets(camera.id, fresh=True)
        there = ", ".join(preset.name for preset in known[:MOST_NAMED]) or "none"
        for preset in sorted(wanted):
            found = chosen(known, preset)
            if found is None:
                yield say.error(f"{who} has no preset {preset!r}; there is {there}")
            elif found.position is None and self.config.ptz_read_back:
                yield say.warning(
                    f"{who}: preset {preset!r} is kept in the camera: its recall can never be verified"
                )
        if chosen(known, self.config.home_preset) is None:
            what = f"preset {self.config.home_preset!r}" if self.config.home_preset else "default preset"
            yield say.warning(f"{who} has no {what}: it cannot be sent home; there is {there}")

    async def _events(self, say: Say) -> list[Finding]:
        settings = self.config.events
        if settings is None:
            return [say.warning("no events are set: nothing here can force a recording (see events.start)")]
        known = await self.events.names(fresh=True)
        there = ", ".join(sorted(known)[:MOST_NAMED]) or "none"
        found = []
        for template in (settings.start, settings.stop):
            matching = [name for name in known if _pattern(template).fullmatch(name)]
            if matching:
                found.append(say.ok(f"user-defined event {template.source!r} is there"))
            else:
                text = f"there is no user-defined event {template.source!r}, {ENTITLED}; there is {there}"
                found.append(say.error(text))
        return found

    async def _alarms(self, say: Say) -> list[Finding]:
        if self.config.alarms != "raise":
            return []
        states = await self.alarms.states.all(fresh=True)
        there = ", ".join(f"{state.name} ({state.level})" for state in states[:MOST_NAMED]) or "none"
        wanted = (self.config.acknowledged_state, self.config.closed_state)
        missing = [state for state in wanted if called(states, state) is None]
        return [say.error(f"there is no alarm state {state!r}; there is {there}") for state in missing]

    async def _consoles(self, say: Say) -> list[Finding]:
        """That somebody sits before a monitor cannot be asked."""
        recipients = self.config.matrix.recipients if self.config.matrix else frozenset()
        monitors = self.targets.consoles - recipients
        found: list[Finding] = []
        if monitors:
            found += _missing(monitors, await self.api.monitors(), "Smart Wall monitor", say)
        if recipients:
            found += _missing(recipients, await self.api.matrix_recipients(), "Matrix recipient", say)
        return found


def _version(version: str, say: Say) -> list[Finding]:
    match = re.match(r"(\d+)\.(\d+)", version)
    if match is None:
        return [say.warning(f"logged in; the version {version!r} is not known")]
    release = f"20{match[1]} R{match[2]}"
    if (int(match[1]), int(match[2])) < OLDEST:
        text = (
            f"XProtect {version} ({release}) is too old for presets and bookmarks over REST (2024 R2 is the"
            " first): use events alone, or mode: generic_event"
        )
        return [say.error(text)]
    return [say.ok(f"XProtect {version} ({release}): logged in")]


def _missing(wanted: Iterable[str], known: list[Named], what: str, say: Say) -> Iterator[Finding]:
    there = {each.id.lower(): each for each in known}
    for target in sorted(wanted):
        if target.lower() in there:
            yield say.ok(f"{what} {target} ({there[target.lower()].name}) is there")
        else:
            yield say.error(f"there is no {what} {target}, {ENTITLED}; there is {_names(known)}")


def _names(known: Iterable[Named | Camera]) -> str:
    named = sorted(f"{each.id} ({each.name})" for each in known)
    return ", ".join(named[:MOST_NAMED]) + (", ..." if len(named) > MOST_NAMED else "") or "none"


def _pattern(template: Template) -> re.Pattern[str]:
    """What the names of a template look like, whatever stands for its placeholders."""
    pieces = (re.escape(piece) if isinstance(piece, str) else ".+" for piece in template.pieces)
    return re.compile("".join(pieces))
