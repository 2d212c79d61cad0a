"""Answered is not informed: who is rung next when somebody is busy, away, deaf or forwards the call."""

from __future__ import annotations

from typing import Final

import pytest

from tests.app.scene import texts
from tests.ladder.conftest import StartLadder
from tests.ladder.scene import ANSWERS, BUSY, HAND, Ladder
from tests.ladder.site import DESK, FIRST, LAST, NIGHT, SHIFT
from tests.ladder.verdict import unexpected
from tests.parts.sip import answers, refuses

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")

MOVED: Final = refuses("302 Moved Temporarily").replace("Contact: <sip:", f"Contact: <sip:{DESK}@")
NOBODY: Final = {
    "lead-1": BUSY,
    "lead-3": ANSWERS,  # a voicemail, or silence
    "lead-4": answers(after=0.1, presses=[(0.3, "5"), (0.5, "0")]),
    "lead-5": MOVED,
    "lead-6": refuses("503 Service Unavailable"),
    # NIGHT has no telephone that is registered.
}
"""A first tier in which nobody is informed."""


def test_the_first_is_busy_the_second_silent_the_third_presses_1(ladder: Ladder) -> None:
    dispatcher = ladder.crew({"lead-1": BUSY, "lead-3": ANSWERS})
    ladder.without_cameras()
    ladder.start()
    caller = ladder.press()
    ladder.accept(dispatcher)
    ladder.until(lambda: ladder.heard("lead-3").count("press-1") > 1, "heard by the silent one, twice")
    assert ladder.incident()["acknowledged_at"] is None
    dispatcher.press("1")
    story = ladder.until_incident(lambda it: it["acknowledged_at"] and it["connected_at"], "acknowledged")
    assert (story["acknowledged_by"], story["connected_to"]) == (HAND, HAND)
    assert story["opened_at"] < story["dispatch_at"] < story["acknowledged_at"]
    assert [text for text in texts(story) if "acknowledged" in text] == [f"acknowledged by {HAND} (dtmf)"]
    ladder.finish(caller)
    assert unexpected(ladder) == []


@pytest.mark.parametrize("setting", LAST, ids=str, indirect=True)
def test_a_tier_in_which_nobody_is_informed_is_followed_by_the_next(start_ladder: StartLadder) -> None:
    with start_ladder(SHIFT) as ladder:
        dispatcher = ladder.crew(NOBODY)
        ladder.without_cameras()
        ladder.start()
        caller = ladder.press()
        ladder.accept(dispatcher)
        for who in ("lead-3", "lead-4"):
            ladder.lab.wait("SOSNoAck", Dispatcher=who)
        dispatcher.press("1")
        ladder.until_incident(lambda it: it["acknowledged_by"] == HAND, "acknowledged")
        story = ladder.finish(caller)
        assert len(ladder.lab.reports("SOSAck")) == 1
        for who in ("lead-3", "lead-4"):
            assert f"{who} picked up and did not press 1: not informed" in texts(story)
        turns = [leg.get("Dispatcher") for leg in ladder.lab.reports("SOSTier") if leg.get("Dispatcher")]
        assert {*NOBODY, NIGHT} == set(turns[: turns.index(HAND)])
        # Nobody twice for one step; above all not the console, to which the call was forwarded.
        assert unexpected(ladder) == []


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_a_call_that_the_pbx_took_and_never_made_is_made_again(ladder: Ladder) -> None:
    """Queued with success, and the dialplan has no such context: that is no call, and nobody was rung."""
    dispatcher = ladder.crew({})
    ladder.without_cameras()
    ladder.start()
    ladder.lab.pbx.cli("dialplan remove context sos-notify")
    try:
        caller = ladder.press()
        ladder.until_incident(lambda it: "is the dialplan pack loaded?" in "".join(texts(it)), "found out")
        assert ladder.incident()["dispatch_at"] is None
    finally:
        ladder.lab.pbx.cli("dialplan reload")
    ladder.accept(dispatcher)
    dispatcher.press("1")
    ladder.until_incident(lambda it: it["acknowledged_by"] == HAND, "acknowledged")
    ladder.finish(caller)
    assert unexpected(ladder) == []
