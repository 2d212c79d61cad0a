"""`sosbridge check`: the file first, then every link at the same time, each with its own deadline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.config.instances import DRIVERS, module_of
from bridge.errors import Retryable
from bridge.model import Finding
from tests.config.conftest import plugins

__all__ = ["plugins"]  # the fixture, used below by its name

SITE = """\
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
pbx:
  - {name: pbx1, type: pbxlink, host: pbx.example}
vms:
  - {name: zm, type: recorder, host: zm.example}
  - {name: spare, type: recorder, host: spare.example}
dispatch: {type: recorder, host: zm.example, groups: {shift: {tiers: [[desk-1]]}}}
cameras:
  C-1: {zm: 2}
locations:
  POST-1: {spoken: post one, cameras: [{camera: C-1, preset: 7}]}
"""
CheckOf = Callable[[Any], Awaitable[list[Finding]]]


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


@pytest.fixture
def recorder(plugins: None) -> ModuleType:
    """The module of the test driver; both of its hosts answer well until a test says otherwise."""
    module = module_of(DRIVERS, "recorder")
    assert module is not None
    module.CHECKS.update({"zm.example": well, "spare.example": well})
    return module


async def well(driver: Any) -> list[Finding]:
    return [Finding(level="ok", subject=driver.name, text=f"targets {dict(driver.targets.cameras)}")]


async def nothing_to_say(driver: Any) -> list[Finding]:
    return []


async def silent(driver: Any) -> list[Finding]:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")


async def refused(driver: Any) -> list[Finding]:
    raise Retryable("connection refused [Errno 111]")


async def wrong(driver: Any) -> list[Finding]:
    return [
        Finding(level="error", subject=driver.name, text="camera 2 does not exist \x1b[31m[red]"),
        Finding(level="warning", subject=driver.name, text="certificate is not verified"),
    ]


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *(str(argument) for argument in arguments)])


def findings_of(result: Result) -> dict[str, list[tuple[str, str]]]:
    """Return the JSON findings as subject -> (level, text)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        found.setdefault(finding["subject"], []).append((finding["level"], finding["text"]))
    return found


def test_all_is_well(site_file: Path, recorder: ModuleType) -> None:
    recorder.CLOSED.clear()
    result = check("-c", site_file, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["ok"] is True
    found = findings_of(result)
    assert found["pbx1"] == [("ok", "logged in")]
    assert found["zm"] == [("ok", "targets {'2': frozenset({'7'})}")]
    assert found["dispatch"] == [("ok", "targets {}")]
    summary = "1 PBX link, 3 drivers, 0 phones, 1 location, 1 camera"
    assert ("ok", summary) in found[str(site_file)]
    assert sorted(recorder.CLOSED) == ["dispatch", "spare", "zm"]


def test_a_preset_is_looked_for_where_it_will_be_asked_for(site_file: Path, recorder: ModuleType) -> None:
    """The second system that has the camera is never asked to move it, and may call its presets otherwise."""
    site_file.write_text(
        SITE.replace("{zm: 2}", "{zm: 2, spare: 9, presets: {gate: post-03}}").replace(
            "preset: 7", "preset: gate"
        )
    )
    found = findings_of(check("-c", site_file, "--json"))
    assert found["zm"] == [("ok", "targets {'2': frozenset({'post-03'})}")]
    assert found["spare"] == [("ok", "targets {'9': frozenset()}")]


def test_one_bad_link_does_not_hide_the_others(site_file: Path, recorder: ModuleType) -> None:
    recorder.CHECKS["zm.example"] = wrong
    result = check("-c", site_file, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["ok"] is False
    found = findings_of(result)
    assert [level for level, _ in found["zm"]] == ["error", "warning"]
    assert [level for level, _ in found["spare"]] == ["ok"]


@pytest.mark.parametrize(
    ("outcome", "level", "text"),
    [
        (silent, "error", "no answer within 0.05 s"),
        (refused, "error", "connection refused [Errno 111]"),
        (nothing_to_say, "ok", "answers"),
    ],
)
def test_every_link_gets_its_finding(
    site_file: Path, recorder: ModuleType, outcome: CheckOf, level: str, text: str
) -> None:
    recorder.CHECKS["spare.example"] = outcome
    recorder.CLOSED.clear()
    result = check("-c", site_file, "--deadline", "0.05", "--json")
    assert findings_of(result)["spare"] == [(level, text)]
    assert result.exit_code == (1 if level == "error" else 0)
    assert "spare" in recorder.CLOSED


def test_links_are_asked_at_the_same_time(site_file: Path, recorder: ModuleType) -> None:
    """Three drivers that wait for each other all answer: one after the other, none would."""
    met = asyncio.Barrier(3)

    async def meet(driver: Any) -> list[Finding]:
        await met.wait()
        return []

    recorder.CHECKS.update({"zm.example": meet, "spare.example": meet})
    assert check("-c", site_file, "--deadline", "5").exit_code == 0


def test_what_a_link_logs_does_not_spoil_the_json(site_file: Path, recorder: ModuleType) -> None:
    async def talkative(driver: Any) -> list[Finding]:
        structlog.get_logger("bridge.test").error("link down", link=driver.name)
        return []

    recorder.CHECKS["zm.example"] = talkative
    result = check("-c", site_file, "--json")
    assert findings_of(result)["zm"] == [("ok", "answers")]
    assert "link down" in result.stderr


def test_a_driver_that_cannot_be_made(site_file: Path, recorder: ModuleType) -> None:
    site_file.write_text(SITE.replace("spare.example", "unbuildable"))
    result = check("-c", site_file, "--json")
    assert result.exit_code == 1
    assert findings_of(result)["spare"] == [("error", "its certificate cannot be read")]


def test_offline_contacts_nobody(site_file: Path, recorder: ModuleType) -> None:
    recorder.CHECKS.update({"zm.example": refused, "spare.example": refused})
    result = check("-c", site_file, "--offline", "--json")
    assert result.exit_code == 0
    assert set(findings_of(result)) == {str(site_file)}


def test_a_wrong_file_ends_it_with_two(site_file: Path, recorder: ModuleType) -> None:
    site_file.write_text(SITE + "nod: x\n")
    result = check("-c", site_file)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{site_file}:13:1: nod: unknown setting `nod`" in result.stderr
    as_json = check("-c", site_file, "--json")
    assert as_json.exit_code == 2
    [(level, text)] = findings_of(as_json)[f"{site_file}:13:1"]
    assert level == "error"
    assert text.startswith("nod: unknown setting")


def test_plain_lines_where_there_is_no_terminal(site_file: Path, recorder: ModuleType) -> None:
    recorder.CHECKS["zm.example"] = wrong
    lines = check("-c", site_file).stdout.splitlines()
    assert "error    zm  camera 2 does not exist \\u001b[31m[red]" in lines
    assert all(line.startswith(("ok ", "warning ", "error ")) for line in lines)


def test_a_table_on_a_terminal(
    site_file: Path, recorder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    recorder.CHECKS["zm.example"] = wrong
    shown = check("-c", site_file).stdout
    assert "Finding" in shown
    assert "\x1b[1;31merror" in shown
    assert "camera 2 does not exist \\u001b[31m[red]" in shown
