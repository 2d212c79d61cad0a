"""A VMS that is down, slow, refuses or lies during an SOS: the story tells it, nothing is `verified`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.server import FakeServer
from tests.app.plant import Call
from tests.app.scene import Scene, Story, settled, steps, texts
from tests.app.story import finish, verdict

ON_ZONEMINDER = ("start_recording", "bookmark")
ON_THE_WALL = ("show", "recall_preset", "popup")


def press(scene: Scene) -> Call:
    scene.start()
    call = Call(scene.plant)
    call.press()
    return call


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at a server, how to end it, and the words of it that the story must have."""

    begin: Callable[[Scene, FakeServer], object]
    words: str
    end: Callable[[Scene, FakeServer], object] = lambda scene, server: scene.plant.do(server.faults.clear)


def ordered(**rule: object) -> Callable[[Scene, FakeServer], object]:
    return lambda scene, server: scene.plant.do(server.faults.order, Rule(**rule))  # type: ignore[arg-type]  # its own fields


DOWN = Trouble(
    begin=lambda scene, server: scene.plant.wait(server.stop()),
    words="onnect",
    end=lambda scene, server: scene.plant.wait(server.start()),
)
SILENT = Trouble(ordered(fault=Fault.SILENT), "no complete answer")
SLOW = Trouble(ordered(fault=Fault.TRICKLE, interval=0.5), "no complete answer")
BROKEN = Trouble(ordered(fault=Fault.STATUS, status=500), "HTTP 500")
WEB_PAGE = Trouble(ordered(fault=Fault.HTML), "web page")
RESET = Trouble(ordered(fault=Fault.RESET), "")
LIE = Trouble(ordered(fault=Fault.LIE), "")
STATUS_FALSE = Trouble(
    begin=lambda scene, _: _capture(scene, on=False),
    words="gives no pictures",
    end=lambda scene, _: _capture(scene, on=True),
)


def _capture(scene: Scene, *, on: bool) -> None:
    for monitor in scene.plant.zoneminder.state.monitors.values():
        monitor.capturing = on


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(DOWN, id="down"),
        pytest.param(SLOW, id="slow"),
        pytest.param(BROKEN, id="500"),
        pytest.param(WEB_PAGE, id="html"),
        pytest.param(RESET, id="reset"),
        pytest.param(STATUS_FALSE, id="status-false"),
    ],
)
def test_zoneminder_in_trouble_and_back(scene: Scene, trouble: Trouble) -> None:
    scene.site["vms"][0] |= {"alarm_wait": 0.5, "timeouts": {"total": 0.8}}
    scene.write_site()
    zoneminder = scene.plant.zoneminder
    trouble.begin(scene, zoneminder)
    call = press(scene)
    story = scene.until_incident(lambda found: "trying again" in "".join(texts(found)), "seen in the story")
    line = next(text for text in texts(story) if "trying again" in text)
    assert line.startswith("zm start recording TANKFARM-EAST-")
    assert trouble.words in line
    assert "verified" not in {state for _, _, state in steps(story, *ON_ZONEMINDER)}
    # The other VMS is not held up by it.
    story = scene.until_incident(lambda found: _done(found, *ON_THE_WALL), "shown on the wall all the same")

    trouble.end(scene, zoneminder)
    scene.until_incident(settled, "settled after it came back", 15)
    finish(scene, call)
    if (
        trouble is not STATUS_FALSE
    ):  # there each try is a command that ZoneMinder got, and could not carry out
        assert verdict(scene) == []


def _done(story: Story, *operations: str) -> bool:
    """Whether all of it is done, but for what a stand-in's picture has taken the place of."""
    states = {state for _, _, state in steps(story, *operations)}
    return "verified" in states and states <= {"verified", "accepted", "superseded"}


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(DOWN, id="down"),
        pytest.param(SILENT, id="silent"),
        pytest.param(WEB_PAGE, id="html"),
        pytest.param(LIE, id="lie"),
    ],
)
def test_the_wall_in_trouble_and_back(scene: Scene, trouble: Trouble) -> None:
    scene.site["vms"][1] |= {"timeouts": {"total": 0.8}}
    scene.write_site()
    wall = scene.plant.wall
    trouble.begin(scene, wall)
    call = press(scene)
    story = scene.until_incident(lambda found: "trying again" in "".join(texts(found)), "seen in the story")
    line = next(text for text in texts(story) if "trying again" in text)
    assert line.startswith("wall ")
    assert trouble.words in line
    assert "verified" not in {state for _, _, state in steps(story, *ON_THE_WALL)}
    story = scene.until_incident(lambda found: _done(found, *ON_ZONEMINDER), "recorded all the same")

    trouble.end(scene, wall)
    scene.until_incident(settled, "settled after it came back", 15)
    finish(scene, call)
    if trouble is not LIE:  # who believes a lie about the pop-up cannot know better: it has no read_back
        assert verdict(scene) == []


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.RESET, Fault.WRONG_TYPES])
def test_what_took_effect_without_an_answer_is_not_done_twice(scene: Scene, fault: Fault) -> None:
    for vms in scene.site["vms"]:
        vms["timeouts"] = {"total": 0.8}
    scene.site["vms"][0]["alarm_wait"] = 0.5
    scene.write_site()
    for server, method, path in (
        (scene.plant.zoneminder, "GET", "/command:on.json"),
        (scene.plant.zoneminder, "PUT", "/api/events/"),
        (scene.plant.wall, "PUT", "/api/"),
        (scene.plant.wall, "DELETE", "/api/"),
    ):
        scene.plant.do(server.faults.order, Rule(fault=fault, method=method, path=path, times=2))
    call = press(scene)
    scene.until_incident(settled, "settled")
    finish(scene, call)
    assert verdict(scene) == []


def test_a_session_that_zoneminder_has_forgotten_is_renewed(scene: Scene) -> None:
    call = press(scene)
    scene.until_incident(settled, "settled")
    scene.plant.do(scene.plant.zoneminder.expire_tokens)
    finish(scene, call)
    assert verdict(scene) == []
    assert scene.plant.zoneminder.log_ins == 2


def test_a_wrong_password_fails_at_once_and_stays_visible(scene: Scene) -> None:
    scene.plant.zoneminder.users["demo"].password = "changed"
    press(scene)
    story = scene.until_incident(settled, "settled")
    failed = [each for each in story["deliveries"] if each["driver"] == "zm" and each["state"] == "failed"]
    assert {each["operation"] for each in failed} == set(ON_ZONEMINDER)
    proofs = {each["proof"] for each in failed}
    assert all("refuses the user demo" in proof for proof in proofs)
    assert _done(story, *ON_THE_WALL)
    scene.until(lambda: "faults open: 1 of kind start_recording" in scene.readyz(), "told by /readyz")
    assert scene.metric('sosbridge_faults_open{what="start_recording"}') == 1
    assert "demo" not in scene.log.read_text("utf-8").replace("the user demo", "")


def test_one_that_stays_away_expires_visibly_and_dispatch_is_told(scene: Scene) -> None:
    scene.site["times"] |= {"deadline_emergency": 2.0, "picture": 0.5}
    scene.write_site()
    scene.plant.wait(scene.plant.zoneminder.stop())
    scene.plant.wait(scene.plant.wall.stop())
    press(scene)
    story = scene.until_incident(settled, "given up")
    assert {state for _, _, state in steps(story, *ON_ZONEMINDER, *ON_THE_WALL)} == {"expired"}
    assert "no picture confirmed" in "".join(texts(story))
    assert story["state"] == "open"
    degraded = [line for line in scene.readyz().splitlines() if line.startswith("degraded: ")]
    for vms in ("wall", "zm"):
        # Long before the next probe: the breaker is open, so the link is down.
        [line] = [line for line in degraded if f"VMS link {vms} down since " in line]
        assert "connection refused" in line
        assert scene.metric(f'sosbridge_link_up{{kind="vms",link="{vms}"}}') == 0
    assert scene.metric('sosbridge_breaker_open{driver="zm"}') == 1
    assert scene.ready()


def test_a_forced_alarm_that_is_lost_is_forced_and_marked_again_once(scene: Scene) -> None:
    call = press(scene)
    scene.until_incident(settled, "settled")
    scene.plant.do(scene.plant.zoneminder.restart_capture, 1)
    story = scene.until_incident(
        lambda found: settled(found) and len(steps(found, "bookmark")) == 3, "found off and mended"
    )
    camera = "TANKFARM-EAST-PTZ-01"
    assert steps(story, *ON_ZONEMINDER)[-2:] == [
        ("start_recording", camera, "verified"),
        ("bookmark", camera, "verified"),
    ]
    assert [text for text in texts(story) if "found off" in text] == [
        f"start_recording/zm/{camera} was found off: switched on again"
    ]
    finish(scene, call)
    events = scene.plant.zoneminder.state.events
    assert Counter(event["MonitorId"] for event in events) == {1: 2, 3: 1}
    assert all(story["id"] in event["Notes"] and event["Archived"] for event in events)
    asked = Counter(str(request) for request in scene.plant.zoneminder.requests)
    assert asked["GET /zm/api/monitors/alarm/id:1/command:on.json"] == 2
    assert asked["GET /zm/api/monitors/alarm/id:3/command:on.json"] == 1
