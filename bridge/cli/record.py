"""`sosbridge record`: what a PBX says, as it says it, for `sosbridge replay`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import click

from bridge.cli.options import config_option
from bridge.config import Site, load
from bridge.config.problems import plural, unknown
from bridge.errors import ConfigError, SosBridgeError
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_link import Session, connect
from bridge.supervision.clocks import SystemClock
from bridge.triggers.ami.settings import Config as AmiWatch


@click.group(name="record")
def command() -> None:
    """Record what a PBX says, to be replayed."""


@command.command()
@config_option
@click.option("--pbx", help="Name of the PBX link in the site file. Default: its first AMI link.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so long.")
def ami(config: Path, pbx: str | None, seconds: float | None) -> None:
    """Write the raw bytes of the manager interface to standard output, until Ctrl-C: `... > capture`.

    Logs in with the account that the bridge watches with, beside a running bridge or without one. The file
    holds who called whom: keep it as you keep the PBX's own logs.

    Exit codes: 0 stopped by you or after --seconds, 1 the PBX could not be reached or ended it.
    """
    if sys.stdout.isatty():
        raise click.UsageError("a capture is no text for a terminal: send it to a file, `> capture`")
    account = _account_of(load(config), pbx)
    sink = Sink(sys.stdout.buffer)
    why = asyncio.run(record(account, sink, seconds))
    click.echo(f"{plural(sink.written, 'byte')} from {account.address}", err=True)
    if sink.failed:
        raise SosBridgeError(f"the capture cannot be written: {sink.failed}")
    if why:
        raise SosBridgeError(f"{account.address} ended it: {why}; the capture holds what came before")


class Sink:
    """Where the bytes go. `write` never raises: the connection's reader calls it."""

    def __init__(self, file: BinaryIO) -> None:
        self.written = 0
        self.failed = ""
        self.on_failure: Callable[[], object] = lambda: None
        self._file = file

    def write(self, data: bytes) -> None:
        """Write at once, so that the file is whole up to here whatever happens next."""
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            self.failed = self.failed or str(error.strerror or error)
            self.on_failure()
        else:
            self.written += len(data)


async def record(account: Account, sink: Sink, seconds: float | None) -> str:
    """Record until Ctrl-C, SIGTERM, a failure to write, or for so many seconds.

    Returns why the PBX ended it; '' where it did not. Raises what `connect` raises.
    """
    stop = asyncio.Event()
    sink.on_failure = stop.set
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    session = await connect(account, clock=SystemClock(), tap=sink.write)
    reading = asyncio.create_task(_drain(session))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({reading, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    why = session.why
    stopping.cancel()
    await session.close()
    await reading
    return why


async def _drain(session: Session) -> None:
    """Throw the parsed events away: the bytes are kept already."""
    async for _ in session.events():
        pass


def _account_of(site: Site, pbx: str | None) -> Account:
    links = {link.name: link.config for link in site.triggers if isinstance(link.config, AmiWatch)}
    if not links:
        raise ConfigError(f"{site.path}: no PBX link of type `ami` to record")
    name = pbx or next(iter(links))
    if name not in links:
        raise ConfigError(f"{site.path}: {unknown('AMI link', name, links)}")
    return links[name].account()
