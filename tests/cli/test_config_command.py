"""The command line itself, and `sosbridge config`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

import bridge.cli
from bridge.cli import main
from bridge.config import load_text
from bridge.version import __version__

SITE = 'site: {name: Plant, timezone: UTC}\nalarm: {extensions: ["9110"]}\n'


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE + "store: {url: 'postgresql://u@h/d', password: {env: SOSBRIDGE_TEST_SECRET}}\n")
    return path


def sosbridge(*arguments: str | Path, **environment: str | None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)


# --- the command line -------------------------------------------------------------------------------


def test_version() -> None:
    assert sosbridge("--version").stdout == f"sosbridge, version {__version__}\n"


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of `bridge/cli`."""
    monkeypatch.setattr(bridge.cli, "__path__", [str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("bridge.cli.made_")]:
        del sys.modules[name]


def write_command(folder: Path, name: str, body: str) -> None:
    """Write a command module whose command runs `body`."""
    text = (
        "import click\nfrom bridge import errors\n"
        f'@click.command()\ndef command():\n    """Does {name}."""\n    {body}\n'
    )
    (folder / f"made_{name}.py").write_text(text)


def test_a_new_module_is_a_new_command(commands: Path) -> None:
    write_command(commands, "greet", "click.echo('hello')")
    assert sosbridge("made-greet").stdout == "hello\n"
    assert "Does greet." in sosbridge("--help").stdout


def test_what_the_commands_share_is_no_command(commands: Path) -> None:
    write_command(commands, "greet", "pass")
    (commands / "options.py").write_text("")
    assert main.list_commands(click.Context(main)) == ["made-greet"]


def test_a_command_is_imported_only_when_it_is_asked_for(commands: Path) -> None:
    write_command(commands, "greet", "click.echo('hello')")
    (commands / "made_broken.py").write_text("raise RuntimeError('imported')\n")
    assert sosbridge("made-greet").exit_code == 0


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [("ConfigError", 2), ("StoreError", 1), ("ProtocolError", 1), ("Uncertain", 1)],
)
def test_an_error_for_people_is_one_message_and_an_exit_code(
    commands: Path, error: str, exit_code: int
) -> None:
    write_command(commands, "fail", f"raise errors.{error}('the [disk] is full')")
    result = sosbridge("made-fail")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "the [disk] is full\n", exit_code)


def test_a_defect_is_not_hidden(commands: Path) -> None:
    write_command(commands, "fail", "raise ZeroDivisionError")
    assert isinstance(sosbridge("made-fail").exception, ZeroDivisionError)


def test_an_unknown_command_is_a_usage_error() -> None:
    result = sosbridge("chekc")
    assert result.exit_code == 2
    assert "No such command" in result.stderr


def test_help_tells_the_exit_codes(commands: Path) -> None:
    write_command(commands, "greet", "pass")
    told = sosbridge("-h").stdout
    assert "0  done" in told
    assert "2  the command line or the site file is wrong" in told


# --- sosbridge config -------------------------------------------------------------------------------


def test_schema_is_json() -> None:
    schema = json.loads(sosbridge("config", "schema").stdout)
    assert schema["required"] == ["site", "alarm"]


def test_show_prints_a_file_with_the_same_meaning(site_file: Path) -> None:
    result = sosbridge("config", "show", "--config", site_file, SOSBRIDGE_TEST_SECRET="s3kr1t")
    assert result.exit_code == 0
    assert "s3kr1t" not in result.output
    shown = yaml.safe_load(result.stdout)
    assert shown["store"]["password"] == {"env": "SOSBRIDGE_TEST_SECRET"}
    assert shown["times"]["picture"] == 4
    assert set(shown["response"]) > {"sos", "no_picture"}
    assert load_text(result.stdout, secrets=False).plan() == load_text(SITE).plan()


def test_show_json_is_the_same(site_file: Path) -> None:
    as_json = json.loads(sosbridge("config", "show", "-c", site_file, "--json").stdout)
    assert as_json == yaml.safe_load(sosbridge("config", "show", "-c", site_file).stdout)


def test_the_file_may_be_named_by_the_environment(site_file: Path) -> None:
    assert sosbridge("config", "show", SOSBRIDGE_CONFIG=str(site_file)).exit_code == 0


def test_help_tells_where_the_file_is_looked_for() -> None:
    told = " ".join(sosbridge("config", "show", "--help").stdout.split())
    assert "SOSBRIDGE_CONFIG" in told
    assert "/etc/sosbridge/site.yaml" in told


def test_mistakes_go_to_stderr_one_a_line(site_file: Path) -> None:
    site_file.write_text(SITE + "nod: x\nlog: {level: loud}\n")
    result = sosbridge("config", "show", "-c", site_file)
    assert result.exit_code == 2
    assert result.stdout == ""
    headline, *lines = result.stderr.splitlines()
    assert headline == f"{site_file}: 2 mistakes"
    assert [line.split(" ")[0] for line in lines] == [f"{site_file}:3:1:", f"{site_file}:4:14:"]


def test_the_installed_command_works(site_file: Path) -> None:
    """The entry point of the package, as people start it."""
    command = Path(sys.executable).parent / "sosbridge"
    done = subprocess.run(
        [command, "config", "show", "--config", site_file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
