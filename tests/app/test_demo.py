"""`sosbridge demo`: runs to its end in under 30 s, and again at once. The installed command itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.cli import demo
from bridge.cli.demo.page import Page
from bridge.cli.demo.site import ALARM, PASSWORD, VARIABLE
from bridge.cli.demo.stage import Stage, Stuck
from bridge.simulator.plant import SECRETS

SOSBRIDGE = Path(sys.executable).with_name("sosbridge")


def sosbridge(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [SOSBRIDGE, *arguments]
    variables = {**os.environ, **environment}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=False, env=variables, encoding="utf-8"
    )


def test_it_plays_both_stories_to_their_end(tmp_path: Path) -> None:
    """Spoken where the machine can speak. What it says can be looked up with the commands that it names."""
    folder = tmp_path / "demo"
    began = time.monotonic()
    done = sosbridge("demo", "--dir", folder)
    assert time.monotonic() - began < 60  # 19 on an idle machine
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    told = done.stdout.splitlines()
    assert told[-1].startswith("done in ")
    assert "\x1b" not in done.stdout
    assert max(map(len, told)) <= 80 + len(str(folder))
    _told_in_order(
        told,
        *("EAST-03       somebody presses SOS", "shows 2 cameras on control-1", "A. Weber picks up"),
        *("acknowledged by A. Weber", "EAST-03       hangs up", "closed: what was started is being stopped"),
        *("switched off", "WEST-01       somebody presses SOS", "no picture confirmed: dispatch is told"),
        *("shift-lead    picks up", "hears the announcement", "presses 1", "plant-manager is released"),
        *("switched on again", "shows 2 cameras on control-2", "WEST-01       hangs up"),
    )
    assert not [line for line in told if "✗" in line]

    stories = {}
    for line in told:
        if line.startswith("  sosbridge incidents show "):
            looked = sosbridge(*line.split()[1:], "--json")
            story = json.loads(looked.stdout)
            stories[story["phone"]] = story
    [listing] = [line for line in told if line.startswith("  sosbridge incidents list ")]
    listed = sosbridge(*listing.split()[1:]).stdout
    assert all(story["id"][:8] in listed for story in stories.values())
    assert {phone: story["acknowledged_by"] for phone, story in stories.items()} == {
        "EAST-03": "A. Weber",
        "WEST-01": "shift-lead",
    }
    for story in stories.values():
        assert story["state"] == "closed"
        assert {each["state"] for each in story["deliveries"]} <= {"verified", "accepted", "superseded"}
    assert len(list((folder / "recordings").rglob("*.wav"))) == 2
    again = sosbridge("replay", folder / "sosbridge.sqlite3", "--config", folder / "site.yaml")
    assert (again.returncode, again.stdout.endswith(" 2 incidents: the same decisions\n")) == (0, True), again


def test_again_at_once_without_a_voice(tmp_path: Path) -> None:
    """In the same folder, on a machine without espeak-ng, to a terminal without Unicode."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / demo.MARK).touch()
    (folder / "sosbridge.sqlite3").write_text("an earlier demo's")
    done = sosbridge("demo", "--dir", folder, PATH=str(tmp_path), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert any("hears the announcement, a tone of 660 Hz" in line for line in done.stdout.splitlines())


async def test_it_says_what_did_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A press, and then the story is stuck: the demo has failed, and the database tells of the press."""
    for name, value in {**SECRETS, VARIABLE: PASSWORD}.items():
        monkeypatch.setenv(name, value)

    async def story(stage: Stage) -> None:
        stage.check(True, "something went well")
        await stage.phones["EAST-03"].dial(ALARM)
        await stage.until(lambda: stage.seen.incident("EAST-03") is not None, "the incident")
        raise Stuck("waited in vain for Godot")

    monkeypatch.setattr(demo, "everything_works", story)
    assert not await demo.play(tmp_path, Page.on_stdout())
    told = capsys.readouterr().out.splitlines()
    assert "  ✓ something went well" in told
    assert "  ✗ waited in vain for Godot" in told
    assert told[-1] == "NOT everything went as told: see above"
    assert any(line.startswith("  1  EAST-03, East tank farm, post three: ") for line in told)


def test_it_deletes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")
    done = sosbridge("demo", "--dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path} is not empty and holds no demo: name another with --dir\n"
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def _told_in_order(told: list[str], *words: str) -> None:
    rest = iter(told)
    for word in words:
        assert any(word in line for line in rest), f"not told, or not in this order: {word}"
