"""What `sosbridge check` finds at a Security Center. Called by the driver; asks only.

Nothing is raised, shown, marked or acknowledged. That the user may do these things cannot be asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from typing import Final

from bridge.drivers.genetec.settings import (
    Config,
    alarm_of,
    alarms_in,
    capabilities_of,
    events_in,
    rule_alarms_in,
)
from bridge.drivers.genetec.stock import monitors
from bridge.errors import DeliveryError, ProtocolError, Unreachable
from bridge.model import Capability, Clock, Finding, Operation, Targets, Tier
from bridge.protocols.genetec import NOT_UNDERSTOOD, Failed, WebSdk
from bridge.protocols.genetec_text import guid
from bridge.protocols.genetec_values import Row
from bridge.protocols.http import Refused

NAMED: Final = 10
"""Cameras that are named when one does not exist."""
NEVER: Final = frozenset({"", "0", "00:00:00", "none", "false"})
"""How a time is written that means: not at all."""


@dataclass(frozen=True, slots=True)
class Checks:
    """The questions, in the order in which a person would ask them."""

    name: str
    sdk: WebSdk
    config: Config
    targets: Targets
    clock: Clock

    async def run(self) -> list[Finding]:
        """Ask everything; what cannot be asked is a finding, and ends the list if nothing answers."""
        try:
            await self.sdk.ping()
        except DeliveryError as error:
            return [self._say("error", str(error))]
        found = [self._say("ok", f"the Web SDK takes user {self.config.user} and the application id")]
        parts = (
            *(self._cameras, self._presets, self._events),
            *(self._consoles, self._alarms, self._operators),
        )
        for part in parts:
            try:
                async for finding in part():
                    found.append(finding)  # noqa: PERF401 -- what was found before an error must stay
            except Unreachable as error:
                return [*found, self._say("error", str(error))]
            except DeliveryError as error:
                found.append(self._say("error", str(error)))
        return found

    def _say(self, level: str, text: str) -> Finding:
        return Finding(level=level, subject=self.name, text=text)

    async def _find(self, which: str, *columns: str) -> Row | str:
        """The entity, or in words why there is none."""
        return await self._known(self.sdk.entity(which, "Name", "EntityType", *columns))

    async def _known(self, asked: Awaitable[Row]) -> Row | str:
        try:
            return await asked
        except (Failed, ProtocolError) as error:
            return str(error)
        except Refused as error:
            if error.status not in NOT_UNDERSTOOD:
                raise
            return str(error)

    async def _cameras(self) -> AsyncIterator[Finding]:
        missing = False
        for camera in sorted(self.targets.cameras):
            row = await self._find(camera, "IsOnline", "RunningState")
            if isinstance(row, str):
                missing = True
                yield self._say("error", f"there is no camera {camera}, or the user may not see it: {row}")
                continue
            who = f"{row.text('Name')} ({guid(camera)})"
            if (kind := row.text("EntityType")).lower() != "camera":
                yield self._say("error", f"{who} is no camera but of type {kind or 'unknown'}")
            elif not row.flag("IsOnline"):
                yield self._say("error", f"camera {who} is offline ({row.text('RunningState') or 'unknown'})")
            else:
                yield self._say("ok", f"camera {who} is online")
        if missing:
            some = (await self.sdk.guids_of("Camera"))[:NAMED]
            rows = await self.sdk.entities(some, "Guid", "Name")
            there = ", ".join(f"{row.text('Guid')} ({row.text('Name')})" for row in rows) or "none"
            yield self._say("error", f"cameras that the user sees, at most {NAMED}: {there}")

    async def _presets(self) -> AsyncIterator[Finding]:
        used = {camera: presets for camera, presets in self.targets.cameras.items() if presets}
        if used and capabilities_of(self.config)[Operation.RECALL_PRESET] is Capability.IMPOSSIBLE:
            yield self._say(
                "warning", "presets are used, but there is neither a command recall_preset nor a start event"
            )
        for camera, presets in sorted(used.items()):
            for preset in sorted(presets):
                if not (preset.isascii() and preset.isdigit()):
                    yield self._say("error", f"camera {camera}: preset {preset!r} is not a number")

    async def _consoles(self) -> AsyncIterator[Finding]:
        wanted = sorted({*self.targets.consoles, *self.config.alarms, *self.config.operators})
        running = await monitors(self.sdk) if wanted else {}
        for console in wanted:
            if console in running:
                yield self._say(
                    "ok", f"monitor {console} belongs to a Security Desk that runs: {running[console]}"
                )
            elif not (console.isascii() and console.isdigit()):
                yield self._say("error", f"console {console!r} is not the logical id of a monitor")
            elif isinstance(why := await self._known(self.sdk.by_logical_id("Monitor", int(console))), str):
                yield self._say("error", f"there is no monitor with the logical id {console}: {why}")
            else:
                yield self._say(
                    "warning", f"monitor {console}: no Security Desk runs there now: what is shown is lost"
                )

    async def _events(self) -> AsyncIterator[Finding]:
        wanted = sorted(
            {number for pair in events_in(self.config) for number in (pair.start, pair.stop) if number}
        )
        if not wanted:
            return
        known = await self.sdk.custom_events()
        for number in wanted:
            if number in known:
                yield self._say("ok", f"custom event {number} is defined")
            else:
                yield self._say(
                    "error",
                    f"custom event {number} is not defined (Config Tool: System, General settings, Events)",
                )

    async def _alarms(self) -> AsyncIterator[Finding]:
        for alarm in sorted({*alarms_in(self.config), *rule_alarms_in(self.config)}):
            row = await self._find(alarm)
            if isinstance(row, str):
                yield self._say("error", f"there is no alarm {alarm}, or the user may not see it: {row}")
                continue
            who = f"{row.text('Name')} ({alarm})"
            if (kind := row.text("EntityType")).lower() != "alarm":
                yield self._say("error", f"{who} is no alarm but of type {kind or 'unknown'}")
                continue
            now = self.clock.now()
            active = await self.sdk.active_instances(alarm)
            await self.sdk.acknowledged_instances(alarm, now - 3600, now)
            yield self._say("ok", f"alarm {who}: {len(active)} instances are active, and reports can be read")
            delay = await self._find(alarm, "AutoAcknowledgmentDelay")
            if not isinstance(delay, str) and delay.text("AutoAcknowledgmentDelay").lower() not in NEVER:
                yield self._say("warning", f"alarm {who} acknowledges itself: an SOS would leave the screens")
        for console in sorted(self._without_alarm()):
            yield self._say("error", f"console {console} has no alarm: nothing pops up there")

    def _without_alarm(self) -> Iterable[str]:
        if not alarms_in(self.config):
            return ()
        emergency = Tier.EMERGENCY
        return (name for name in self.targets.consoles if alarm_of(self.config, name, emergency) is None)

    async def _operators(self) -> AsyncIterator[Finding]:
        for user in sorted({user for users in self.config.operators.values() for user in users}):
            row = await self._find(user)
            if isinstance(row, str):
                yield self._say("error", f"there is no user {user}, or ours may not see it: {row}")
            elif (kind := row.text("EntityType")).lower() != "user":
                yield self._say(
                    "error", f"{row.text('Name')} ({user}) is no user but of type {kind or 'unknown'}"
                )
            else:
                yield self._say("ok", f"user {row.text('Name')} can be sent messages")
