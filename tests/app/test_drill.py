"""`sosbridge drill` beside a running bridge: the real path, marked, with a receipt for each step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from click.testing import Result

from bridge.cli.options import FAILED, REFUSED
from bridge.simulator.vms.faults import Fault, Rule
from tests.app.plant import Call
from tests.app.scene import Scene, Story, settled, texts

SOSBRIDGE: Final = Path(sys.executable).with_name("sosbridge")
POST_03 = "TANKFARM-EAST-POST-03"
PTZ = "TANKFARM-EAST-PTZ-01"


def drill(scene: Scene, *more: str) -> Result:
    return scene.sosbridge("drill", "--phone", "EAST-03", "--by", "A. Weber", *more)


@contextmanager
def drilling(scene: Scene) -> Iterator[subprocess.Popen[str]]:
    """Run a drill as a process of its own beside the test."""
    by = ["--phone", "EAST-03", "--by", "A. Weber"]
    command = [str(SOSBRIDGE), "drill", *by, "--config", str(scene.site_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            scene.until(scene.incidents, "an exercise", timeout=20)
            yield running
        finally:
            running.kill()


def exercise(scene: Scene) -> Story:
    [found] = [story for story in scene.incidents() if story["exercise"]]
    return found


def test_every_step_has_its_receipt_and_the_exercise_is_ended(scene: Scene) -> None:
    scene.start()
    result = drill(scene)
    assert result.exit_code == 0, result.output
    head, *rows, last = result.stdout.splitlines()
    story = exercise(scene)
    assert head == f"EXERCISE (emergency) {POST_03}, phone EAST-03, incident {story['id'][:8]}"
    assert [" ".join(row.split()[4:7]) for row in rows] == [
        "start recording TANKFARM-EAST-PTZ-01",
        "start recording TANKFARM-EAST-FIX-02",
        "recall preset TANKFARM-EAST-PTZ-01",
        *("show control-1 read", "popup control-1 HTTP", "popup shift-office HTTP"),
        "bookmark TANKFARM-EAST-PTZ-01 event",
        "bookmark TANKFARM-EAST-FIX-02 event",
    ]
    assert {row.split()[0] for row in rows} == {"verified", "accepted"}
    assert all(row.split()[2] == "ms" for row in rows)
    assert last == "8 steps, each verified or accepted"
    assert story["close_reason"] == "the exercise is over (A. Weber)"


def test_whoever_sees_it_is_told_that_it_is_one(scene: Scene) -> None:
    scene.start()
    drill(scene)
    [shown] = scene.plant.wall.state.layouts.values()
    assert shown["title"] == f"EXERCISE SOS {POST_03}"
    titles = {popup["title"] for popup in scene.plant.wall.state.popups.values()}
    assert titles == {f"EXERCISE SOS {POST_03}"}
    names = [event["Name"] for event in scene.plant.zoneminder.state.events]
    assert names
    assert all(name.startswith(f"EXERCISE SOS {POST_03}") for name in names)


def test_to_the_end_everything_is_taken_back(scene: Scene) -> None:
    # Long enough for what the screens are told when it is cleared: a running bridge looks twice a second.
    scene.site["times"] |= {"post_roll_emergency": 4.0}
    scene.write_site()
    scene.start()
    result = drill(scene, "--to-the-end", "--json")
    told: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code, told["ok"], told["late"], told["ended"]) == (0, True, False, ""), result.stdout
    done = {step["operation"] for step in told["steps"]}
    assert {"start_recording", "stop_recording", "show", "hide", "popup", "close_popup"} <= done
    assert {step["state"] for step in told["steps"]} == {"verified", "accepted"}
    assert all(isinstance(step["ms"], int) and step["proof"] for step in told["steps"])
    assert exercise(scene)["state"] == "closed"
    assert not scene.plant.wall.state.popups
    assert not any(monitor.forced for monitor in scene.plant.zoneminder.state.monitors.values())


def test_a_routine_call_can_be_drilled_too(scene: Scene) -> None:
    scene.site["times"] |= {"post_roll_routine": 60.0}  # else it is over by itself before the drill ends it
    scene.write_site()
    scene.start()
    result = drill(scene, "--tier", "routine", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["tier"]) == (0, "routine"), result.stdout
    assert [(step["operation"], step["name"]) for step in told["steps"]] == [("popup", "control-1")]


def test_a_step_that_fails_is_no_success(scene: Scene) -> None:
    scene.plant.zoneminder.users["demo"].password = "changed"
    scene.start()
    result = drill(scene)
    assert result.exit_code == FAILED
    *rows, last = result.stdout.splitlines()
    wrong = [row for row in rows[1:] if not row.startswith(("verified", "accepted"))]
    assert last == f"{len(wrong)} of {len(rows) - 1} steps neither verified nor accepted"
    assert any(f"zm start recording {PTZ} " in row and "refuses the user demo" in row for row in wrong)
    assert exercise(scene)["clearing_at"] is not None


def test_what_is_not_settled_in_time_is_said_and_the_exercise_ended(scene: Scene) -> None:
    scene.plant.do(scene.plant.wall.faults.order, Rule(fault=Fault.SILENT))
    scene.start()
    result = drill(scene, "--within", "1")
    scene.plant.do(scene.plant.wall.faults.clear)
    assert result.exit_code == FAILED
    assert "NOT SETTLED in time: see above" in result.stdout
    assert exercise(scene)["clearing_at"] is not None


def test_a_real_sos_ends_it_and_it_says_so(scene: Scene) -> None:
    scene.plant.do(scene.plant.wall.faults.order, Rule(fault=Fault.SILENT))
    scene.start()
    with drilling(scene) as running:
        Call(scene.plant).press()
        scene.until(lambda: len(scene.incidents()) == 2, "a real SOS")
        scene.until(lambda: exercise(scene)["clearing_at"], "the exercise ended")
        scene.plant.do(scene.plant.wall.faults.clear)
        told, _ = running.communicate(timeout=30)
    assert running.returncode == FAILED
    assert "ENDED EARLY: a real SOS ends the exercise" in told.splitlines()
    [real] = [story for story in scene.incidents() if not story["exercise"]]
    assert (real["phone"], real["state"]) == ("EAST-03", "open")


def test_without_a_running_bridge_there_is_no_exercise(scene: Scene) -> None:
    result = drill(scene)
    assert (result.exit_code, result.stdout) == (FAILED, "")
    assert result.stderr == "no exercise: no bridge named bridge-1 has ever run on this database\n"
    assert scene.incidents() == []


def test_no_exercise_beside_a_real_incident_of_that_phone(scene: Scene) -> None:
    scene.start()
    Call(scene.plant).press()
    story = scene.until_incident(settled, "settled")
    result = drill(scene)
    assert (result.exit_code, result.stdout) == (FAILED, "")
    assert result.stderr == f"no exercise: EAST-03 has an open incident ({story['id'][:8]})\n"


def test_one_exercise_of_a_phone_at_a_time(scene: Scene) -> None:
    scene.plant.do(scene.plant.wall.faults.order, Rule(fault=Fault.SILENT))
    scene.start()
    with drilling(scene):
        result = drill(scene)
        scene.plant.do(scene.plant.wall.faults.clear)
    short = scene.incident()["id"][:8]
    assert (result.exit_code, result.stdout) == (FAILED, "")
    assert result.stderr == f"no exercise: EAST-03 has an open exercise ({short})\n"


def test_it_is_asked_for_with_care(scene: Scene) -> None:
    scene.start()
    for arguments, words in (
        (["drill"], "which phone? --phone ID"),
        (["drill", "--phone", "EAST-33"], "unknown phone `EAST-33`, did you mean `EAST-03`?"),
        (["drill", "--phone", "EAST-03", "--by", ""], "say who you are: --by NAME"),
    ):
        done = scene.sosbridge(*arguments)
        assert (done.exit_code, done.stdout) == (REFUSED, "")
        assert words in done.stderr
    assert scene.incidents() == []


def test_its_story_is_kept(scene: Scene) -> None:
    scene.start()
    drill(scene)
    story = scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed")
    assert any("the exercise is over (A. Weber)" in text for text in texts(story))
