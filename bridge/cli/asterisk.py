"""`sosbridge asterisk`: render the dialplan pack for the site's PBX, and check the PBX that runs it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import click

from bridge.cli import findings as shown
from bridge.cli.options import config_option, json_option
from bridge.cli.prompts import tell_built
from bridge.config import Site, load
from bridge.config.build import build_driver
from bridge.drivers.dispatch import Config
from bridge.errors import ConfigError, DeliveryError, ProtocolError
from bridge.model import Clock, Finding
from bridge.pack import prompts as prompt_files
from bridge.pack.asking import AmiPbx, AriPbx, Pbx
from bridge.pack.includes import what_to_do
from bridge.pack.live import check_pack
from bridge.pack.render import AMI_FILE, ARI_FILE, Change, render
from bridge.pack.site import ari_watch_settings, facts_of, watch_settings
from bridge.protocols.ami_link import connect
from bridge.protocols.ari import Rest
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.group(name="asterisk")
def command() -> None:
    """Make and check the dialplan that rings consoles and dispatch."""


@command.command("render")
@config_option
@click.option("--out", required=True, type=FOLDER, help="Folder to write.")
@click.option("--prompts", type=FOLDER, help="Also build the announcements into this folder.")
def render_command(config: Path, out: Path, prompts: Path | None) -> None:
    """Write the pack's files for the site's PBX, and say what to include where.

    On a folder that holds an earlier rendering, says what is different now.
    """
    site = load(config, secrets=False)
    facts = facts_of(site)
    changes = render(facts, out)
    for change in changes:
        click.echo(_told(change))
    ami = [("AMI account", account.username, account.secret, AMI_FILE) for account in facts.accounts]
    ari = [("ARI user", user.username, user.secret, ARI_FILE) for user in facts.ari_users]
    for what, username, secret, file in (*ami, *ari):
        if secret is None:
            text = f"warning: the secret of {what} {username} cannot be read here"
            click.echo(f"{text}: its line in {file} is left out", err=True)
    if prompts is not None:
        tell_built(prompt_files.build(facts, prompts))
    click.echo(f"\n{what_to_do(out, [change.name for change in changes])}")


@command.command("check")
@config_option
@json_option
def check_command(config: Path, as_json: bool) -> None:
    """Ask the running PBX whether it has this site's pack, and whether those it rings can be reached.

    Asks only, as the user who watches, over AMI or ARI; a question and a trial beat go through the dialplan,
    which ring nobody. What ARI cannot tell is a warning.
    Exits with 0 when nothing is wrong (warnings are not), 1 when something is, 2 when the file itself is.
    """
    site = shown.loaded(config, as_json=as_json)
    # What a link logs while it is tried is said again, better, by its findings.
    logs = configure(SystemClock(), level="error")
    try:
        findings = asyncio.run(_check(site))
    finally:
        logs.close()
    sys.exit(shown.tell(findings, as_json=as_json))


async def _check(site: Site) -> list[Finding]:
    facts = facts_of(site)
    clock = SystemClock()
    [driver] = [build_driver(s, clock) for s in site.drivers if isinstance(s.config, Config)]
    try:
        async with _asked(site, clock) as pbx:
            return [*await check_pack(facts, pbx), *await driver.check()]
    except (DeliveryError, ProtocolError) as error:
        return [Finding(level="error", subject=_address(site), text=str(error))]
    finally:
        await driver.close()


@asynccontextmanager
async def _asked(site: Site, clock: Clock) -> AsyncIterator[Pbx]:
    """Connect as the user who watches. AMI where there is: it tells more."""
    watch, ari = watch_settings(site), ari_watch_settings(site)
    if watch is not None:
        session = await connect(watch.account(events="off"), clock=clock)
        try:
            yield AmiPbx(session)
        finally:
            await session.close()
    elif ari is not None:
        rest = Rest(ari, name=ari.address, clock=clock)
        try:
            yield AriPbx(rest)
        finally:
            await rest.close()
    else:
        raise ConfigError(
            f"{site.path}: no PBX link of type `ami` or `ari`: there is nobody to ask the PBX as"
        )


def _address(site: Site) -> str:
    watch, ari = watch_settings(site), ari_watch_settings(site)
    return f"{watch.host}:{watch.port}" if watch else ari.address if ari else ""


def _told(change: Change) -> str:
    if change.new:
        return f"new        {change.name}"
    if change.unchanged:
        return f"unchanged  {change.name}"
    return f"changed    {change.name} (+{change.added} -{change.removed} lines)"
