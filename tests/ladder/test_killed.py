"""The bridge is killed on its way to dispatch: before the PBX has the call, and right after it."""

from __future__ import annotations

import pytest

from tests.app.scene import Story, settled
from tests.ladder.cable import Trap
from tests.ladder.scene import HAND, Ladder
from tests.ladder.site import FIRST
from tests.ladder.verdict import unexpected
from tests.pack.lab import at
from tests.parts.baresip import Baresip
from tests.parts.sip import Sipp

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")


def killed_on_the_way(ladder: Ladder, *, held: bool) -> tuple[Trap, Baresip, Sipp]:
    """Press where no camera is; kill the bridge when its call to dispatch is on the wire."""
    dispatcher = ladder.crew({})
    cable = ladder.lay_cable()
    ladder.connect(dispatch=cable.port)
    ladder.without_cameras()
    ladder.start()
    trap = Trap(cable, held=held)
    caller = ladder.press()
    trap.wait()
    if not held:
        ladder.lab.wait("SOSTier", Kind="notify")
    ladder.kill()
    assert [each["state"] for each in notifications(ladder.incident())] == ["leased"]
    return trap, dispatcher, caller


def notifications(story: Story) -> list[Story]:
    return [
        each
        for each in story["deliveries"]
        if each["step"] == "no_picture/1" and each["driver"] == "dispatch"
    ]


def test_between_the_decision_and_the_call(ladder: Ladder) -> None:
    """The decision was stored, and the PBX never heard of it: after the restart dispatch is called, once."""
    trap, dispatcher, caller = killed_on_the_way(ladder, held=True)
    assert ladder.lab.reports("SOSTier") == []
    ladder.plant.do(trap.open)
    ladder.start()
    ladder.accept(dispatcher)
    dispatcher.press("1")
    ladder.until_incident(lambda it: it["acknowledged_by"] == HAND and settled(it), "acknowledged")
    story = ladder.finish(caller)
    assert [each["proof"] for each in notifications(story)] == ["the PBX rings dispatch, tier 1"]
    assert unexpected(ladder) == []


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_right_after_the_call_was_asked_for(ladder: Ladder) -> None:
    """The voice goes on: 1 picks up. Afterwards the bridge finds the talk, and has nobody called again."""
    trap, dispatcher, caller = killed_on_the_way(ladder, held=False)
    ladder.accept(dispatcher)
    dispatcher.press("1")
    pressed = at(ladder.lab.wait("SOSAck", Dispatcher=HAND))
    caller.wait_received("200")
    ladder.plant.do(trap.open)
    ladder.start()
    story = ladder.until_incident(
        lambda it: it["connected_at"] and it["acknowledged_by"] == HAND and settled(it),
        "found connected, and who pressed 1",
    )
    assert story["connected_to"] == HAND
    # Asked for before or after the talk was found: in neither case is anybody called again.
    [found] = notifications(story)
    assert found["proof"] in ("an earlier attempt had started it", "no longer called for")
    ladder.until(lambda: all(gap.cleared_at for gap in ladder.store.blind_intervals(0)), "no longer blind")
    assert any(
        gap.subject == "node/bridge-1" and gap.opened_at < pressed < gap.cleared_at
        for gap in ladder.store.blind_intervals(0)
        if gap.cleared_at
    )
    ladder.finish(caller)
    assert unexpected(ladder) == []
