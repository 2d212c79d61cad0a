"""The bridge is killed while dispatch is rung or talks: what docs/triggers/sip.md promises holds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from bridge.simulator.vms.faults import Fault, Rule
from tests.app.attack import wait_traced
from tests.app.scene import steps
from tests.ladder_own.people import People, rung
from tests.ladder_own.scene import (
    DESK,
    EAST,
    GATEKEEPER,
    LEAD,
    MANAGER,
    NEVER,
    SECOND,
    OwnScene,
    order,
    switch_off,
)
from tests.ladder_own.sounds import CALLER, PERSON, TONES, until_both_hear, until_hears
from tests.parts.sip import rings_unanswered

pytestmark = pytest.mark.real("sipp", "baresip")

OTHERS: Final = dict.fromkeys((DESK, SECOND, MANAGER, GATEKEEPER), rings_unanswered())


def kept(own: OwnScene) -> dict[str, Any]:
    """What would outlive the exchange now."""
    file = own.folder / "sip-own.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def talks_are_kept(own: OwnScene) -> bool:
    """Whether phone and dispatcher are known to be joined."""
    return sum(bool(leg["peer"]) for leg in kept(own)["exchange"]["legs"]) == 2


def ringing_kept(own: OwnScene) -> int:
    """How many telephones it is known of that they ring."""
    return len(kept(own)["pending"]["ours"])


def test_who_talks_goes_on_talking_without_the_bridge(own: OwnScene, people: People) -> None:
    switch_off(own)
    own.start()
    crew = people.crew(OTHERS)
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    own.until_incident(lambda found: found["connected_to"] == LEAD, "connected")
    own.until(lambda: talks_are_kept(own), "kept as a talk")
    own.kill()
    until_both_hear(phone, lead)
    own.start()
    until_both_hear(phone, lead)
    phone.hang_up()
    lead.wait_event("CALL_CLOSED", 20)
    story = own.until_incident(lambda found: found["state"] == "closed", "closed")
    assert (story["acknowledged_by"], len(story["calls"])) == (LEAD, 1)
    assert rung(crew) == {DESK: 1, SECOND: 1}
    assert [len(each.events("CALL_ESTABLISHED")) for each in (lead, phone)] == [1, 1]


def test_killed_while_dispatch_rings(own: OwnScene, people: People) -> None:
    """It is rung for anew, once, and whoever takes it is connected with the phone, which is called back."""
    switch_off(own)
    own.start()
    crew = people.crew(OTHERS)
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    own.until(lambda: ringing_kept(own) == 2, "known to ring")
    own.kill()
    own.start()
    phone.wait_event("CALL_CLOSED", 20)
    crew[DESK].wait_received("CANCEL", 20)
    crew[SECOND].wait_received("CANCEL", 20)
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    phone.wait_event("CALL_INCOMING", 20)
    phone.accept()
    until_both_hear(phone, lead)
    own.until_incident(lambda found: found["acknowledged_by"] == LEAD, "acknowledged")
    assert rung(crew) == {DESK: 1, SECOND: 2}
    assert len(lead.events("CALL_ESTABLISHED")) == 1


def test_who_picks_up_while_the_bridge_is_away_is_rung_again(own: OwnScene, people: People) -> None:
    """Nobody acknowledges that call until the bridge is back: then it is ended, and the person is free."""
    switch_off(own)
    own.start()
    lead = people.baresip(LEAD, plays=PERSON)
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    lead.wait_event("CALL_INCOMING", 20)
    own.until(lambda: ringing_kept(own) == 1, "known to ring")
    own.kill()
    lead.accept()
    own.start()
    lead.wait_event("CALL_CLOSED", 20)
    lead.wait_event("CALL_INCOMING", 20, count=2)
    lead.accept()
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    phone.wait_event("CALL_INCOMING", 20)
    phone.accept()
    until_both_hear(phone, lead)


@pytest.mark.real("strace")
def test_killed_between_the_decision_and_the_dialling(own: OwnScene, people: People) -> None:
    """It is stored that dispatch is to be rung, and no INVITE has left: then it is rung, once."""
    own.site["times"]["picture"] = NEVER  # dispatch is rung when the VMSs are lost, and not before
    own.write_site()
    order(own, Rule(fault=Fault.SILENT))
    bridge = own.start()
    crew = people.crew({SECOND: rings_unanswered(), MANAGER: rings_unanswered()})
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    until_hears(phone, TONES["caller/waiting"])  # the last of what is said to it by SIP lies behind us
    own.may_die = True
    with killed_at_next_message(own):
        switch_off(own)
        own.until(lambda: not bridge.running, "dead")
    [(_, group, state)] = steps(own.incident(), "notify")
    assert group == "shift"
    assert state in {"leased", "accepted"}, "the exchange may have taken it before its first message left"
    assert rung(crew) == {}
    own.start()
    crew[SECOND].wait_received("INVITE", 20)
    own.until_incident(lambda found: steps(found, "notify")[0][2] in ("accepted", "verified"), "asked again")
    phone.wait_event("CALL_CLOSED", 20)
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    phone.wait_event("CALL_INCOMING", 20)
    phone.accept()
    until_both_hear(phone, lead)
    crew[SECOND].wait_received("CANCEL", 20)
    assert rung(crew) == {SECOND: 1}


@contextmanager
def killed_at_next_message(own: OwnScene) -> Iterator[None]:
    """Kill the bridge when it is about to send something by SIP: that does not leave."""
    assert own.bridge is not None
    socket = f"socket:[{_inode(own.sip_port)}]"
    command = ["strace", "-f", "-q", "-p", str(own.bridge.pid), "-P", socket, "-o", "/dev/null"]
    inject = ["-e", "trace=sendto", "-e", "inject=sendto:signal=KILL:when=1"]
    tracer = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command, *inject])
    try:
        wait_traced(own.bridge.pid)
        yield
    finally:
        tracer.terminate()
        tracer.wait(10)


def _inode(port: int) -> str:
    """Return the inode of the UDP socket at 127.0.0.1:`port`."""
    rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:]]
    [inode] = [row[9] for row in rows if row[1] == f"0100007F:{port:04X}"]
    return inode
