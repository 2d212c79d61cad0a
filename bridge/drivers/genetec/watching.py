"""Hears that an operator has acknowledged one of our alarms in Security Desk. Called by the driver.

Security Center is asked for acknowledged instances only while one of ours is open. What acknowledged itself
(the alarm's automatic acknowledgement) names no user and is no person's act: it is not reported.
"""

from __future__ import annotations

from typing import Final

from bridge.drivers.genetec.open_alarms import OpenAlarm, OpenAlarms
from bridge.drivers.genetec.settings import Config
from bridge.errors import DeliveryError, Permanent
from bridge.model import Accept, Clock, Event, Kind
from bridge.protocols.genetec import WebSdk
from bridge.protocols.genetec_values import AlarmInstance
from bridge.protocols.http import Refused

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
        """Ask about every alarm of ours. Raises if none can be asked, or our credentials are refused."""
        self._open.forget(self._clock.now())
        by_alarm: dict[str, list[OpenAlarm]] = {}
        for opened in self._open:
            by_alarm.setdefault(opened.alarm, []).append(opened)
        failures: list[DeliveryError] = []
        for alarm, ours in by_alarm.items():
            try:
                await self._look_at(alarm, ours, accept)
            except DeliveryError as error:
                if isinstance(error, Refused) and error.status == 401:
                    raise
                failures.append(error)
        if failures and len(failures) == len(by_alarm):
            raise failures[0]

    async def _look_at(self, alarm: str, ours: list[OpenAlarm], accept: Accept) -> None:
        now = self._clock.now()
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
                    occurred_at=self._plausible(row.acknowledged_at, opened),
                    incident=opened.incident,
                    attributes={"by": by, "how": self._name},
                )
            )
        self._open.end(opened.alarm, opened.instance)

    def _plausible(self, at: float | None, opened: OpenAlarm) -> float:
        """When it was acknowledged; now, if that is not told or cannot be."""
        now = self._clock.now()
        if at is None or not opened.since - CLOCKS_APART <= at <= now + CLOCKS_APART:
            return now
        return at

    async def _name_of(self, user: str) -> str:
        """What people call the user. That somebody has the incident matters more than who: where our user
        may not see theirs, or the name cannot be had now, it is an operator."""
        known = self._names.get(user, "")
        if not known:
            try:
                known = (await self._sdk.entity(user, "Name")).text("Name")
            except DeliveryError:
                known = ""
            if known:
                self._names[user] = known
        return known or f"operator at {self._name}"
