"""`sosbridge config`: the schema for editors, and what is really in force."""

from __future__ import annotations

import json
from pathlib import Path

import click
import yaml

from bridge.cli.options import config_option, json_option
from bridge.config import load
from bridge.config.effective import effective
from bridge.config.schema import json_schema


@click.group()
def command() -> None:
    """Print the schema of the site file, or the settings in force."""


@command.command()
def schema() -> None:
    """Print the JSON Schema of the site file, with every installed driver and PBX link.

    Save it and name it in the first line of the file, and an editor completes and checks it:
    # yaml-language-server: $schema=site.schema.json
    """
    click.echo(json.dumps(json_schema(), indent=2))


@command.command()
@config_option
@json_option
def show(config: Path, as_json: bool) -> None:
    """Print the settings in force: the file, every default, and the whole response table.

    Of a secret it prints the place, never the value, and does not read it.
    """
    settings = effective(load(config, secrets=False))
    if as_json:
        click.echo(json.dumps(settings, indent=2))
    else:
        click.echo(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100), nl=False)
