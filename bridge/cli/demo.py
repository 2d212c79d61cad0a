"""`sosbridge demo`: one SOS call on a simulated plant, told as it happens. No root, no PBX, no settings."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import click
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.app import App
from bridge.cli.options import FAILED
from bridge.config import Site, load
from bridge.config.build import build_store
from bridge.errors import SosBridgeError
from bridge.ingest import Committed
from bridge.model import Delivery, DeliveryState, Event, Incident, IncidentState, Kind, Operation
from bridge.simulator.dialogue import FOLDER as DIALOGUES
from bridge.simulator.dialogue import Dialogue
from bridge.simulator.plant import SECRETS, Plant, simulated_plant
from bridge.store import Database
from bridge.store.migrate import upgrade
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

PATIENCE: Final = 20.0
"""Seconds that any one thing may take before the demo says that it failed."""
OPERATOR: Final = "A. Weber"
MARK: Final = ".sosbridge-demo"
"""The file that says a folder is a demo's own."""
TIMES: Final = {"post_roll_emergency": 2.0, "post_roll_routine": 2.0}
STYLES: Final = {"verified": "green", "accepted": "green", "failed": "bold red", "uncertain": "bold red"}


@click.command()
@click.option(
    "--dir",
    "folder",
    default=Path("var/demo"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where its database and site file are left to look at. Emptied first.",
)
@click.option(
    "--dialogue",
    default="sos-answered",
    show_default=True,
    type=click.Choice(sorted(file.stem for file in DIALOGUES.glob("*.ami"))),
    help="Which recorded call to play.",
)
def command(folder: Path, dialogue: str) -> None:
    """Play one SOS call, from the press to the closed incident, on a simulated plant.

    A PBX dialogue recorded on a real Asterisk, a simulated ZoneMinder and a simulated video wall; the
    bridge itself is the real one. Ends by itself in under 30 seconds and can be run again at once.
    """
    console = Console(highlight=False)
    for name, value in SECRETS.items():
        os.environ[name] = value
    folder = folder.resolve()
    _empty(folder)
    logs = configure(SystemClock(), level="error")
    try:
        done = asyncio.run(_Demo(folder, dialogue, console).run())
    finally:
        logs.close()
    raise SystemExit(0 if done else FAILED)


def _empty(folder: Path) -> None:
    """Make the folder, without what an earlier demo left. Never deletes what no demo made."""
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / MARK).is_file():
                raise SosBridgeError(f"{folder} is not empty and holds no demo: name another with --dir")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("Made by `sosbridge demo`, which empties it when it runs again.\n")
    except OSError as error:
        raise SosBridgeError(f"{folder} cannot be used: {error.strerror}; name another with --dir") from error


class _Demo:
    def __init__(self, folder: Path, dialogue: str, console: Console) -> None:
        self._folder = folder
        self._dialogue = Dialogue.shipped(dialogue)
        self._console = console
        self._began = 0.0
        self._incident: Incident | None = None
        self._deliveries: dict[str, Delivery] = {}
        self._changed = asyncio.Event()

    async def run(self) -> bool:
        """Play it; False if the incident did not end as it should."""
        async with simulated_plant(SystemClock()) as plant:
            site = self._write_site(plant)
            self._introduce(plant)
            app, stop = App(site, on_commit=(self._tell,)), asyncio.Event()
            running = asyncio.create_task(app.run(stop))
            try:
                await self._until(app.started.is_set, running)
                await self._until(lambda: all(link.up for link in app.status().links), running)
                await self._play(plant, app, running)
            finally:
                stop.set()
                await running
        return self._sum_up(site)

    def _write_site(self, plant: Plant) -> Site:
        file = self._folder / "site.yaml"
        data = plant.site(self._folder, times=TIMES)
        file.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), "utf-8")
        site = load(file)
        url, password = site.database()
        with closing(Database(url, password=password)) as database:
            upgrade(database)
        return site

    def _introduce(self, plant: Plant) -> None:
        self._console.print("[bold]sosbridge demo[/]: a simulated plant; nothing real is moved\n")
        self._console.print(f"  PBX         127.0.0.1:{plant.pbx.port} (AMI, a recorded dialogue)")
        self._console.print(f"  ZoneMinder  {plant.zoneminder.url}")
        self._console.print(f"  video wall  {plant.wall.url}")
        self._console.print(f"  state       {self._folder}\n")

    async def _play(self, plant: Plant, app: App, running: asyncio.Task[None]) -> None:
        self._began = time.time()
        playing = asyncio.create_task(plant.pbx.play(self._dialogue))
        await self._until(lambda: self._state() is IncidentState.CONNECTED, running)
        await self._acknowledge(app.ingest.accept)
        await playing
        await self._until(lambda: self._state() is IncidentState.CLOSED and self._settled(), running)

    async def _acknowledge(self, accept: Callable[[Event], Awaitable[None]]) -> None:
        """What the operator at the desk does with one click."""
        incident = self._incident.id if self._incident else ""
        event = Event(
            kind=Kind.ACKNOWLEDGED,
            source="demo",
            key=incident,
            occurred_at=time.time(),
            incident=incident,
            attributes={"by": OPERATOR, "how": "click at desk-1"},
        )
        await accept(event)

    async def _until(self, reached: Callable[[], bool], running: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not reached():
                    if running.done():
                        await running
                    self._changed.clear()
                    changed = asyncio.create_task(self._changed.wait())
                    await asyncio.wait({changed, running}, timeout=0.05)
                    changed.cancel()
        except TimeoutError:
            raise SosBridgeError(
                f"the demo is stuck after {PATIENCE:g} s; its state is in {self._folder}"
            ) from None

    # --- telling ------------------------------------------------------------------------------------

    def _tell(self, committed: Committed) -> None:
        for decision in committed.decisions:
            for incident in decision.incidents.values():
                self._incident = incident
            self._deliveries |= decision.deliveries
            for entry in decision.timeline:
                self._say(entry.at, entry.text)
        self._changed.set()

    def _say(self, at: float, text: str) -> None:
        line = Text(f"{at - self._began:+8.3f} s  ", style="dim")
        line.append(
            text, style=next((style for word, style in STYLES.items() if f": {word} " in text), "bold")
        )
        self._console.print(line, soft_wrap=True)

    def _state(self) -> IncidentState | None:
        return self._incident.state if self._incident else None

    def _settled(self) -> bool:
        return all(delivery.state.settled for delivery in self._deliveries.values())

    def _sum_up(self, site: Site) -> bool:
        with build_store(site) as store:
            [incident] = store.incidents()
            deliveries = store.deliveries(incident.id)
        table = Table(box=None, pad_edge=False, show_header=False)
        for label, value in self._figures(incident, deliveries):
            table.add_row(label, value)
        self._console.print(Text("\nSummary", style="bold"))
        self._console.print(table)
        file = site.path
        self._console.print(
            f"\nLook closer:  sosbridge incidents show {incident.id[:8]} --config {file}", soft_wrap=True
        )
        # What was asked for anew before it was sent is nobody's loss.
        good = incident.state is IncidentState.CLOSED and all(
            d.state.done or d.state is DeliveryState.SUPERSEDED for d in deliveries
        )
        self._console.print(Text("done" if good else "NOT everything went well: see above", style="bold"))
        return good

    def _figures(self, incident: Incident, deliveries: list[Delivery]) -> list[tuple[str, str]]:
        states = Counter(delivery.state for delivery in deliveries)
        receipts = ", ".join(f"{count} {state}" for state, count in states.items())

        def first(operation: Operation) -> str:
            settled = [d.settled_at for d in deliveries if d.operation is operation and d.settled_at]
            return (
                f"{(min(settled) - incident.opened_at) * 1000:.0f} ms after the press" if settled else "never"
            )

        def after(at: float | None) -> str:
            return f"{at - incident.opened_at:.1f} s after the press" if at else "never"

        return [
            ("first recording", first(Operation.START_RECORDING)),
            ("first picture on a console", first(Operation.SHOW)),
            ("a person on the line", after(incident.connected_at)),
            ("acknowledged", f"{after(incident.acknowledged_at)}, by {incident.acknowledged_by}"),
            ("closed", after(incident.closed_at)),
            ("actions", f"{len(deliveries)}: {receipts}"),
            ("unsettled", str(sum(d.state is DeliveryState.LEASED for d in deliveries))),
        ]
