"""The running demo plant: VMSs, telephones and the bridge itself, in one process and one media child each.

Stories play on it (`stories`); what they find is kept in `checks` for the summary.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from bridge.app import App
from bridge.cli.demo.page import PEOPLE, Page
from bridge.cli.demo.site import DESKS, LEAD, MANAGER, PASSWORD, free_port, site_of
from bridge.cli.demo.sounds import Sounds, make_sounds
from bridge.cli.demo.telling import Teller, account_for
from bridge.config import Site, load
from bridge.errors import SosBridgeError
from bridge.ingest import Committed
from bridge.model import Delivery, Event, Incident, IncidentState, Kind
from bridge.simulator.phones import Phone, Voice
from bridge.simulator.plant import Systems, simulated_systems
from bridge.store import Database
from bridge.store.migrate import upgrade
from bridge.supervision.clocks import SystemClock

PATIENCE: Final = 15.0
"""Seconds that any one thing may take before the demo says that it is stuck."""
_PRINTS_EVERY: Final = 0.05
HELP_POINT: Final = 440
"""Hertz that stand for the voice of whoever presses SOS, and below for that of whoever answers."""
ANSWERS: Final = 880


class Stuck(SosBridgeError):
    """Something did not happen in time. The text says what."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was to happen."""

    text: str
    good: bool


@dataclass(slots=True)
class Seen:
    """What the bridge has committed so far."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    def take(self, committed: Committed) -> None:
        for decision in committed.decisions:
            self.incidents |= decision.incidents
            self.deliveries |= decision.deliveries

    def incident(self, phone: str) -> Incident | None:
        """Return the incident of a phone."""
        return next((each for each in self.incidents.values() if each.phone == phone), None)

    def of(self, incident: Incident) -> list[Delivery]:
        return [each for each in self.deliveries.values() if each.incident == incident.id]


class Stage:
    """Made by `open_stage`."""

    def __init__(self, folder: Path, page: Page, systems: Systems, voice: Voice, port: int) -> None:
        self.page: Final = page
        self.systems: Final = systems
        self.seen: Final = Seen()
        self.checks: Final[list[Check]] = []
        self.phones: Final[dict[str, Phone]] = {}
        self.folder: Final = folder
        self.sip_port: Final = port
        self.voice: Final = voice
        self.site: Final = self._write_site()
        self.sounds: Sounds
        self._teller: Final = Teller(page, self.site)
        self._changed: Final = asyncio.Event()
        self._app: Final = App(self.site, on_commit=(self._take,))
        self._running: asyncio.Task[None] | None = None

    # --- setting up -----------------------------------------------------------------------------------

    def _write_site(self) -> Site:
        file = self.folder / "site.yaml"
        data = site_of(self.systems, self.folder, sip_port=self.sip_port, sounds=self.folder / "sounds")
        file.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), "utf-8")
        site = load(file)
        url, password = site.database()
        with contextlib.closing(Database(url, password=password)) as database:
            upgrade(database)
        return site

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Run the bridge and the telephones until the `async with` ends."""
        speaking = asyncio.create_task(asyncio.to_thread(make_sounds, self.site, self.folder / "sounds"))
        stop = asyncio.Event()
        self._running = asyncio.create_task(self._app.run(stop), name="the bridge")
        try:
            self.sounds = await speaking
            await self.until(self._app.started.is_set, "the bridge to start")
            await self.until(
                lambda: all(link.up for link in self._app.status().links), "its links to come up"
            )
            async with contextlib.AsyncExitStack() as stack:
                printing = asyncio.create_task(self._print())
                stack.callback(printing.cancel)
                for name, phone in self._make_phones():
                    self.phones[name] = await stack.enter_async_context(phone)
                await asyncio.gather(*(phone.register() for phone in self.phones.values()))
                yield
        finally:
            stop.set()
            await self._running

    def _make_phones(self) -> list[tuple[str, Phone]]:
        """The help points by their ids, the others by their endpoints."""
        told = {phone: section.endpoint for phone, section in self.site.file.phones.items()}
        users = {**told, **{name: name for name in (*DESKS, LEAD, MANAGER)}}
        exchange = ("127.0.0.1", self.sip_port)
        return [
            (
                name,
                Phone(
                    user,
                    self.voice,
                    exchange=exchange,
                    password=PASSWORD,
                    name=name,
                    says=self.voice.tone(HELP_POINT if name in told else ANSWERS),
                ),
            )
            for name, user in users.items()
        ]

    # --- what happens ---------------------------------------------------------------------------------

    async def _print(self) -> None:
        while True:
            self.page.settle(time.time())
            await asyncio.sleep(_PRINTS_EVERY)

    def _take(self, committed: Committed) -> None:
        self.seen.take(committed)
        self._teller.take(committed)
        self._changed.set()

    async def until(self, reached: Callable[[], bool], what: str) -> None:
        """Return when it is so. Raises Stuck after `PATIENCE`, and whatever has ended the bridge."""
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if self._running is None or self._running.done():
                if self._running is not None:
                    await self._running
                raise Stuck(f"the bridge ended while the demo waited for {what}")
            if time.monotonic() >= deadline:
                raise Stuck(f"waited {PATIENCE:g} s in vain for {what}")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self._changed.wait()

    async def until_closed(self, phone: str) -> Incident:
        """Return a phone's incident once it is closed and each of its actions has ended."""

        def over() -> bool:
            incident = self.seen.incident(phone)
            return (
                incident is not None
                and incident.state is IncidentState.CLOSED
                and all(each.state.settled for each in self.seen.of(incident))
            )

        await self.until(over, f"{phone}'s incident to be closed, and all that was started to be stopped")
        return self.incident(phone)

    def incident(self, phone: str) -> Incident:
        """Raises Stuck if there is none."""
        incident = self.seen.incident(phone)
        if incident is None:
            raise Stuck(f"{phone} has no incident")
        return incident

    async def click(self, phone: str, by: str, desk: str) -> None:
        """Acknowledge a phone's incident as a person at a desk does with one click."""
        incident = self.incident(phone)
        await self._app.ingest.accept(
            Event(
                kind=Kind.ACKNOWLEDGED,
                source="demo",
                key=incident.id,
                occurred_at=time.time(),
                incident=incident.id,
                attributes={"by": by, "how": f"click at {desk}"},
            )
        )

    # --- telling --------------------------------------------------------------------------------------

    def say(self, who: str, what: str) -> None:
        """Tell what a person or a telephone does, now."""
        self.page.line(time.time(), who, what, PEOPLE)

    def check(self, good: bool, text: str) -> None:
        """Keep for the summary whether something happened as told."""
        self.checks.append(Check(text, good))

    def check_actions(self, phone: str) -> None:
        """Every action must have a receipt, or have been asked for anew."""
        good, text = account_for(self.seen.of(self.incident(phone)))
        self.check(good, f"{phone}: {text}")


@contextlib.asynccontextmanager
async def open_stage(folder: Path, page: Page) -> AsyncIterator[Stage]:
    """Start the plant, the telephones' voice and what else the bridge will meet."""
    clock = SystemClock()
    async with simulated_systems(clock) as systems, Voice(clock, folder / "heard") as voice:
        yield Stage(folder, page, systems, voice, free_port())
