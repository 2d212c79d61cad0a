"""`sosbridge prompts`: make the announcements that dispatchers and callers hear."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from bridge.cli.options import config_option
from bridge.config import load
from bridge.pack.prompts import Built, build
from bridge.pack.site import announced

FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.group(name="prompts")
def command() -> None:
    """Make and check the announcements."""


@command.command("build")
@config_option
@click.option("--out", required=True, type=FOLDER, help="Folder to write.")
def build_command(config: Path, out: Path) -> None:
    """Speak every announcement of the site into OUT, and prove that it can be played.

    Files that say the same already are kept. Needs sox, and espeak-ng or `prompts.command`. With
    Asterisk, copy OUT to the PBX, to the folder that `dispatch.sounds` names, and `moh reload` there. With an
    exchange of the bridge's own, let OUT be its `sounds`.
    """
    tell_built(build(announced(load(config, secrets=False)), out))


def tell_built(built: Built) -> None:
    """Print what a build did."""
    for name in built.made:
        click.echo(f"made       {name}.wav")
    for name in built.removed:
        click.echo(f"removed    {name}.wav")
    for name in built.unused:
        click.echo(f"not used   {name}.wav of prompts.recorded: no announcement has this name")
    click.echo(f"{len(built.made)} made, {len(built.kept)} kept, {len(built.removed)} removed")
