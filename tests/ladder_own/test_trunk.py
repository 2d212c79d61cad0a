"""The PBX is away: the bridge rings dispatch by its own trunk, with a real Asterisk at its far side."""

from __future__ import annotations

from typing import Final

import pytest

from tests.app.scene import texts
from tests.ladder_own.conftest import SetTrunk
from tests.ladder_own.people import rung
from tests.ladder_own.scene import DESK, EAST, LEAD, switch_off
from tests.ladder_own.sounds import PERSON, TONES, prompts_heard, until_hears
from tests.ladder_own.trunk_scene import BROKEN, BUSY, MOBILE, STAFF, TrunkScene
from tests.parts.baresip import Baresip
from tests.parts.sip import Phone, Phones, Sipp, calls_and_cancels, rings_unanswered

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")

HEARD: Final = {"location-TANKFARM-EAST-POST-03", "video-unconfirmed", "press-1"}
BY_TRUNK: Final = f"{MOBILE}@trunk"
WHY: Final = tuple(f"dispatch does not ring shift ({link}: " for link in ("ami/main", "dispatch/dispatch"))
"""Whichever of the two links knew first."""


def press(scene: TrunkScene, phones: Phones) -> dict[str, Sipp]:
    """Press SOS at a phone of the PBX; return who is rung there, once the console is."""
    crew = {name: phones.answer(rings_unanswered(), scene.pbx.port_of(name)) for name in STAFF}
    phones.call(calls_and_cancels(Phone(EAST), after=600), scene.pbx.sip_port, "9110")
    crew[DESK].wait_received("INVITE", 20)
    scene.until_incident(lambda found: found["calls"], "opened")
    return crew


def mobile_phone(scene: TrunkScene, phones: Phones, *, picks_up: bool = True) -> Baresip:
    port = scene.far.port_of("mobile")
    there = scene.far.sip_port
    return phones.keep(
        Baresip("mobile", there, register=False, auto_answer=picks_up, port=port, plays=PERSON)
    )


def take(scene: TrunkScene, mobile: Baresip) -> None:
    """Press 1 at the mobile phone when it was said to."""
    until_hears(mobile, TONES["press-1"])
    mobile.press("1")
    scene.until_incident(lambda found: found["acknowledged_by"] == BY_TRUNK, "acknowledged over the trunk")


@pytest.mark.parametrize("dtmf", ["info", "rfc4733"])
def test_a_dead_pbx_and_a_mobile_phone(set_trunk: SetTrunk, phones: Phones, dtmf: str) -> None:
    """The trunk asks for a password, and tells of keys in the one way or the other."""
    with set_trunk(dtmf=dtmf) as scene:
        scene.set_up(BY_TRUNK)
        mobile = mobile_phone(scene, phones)
        crew = press(scene, phones)
        scene.kill_pbx()
        switch_off(scene)
        take(scene, mobile)
        assert prompts_heard(mobile) == HEARD
        [told] = [text for text in texts(scene.incident()) if "does not ring" in text]
        assert told.startswith(WHY)
        assert told.endswith(": dispatch-fallback does")
        assert rung(crew) == {DESK: 1}
        assert len(mobile.events("CALL_ESTABLISHED")) == 1


def test_whom_the_trunk_does_not_reach_is_passed_over(set_trunk: SetTrunk, phones: Phones) -> None:
    with set_trunk() as scene:
        missed = [f"{BROKEN}@trunk", f"{BUSY}@trunk", f"{MOBILE}@dead"]
        scene.set_up(*missed, BY_TRUNK, in_sequence=True)
        mobile = mobile_phone(scene, phones)
        press(scene, phones)
        scene.kill_pbx()
        switch_off(scene)
        take(scene, mobile)
        assert [text for text in texts(scene.incident()) if "not reached" in text] == [
            f"{BROKEN}@trunk was not reached: not available (SIP 503)",
            f"{BUSY}@trunk was not reached: busy (SIP 486)",
            f"{MOBILE}@dead was not reached: not available (SIP 503)",
        ]


def test_the_pbx_comes_back_before_anybody_has_it(set_trunk: SetTrunk, phones: Phones) -> None:
    """Both ring, which the story says; each of them once, until somebody at either has it."""
    with set_trunk() as scene:
        scene.set_up(BY_TRUNK)
        mobile = mobile_phone(scene, phones, picks_up=False)
        crew = press(scene, phones)
        scene.cut()
        switch_off(scene)
        mobile.wait_event("CALL_INCOMING", 30)
        assert rung(crew) == {DESK: 1}
        scene.mend()
        crew[LEAD].wait_received("INVITE", 30)
        both = "dispatch rings shift after all, beside dispatch-fallback: some may be called twice"
        scene.until_incident(lambda found: both in texts(found), "known to be rung by both")
        mobile.accept()
        take(scene, mobile)
        scene.until(lambda: told_at_the_pbx(scene), "told at the PBX as well")
        assert rung(crew) == {DESK: 1, LEAD: 1}
        assert len(mobile.events("CALL_INCOMING")) == 1


def test_the_pbx_comes_back_when_somebody_has_it(set_trunk: SetTrunk, phones: Phones) -> None:
    """It is told so, and rings nobody more."""
    with set_trunk() as scene:
        scene.set_up(BY_TRUNK)
        mobile = mobile_phone(scene, phones)
        crew = press(scene, phones)
        scene.cut()
        switch_off(scene)
        take(scene, mobile)
        scene.mend()
        scene.until(lambda: told_at_the_pbx(scene), "told at the PBX as well")
        assert rung(crew) == {DESK: 1}
        assert len(mobile.events("CALL_ESTABLISHED")) == 1


def told_at_the_pbx(scene: TrunkScene) -> bool:
    """Whether the PBX was told last that somebody has it."""
    told = [row for row in scene.incident()["deliveries"] if row["driver"] == "dispatch"]
    return told[-1]["state"] in ("verified", "accepted") and len(told) == 2
