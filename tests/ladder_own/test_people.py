"""Who of dispatch takes an SOS when others do not; and the phone that hung up meanwhile is called back."""

from __future__ import annotations

import pytest

from tests.ladder_own.people import People
from tests.ladder_own.scene import EAST, GATE, GATEKEEPER, LEAD, MANAGER, SECOND, OwnScene, switch_off
from tests.ladder_own.sounds import CALLER, PERSON, TONES, until_both_hear, until_hears
from tests.parts.baresip import Baresip
from tests.parts.sip import refuses, rings_unanswered

pytestmark = pytest.mark.real("sipp", "baresip")


def test_the_first_is_busy_the_second_silent_the_third_presses_1(own: OwnScene, people: People) -> None:
    own.exchange |= {"in_sequence": True, "ring": 2}
    own.site["dispatch"]["groups"]["shift"]["tiers"] = [[SECOND, MANAGER, LEAD]]
    own.site["times"]["escalate_1"] = 0.2
    own.write_site()
    own.start()
    crew = people.crew({SECOND: refuses(), MANAGER: rings_unanswered(), GATEKEEPER: rings_unanswered()})
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    phone = people.baresip(EAST, plays=CALLER)
    phone.dial("9110")
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    until_both_hear(phone, lead)
    own.until_incident(lambda found: found["acknowledged_by"] == LEAD, "acknowledged")
    busy, silent = crew[SECOND].received("INVITE")[0], crew[MANAGER].received("INVITE")[0]
    given_up = crew[MANAGER].received("CANCEL")[0]
    assert busy.at <= silent.at < given_up.at <= lead.events("CALL_ESTABLISHED")[0]["seen_at"]
    assert not crew[GATEKEEPER].received("INVITE")


def hung_up_in_the_announcement(own: OwnScene, people: People, endpoint: str) -> tuple[Baresip, Baresip]:
    """A phone whose SOS is being announced hangs up; then 1 is pressed. Returns phone and dispatcher."""
    switch_off(own)
    own.start()
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    phone = people.baresip(endpoint, plays=CALLER)
    phone.dial("9110")
    until_hears(lead, TONES["press-1"])
    phone.hang_up()
    own.until_incident(lambda found: found["calls"][0]["ended_at"], "known to have hung up")
    lead.press("1")
    own.until_incident(lambda found: found["acknowledged_by"] == LEAD, "acknowledged")
    return phone, lead


def test_who_hung_up_is_called_into_the_dispatchers_call(own: OwnScene, people: People) -> None:
    phone, lead = hung_up_in_the_announcement(own, people, EAST)
    phone.wait_event("CALL_INCOMING", 20)
    phone.accept()
    until_both_hear(phone, lead)
    assert len(lead.events("CALL_ESTABLISHED")) == 1


def test_who_must_not_be_called_back_is_not(own: OwnScene, people: People) -> None:
    """Ringing could give somebody away; the dispatcher hears that the phone is not called."""
    phone, lead = hung_up_in_the_announcement(own, people, GATE)
    lead.wait_event("CALL_CLOSED", 20)
    until_hears(lead, TONES["never"])
    assert not phone.events("CALL_INCOMING")
