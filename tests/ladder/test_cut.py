"""The link to the PBX is cut while dispatch rings: the PBX goes on, and 1 counts there."""

from __future__ import annotations

import pytest

from tests.app.scene import Story, settled, texts
from tests.app.story import OPERATOR
from tests.ladder.scene import HAND, Ladder
from tests.ladder.site import FIRST, LAST, PHONE_ID
from tests.ladder.verdict import unexpected
from tests.pack.lab import at
from tests.parts.sip import Sipp

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")


def press_in_the_gap(ladder: Ladder) -> Sipp:
    """Cut watching and calling as dispatch rings; 1 is pressed. Return the phone, which talks."""
    dispatcher = ladder.crew({})
    cable = ladder.lay_cable()
    ladder.connect(watch=cable.port, dispatch=cable.port)
    ladder.without_cameras()
    ladder.start()
    caller = ladder.press()
    ladder.until_incident(lambda it: it["dispatch_at"], "rung")
    ladder.plant.do(cable.cut)
    ladder.until(lambda: not ladder.ready(), "seen to be cut")
    ladder.accept(dispatcher)
    dispatcher.press("1")
    ladder.lab.wait("SOSAck", Dispatcher=HAND)
    caller.wait_received("200")
    return caller


def mend(ladder: Ladder) -> Story:
    """Bring the link back. Return what is known then: that the 1 was pressed while it was away."""
    [cable] = ladder.cables
    ladder.plant.do(setattr, cable, "plugged", True)
    ladder.until(ladder.ready, "back")
    story = ladder.until_incident(lambda it: it["acknowledged_by"] == HAND and settled(it), "acknowledged")
    subject = f"{ladder.setting.way}/pbx1"
    [gap] = [gap for gap in ladder.store.blind_intervals(0) if gap.subject == subject]
    assert gap.cleared_at is not None
    assert gap.opened_at < at(ladder.lab.wait("SOSAck", Dispatcher=HAND)) < gap.cleared_at
    assert [text for text in texts(story) if "acknowledged by" in text] == [f"acknowledged by {HAND} (dtmf)"]
    return story


def test_the_1_of_the_gap_acknowledges(ladder: Ladder) -> None:
    """The talk is found, and so is who has it: nobody is called again."""
    caller = press_in_the_gap(ladder)
    mend(ladder)
    story = ladder.until_incident(lambda it: it["connected_at"], "found connected")
    assert story["connected_to"] == HAND
    ladder.finish(caller)
    assert unexpected(ladder) == []


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_after_a_talk_that_began_in_the_gap_nobody_is_rung(ladder: Ladder) -> None:
    """The phone hangs up on the person who has it: dispatch is not called as if nobody had had it.

    Here the channel of that person does not tell that 1 was pressed on it, as under an older `channelvars`.
    """
    caller = press_in_the_gap(ladder)
    ladder.lab.as_administrator(
        "Setvar", ("Channel", ladder.channel_of(HAND)), ("Variable", "SOS_ACK"), ("Value", "")
    )
    [cable] = ladder.cables
    ladder.plant.do(setattr, cable, "plugged", True)
    ladder.until(ladder.ready, "back")
    story = ladder.until_incident(lambda it: it["connected_at"] and settled(it), "found connected")
    assert not story["acknowledged_by"]
    ladder.hang_up(caller)
    assert ladder.lab.wait("SOSDone", Has="dispatcher", By=HAND)
    story = ladder.close()
    assert story["acknowledged_by"] == HAND
    assert ladder.lab.reports("SOSTier", Kind="recall") == []
    assert unexpected(ladder) == []


@pytest.mark.parametrize("setting", LAST, ids=str, indirect=True)
def test_who_had_a_talk_that_was_over_in_the_gap_is_told_instead_of_rung(ladder: Ladder) -> None:
    """The bridge sees only that the phone is gone, and asks the PBX to ring everybody. It knows better."""
    caller = press_in_the_gap(ladder)
    assert ladder.pbx_global(f"SOS_TAKEN_{PHONE_ID}").split("/")[1:3] == ["dispatcher", HAND]
    ladder.hang_up(caller)
    ladder.lab.wait("SOSDone", Has="dispatcher", By=HAND)
    ladder.lab.wait_no_channels()
    story = mend(ladder)
    assert ladder.lab.reports("SOSTold", Has="dispatcher", By=HAND)
    assert ladder.lab.reports("SOSTier", Kind="recall") == []
    done = ladder.sosbridge("incidents", "resolve", story["id"], "--by", OPERATOR)
    assert done.exit_code == 0, done.output
    ladder.close()
    assert unexpected(ladder) == []
