"""One SOS from the press to the closed incident, whatever becomes of the bridge on the way; and the verdict.

The world goes on as a script: the phone presses, the desk answers, A. Weber acknowledges, the phone hangs up.
When the bridge is found dead it is started again, as a service manager would. Then both sides are asked: the
store what happened, the simulated VMSs what was done to them.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Final

from bridge.model import UNDO, Operation
from tests.app.plant import Call, RunningPlant
from tests.app.scene import Scene, Story, settled

OPERATOR: Final = "A. Weber"
MONITORS: Final = {"1": "TANKFARM-EAST-PTZ-01", "3": "TANKFARM-EAST-FIX-02"}
"""ZoneMinder's numbers of what sees post 03."""
SCREEN: Final = "control-1"
OFFICE: Final = "shift-office"
"""The supervisor's screen: pop-ups alone."""
ON_THE_WALL: Final = {
    Operation.RECALL_PRESET: ("PUT", "/api/cameras/{target}/position"),
    Operation.SHOW: ("PUT", "/api/monitors/{target}/layout"),
    Operation.HIDE: ("DELETE", "/api/monitors/{target}/layout"),
    Operation.POPUP: ("PUT", "/api/monitors/{target}/alarms/{incident}"),
    Operation.UPDATE_POPUP: ("PUT", "/api/monitors/{target}/alarms/{incident}"),
    Operation.CLOSE_POPUP: ("DELETE", "/api/monitors/{target}/alarms/{incident}"),
}
SHOWN: Final = [("PUT", ["cam-11", "cam-13"]), ("DELETE", None)]
"""What the layout of the screen was asked to be, retries left out."""
POPPED_UP: Final = (
    [("PUT", "open"), ("PUT", "changed"), ("DELETE", None)],
    [("PUT", "open"), ("DELETE", None)],  # a bridge that was away has nothing to say in between
)
NEVER_TAKEN_BACK: Final = (*UNDO.values(), Operation.BOOKMARK)
"""What is done even when the incident is over."""


def play(scene: Scene) -> int:
    """Play the whole incident; return how often the bridge had to be started again."""
    call = Call(scene.plant)
    acts: list[tuple[Callable[[], object], Callable[[Story], object], str]] = [
        (call.press, settled, "opened and settled"),
        (call.answer, lambda story: story["connected_at"], "connected"),
        (lambda: acknowledge(scene), lambda story: story["acknowledged_at"], "acknowledged"),
        (call.hang_up, lambda story: story["state"] == "closed" and settled(story), "closed"),
    ]
    return sum(_act(scene, *act) for act in acts)


def _act(
    scene: Scene, do: Callable[[], object], fits: Callable[[Story], object], what: str, timeout: float = 20.0
) -> int:
    restarts = 0

    def reached() -> bool:
        nonlocal restarts
        if scene.bridge is not None and not scene.bridge.running:
            scene.kill()
            scene.start()
            restarts += 1
        found = scene.incidents()
        return bool(found) and all(fits(story) for story in found)

    do()
    scene.until(reached, what, timeout)
    return restarts


def finish(scene: Scene, call: Call) -> Story:
    """Answer, acknowledge, hang up; return the closed incident."""
    call.answer()
    scene.until_incident(lambda found: found["connected_at"], "connected")
    acknowledge(scene)
    call.hang_up()
    return scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed", 20)


def acknowledge(scene: Scene) -> None:
    done = scene.sosbridge("incidents", "acknowledge", scene.incident()["id"], "--by", OPERATOR)
    assert done.exit_code == 0, done.output


def verdict(scene: Scene) -> list[str]:
    """Return everything that is wrong with what the store and the VMSs say now; empty when all is well."""
    stories = scene.incidents()
    if len(stories) != 1:
        return [f"{len(stories)} incidents"]
    [story] = stories
    wrong = []
    if story["state"] != "closed" or story["acknowledged_by"] != OPERATOR:
        wrong.append(f"ended {story['state']}, acknowledged by {story['acknowledged_by']!r}")
    if story["pressed"] != 1 or len(story["calls"]) != 1:
        wrong.append(f"pressed {story['pressed']} times in {len(story['calls'])} calls")
    wrong += [
        f"{each['operation']} {each['target']} is {each['state']}: {each['proof']}"
        for each in story["deliveries"]
        if each["state"] not in ("verified", "accepted") and not _taken_back_rightly(each, story)
    ]
    return [
        *wrong,
        *_at_zoneminder(scene.plant, story),
        *_at_the_wall(scene.plant, story),
        *_in_the_log(scene),
    ]


def _taken_back_rightly(delivery: Story, story: Story) -> bool:
    """Superseded, and rightly so: a later one took its place, or the incident no longer called for it."""
    if delivery["state"] != "superseded":
        return False
    if any(_says_anew(later, delivery) for later in story["deliveries"]):
        return True
    ended = "acknowledged_at" if delivery["operation"] == Operation.NOTIFY else "clearing_at"
    may_end = delivery["operation"] not in NEVER_TAKEN_BACK
    return may_end and story[ended] is not None and delivery["settled_at"] >= story[ended]


def _says_anew(later: Story, delivery: Story) -> bool:
    same = all(later[part] == delivery[part] for part in ("driver", "operation", "target"))
    return same and later["id"] != delivery["id"] and later["created_at"] >= delivery["settled_at"]


def _at_zoneminder(plant: RunningPlant, story: Story) -> list[str]:
    """Each camera recorded one event, forced, marked and marked off once, and is not forced any more."""
    wrong = []
    state = plant.zoneminder.state
    asked = Counter(str(request) for request in list(plant.zoneminder.requests))
    marked = {str(e["MonitorId"]): e for e in state.events if story["id"] in e["Notes"]}
    if sorted(str(event["MonitorId"]) for event in state.events) != sorted(MONITORS):
        wrong.append(f"ZoneMinder has the events {state.events}")
    for number, camera in MONITORS.items():
        forced = asked[f"GET /zm/api/monitors/alarm/id:{number}/command:on.json"]
        if forced != 1:
            wrong.append(f"{camera} was forced {forced} times")
        if number not in marked or not marked[number]["Archived"]:
            wrong.append(f"{camera} has no bookmark")
        elif (count := asked[f"PUT /zm/api/events/{marked[number]['Id']}.json"]) != 2:
            wrong.append(f"{camera} was marked and marked off {count} times")
    wrong += [f"{each.name} is still forced" for each in state.monitors.values() if each.forced]
    return wrong


def _at_the_wall(plant: RunningPlant, story: Story) -> list[str]:
    """Every action came by its own idempotency key, none came that nobody decided, and all is taken back."""
    wrong = []
    came = {
        (request.method, request.path, request.headers.get("idempotency-key"))
        for request in list(plant.wall.requests)
        if request.method != "GET"
    }
    mine = [each for each in story["deliveries"] if each["driver"] == "wall"]
    decided = {(*_on_the_wall(each), each["id"]) for each in mine}
    done = {(*_on_the_wall(each), each["id"]) for each in mine if each["state"] in ("verified", "accepted")}
    wrong += [f"the wall never got {each}" for each in done - came]
    wrong += [f"nobody decided {each}" for each in came - decided]
    if (shown := _asked_of_the_wall(plant, f"{SCREEN}/layout", "cameras")) != SHOWN:
        wrong.append(f"the screen was asked to show {shown}")
    for screen in (SCREEN, OFFICE):
        popped_up = _asked_of_the_wall(plant, f"{screen}/alarms/{story['id']}", "state")
        if popped_up not in POPPED_UP:
            wrong.append(f"the pop-up was asked to be {popped_up} on {screen}")
    state = plant.wall.state
    if state.layouts or state.popups:
        wrong.append(f"left on the wall: {state.layouts} {state.popups}")
    if state.presets != {"cam-11": "7"}:
        wrong.append(f"presets {state.presets}")
    return wrong


def _asked_of_the_wall(plant: RunningPlant, what: str, field: str) -> list[tuple[str, object]]:
    """Return (method, `field` of the body) of each request for `what` of a screen, without repeats."""
    path = f"/api/monitors/{what}"
    asked = [
        (request.method, (request.json() or {}).get(field))
        for request in list(plant.wall.requests)
        if request.method != "GET" and request.path == path
    ]
    return [request for request, _ in itertools.groupby(asked)]


def _on_the_wall(delivery: Story) -> tuple[str, str]:
    method, path = ON_THE_WALL[Operation(delivery["operation"])]
    return method, path.format(target=delivery["target"], incident=delivery["incident"])


def _in_the_log(scene: Scene) -> list[str]:
    """Every line is JSON, and the only error that a busy machine may cause is a slow store."""
    said = [json.loads(line) for line in scene.log.read_text("utf-8").splitlines()]
    return [str(line) for line in said if line["level"] == "error" and line["event"] != "store degraded"]
