"""`sosbridge asterisk`: render the dialplan pack for the site's PBX, and check the PBX that runs it."""

from __future__ import annotations

import asyncio
import sys
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
from bridge.model import Finding
from bridge.pack import prompts as prompt_files
from bridge.pack.live import check_pack
from bridge.pack.render import Change, render
from bridge.pack.site import facts_of, watch_settings
from bridge.protocols.ami_link import connect
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

FOLDER: Final = click.Path(path_type=Path, file_okay=False)

WHAT_TO_DO: Final = """\
Copy {out} to the PBX as /etc/asterisk/sosbridge, and include its files:
  extensions.conf, in [globals]      #tryinclude "sosbridge/globals.conf"
  extensions.conf, at the end        #tryinclude "sosbridge/alarm.conf"
                                     #tryinclude "sosbridge/dispatch.conf"
                                     #tryinclude "sosbridge/notify.conf"
                                     #tryinclude "sosbridge/heartbeat.conf"
  the context of the help points     include => sos-alarm
  manager.conf, at the end           #tryinclude "sosbridge/manager.conf"
  musiconhold.conf, at the end       #tryinclude "sosbridge/musiconhold.conf"
  pjsip.conf, before the endpoints   #tryinclude "sosbridge/pjsip.conf"
manager.conf holds secrets: chmod 640, owned by Asterisk's user. (FreePBX: docs/asterisk/freepbx.md)
Then, on the PBX:  asterisk -rx 'core reload'; here:  sosbridge asterisk check"""


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
    for change in render(facts, out):
        click.echo(_told(change))
    for account in facts.accounts:
        if account.secret is None:
            text = f"warning: the secret of AMI account {account.username} cannot be read here"
            click.echo(f"{text}: its line in manager.conf is left out", err=True)
    if prompts is not None:
        tell_built(prompt_files.build(facts, prompts))
    click.echo(f"\n{WHAT_TO_DO.format(out=out)}")


@command.command("check")
@config_option
@json_option
def check_command(config: Path, as_json: bool) -> None:
    """Ask the running PBX whether it has this site's pack, and whether those it rings can be reached.

    Asks only, over the watching account; one question goes through the dialplan, which rings nobody.
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
    watch = watch_settings(site)
    if watch is None:
        raise ConfigError(f"{site.path}: no PBX link of type `ami`: there is no account to ask the PBX with")
    clock = SystemClock()
    [driver] = [build_driver(s, clock) for s in site.drivers if isinstance(s.config, Config)]
    try:
        session = await connect(watch.account(events="off"), clock=clock)
        try:
            return [*await check_pack(facts_of(site), session), *await driver.check()]
        finally:
            await session.close()
    except (DeliveryError, ProtocolError) as error:
        return [Finding(level="error", subject=f"{watch.host}:{watch.port}", text=str(error))]
    finally:
        await driver.close()


def _told(change: Change) -> str:
    if change.new:
        return f"new        {change.name}"
    if change.unchanged:
        return f"unchanged  {change.name}"
    return f"changed    {change.name} (+{change.added} -{change.removed} lines)"
