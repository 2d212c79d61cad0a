"""The command `sosbridge`. A command is a module beside this one that exposes `command`; no list names them.

The module's name is the command's name (`import_` is `import`). Modules are imported when they are asked
for, so that `sosbridge config` does not wait for what the web server imports.
"""

from __future__ import annotations

import importlib
import keyword
import pkgutil
from typing import IO, Any, Final

import click

from bridge.cli.options import FAILED, REFUSED
from bridge.errors import ConfigError, SosBridgeError
from bridge.version import __version__

NOT_COMMANDS: Final = frozenset({"door", "findings", "lists", "named", "options"})

EXIT_CODES: Final = f"""
\b
Exit codes:
  0  done
  {FAILED}  failed, or something is not as it should be
  {REFUSED}  the command line or the site file is wrong; nothing was done
"""


class Refusal(click.ClickException):
    """Ends the command with a message for a person, without a traceback."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


class Misconfigured(Refusal):
    exit_code = REFUSED


class Commands(click.Group):
    """The commands that are there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx  # the same wherever they are asked for
        names = (module.name for module in pkgutil.iter_modules(__path__))
        return sorted(name.rstrip("_").replace("_", "-") for name in names if name not in NOT_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"{__name__}.{name}{'_' if keyword.iskeyword(name) else ''}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise Misconfigured(str(error)) from error
        except SosBridgeError as error:
            raise Refusal(str(error)) from error


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, prog_name="sosbridge")
def main() -> None:
    """Turn an SOS call into cameras, recording, pop-ups and a human answer."""
