"""An SOS is made and given up while the link to the PBX is cut: its CEL file tells of it afterwards."""

from __future__ import annotations

import time

import pytest

from bridge.model import derive_id
from tests.app.scene import settled, texts
from tests.app.story import OPERATOR
from tests.ladder.scene import EXTENSION, HAND, Ladder
from tests.ladder.site import CEL_FILE, FIRST, PHONE
from tests.parts.processes import PartError
from tests.parts.sip import Phone, calls_and_cancels

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")


def end_every_call(ladder: Ladder) -> None:
    """And the PBX's own hunt for somebody, which a hangup may start."""
    deadline = time.monotonic() + 20
    while ladder.lab.pbx.channels():
        if time.monotonic() > deadline:
            raise PartError(f"calls go on: {ladder.lab.pbx.channels()}")
        ladder.lab.as_administrator("Hangup", ("Channel", "/^.*$/"))
        time.sleep(0.05)


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_what_began_and_ended_in_the_gap_is_told_once_and_moves_nothing(ladder: Ladder) -> None:
    dispatcher = ladder.crew({})
    cable = ladder.lay_cable()
    ladder.connect(watch=cable.port)
    ladder.site["pbx"][0]["cel_file"] = str(ladder.lab.pbx.folder / CEL_FILE)
    ladder.write_site()
    ladder.start()
    ladder.plant.do(cable.cut)
    ladder.until(lambda: not ladder.ready(), "seen to be cut")
    caller = ladder.phones.call(
        calls_and_cancels(Phone(PHONE), after=0.3), ladder.lab.pbx.sip_port, EXTENSION
    )
    uid = ladder.lab.wait("SOSCall", Phone=PHONE).get("SosUid")
    caller.wait_received("487")
    end_every_call(ladder)
    ladder.lab.events.forget()
    rung_before = len(dispatcher.events("CALL_INCOMING"))
    ladder.plant.do(setattr, cable, "plugged", True)
    ladder.until(ladder.ready, "back")

    story = ladder.until_incident(lambda it: it["state"] == "closed", "filed")
    assert story["id"] == derive_id("incident", "asterisk/pbx1", uid, 0)
    assert story["recovered"]
    ladder.until(lambda: len(dispatcher.events("CALL_INCOMING")) > rung_before, "told to dispatch")
    dispatcher.accept()
    ladder.until(lambda: "press-heard" in ladder.heard(HAND), "asked whether it was heard")
    dispatcher.press("1")
    ladder.lab.wait("SOSAck", SosIncident=story["id"], Dispatcher=HAND)
    ladder.lab.wait_no_channels()
    told = f"acknowledged by {HAND} (dtmf)"
    story = ladder.until_incident(lambda it: settled(it) and told in texts(it), "heard")

    said = ladder.heard(HAND)
    assert said.count("missed") == 1
    assert "press-1" not in said[said.index("missed") :]
    starts = [report for report in ladder.lab.reports("SOSTier") if not report.get("Dispatcher")]
    assert [report.get("SosIncident") for report in starts] == [story["id"]]
    asked = [(each["step"], each["operation"], each["state"]) for each in story["deliveries"]]
    assert asked == [("missed/1", "notify", "verified")]
    assert ladder.plant.zoneminder.state.events == []
    assert [request for request in ladder.plant.wall.requests if request.method != "GET"] == []

    assert [fault.subject for fault in ladder.store.faults(what="review")] == [f"incident/{story['id']}"]
    done = ladder.sosbridge("incidents", "resolve", story["id"], "--by", OPERATOR)
    assert done.exit_code == 0, done.output
    assert ladder.store.faults(what="review") == []
