"""The verdict on a story sees what was lost: else the tests that end in one could not fail."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from bridge.simulator.vms.server import Request
from tests.app.scene import Scene, Story
from tests.app.story import play, verdict

Doctor = Callable[[Story], None]


def _delivery(story: Story, operation: str) -> Story:
    found: Story = next(each for each in story["deliveries"] if each["operation"] == operation)
    return found


def superseded(operation: str, *, before_the_end: bool) -> Doctor:
    """Make it one that nobody carried out, while the incident still called for it or afterwards."""

    def doctor(story: Story) -> None:
        at = story["clearing_at"] + (-0.001 if before_the_end else 0.001)
        _delivery(story, operation).update(state="superseded", settled_at=at, attempts=0)

    return doctor


def never_decided(operation: str) -> Doctor:
    def doctor(story: Story) -> None:
        story["deliveries"].remove(_delivery(story, operation))

    return doctor


def test_a_lost_action_is_seen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.start()
    play(scene)
    assert verdict(scene) == []
    told = scene.incident()

    def verdict_on(doctor: Doctor) -> list[str]:
        story = copy.deepcopy(told)
        doctor(story)
        monkeypatch.setattr(scene, "incidents", lambda: [story])
        return verdict(scene)

    assert verdict_on(lambda _: None) == []
    for operation in ("show", "popup", "recall_preset"):
        [wrong] = verdict_on(superseded(operation, before_the_end=True))
        assert f"{operation} " in wrong
        assert "superseded" in wrong
        assert any("nobody decided" in wrong for wrong in verdict_on(never_decided(operation)))
    for operation in ("hide", "close_popup", "stop_recording", "bookmark"):
        assert "superseded" in str(verdict_on(superseded(operation, before_the_end=False)))
    assert verdict_on(superseded("show", before_the_end=False)) == []

    came = list(scene.plant.wall.requests)
    for method, path, words in (
        ("PUT", "/layout", "asked to show"),
        ("DELETE", "/layout", "asked to show"),
        ("PUT", "/alarms/", "pop-up was asked"),
        ("DELETE", "/alarms/", "pop-up was asked"),
    ):
        monkeypatch.setattr(scene.plant.wall, "requests", _without(came, method, path))
        assert words in str(verdict_on(superseded("show", before_the_end=False)))


def _without(requests: list[Request], method: str, path: str) -> list[Request]:
    return [each for each in requests if each.method != method or path not in each.path]
