"""`sosbridge run`: the bridge itself, in the foreground, as a service manager wants it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from typing import Final, TextIO

import click

from bridge.app import App, install_signals
from bridge.cli.options import config_option
from bridge.config import Site, load
from bridge.errors import StoreError
from bridge.store import Away
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import Logs, LogScrubber, Style, configure

TRY_AGAIN: Final = "start it again when the database answers (a service manager does so by itself)"


@click.command()
@config_option
def command(config: Path) -> None:
    """Run the bridge until it is told to stop.

    SIGTERM or Ctrl-C stops it; SIGHUP reads the configuration again (a bad file changes nothing and is
    said). Needs a database of this version's schema: `sosbridge db upgrade` makes it.

    Exits with 1 when it cannot start now and may later (the database is away): a service manager should try
    again. Exits with 2 when the site file is wrong: trying again changes nothing.
    """
    site = load(config)
    logs = SiteLogs(site, sys.stderr)
    try:
        asyncio.run(run_site(site, logs))
    except Away as error:
        raise StoreError(f"not started, and no SOS is seen until it is: {error}; {TRY_AGAIN}") from error
    finally:
        logs.close()


async def run_site(site: Site, logs: SiteLogs) -> None:
    """Run the bridge until a signal stops it."""
    stop = asyncio.Event()
    app = App(site, conceal=logs.conceal, on_site=logs.follow)
    install_signals(app, stop)
    await app.run(stop)


class SiteLogs:
    """The log as the site in use wants it. What it has once concealed stays concealed."""

    def __init__(self, site: Site, stream: TextIO) -> None:
        self._stream = stream
        self._scrubber = LogScrubber()
        self._wanted = _settings(site)
        self._logs = self._configured()

    def conceal(self, secrets: Iterable[str]) -> None:
        """Remove these from every later line."""
        for secret in secrets:
            self._scrubber.conceal(secret)

    def follow(self, site: Site) -> None:
        """Write as this site says from now on."""
        if _settings(site) != self._wanted:
            self._wanted = _settings(site)
            self._logs.close()
            self._logs = self._configured()

    def close(self) -> None:
        self._logs.close()

    def _configured(self) -> Logs:
        level, style, zone = self._wanted
        return configure(
            SystemClock(), level=level, style=style, zone=zone, stream=self._stream, scrubber=self._scrubber
        )


def _settings(site: Site) -> tuple[str, Style, tzinfo]:
    return site.file.log.level, site.file.log.format, site.plan().zone
