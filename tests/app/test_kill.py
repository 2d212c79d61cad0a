"""kill -9 at any step of an incident, and a restart: one incident, each action once, nothing left on.

A normal run takes a few steps, chosen by the seed SOSBRIDGE_KILL_SEED (each seed other ones). With
SOSBRIDGE_KILL_ALL=n every n-th step of each kind is taken, to the end of the incident: 1 takes about an hour.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.app.attack import MOMENTS, Point
from tests.app.conftest import SetScene
from tests.app.plant import Call
from tests.app.scene import settled
from tests.app.story import finish, play, verdict

pytestmark = pytest.mark.real("strace")

SURE: Final = {
    "fdatasync": 9,
    "pwrite64": 200,
    "sendto": 14,
    "recvfrom": 50,
    "write": 12,
    "connect": 1,
    "request": 22,
}
"""So many steps of each kind one incident has at least, however commits and threads share the work."""
KINDS: Final = [(what, "") for what in SURE if what != "request"] + [("request", each) for each in MOMENTS]
EVERY: Final = int(os.environ.get("SOSBRIDGE_KILL_ALL", "0"))


def some_points(seed: str) -> Iterator[Point]:
    """Yield one step of each kind, and one more of those around a commit and a request."""
    choose = random.Random(seed)
    for what, moment in [*KINDS, ("fdatasync", ""), ("request", "done")]:
        yield Point(what, choose.randint(1, SURE[what]), moment)


def killed_at(point: Point, set_scene: SetScene) -> tuple[bool, list[str]]:
    """Return whether the incident got to that point, and what was wrong in the end."""
    with set_scene() as scene:
        scene.start()
        scene.may_die = True
        with point.aim(scene):
            restarts = play(scene)
        return restarts > 0, [f"{wrong}\n{scene.told()}" for wrong in verdict(scene)]


if EVERY:

    @pytest.mark.parametrize(
        ("what", "moment"), KINDS, ids=[f"{what} {moment}".strip() for what, moment in KINDS]
    )
    def test_killed_at_every_step(
        what: str, moment: str, set_scene: SetScene, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = []
        for n in itertools.count(1, EVERY):
            point = Point(what, n, moment)
            reached, wrong = killed_at(point, set_scene)
            found += [f"{point}: {each}" for each in wrong]
            with capsys.disabled():
                print(f"\n{point}: {'not reached' if not reached else wrong or 'good'}", end="", flush=True)
            if not reached:
                break
        assert not found
        assert n >= SURE[what]

else:

    @pytest.mark.parametrize(
        "point", list(some_points(os.environ.get("SOSBRIDGE_KILL_SEED", "112"))), ids=str
    )
    def test_killed_at_one_step(point: Point, set_scene: SetScene) -> None:
        assert killed_at(point, set_scene) == (True, [])


def test_killed_again_and_again_while_it_recovers(set_scene: SetScene) -> None:
    with set_scene() as scene:
        bridge = scene.start()
        scene.may_die = True
        call = Call(scene.plant)
        with Point("request", 9, "done").aim(scene):
            call.press()
            bridge.wait()
        for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
            scene.start(ready=False)
            time.sleep(delay)
            scene.kill()
        scene.start()
        scene.until_incident(settled, "settled")
        finish(scene, call)
        assert verdict(scene) == []
