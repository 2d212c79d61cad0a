"""`sosbridge export`: phones and cameras of the site file as CSV, which `sosbridge import` takes back."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli.lists import cameras as camera_list
from bridge.cli.lists import phones as phone_list
from bridge.cli.lists.csv_text import write_rows
from bridge.cli.options import config_option
from bridge.config import load


@click.group(name="export")
def command() -> None:
    """Print lists of what the site file has."""


@command.command("phones")
@config_option
def phones_command(config: Path) -> None:
    """Print the help points as CSV; `sosbridge import phones` takes it back."""
    site = load(config, secrets=False)
    click.echo(write_rows(phone_list.COLUMNS, phone_list.rows_of(site)), nl=False)


@command.command("cameras")
@config_option
def cameras_command(config: Path) -> None:
    """Print the cameras as CSV, with their id in each VMS; `sosbridge import cameras` takes it back."""
    columns, rows = camera_list.rows_of(load(config, secrets=False))
    click.echo(write_rows(columns, rows), nl=False)
