"""`sosbridge plan`: the exact actions of a step, with what will prove them; nobody is contacted."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.resources import shared_folder
from bridge.response import Step
from tests.config.conftest import plugins

__all__ = ["plugins"]  # the fixture, used below by its name

EXAMPLE = shared_folder("examples/tank-farm") / "site.yaml"
SITE = """\
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
vms:
  - {name: zm, type: recorder, host: zm.example}
  - {name: wall, type: screen, table: {show: repeatable, popup: repeatable, event_start: repeatable,
     event_stop: repeatable, recall_preset: ask_first, home: ask_first, bookmark: by_rule}}
cameras:
  PTZ-1: {wall: w1}
  PTZ-2: {wall: w2}
  FIX-1: {zm: 4, wall: w4}
consoles:
  desk-1: {wall: M-1}
  desk-2: {zm: other}
  lead: {wall: M-9, role: supervisor}
locations:
  POST-1:
    spoken: post one
    cameras: [{camera: PTZ-1, preset: 7}, FIX-1]
    alternates: [{camera: PTZ-2, preset: 8}]
    consoles: [desk-1, desk-2]
  POST-2: {spoken: post two, cameras: [FIX-1]}
phones:
  P-01: {endpoint: p1, extension: 101, location: POST-1}
"""


def plan(*arguments: str, config: Path = EXAMPLE) -> Result:
    return CliRunner(env={}).invoke(main, ["plan", "-c", str(config), *arguments])


@pytest.fixture
def site_file(tmp_path: Path, plugins: None) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def actions(config: Path, event: str, *more: str) -> list[dict[str, Any]]:
    result = plan("--phone", "P-01", "--event", event, "--json", *more, config=config)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["actions"]
    return found


def test_the_example_prints_what_the_page_promises() -> None:
    """No secret is needed, and a location's tag stands for the phone that hangs there."""
    result = plan("--phone", "TANKFARM-EAST-POST-03", "--event", "sos")
    assert result.exit_code == 0, result.output
    head, *rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert head == (
        "sos (emergency), phone EAST-03 at TANKFARM-EAST-POST-03 (East tank farm, post three): 8 actions"
    )
    assert rows[0] == (
        "1 start recording TANKFARM-EAST-PTZ-01 zm:1 ask first;"
        " verified: the monitor's state is alarm or alert; then stop recording"
    )
    assert rows[2] == (
        "3 recall preset TANKFARM-EAST-PTZ-01, preset 7 wall:cam-11 repeatable;"
        " verified: GET /api/cameras/{target} shows it"
    )
    assert rows[4] == (
        "5 popup control-1 wall:control-1 repeatable;"
        " accepted: it says yes, and cannot be asked; then close popup"
    )
    assert rows[5].startswith("6 popup shift-office wall:shift-office ")


@pytest.mark.parametrize("event", [step.value for step in Step])
def test_every_step_of_the_example_can_be_asked_for(event: str) -> None:
    result = plan("--phone", "EAST-01", "--event", event)
    assert result.exit_code == 0, result.output
    tier = "routine" if event in ("off_hook", "tamper") else "emergency"
    assert result.stdout.startswith(f"{event} ({tier}), phone EAST-01 at TANKFARM-EAST-POST-01 ")


def test_an_action_has_everything_that_a_program_wants(site_file: Path) -> None:
    [recording, event, *others] = actions(site_file, "sos")
    assert recording == {
        "order": 1,
        "operation": "start_recording",
        "driver": "zm",
        "target": "4",
        "name": "FIX-1",
        "preset": "",
        "views": [],
        "instead_of": "",
        "capability": "repeatable",
        "proof": {"state": "", "text": "see docs/drivers/recorder.md"},
        "by_rule": [],
        "undone_by": "stop_recording",
        "fallback": None,
    }
    assert (event["operation"], event["by_rule"]) == ("bookmark", [])
    told = [(each["operation"], each["target"], each["name"], each["views"]) for each in others]
    assert told == [
        ("event_start", "w1", "PTZ-1", []),
        ("event_start", "w4", "FIX-1", []),
        ("recall_preset", "w1", "PTZ-1", []),
        ("show", "M-1", "desk-1", ["PTZ-1", "FIX-1"]),
        ("show", "M-9", "lead", ["PTZ-1", "FIX-1"]),
        ("popup", "M-1", "desk-1", ["PTZ-1", "FIX-1"]),
        ("popup", "M-9", "lead", ["PTZ-1", "FIX-1"]),
    ]
    assert [each["by_rule"] for each in others[:2]] == [["bookmark"], ["bookmark"]]


def test_it_is_said_what_rules_in_the_vms_should_do(site_file: Path) -> None:
    lines = plan("--phone", "101", "--event", "sos", config=site_file).stdout.splitlines()
    assert [line.strip() for line in lines if "rules in" in line] == ["rules in wall should: bookmark"] * 2


def test_a_routine_call_moves_the_nearest_camera_and_tells_one_console(site_file: Path) -> None:
    told = [(each["operation"], each["name"]) for each in actions(site_file, "off_hook")]
    assert ("recall_preset", "PTZ-1") in told
    assert [name for operation, name in told if operation == "popup"] == ["desk-1"]


def test_an_alternate_stands_in_for_what_is_missing(site_file: Path) -> None:
    found = actions(site_file, "sos", "--missing", "PTZ-1")
    [recall] = [each for each in found if each["operation"] == "recall_preset"]
    assert (recall["name"], recall["preset"], recall["instead_of"]) == ("PTZ-2", "8", "PTZ-1")
    refused = plan("--phone", "P-01", "--event", "sos", "--missing", "PTZ-9", config=site_file)
    assert refused.exit_code == 2
    assert "--missing: unknown camera `PTZ-9`, did you mean `PTZ-2`?" in refused.stderr


def test_what_is_still_tried_at_a_missing_camera_is_said(site_file: Path) -> None:
    """It may come back: a recording, and the event on which a VMS records."""
    found = actions(site_file, "sos", "--missing", "PTZ-1", "--missing", "FIX-1")
    told = [
        (each["operation"], each["name"], each["instead_of"])
        for each in found
        if each["operation"] in ("start_recording", "event_start")
    ]
    assert told == [
        ("start_recording", "FIX-1", ""),
        ("event_start", "PTZ-2", "PTZ-1"),
        ("event_start", "FIX-1", ""),
        ("event_start", "PTZ-1", ""),
    ]


def test_home_goes_only_what_was_moved(site_file: Path) -> None:
    assert [(each["operation"], each["name"]) for each in actions(site_file, "closed")] == [("home", "PTZ-1")]


def test_what_an_sos_is_without_is_said(site_file: Path) -> None:
    site_file.write_text(SITE.replace("show: repeatable, ", "").replace("zm: 4, ", ""))
    lines = plan("--phone", "P-01", "--event", "sos", config=site_file).stdout.splitlines()
    assert lines[-2:] == ["warning: nothing will start recording here", "warning: nothing will show here"]


OFFICE = """\
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
pbx:
  - {name: main, type: ami, host: 127.0.0.1, username: watch, secret: {env: NOWHERE}}
  - name: own
    type: sip
    listen: [{transport: UDP, address: 127.0.0.1, port: 5070}]
    allowed: [127.0.0.0/8]
    realm: plant.example
    trunks: {mobile: {host: 127.0.0.1, port: 5090}}
dispatch:
  pbx: main
  originate: {username: originate, secret: {env: NOWHERE}}
  heartbeat: {username: heartbeat, secret: {env: NOWHERE}}
  fallback: own
  groups:
    shift: {tiers: [[lead], ["+318@mobile"]], fallback: [["+316@mobile", "+317@mobile"], ["+319@mobile"]]}
    guards: {tiers: [[guard, "+315@mobile"], [boss]]}
times: {fallback: 3}
locations:
  POST-1: {spoken: post one}
phones:
  P-01: {endpoint: p1, extension: 101, location: POST-1}
"""


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "office.yaml"
    path.write_text(OFFICE)
    return path


def test_who_rings_dispatch_where_the_pbx_cannot_is_said(office: Path) -> None:
    lines = plan("--phone", "P-01", "--event", "no_picture", config=office).stdout.splitlines()
    calls = [
        (line.split()[1:3], below.strip()) for line, below in pairwise(lines) if line.split()[1] == "notify"
    ]
    said = "where dispatch says no, or has not begun after 3 s: dispatch-fallback rings"
    assert calls == [
        (["notify", "shift"], f"{said} +316@mobile and +317@mobile, then +319@mobile by own"),
        (["notify", "guards"], f"{said} +315@mobile by own"),
    ]


def test_who_rings_dispatch_instead_is_told_to_programs(office: Path) -> None:
    found = actions(office, "no_picture")
    assert {each["name"]: each["fallback"] for each in found} == {
        "shift": {
            "driver": "dispatch-fallback",
            "link": "own",
            "after": 3.0,
            "rings": [["+316@mobile", "+317@mobile"], ["+319@mobile"]],
        },
        "guards": {
            "driver": "dispatch-fallback",
            "link": "own",
            "after": 3.0,
            "rings": [["+315@mobile"]],
        },
    }


def test_nobody_is_rung_instead_when_dispatch_is_told_to_stop(office: Path) -> None:
    found = actions(office, "acknowledged")
    assert [(each["operation"], each["fallback"]) for each in found] == [("notify", None)] * 2


def test_a_site_without_a_fallback_says_nothing_of_it(office: Path) -> None:
    text = OFFICE.replace("  fallback: own\n", "").replace(
        ', fallback: [["+316@mobile", "+317@mobile"], ["+319@mobile"]]', ""
    )
    office.write_text(text)
    assert [each["fallback"] for each in actions(office, "no_picture")] == [None, None]


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        ("P-1", "unknown phone `P-1`, did you mean `P-01`? Allowed: P-01"),
        ("\x1b[2J", "unknown phone `\\u001b[2J`; allowed: P-01"),
        ("POST-2", "no phone hangs at `POST-2`"),
    ],
    ids=["a slip", "control characters", "a place without a phone"],
)
def test_a_phone_that_is_not_there(site_file: Path, phone: str, words: str) -> None:
    result = plan("--phone", phone, "--event", "sos", config=site_file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{site_file}: {words}\n"
