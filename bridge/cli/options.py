"""What the commands have in common: `--config`, `--json` and the exit codes. Not a command itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

DEFAULT_CONFIG: Final = Path("/etc/sosbridge/site.yaml")

FAILED: Final = 1
REFUSED: Final = 2

config_option = click.option(
    "--config",
    "-c",
    envvar="SOSBRIDGE_CONFIG",
    default=DEFAULT_CONFIG,
    show_default=True,
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="The site file.",
)
"""`--config FILE` for every command that needs the site; the parameter is called `config`."""

json_option = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
"""`--json` for commands whose results a program may want; the parameter is called `as_json`."""
