"""`sosbridge demo`: two SOS calls on a plant in a box, told as they happen. No root, no PBX, no settings.

`stage` runs the bridge, the simulated VMSs and telephones; `stories` play on it; `telling` and `page` show it
live, `summary` at the end; `site` and `sounds` are what the bridge is given.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import Final

import click

from bridge.cli.demo.page import Page
from bridge.cli.demo.site import PASSWORD, VARIABLE
from bridge.cli.demo.stage import ANSWERS, HELP_POINT, Stage, open_stage
from bridge.cli.demo.stories import everything_works, no_picture
from bridge.cli.demo.summary import sum_up
from bridge.cli.options import FAILED
from bridge.errors import SosBridgeError
from bridge.simulator.plant import SECRETS
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

MARK: Final = ".sosbridge-demo"
"""The file that says a folder is a demo's own."""


@click.command()
@click.option(
    "--dir",
    "folder",
    default=Path("var/demo"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where its database and site file are left to look at. Emptied first.",
)
def command(folder: Path) -> None:
    """Play two SOS calls, from the press to the closed incident, on a simulated plant.

    Simulated telephones, a simulated ZoneMinder and a simulated video wall; the bridge itself is the real
    one, and is their telephone exchange. First everything works; then the VMSs are off, and the dispatch
    group is called. Ends by itself in under 30 seconds, and can be run again at once.
    """
    for name, value in {**SECRETS, VARIABLE: PASSWORD}.items():
        os.environ[name] = value
    folder = folder.resolve()
    empty_folder(folder)
    logs = configure(SystemClock(), level="error")
    try:
        done = asyncio.run(play(folder, Page.on_stdout()))
    finally:
        logs.close()
    raise SystemExit(0 if done else FAILED)


def empty_folder(folder: Path) -> None:
    """Make the folder, without what an earlier demo left. Never deletes what no demo made.

    Raises SosBridgeError where it is somebody else's, or cannot be made.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / MARK).is_file():
                raise SosBridgeError(f"{folder} is not empty and holds no demo: name another with --dir")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("Made by `sosbridge`, which empties it when it plays here again.\n")
    except OSError as error:
        raise SosBridgeError(f"{folder} cannot be used: {error.strerror}; name another with --dir") from error


async def play(folder: Path, page: Page) -> bool:
    """Play the stories; False if something did not happen as told."""
    began = time.monotonic()
    failure = ""
    async with open_stage(folder, page) as stage:
        _introduce(page, stage)
        try:
            async with stage.run():
                await everything_works(stage)
                await no_picture(stage)
        except (SosBridgeError, TimeoutError) as error:
            failure = str(error) or "the demo is stuck: nothing happens any more"
    return sum_up(page, stage.site, stage.checks, time.monotonic() - began, failure)


def _introduce(page: Page, stage: Stage) -> None:
    page.text("sosbridge demo: a plant in a box; nothing real is moved, nobody is called", "bold")
    page.text()
    page.fact("bridge", f"its own telephone exchange: SIP at 127.0.0.1:{stage.sip_port}")
    page.fact("telephones", "2 help points, 2 desks, 2 dispatchers (simulated)")
    page.fact("voices", f"tones: a help point {HELP_POINT} Hz, who answers it {ANSWERS} Hz")
    page.fact("recorder", f"a simulated ZoneMinder: {stage.systems.zoneminder.url}")
    page.fact("video wall", f"a simulated HTTP VMS: {stage.systems.wall.url}")
