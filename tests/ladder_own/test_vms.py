"""What becomes of the VMSs decides who of dispatch is rung, and what they hear: nobody else, no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from bridge.simulator.vms.faults import Fault, Rule
from tests.app.scene import Story, steps
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
from tests.ladder_own.sounds import (
    CALLER,
    PERSON,
    TONES,
    prompts_heard,
    until_both_hear,
    until_hears,
)
from tests.parts.sip import rings_unanswered

pytestmark = pytest.mark.real("sipp", "baresip")

PLACE: Final = "location-TANKFARM-EAST-POST-03"
OTHERS: Final = dict.fromkeys((DESK, SECOND, MANAGER, GATEKEEPER), rings_unanswered())
"""Who has a telephone, besides the shift lead: it rings in vain."""


VIDEO: Final = frozenset({"video-unconfirmed", "video-none"})


@dataclass(frozen=True)
class Trouble:
    """begin: what goes wrong with both VMSs, before the SOS. told: what dispatch may hear of the picture."""

    begin: Callable[[OwnScene], object]
    told: frozenset[str] = frozenset({"video-unconfirmed"})


def ordered(**rule: Any) -> Callable[[OwnScene], None]:
    return lambda own: order(own, Rule(**rule))


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Trouble(switch_off), id="killed"),
        pytest.param(Trouble(ordered(fault=Fault.SILENT)), id="hung"),
        pytest.param(Trouble(ordered(fault=Fault.LIE)), id="lying"),
        pytest.param(
            # That none can come is known with the last refusal, which may be as late as the announcement.
            Trouble(ordered(fault=Fault.STATUS, status=403), frozenset({"video-unconfirmed", "video-none"})),
            id="refusing",
        ),
    ],
)
def test_no_picture_rings_the_first_tier(own: OwnScene, people: People, trouble: Trouble) -> None:
    own.start()
    crew = people.crew(OTHERS)
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    phone = people.baresip(EAST, plays=CALLER)
    trouble.begin(own)
    phone.dial("9110")
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    until_both_hear(phone, lead)
    own.until_incident(lambda found: found["acknowledged_by"] == LEAD, "acknowledged by the shift lead")
    crew[SECOND].wait_received("CANCEL")
    crew[DESK].wait_received("CANCEL")
    heard = prompts_heard(lead)
    assert heard & VIDEO <= trouble.told
    assert len(heard & VIDEO) == 1
    assert heard - VIDEO == {PLACE, "press-1", "the caller"}
    assert prompts_heard(phone) == {"caller/waiting", "a person"}
    phone.hang_up()
    lead.wait_event("CALL_CLOSED", 20)
    own.until_incident(lambda found: found["state"] == "closed", "closed")
    assert rung(crew) == {DESK: 1, SECOND: 1}
    assert len(lead.events("CALL_ESTABLISHED")) == 1


def test_killed_before_the_picture_was_confirmed(own: OwnScene, people: People) -> None:
    """They have taken the orders, and die before they have carried them out: dispatch is rung at once."""
    own.site["times"]["picture"] = NEVER
    own.write_site()
    order(own, Rule(fault=Fault.SILENT))
    own.start()
    crew = people.crew({SECOND: rings_unanswered(), MANAGER: rings_unanswered()})
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    own.until(lambda: asked(own), "asked for pictures")
    switch_off(own)
    assert crew[SECOND].wait_received("INVITE", 20).header("From").startswith('"SOS TANKFARM-EAST-POST-03"')
    own.until_incident(lambda found: steps(found, "notify") == [("notify", "shift", "accepted")], "rung")
    assert rung(crew) == {SECOND: 1}


def asked(own: OwnScene) -> bool:
    """Whether both VMSs have got an order."""
    servers = (own.plant.zoneminder, own.plant.wall)
    return all(any(request.method != "GET" for request in list(server.requests)) for server in servers)


def test_killed_after_the_picture_was_confirmed(own: OwnScene, people: People) -> None:
    """Somebody sees it. Dispatch is rung when the console lets it ring too long, and hears of no picture."""
    own.site["times"] |= {"picture": NEVER, "escalate_1": 3.0}
    own.write_site()
    own.start()
    crew = people.crew({DESK: rings_unanswered(), SECOND: rings_unanswered(), MANAGER: rings_unanswered()})
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    own.until_incident(seen, "seen")
    switch_off(own)
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    until_both_hear(phone, lead)
    assert prompts_heard(lead) == {PLACE, "press-1", "the caller"}
    assert rung(crew) == {DESK: 1, SECOND: 1}


def seen(story: Story) -> bool:
    """Whether the picture is confirmed: its display, and cameras that live."""
    return {state for _, _, state in steps(story, "start_recording", "show")} == {"verified"}
