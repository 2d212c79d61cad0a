"""`sosbridge import`: phones from a list, cameras and consoles from the VMS itself, as parts of a site file.

Nothing is asked of a VMS but what it has, and the site file is changed only where `--output` names it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from bridge.cli.lists import cameras, phones
from bridge.cli.lists.csv_text import read_rows
from bridge.cli.lists.sections import Entry, merged, rendered
from bridge.cli.options import config_option
from bridge.config import Site, load
from bridge.config.build import build_driver
from bridge.config.document import Document, parse
from bridge.config.problems import plural, unknown
from bridge.errors import ConfigError, SosBridgeError
from bridge.model import Inventory, Stocked
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

CLOSING: Final = 2.0
"""Seconds a driver gets to close its connections."""
FILE: Final = click.Path(path_type=Path, dir_okay=False)

merge_option = click.option(
    "--merge", is_flag=True, help="Print the whole site file with the new entries in it, comments kept."
)
output_option = click.option(
    "--output", "-o", type=FILE, help="Write there instead; with --merge it may be the site file itself."
)


@click.group(name="import")
def command() -> None:
    """Write sections of the site file from lists and from VMSs."""


@command.command("phones")
@config_option
@merge_option
@output_option
@click.argument("file", type=FILE)
def phones_command(config: Path, file: Path, *, merge: bool, output: Path | None) -> None:
    """Take help points from a CSV list.

    Its first line names the columns: id, endpoint, extension and location are needed; spoken (how the
    announcement says the location), shared, kind, callback and announce may stand there. A phone that the
    site file has already stays as it is; new ones are marked.
    """
    text = _text_of(config)
    site = parse(text, str(config)) if text is not None else Document(str(config))
    rows = read_rows(file, phones.COLUMNS)
    known, places = (
        {name: site.at((section, name)) for name in site.names(section)}
        for section in ("phones", "locations")
    )
    _give(phones.entries_of(rows, str(file), known, places), config, text, merge=merge, output=output)


@command.command("cameras")
@config_option
@merge_option
@output_option
@click.option("--from", "vms", metavar="NAME", help="The VMS that is asked: its name under `vms`.")
@click.option("--deadline", default=20.0, show_default=True, help="Seconds that it may take.")
@click.argument("file", type=FILE, required=False)
def cameras_command(
    config: Path, file: Path | None, *, vms: str | None, deadline: float, merge: bool, output: Path | None
) -> None:
    """Take cameras, presets and consoles from a VMS (--from), or cameras from a CSV list.

    The list's first line names the columns: tag, presets, and the names of VMSs. What the site file has
    already keeps its tag and stays as it is; new ones are marked.
    """
    if (file is None) == (vms is None):
        raise click.UsageError("from where? --from NAME, or a file")
    site = load(config, secrets=False)
    if file is not None:
        names = [driver.name for driver in site.drivers]
        rows = read_rows(file, cameras.COLUMNS, others=True)
        entries = cameras.entries_of_rows(rows, str(file), site.file.cameras, names)
    else:
        inventory = _inventory(site, vms or "", deadline)
        entries = cameras.entries_of_inventory(vms or "", inventory, site.file.cameras, site.file.consoles)
    _give(entries, config, _text_of(config), merge=merge, output=output)


def _inventory(site: Site, vms: str, deadline: float) -> Inventory:
    settings = next((driver for driver in site.drivers if driver.name == vms), None)
    if settings is None:
        names = [driver.name for driver in site.drivers]
        raise ConfigError(f"{site.path}: --from: {unknown('VMS', vms, names, none=': there are none')}")
    # What a link logs while it is asked is said again, better, by its error.
    logs = configure(SystemClock(), level="error")
    driver = build_driver(settings, SystemClock())

    async def ask() -> Inventory:
        if not isinstance(driver, Stocked):
            raise SosBridgeError(f"{vms}: a VMS of type `{settings.type}` cannot be asked what it has")
        try:
            async with asyncio.timeout(deadline):
                return await driver.inventory()
        except TimeoutError:
            raise SosBridgeError(f"{vms}: no answer within {deadline:g} s") from None
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await driver.close()

    try:
        return asyncio.run(ask())
    finally:
        logs.close()


def _text_of(config: Path) -> str | None:
    """Return the site file's text, None where there is none yet."""
    try:
        return config.read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config}: cannot be read: {error}") from None


def _give(
    entries: Sequence[Entry], config: Path, text: str | None, *, merge: bool, output: Path | None
) -> None:
    new = [entry for entry in entries if entry.new]
    counts = [
        plural(sum(entry.section == section for entry in new), section.removesuffix("s"))
        for section in dict.fromkeys(entry.section for entry in entries)
    ]
    if merge:
        if text is None:
            raise ConfigError(f"{config}: is not there: without --merge the sections alone are printed")
        result = _merged_or_why(text, config, entries)
    else:
        result = rendered(entries)
    if output is None:
        click.echo(result, nl=False)
    else:
        if output.exists() and not merge:
            raise ConfigError(f"{output}: is there already; --merge puts the entries into the site file")
        _write(output, result)
    click.echo(f"new: {', '.join(counts)}", err=True)


def _merged_or_why(text: str, config: Path, entries: Sequence[Entry]) -> str:
    try:
        return merged(text, str(config), entries)
    except ConfigError as error:
        new = rendered([entry for entry in entries if entry.new])
        raise ConfigError(f"{error}; these are to be put in by hand:\n\n{new}") from None


def _write(path: Path, text: str) -> None:
    """Put the text there whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        if path.exists():
            Path(file.name).chmod(path.stat().st_mode & 0o7777)
        else:
            Path(file.name).chmod(0o644)
        os.replace(file.name, path)  # one step on every file system
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
