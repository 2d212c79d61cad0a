"""`sosbridge drill` beside a running bridge: the real path, marked, with a receipt for each step."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.cli.options import FAILED, REFUSED
from bridge.simulator.plant import SECRETS
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


def confirming(scene: Scene, answer: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Drill on a terminal, where a person answers so to what is asked about the displays."""
    person, terminal = pty.openpty()
    try:
        os.write(person, f"{answer}\n".encode())
        arguments = ["--phone", "EAST-03", "--by", "A. Weber", "--yes", "--confirm", *more]
        command = [str(SOSBRIDGE), "drill", *arguments, "--config", str(scene.site_file)]
        return subprocess.run(
            command, stdin=terminal, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        os.close(terminal)
        os.close(person)


def blind_wall(scene: Scene) -> None:
    """The wall cannot be asked any more what it shows."""
    scene.site["times"] |= {"picture": 5.0}  # longer than cameras take to be proven live, on any machine
    del scene.site["vms"][1]["requests"]["show"]["read_back"]
    scene.write_site()


def unproven(scene: Scene) -> list[str]:
    return [fault.text for fault in scene.store.faults(what="proof")]


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


def test_what_a_real_sos_withholds_is_listed_and_no_success(scene: Scene) -> None:
    """The exercise waits for the cameras, the screen and the recorder: it has proven nothing of them."""
    scene.start()
    Call(scene.plant, "help-east-03b").press()
    real = scene.until_incident(settled, "settled")
    result = drill(scene, "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"], told["ended"], told["late"]) == (FAILED, False, "", False), told
    planned = json.loads(scene.sosbridge("plan", "--phone", "EAST-03", "--event", "sos", "--json").stdout)
    in_plan = {(each["operation"], each["driver"], each["target"]) for each in planned["actions"]}
    assert {(each["operation"], each["driver"], each["target"]) for each in told["steps"]} == in_plan
    waits = [step for step in told["steps"] if step["state"] == "superseded"]
    assert [(step["operation"], step["name"], step["ms"]) for step in waits] == [
        ("start_recording", PTZ, None),
        ("start_recording", "TANKFARM-EAST-FIX-02", None),
        ("recall_preset", PTZ, None),
        ("show", "control-1", None),
    ]
    used = f"is used by emergency {real['id'][:8]} at {POST_03}: not taken from it"
    assert [step["proof"] for step in waits] == [
        f"start_recording/zm/{PTZ} {used}",
        f"start_recording/zm/TANKFARM-EAST-FIX-02 {used}",
        f"ptz/{PTZ} {used}",
        f"screen/wall/control-1 {used}",
    ]
    assert {step["state"] for step in told["steps"] if step not in waits} <= {"verified", "accepted"}


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


# --- displays that cannot be asked what they show ---------------------------------------------------

SEEN: Final = f"{PTZ}, TANKFARM-EAST-FIX-02"
NOT_CONFIRMED: Final = "no picture confirmed: no dispatch is configured"
NOBODY: Final = (
    "nobody has confirmed within 26 h that what wall shows is really seen: "
    "run `sosbridge drill --phone ... --confirm`"
)


def sos(scene: Scene) -> Story:
    """A real SOS until dispatch would have been told; over again, so that the phone is free."""
    call = Call(scene.plant)
    call.press()
    scene.until(lambda: scene.incidents() and not scene.incidents()[0]["exercise"], "an SOS")
    short = scene.incidents()[0]["id"]
    scene.until(
        lambda: (
            not any(timer.name == "picture" for timer in scene.store.timers())
            and settled(scene.incidents()[0])
        ),
        "told of the picture",
    )
    call.hang_up()
    scene.sosbridge("incidents", "resolve", short, "--by", "A. Weber")
    scene.until(lambda: scene.incidents()[0]["state"] == "closed", "closed")
    return scene.incidents()[0]


def test_a_real_sos_is_not_confirmed_before_the_proof_and_is_after_it(scene: Scene) -> None:
    blind_wall(scene)
    scene.start()
    assert unproven(scene) == [NOBODY]
    assert NOT_CONFIRMED in texts(sos(scene))
    assert NOBODY in scene.sosbridge("incidents", "list").stdout

    result = confirming(scene, "y")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Does control-1 show {SEEN}? [y/N]:" in result.stderr
    assert f"seen: {SEEN} on control-1, shown by wall" in result.stdout.splitlines()
    assert unproven(scene) == []
    scene.until(lambda: exercise(scene)["state"] == "closed", "closed")
    assert NOT_CONFIRMED not in texts(exercise(scene))
    scene.kill()
    scene.start()
    assert unproven(scene) == []
    assert NOT_CONFIRMED not in texts(sos(scene))


def test_a_proof_can_be_renewed_and_is_over_when_somebody_does_not_see_it(scene: Scene) -> None:
    blind_wall(scene)
    scene.start()
    for _ in range(2):
        assert confirming(scene, "y").returncode == 0
        scene.until(lambda: scene.incidents()[0]["state"] == "closed", "closed")
    assert unproven(scene) == []
    first, second = reversed(scene.store.faults(what="proof", open_only=False))
    assert first.cleared_at is not None
    assert second.cleared_at is not None
    assert first.cleared_at < second.opened_at < second.cleared_at
    result = confirming(scene, "n", "--json")
    told = json.loads(result.stdout)
    assert (result.returncode, told["ok"]) == (FAILED, False)
    [answer] = told["answers"]
    assert answer == {
        "display": {"driver": "wall", "console": "control-1", "cameras": SEEN.split(", ")},
        "seen": False,
    }
    [text] = unproven(scene)
    assert text.startswith(f"A. Weber does not see {SEEN} on control-1: mend it, then run `sosbridge drill")


def test_nobody_is_asked_about_a_display_that_can_be_asked_itself(scene: Scene) -> None:
    scene.start()
    result = confirming(scene, "y")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Does " not in result.stderr
    assert "NOBODY was asked: no display took the picture that cannot be asked" in result.stdout
    assert scene.store.faults(what="proof", open_only=False) == []


def test_without_a_terminal_nobody_can_be_asked(scene: Scene) -> None:
    scene.start()
    for more in ([], ["--json"]):
        result = drill(scene, "--confirm", *more)
        assert (result.exit_code, result.stdout) == (REFUSED, "")
        assert "--confirm asks a person who sees the displays: run it on a terminal" in result.stderr
    assert scene.incidents() == []


def said_by_check(scene: Scene) -> list[str]:
    """What it warns of about the wall, besides what the driver itself does."""
    check = ["check", "--json", "--config", str(scene.site_file)]
    findings = json.loads(CliRunner(env=SECRETS).invoke(main, check).stdout)["findings"]
    said = [each["text"] for each in findings if (each["level"], each["subject"]) == ("warning", "wall")]
    return [text for text in said if not text.startswith("accepted at best")]


def test_check_names_what_is_to_be_proven(scene: Scene) -> None:
    blind_wall(scene)
    scene.start()
    assert said_by_check(scene) == [NOBODY]
    assert confirming(scene, "y").returncode == 0
    assert said_by_check(scene) == []


def test_check_says_so_where_the_proofs_cannot_be_looked_up(scene: Scene) -> None:
    blind_wall(scene)
    (scene.folder / "sosbridge.sqlite3").unlink()
    [text] = said_by_check(scene)
    assert text.startswith("when somebody last saw what it shows is not known: ")
