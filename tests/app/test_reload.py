"""SIGHUP: a good file takes effect and calls live on; a bad one changes nothing and is told."""

from __future__ import annotations

import copy
import json
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.simulator.vms.faults import Fault, Rule
from tests.app.plant import Call
from tests.app.scene import Scene, settled, steps
from tests.app.story import acknowledge, finish, verdict


def reload(scene: Scene, said: str = "reloaded") -> list[dict[str, Any]]:
    """Put the site on disk, send SIGHUP, and return the lines that tell what became of it."""
    before = len(told(scene, said))
    scene.write_site()
    assert scene.bridge is not None
    scene.bridge.send(signal.SIGHUP)
    scene.until(lambda: len(told(scene, said)) > before, f"it said {said!r}")
    return told(scene, said)[before:]


def told(scene: Scene, beginning: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in scene.log.read_text("utf-8").splitlines()]
    return [line for line in lines if line["event"].startswith(beginning)]


REFUSED = "reload refused: the old configuration goes on"


# --- a good file ------------------------------------------------------------------------------------


def test_a_new_phone_and_a_changed_rule_take_effect(scene: Scene) -> None:
    scene.start()
    scene.site["phones"]["WEST-09"] = {
        "endpoint": "help-west-09",
        "extension": "4209",
        "location": "TANKFARM-WEST-POST-02",
    }
    scene.site["response"]["sos"] = [{"do": "popup", "with": "wall"}]
    [line] = reload(scene)
    assert line["config"] == scene.get("/readyz", Accept="application/json").json()["config"]["hash"]
    scene.until(scene.ready, "ready")

    Call(scene.plant, "help-west-09").press()
    story = scene.until_incident(settled, "opened and settled")
    assert (story["phone"], story["location"]) == ("WEST-09", "TANKFARM-WEST-POST-02")
    assert steps(story, "popup", "start_recording", "show") == [("popup", "control-2", "accepted")]


def test_a_display_that_can_no_longer_be_asked_is_unproven_before_it_is_used(scene: Scene) -> None:
    scene.start()
    assert scene.store.faults(what="proof") == []
    del scene.site["vms"][1]["requests"]["show"]["read_back"]
    reload(scene)
    [fault] = scene.store.faults(what="proof")
    assert fault.subject == "driver/wall"


def test_a_call_and_its_incident_live_on(scene: Scene) -> None:
    scene.start()
    call = Call(scene.plant)
    call.press()
    scene.until_incident(settled, "opened and settled")
    scene.site["locations"]["TANKFARM-EAST-POST-03"]["spoken"] = "Post three by the river"
    reload(scene)
    scene.until(scene.ready, "ready")
    call.answer()
    story = scene.until_incident(lambda found: found["connected_at"] and settled(found), "connected")
    assert (story["pressed"], len(story["calls"]), story["recovered"]) == (1, 1, False)
    reload(scene)
    acknowledge(scene)
    reload(scene)
    scene.until(scene.ready, "ready")
    call.hang_up()
    scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed")
    assert verdict(scene) == []


def test_a_hangup_in_the_very_moment_of_a_reload_is_not_missed(scene: Scene) -> None:
    scene.start()
    call = Call(scene.plant)
    call.press()
    call.answer()
    scene.until_incident(lambda found: found["connected_at"] and settled(found), "connected")
    acknowledge(scene)
    assert scene.bridge is not None
    scene.bridge.send(signal.SIGHUP)
    call.hang_up()
    scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed")


def test_reloads_in_the_middle_of_deliveries_lose_and_double_nothing(scene: Scene) -> None:
    scene.start()
    slow = Rule(fault=Fault.TRICKLE, interval=0.002)
    for vms in (scene.plant.zoneminder, scene.plant.wall):
        scene.plant.do(vms.faults.order, slow)
    call = Call(scene.plant)
    call.press()
    for seen in (1, 4, 8):
        scene.until(lambda seen=seen: len(_asked(scene)) >= seen, f"{seen} requests")  # type: ignore[misc]  # a lambda's default
        reload(scene)
    for vms in (scene.plant.zoneminder, scene.plant.wall):
        scene.plant.do(vms.faults.clear)
    scene.until_incident(settled, "settled")
    finish(scene, call)
    assert verdict(scene) == []


def _asked(scene: Scene) -> list[object]:
    return [*scene.plant.zoneminder.requests, *scene.plant.wall.requests]


def test_a_reload_while_the_store_hangs_leaves_nobody_deaf(scene: Scene) -> None:
    scene.start()
    call = Call(scene.plant)
    with scene.locked_store():
        reload(scene)
        call.press()
        scene.until(lambda: scene.metric("sosbridge_spool_events") > 0, "in the spool")
        assert "503 not ready" in scene.readyz()
    story = scene.until_incident(settled, "opened and settled", 20)
    assert {state for _, _, state in steps(story, "start_recording", "show")} == {"verified"}
    scene.until(scene.ready, "ready again")


def test_many_at_once_leave_one_watcher(scene: Scene) -> None:
    scene.start()
    assert scene.bridge is not None
    for _ in range(5):
        scene.bridge.send(signal.SIGHUP)
        time.sleep(0.01)  # two that are pending at once are one to the kernel
    scene.until(lambda: len(told(scene, "reloaded")) >= 2, "reloaded")
    reload(scene)
    scene.until(lambda: scene.ready() and scene.plant.pbx.logged_in == 1, "ready, with one watcher")
    Call(scene.plant).press()
    scene.until_incident(settled, "opened and settled")


def test_one_that_comes_while_it_starts_waits_its_turn(scene: Scene) -> None:
    bridge = scene.start(ready=False)
    scene.until(lambda: bridge.catches(signal.SIGHUP), "listening to signals")
    bridge.send(signal.SIGHUP)
    scene.until(lambda: told(scene, "reloaded"), "reloaded")
    assert [line["event"] for line in told(scene, "r")] == ["running", "reloaded"]


# --- a bad file -------------------------------------------------------------------------------------

Site = dict[str, Any]


def unknown_key(site: Site) -> None:
    site["phones"]["EAST-03"]["locaton"] = "x"


def unknown_camera(site: Site) -> None:
    site["locations"]["TANKFARM-EAST-POST-03"]["cameras"] = ["NO-SUCH-CAMERA"]


def no_driver_of_that_name(site: Site) -> None:
    site["response"]["sos"][0]["with"] = "zoneminder"


def empty_dispatch_group(site: Site) -> None:
    site["dispatch"] = {
        "host": "127.0.0.1",
        "originate": {"username": "a", "secret": {"env": "SOSBRIDGE_AMI_WATCH"}},
        "heartbeat": {"username": "b", "secret": {"env": "SOSBRIDGE_AMI_WATCH"}},
        "groups": {"shift": {"tiers": []}},
    }


def unreadable_secret(site: Site) -> None:
    site["pbx"][0]["secret"] = {"file": "/nonexistent/secret"}


BAD: Final[Mapping[str, Callable[[Site], None]]] = {
    "locaton": unknown_key,
    "NO-SUCH-CAMERA": unknown_camera,
    "zoneminder": no_driver_of_that_name,
    "tiers": empty_dispatch_group,
    "/nonexistent/secret": unreadable_secret,
}
"""What is wrong -> the word that has to be in the message."""


def test_a_bad_file_changes_nothing_and_is_told(scene: Scene) -> None:
    scene.start()
    good = copy.deepcopy(scene.site)
    for word, spoil in BAD.items():
        scene.site = copy.deepcopy(good)
        spoil(scene.site)
        [line] = reload(scene, REFUSED)
        [degraded] = [each for each in scene.readyz().splitlines() if "reload refused" in each]
        for text in (line["why"], degraded):
            assert f"{scene.site_file}:" in text
            assert word in text
    assert scene.metric("sosbridge_config_reload_refused") == 1
    assert scene.ready()

    Call(scene.plant).press()
    scene.until_incident(settled, "opened and settled")
    scene.site = good
    reload(scene)
    assert scene.metric("sosbridge_config_reload_refused") == 0
    assert "reload refused" not in scene.readyz()


def test_a_file_that_is_no_site_changes_nothing(scene: Scene) -> None:
    bridge = scene.start()
    texts = ("", "site:\n\tname: tabs\n", "phones: [", "\x00")
    for count, text in enumerate(texts, 1):
        scene.site_file.write_text(text, "utf-8")
        bridge.send(signal.SIGHUP)
        scene.until(lambda count=count: len(told(scene, REFUSED)) == count, "refused")  # type: ignore[misc]  # as above
    scene.site_file.unlink()
    bridge.send(signal.SIGHUP)
    scene.until(lambda: len(told(scene, REFUSED)) == len(texts) + 1, "refused")
    assert told(scene, REFUSED)[-1]["why"] == f"{scene.site_file}: cannot be read: No such file or directory"
    assert scene.ready()
    scene.write_site()


def test_what_needs_a_restart_is_refused_by_name(scene: Scene) -> None:
    scene.start()
    good = copy.deepcopy(scene.site)
    for name, value in {
        "node": "another",
        "state_dir": "/tmp",
        "web": {"listen": "127.0.0.1:1"},
        "store": {"url": "sqlite:////nowhere/else"},
    }.items():
        scene.site = good | {name: value}
        [line] = reload(scene, REFUSED)
        assert line["why"] == f"{scene.site_file}: a change of {name} needs a restart, not a reload"
