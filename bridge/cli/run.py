"""`sosbridge run`: the bridge itself, in the foreground, as a service manager wants it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bridge.app import App, install_signals
from bridge.cli.options import config_option
from bridge.config import Site, load
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure


@click.command()
@config_option
def command(config: Path) -> None:
    """Run the bridge until it is told to stop.

    SIGTERM or Ctrl-C stops it; SIGHUP reads the configuration again (a bad file changes nothing and is
    said). Needs a database of this version's schema: `sosbridge db upgrade` makes it.
    """
    site = load(config)
    logs = configure(
        SystemClock(), level=site.file.log.level, style=site.file.log.format, zone=site.plan().zone
    )
    try:
        asyncio.run(_run(site))
    finally:
        logs.close()


async def _run(site: Site) -> None:
    stop = asyncio.Event()
    app = App(site)
    install_signals(app, stop)
    await app.run(stop)
