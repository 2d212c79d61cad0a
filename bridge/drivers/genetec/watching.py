"""Hears that an operator has acknowledged one of our alarms in Security Desk. Called by the driver.

Security Center is asked for acknowledged instances only while one of ours is open. What acknowledged itself
(the alarm's automatic acknowledgement) names no user and is no person's act: it is not reported.
"""

from __future__ import annotations

from typing import Final

from bridge.drivers.genetec.alarms import FORGOTTEN_AFTER, OpenAlarm, OpenAlarms
from bridge.drivers.genetec.settings import Config
from bridge.errors import DeliveryError, Permanent
from bridge.model import Accept, Clock, Event, Kind
from bridge.protocols.genetec import WebSdk
from bridge.protocols.genetec_values import AlarmInstance

CLOCKS_APART: Final = 3600.0
"""Seconds by which the VMS's clock may differ from ours and its instances are still found."""
LONGEST_PAUSE: Final = 5.0
PAUSE_WHEN_REFUSED: Final = 60.0
"""Seconds: wrong credentials asked every few seconds would lock the user out."""


class Watching:
    """Polls the report AlarmActivity for those who have acknowledged."""

    def __init__(self, name: str, sdk: WebSdk, config: Config, clock: Clock, opened: OpenAlarms) -> None:
        self._name = name
        self._sdk = sdk
        self._config = config
        self._clock = clock
        self._open = opened
        self._names: dict[str, str] = {}
        """user -> what people call it."""

    async def run(self, accept: Accept) -> None:
        """Until cancelled."""
        pause = self._config.watch_every
        while True:
            await self._open.until_some()
            await self._clock.sleep(pause)
            try:
                await self._look(accept)
            except Permanent:
                pause = PAUSE_WHEN_REFUSED
            except DeliveryError:
                pause = max(self._config.watch_every, LONGEST_PAUSE)
            else:
                pause = self._config.watch_every

    async def _look(self, accept: Accept) -> None:
        now = self._clock.now()
        by_alarm: dict[str, list[OpenAlarm]] = {}
        for opened in self._open:
            if now - opened.since > FORGOTTEN_AFTER:
                self._open.remove(opened.alarm, opened.instance)
            else:
                by_alarm.setdefault(opened.alarm, []).append(opened)
        for alarm, ours in by_alarm.items():
            since = min(opened.since for opened in ours) - CLOCKS_APART
            rows = await self._sdk.acknowledged_instances(alarm, since, now + CLOCKS_APART)
            done = {row.id: row for row in rows}
            for opened in ours:
                if opened.instance in done:
                    await self._tell(accept, opened, done[opened.instance])

    async def _tell(self, accept: Accept, opened: OpenAlarm, row: AlarmInstance) -> None:
        """Report it once, if a person did it and not we."""
        by = await self._name_of(row.acknowledged_by) if row.acknowledged_by else ""
        if by and by.lower() != self._config.user.lower():
            await accept(
                Event(
                    kind=Kind.ACKNOWLEDGED,
                    source=f"vms/{self._name}",
                    key=f"{opened.reference}/acknowledged",
                    occurred_at=row.acknowledged_at or self._clock.now(),
                    incident=opened.incident,
                    attributes={"by": by, "how": self._name},
                )
            )
        self._open.remove(opened.alarm, opened.instance)

    async def _name_of(self, user: str) -> str:
        if user not in self._names:
            found = (await self._sdk.entity(user, "Name")).text("Name")
            self._names[user] = found or f"operator at {self._name}"
        return self._names[user]
