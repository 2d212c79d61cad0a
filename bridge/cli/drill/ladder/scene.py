"""One bridge on a simulated plant, its telephones, and what it has committed. Made by the rungs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from bridge.app import App
from bridge.cli.demo.site import PASSWORD
from bridge.cli.demo.sounds import Sounds, make_sounds
from bridge.cli.demo.stage import Seen
from bridge.config import load
from bridge.errors import SosBridgeError
from bridge.ingest import Committed
from bridge.model import UNDO, Delivery, Event, Incident, IncidentState, Kind
from bridge.simulator.phones import Phone, PhoneCall, Voice
from bridge.store import Database
from bridge.store.migrate import upgrade

PATIENCE: Final = 12.0
"""Seconds that any one thing may take before its rung has failed."""
PERSON: Final = "A. Weber"
AWAY: Final = "syslog/siem"
"""The one link that is down from the beginning."""

_STOPS: Final = frozenset(UNDO.values())


class Stuck(SosBridgeError):
    """Something did not happen in time. The text says what."""


class Scene:
    """folder: for its database and site file. data: the site.

    Raises ConfigError if the site is none.
    """

    def __init__(self, folder: Path, data: Mapping[str, Any], voice: Voice, sip_port: int) -> None:
        self.phones: Final[dict[str, Phone]] = {}
        self.sounds: Sounds
        self._folder: Final = folder
        self._voice: Final = voice
        self._exchange: Final = ("127.0.0.1", sip_port)
        self._seen: Final = Seen()
        self._changed: Final = asyncio.Event()
        folder.mkdir(parents=True)
        file = folder / "site.yaml"
        file.write_text(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True), "utf-8")
        self.site: Final = load(file)
        url, password = self.site.database()
        with contextlib.closing(Database(url, password=password)) as database:
            upgrade(database)
        self._app: Final = App(self.site, on_commit=(self._take,))
        self._running: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def run(self, users: Iterable[str] = ()) -> AsyncIterator[None]:
        """Run the bridge, and a registered telephone for each user, until the `async with` ends."""
        speaking = asyncio.create_task(asyncio.to_thread(make_sounds, self.site, self._folder / "sounds"))
        stop = asyncio.Event()
        self._running = asyncio.create_task(self._app.run(stop), name="the bridge")
        try:
            self.sounds = await speaking
            await self.until(self._app.started.is_set, "the bridge to start")
            await self.until(lambda: not self._down(), "its links to come up")
            async with contextlib.AsyncExitStack() as stack:
                for user in users:
                    phone = Phone(user, self._voice, exchange=self._exchange, password=PASSWORD)
                    self.phones[user] = await stack.enter_async_context(phone)
                await asyncio.gather(*(phone.register() for phone in self.phones.values()))
                yield
        finally:
            stop.set()
            await self._running

    def _down(self) -> list[str]:
        """The links that are not up; the syslog server is away at first."""
        return [link.name for link in self._app.status().links if not link.up and link.name != AWAY]

    def _take(self, committed: Committed) -> None:
        self._seen.take(committed)
        self._changed.set()

    async def until(self, reached: Callable[[], object], what: str) -> None:
        """Return when it is so. Raises Stuck after `PATIENCE`, and whatever has ended the bridge."""
        end = time.monotonic() + PATIENCE
        while not reached():
            if self._running is not None and self._running.done():
                await self._running
                raise Stuck("the bridge ended")
            if time.monotonic() >= end:
                down = f" (down: {', '.join(self._down())})" if self._down() else ""
                raise Stuck(f"waited {PATIENCE:g} s in vain for {what}{down}")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await self._changed.wait()

    # --- what people do -------------------------------------------------------------------------------

    async def button(self, phone: str) -> float:
        """Press a button at a phone that makes no call; return when (UTC)."""
        now = time.time()
        await self._say(Kind.SOS, now, attributes={"phone": phone})
        await self.until(lambda: self.newest(phone, since=now), "the incident")
        return now

    async def resolve(self, incident: Incident) -> None:
        """End an incident as a named person does."""
        told = {"by": PERSON, "reason": "the drill goes on"}
        await self._say(Kind.RESOLVED, time.time(), incident=incident.id, attributes=told)

    async def click(self, incident: Incident) -> None:
        """Acknowledge it at a screen."""
        told = {"by": PERSON, "how": "click"}
        await self._say(Kind.ACKNOWLEDGED, time.time(), incident=incident.id, attributes=told)

    async def _say(
        self, kind: Kind, now: float, *, attributes: Mapping[str, str], incident: str = ""
    ) -> None:
        await self._app.ingest.accept(
            Event(
                kind=kind,
                source="drill",
                key=f"{kind}/{now!r}",
                occurred_at=now,
                incident=incident,
                attributes=attributes,
            )
        )

    async def take(self, call: PhoneCall, phone: str, *, since: float) -> None:
        """Pick up at a dispatcher's, listen to the announcement, press 1; return once it is acknowledged."""
        call.answer()
        await call.until_answered()
        expected = self.sounds.announcement
        await call.until_hears(expected.kind, hertz=expected.hertz, timeout=PATIENCE)
        await call.press("1")
        await self.until(lambda: self.the(phone, since=since).acknowledged_at, "the acknowledgement")

    # --- what has happened ----------------------------------------------------------------------------

    def newest(self, phone: str, *, since: float) -> Incident | None:
        """Return the incident that a phone opened after a press, None if there is none."""
        mine = [
            incident
            for incident in self._seen.incidents.values()
            if incident.phone == phone and incident.opened_at >= since - 0.05
        ]
        return mine[-1] if mine else None

    def the(self, phone: str, *, since: float) -> Incident:
        """As `newest`. Raises Stuck if there is none."""
        if incident := self.newest(phone, since=since):
            return incident
        raise Stuck(f"{phone} has no incident")

    def deliveries(self, phone: str, *, since: float) -> list[Delivery]:
        """Return what the incident has asked for so far."""
        incident = self.newest(phone, since=since)
        return self._seen.of(incident) if incident else []

    async def over(self, phone: str, *, since: float) -> None:
        """Wait until the incident is closed and what it switched on is off: nothing may disturb the next.

        A bookmark may be tried for longer: of a VMS that lied there is nothing to be marked.
        """

        def closed() -> bool:
            stops = [each for each in self.deliveries(phone, since=since) if each.operation in _STOPS]
            over = self.the(phone, since=since).state is IncidentState.CLOSED
            return over and all(each.state.settled for each in stops)

        await self.until(closed, "the incident to be closed")
        await self.until(lambda: not any(self._app.status().breakers_open.values()), "the VMSs to be back")
