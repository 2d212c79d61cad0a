"""`sosbridge incidents` as an operator meets it: beside a running bridge, and without one."""

from __future__ import annotations

import getpass
import itertools
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.cli.options import FAILED, REFUSED
from bridge.model import derive_id
from tests.app.plant import Call
from tests.app.scene import Scene, settled, steps, texts

EAST, WEST_1, WEST_2 = "TANKFARM-EAST-POST-03", "TANKFARM-WEST-POST-01", "TANKFARM-WEST-POST-02"
HINT = "\nTake it:  sosbridge incidents acknowledge {id} --config {site}\n"


def pressed(scene: Scene, endpoint: str = "help-east-03", dialled: str = "9110") -> Call:
    call = Call(scene.plant, endpoint, dialled)
    call.press()
    return call


def said(scene: Scene, *arguments: str) -> str:
    """Run `sosbridge incidents ARGUMENTS`, which must go well, and return its output."""
    done = scene.sosbridge("incidents", *arguments)
    assert done.exit_code == 0, done.output
    assert done.exception is None
    return done.stdout


def plain(text: str) -> str:
    """With times and ids blotted out."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d\d:\d\d", "DATE", text)
    text = re.sub(r"\d\d-\d\d \d\d:\d\d:\d\d", "MM-DD HH:MM:SS", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r"\b[0-9a-f]{8}\b", "ID", text)
    return re.sub(r"\+?\d+\.\d{3}|\d+ ms", "T", text)


# --- reading ----------------------------------------------------------------------------------------


def test_nothing_has_happened_yet(scene: Scene) -> None:
    scene.start()
    assert said(scene, "list") == "no open incidents (--all shows closed ones)\n"
    assert said(scene, "list", "--all") == "no incidents\n"
    assert said(scene, "list", "--json") == ""


def test_the_list_shows_at_a_glance_who_has_what(scene: Scene) -> None:
    scene.start()
    pressed(scene, "help-west-01", "4101")
    pressed(scene, "help-west-02")
    scene.until(lambda: len(scene.incidents()) == 2, "two incidents")
    scene.sosbridge("incidents", "acknowledge", scene.incidents()[0]["id"], "--by", "A. Weber")
    pressed(scene)
    pressed(scene, "somebody")
    scene.until(lambda: len(scene.incidents()) == 4, "four incidents")
    scene.sosbridge("incidents", "acknowledge", _of_phone(scene, "EAST-03"), "--by", "B. Jansen")
    scene.until(lambda: all(map(settled, scene.incidents())), "settled")
    # An SOS that nobody has comes first, then the other SOS, then calls.
    listed, faults = plain(said(scene, "list")).split("\n\n")
    assert [re.split(r"  +", line) for line in listed.splitlines()] == [
        ["id", "what", "state", "location", "opened", "who has it", "phone"],
        ["ID", "SOS", "open", "unknown", "MM-DD HH:MM:SS", "NOBODY", "unknown/somebody"],
        ["ID", "SOS", "acknowledged", EAST, "MM-DD HH:MM:SS", "B. Jansen", "EAST-03"],
        ["ID", "SOS", "acknowledged", WEST_2, "MM-DD HH:MM:SS", "A. Weber", "WEST-02"],
        ["ID", "call", "open", WEST_1, "MM-DD HH:MM:SS", "-", "WEST-01"],
    ]
    # Below it stand the open faults, a line a cause.
    assert [line.split() for line in faults.splitlines()][:2] == [
        ["fault", "how", "many", "since", "which"],
        ["unknown_phone", "1", "MM-DD", "HH:MM:SS", "unknown/somebody"],
    ]
    shown = [json.loads(line) for line in said(scene, "list", "--json").splitlines()]
    incidents = [each for each in shown if "type" not in each]
    assert [each["phone"] for each in incidents] == ["unknown/somebody", "EAST-03", "WEST-02", "WEST-01"]
    others = [(each["type"], each["what"]) for each in shown[len(incidents) :]]
    assert ("fault", "unknown_phone") in others
    assert "\nthere are more: --limit shows them\n" in said(scene, "list", "--limit", "1")


def test_the_list_says_what_failed_and_who_hung_up(scene: Scene) -> None:
    scene.plant.zoneminder.users["demo"].password = "changed"
    scene.start()
    call = pressed(scene)
    call.hang_up()
    story = scene.until_incident(
        lambda found: settled(found) and all(each["ended_at"] for each in found["calls"]), "hung up"
    )
    failed = sum(each["state"] == "failed" for each in story["deliveries"])
    listed, _ = said(scene, "list").split("\n\n")
    headings, row, below = listed.splitlines()
    total = len(story["deliveries"])
    assert below == f"{'':10}{failed} of {total} actions FAILED or uncertain; the caller has hung up"
    assert failed
    assert max(map(len, (headings, row, below))) <= 100
    line, *faults = said(scene, "list", "--json").splitlines()
    assert faults
    assert all(json.loads(each)["type"] == "fault" for each in faults)
    shown = json.loads(line)
    assert (shown["actions"], shown["failed"], shown["waiting"], shown["hung_up"]) == (total, failed, 0, True)


def test_what_a_closed_incident_left_to_do_stands_under_the_list(scene: Scene) -> None:
    scene.start()
    call = pressed(scene)
    scene.until_incident(settled, "settled")
    scene.plant.wait(scene.plant.zoneminder.stop())
    call.answer()
    scene.until_incident(lambda found: found["connected_at"], "connected")
    scene.sosbridge("incidents", "acknowledge", scene.incident()["id"], "--by", "A. Weber")
    call.hang_up()
    story = scene.until_incident(
        lambda found: (
            found["state"] == "closed"
            and len([each for each in found["deliveries"] if each["state"] in ("pending", "leased")]) == 4
        ),
        "closed, and for two cameras a stop and a bookmark to do",
    )
    listed, _ = said(scene, "list").split("\n\n")
    assert listed.splitlines() == [
        "no open incidents (--all shows closed ones)",
        f"{story['id'][:8]} is closed, but 4 actions of it not done yet",
    ]


def _of_phone(scene: Scene, phone: str) -> str:
    [found] = [each["id"] for each in scene.incidents() if each["phone"] == phone]
    return str(found)


def test_one_incident_step_by_step(scene: Scene) -> None:
    scene.start()
    pressed(scene, "help-pump-01")
    story = scene.until_incident(settled, "settled")
    head, told, actions = plain(said(scene, "show", story["id"][:6])).split("\n\n")[:3]
    assert head.splitlines() == [
        "SOS TANKFARM-PUMP-HOUSE  open, phone PUMP-01",
        "opened DATE",
        "nobody has acknowledged it",
        "incident UUID",
        "10 actions, none failed",
    ]
    assert told.splitlines() == [f"T s  {plain(text)}" for text in texts(story)]
    caption, headings, *rows = [" ".join(line.split()) for line in actions.splitlines()]
    assert caption == "actions, in seconds after the press"
    assert headings == "state action asked sent settled"
    assert rows == [
        "verified zm start recording TANKFARM-PUMP-FIX-01 T T T",
        "verified zm start recording TANKFARM-JETTY-PTZ-01 T T T",
        "verified wall recall preset TANKFARM-JETTY-PTZ-01 T T T",
        "verified wall show control-1 T T T",
        "verified wall show control-2 T T T",
        "accepted wall popup control-1 T T T",
        "accepted wall popup control-2 T T T",
        "accepted wall popup shift-office T T T",
        "verified zm bookmark TANKFARM-PUMP-FIX-01 T T T",
        "verified zm bookmark TANKFARM-JETTY-PTZ-01 T T T",
    ]


def test_json_has_everything(scene: Scene) -> None:
    scene.start()
    pressed(scene)
    story = scene.until_incident(settled, "settled")
    assert json.loads(said(scene, "show", "--json", story["id"])) == story
    assert {"id", "tier", "state", "calls", "deliveries", "timeline"} <= story.keys()


def test_what_went_wrong_stands_at_the_top(scene: Scene) -> None:
    scene.plant.zoneminder.users["demo"].password = "changed"
    scene.start()
    pressed(scene)
    story = scene.until_incident(settled, "settled")
    shown = said(scene, "show", story["id"])
    wrong = sum(each["state"] in ("failed", "uncertain", "expired") for each in story["deliveries"])
    headline = f"{wrong} of {len(story['deliveries'])} actions FAILED or uncertain: see below"
    assert wrong
    assert headline in shown.splitlines()[:6]
    [row, *_] = [line for line in shown.splitlines() if line.startswith("FAILED ")]
    assert "zm start recording TANKFARM-EAST-" in row
    assert "refuses the user demo" in row


def test_what_a_caller_says_does_not_reach_the_terminal(scene: Scene) -> None:
    scene.start()
    pressed(scene, "evil\x1b[2J[red]")
    scene.until_incident(lambda _: True, "opened")
    for shown in (said(scene, "list"), said(scene, "show", scene.incident()["id"])):
        assert "\x1b" not in shown
        assert "evil\\u001b[2J[red]" in shown


# --- steering ---------------------------------------------------------------------------------------


def test_taking_it_and_ending_it_beside_a_running_bridge(scene: Scene) -> None:
    scene.start()
    call = pressed(scene)
    story = scene.until_incident(settled, "settled")
    short = story["id"][:8]
    assert said(scene, "show", short).endswith(HINT.format(id=short, site=scene.site_file))

    taken = said(scene, "acknowledge", short, "--by", "A. Weber")
    assert taken == f"{short} is acknowledged by A. Weber; resolve it when it is over\n"
    scene.until(lambda: scene.plant.wall.state.popups, "popped up")
    story = scene.until_incident(settled, "told")
    assert steps(story, "update_popup") == [
        ("update_popup", console, "accepted") for console in ("control-1", "shift-office")
    ]
    late = said(scene, "acknowledge", short, "--by", "B. Jansen")
    assert re.fullmatch(rf"A\. Weber has had {short} since [\d :+-]+; your name is noted too\n", late)
    assert scene.incident()["acknowledged_by"] == "A. Weber"
    assert "also acknowledged by B. Jansen (command line); A. Weber was first" in texts(scene.incident())

    over = said(scene, "resolve", short, "--by", "A. Weber", "--reason", "false alarm")
    assert over == (
        f"{short} is over, false alarm (A. Weber); what was started is stopped in 0.3 s,"
        " or when the phone hangs up, if that is later\n"
    )
    call.hang_up()
    story = scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed")
    assert (story["closed_by"], story["close_reason"]) == ("A. Weber", "false alarm (A. Weber)")
    assert not any(monitor.forced for monitor in scene.plant.zoneminder.state.monitors.values())


def test_steering_what_is_over_is_noted_and_changes_nothing(scene: Scene) -> None:
    scene.start()
    pressed(scene).hang_up()
    short = scene.until_incident(settled, "settled")["id"][:8]
    said(scene, "resolve", short, "--by", "A. Weber")
    scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed")
    before = scene.incident()
    noted = said(scene, "acknowledge", short, "--by", "B. Jansen")
    assert plain(noted) == "ID was closed at DATE: your name is noted, nothing else\n"
    again = said(scene, "resolve", short, "--by", "B. Jansen", "--reason", "me too")
    assert plain(again) == (
        "ID was over already, at DATE, resolved by A. Weber: noted, nothing else changes\n"
    )
    after = scene.incident()
    assert after | {"timeline": []} == before | {"timeline": []}
    assert len(after["timeline"]) == len(before["timeline"]) + 2
    assert "Take it" not in said(scene, "show", short)


def test_without_a_running_bridge_it_is_stored_and_said(scene: Scene) -> None:
    scene.start()
    pressed(scene)
    short = scene.until_incident(settled, "settled")["id"][:8]
    scene.kill()
    _silence(scene)
    done = scene.sosbridge("incidents", "acknowledge", short, "--by", "A. Weber")
    assert done.exit_code == 0
    assert done.stdout == f"{short} is acknowledged by A. Weber; resolve it when it is over\n"
    assert (
        plain(done.stderr) == "warning: the bridge bridge-1 has not run since DATE: nothing is carried out\n"
    )
    assert scene.incident()["acknowledged_by"] == "A. Weber"
    for arguments in (["list"], ["show", short]):
        assert "has not run since" in scene.sosbridge("incidents", *arguments).stderr
    scene.start()
    assert scene.sosbridge("incidents", "list").stderr == ""


def _silence(scene: Scene) -> None:
    """Let the last sign of life be a minute old."""
    with closing(sqlite3.connect(scene.folder / "sosbridge.sqlite3")) as connection, connection:
        connection.execute("UPDATE nodes SET seen_at = seen_at - 60")


def test_a_bridge_that_never_ran(scene: Scene) -> None:
    done = scene.sosbridge("incidents", "list")
    assert done.stdout == "no open incidents (--all shows closed ones)\n"
    assert done.stderr == "warning: no bridge named bridge-1 has ever run on this database\n"


def test_ids_that_name_nothing_or_too_much(scene: Scene) -> None:
    scene.start()
    first, second = _alike(scene)
    for call in (first, second):
        call.press()
    scene.until(lambda: len(scene.incidents()) == 2, "two incidents")
    ids = [each["id"] for each in scene.incidents()]
    for beginning, words in (
        ("zzz", "no incident begins with 'zzz'"),
        ("", "no incident begins with ''"),
        ("%", "no incident begins with '%'"),
        (ids[0][0], f"several incidents begin with '{ids[0][0]}'"),
    ):
        done = scene.sosbridge("incidents", "show", beginning)
        assert (done.exit_code, done.stdout) == (FAILED, "")
        assert done.stderr == f"{words}; sosbridge incidents list shows their ids\n"
    assert said(scene, "show", ids[0][:8].upper()) == said(scene, "show", ids[0])


def _alike(scene: Scene) -> tuple[Call, Call]:
    """Two calls, of different phones, whose incidents will have ids that begin alike."""
    by_beginning: dict[str, Call] = {}
    for endpoint in itertools.cycle(("help-east-03", "help-east-01")):
        call = Call(scene.plant, endpoint)
        beginning = derive_id("incident", "asterisk/pbx1", call.uniqueid, 0)[0]
        other = by_beginning.setdefault(beginning, call)
        if other.endpoint != endpoint:
            return other, call
    raise AssertionError("cycle never ends")


def test_nobody_cannot_have_it(scene: Scene) -> None:
    scene.start()
    pressed(scene)
    short = scene.until_incident(lambda _: True, "opened")["id"][:8]
    for name, verb in itertools.product(
        ("", "  ", "A\nB", "A\x1b[2JB", "x" * 101), ("acknowledge", "resolve")
    ):
        done = scene.sosbridge("incidents", verb, short, "--by", name)
        assert done.exit_code == REFUSED
        assert "--by" in done.stderr
    assert scene.incident()["acknowledged_at"] is None
    assert scene.incident()["clearing_at"] is None


def test_the_person_behind_sudo_has_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.start()
    pressed(scene)
    short = scene.until_incident(lambda _: True, "opened")["id"][:8]
    monkeypatch.setenv("SUDO_USER", "aweber")
    assert "acknowledged by aweber;" in said(scene, "acknowledge", short)
    monkeypatch.delenv("SUDO_USER")
    assert "your name is noted too" in said(scene, "acknowledge", short)
    assert any(f"also acknowledged by {getpass.getuser()}" in text for text in texts(scene.incident()))


def test_a_missing_database_says_what_to_type(scene: Scene) -> None:
    (scene.folder / "sosbridge.sqlite3").unlink()
    for arguments in (
        ["list"],
        ["show", "a"],
        ["acknowledge", "a", "--by", "A"],
        ["resolve", "a", "--by", "A"],
    ):
        done = scene.sosbridge("incidents", *arguments)
        assert (done.exit_code, done.stdout) == (FAILED, "")
        assert f"type: sosbridge db upgrade --config {scene.site_file}" in done.stderr
    assert not Path(scene.folder / "sosbridge.sqlite3").exists()
