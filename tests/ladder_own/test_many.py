"""Several SOS at once for the same few dispatchers: none is dropped, and each is known from the others."""

from __future__ import annotations

from typing import Final

import pytest

from tests.app.scene import Story
from tests.ladder_own.people import People
from tests.ladder_own.scene import EAST, LEAD, MANAGER, SECOND, WEST, OwnScene, switch_off
from tests.ladder_own.sounds import (
    CALLER,
    CERTAIN,
    PERSON,
    TONES,
    WAITING,
    heard_so_far,
    seconds_of,
    until_both_hear,
    until_hears,
)
from tests.parts.sip import Phone, Sipp, answers, calls

pytestmark = pytest.mark.real("sipp", "baresip")

CROWD: Final = 20
ENDPOINTS: Final = {"TANKFARM-EAST-POST-03": EAST, "TANKFARM-WEST-POST-01": WEST}


def taken(sipp: Sipp) -> list[str]:
    """Return what the telephone showed (From) in each call in which 1 was pressed."""
    shown = {message.header("Call-ID"): message.header("From") for message in sipp.received("INVITE")}
    pressed = dict.fromkeys(message.header("Call-ID") for message in sipp.sent("INFO"))
    return [shown[call].split('"')[1] for call in pressed]


def had_by(own: OwnScene, person: str) -> list[Story]:
    return [story for story in own.incidents() if story["acknowledged_by"] == person]


def test_two_at_once_for_two_dispatchers(own: OwnScene, people: People) -> None:
    """One takes whatever comes first. The other waits, hears which is left, sees it, and takes that."""
    switch_off(own)
    own.start()
    second = people.crew({SECOND: answers(presses=[(0.5, "1")])})[SECOND]
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    phones = {endpoint: people.baresip(endpoint, plays=CALLER) for endpoint in (EAST, WEST)}
    for phone in phones.values():
        phone.dial("9110")
    own.until(lambda: had_by(own, SECOND) and len(own.incidents()) == 2, "two, of which one is taken")
    [first] = had_by(own, SECOND)
    [left] = [story for story in own.incidents() if story["id"] != first["id"]]
    assert taken(second) == [f"SOS {first['location']}"]
    until_hears(lead, TONES[f"location-{left['location']}"])
    until_hears(lead, TONES["press-1"])
    lead.press("1")
    own.until(lambda: had_by(own, LEAD), "taken as well")
    assert [story["location"] for story in had_by(own, LEAD)] == [left["location"]]
    until_both_hear(phones[ENDPOINTS[left["location"]]], lead)
    assert lead.events("CALL_ESTABLISHED")[-1]["peerdisplayname"] == f"SOS {left['location']}"
    assert len(had_by(own, SECOND)) == 1


def test_twenty_at_once_for_three_dispatchers(own: OwnScene, people: People) -> None:
    """Each 1 is for the one just spoken, whose place the telephone shows; in the end each has its person."""
    crowd(own, CROWD)
    own.site["times"]["escalate_1"] = 2.0  # from then on whom nobody took is rung for again and again
    own.write_site()
    switch_off(own)
    own.start()
    takes_one = answers(presses=[(0.6, "1")], hangs_up_after=0.2)
    crew = people.crew(dict.fromkeys((LEAD, SECOND, MANAGER), takes_one))
    people.caller(calls(Phone("45[call_number]")), calls_wanted=CROWD, rate=CROWD)
    own.until(lambda: len(own.incidents()) == CROWD, "all there", 60)
    own.until(lambda: all(story["acknowledged_by"] for story in own.incidents()), "all taken", 60)
    stories = own.incidents()
    assert {story["location"] for story in stories} == {place(number) for number in range(1, CROWD + 1)}
    pressed = {person: taken(sipp) for person, sipp in crew.items()}
    for story in stories:  # of several who press 1 for the same, the first has it
        assert f"SOS {story['location']}" in pressed[story["acknowledged_by"]]


def test_who_picks_up_hears_that_others_wait(own: OwnScene, people: People) -> None:
    """Nobody presses 1 for the first: it is said once, so that the next is heard. A 1 is for that alone."""
    crowd(own, 3)
    own.exchange["key_wait"] = 4
    own.site["times"]["escalate_1"] = 0.2
    own.write_site()
    own.start()
    people.caller(calls(Phone("45[call_number]")), calls_wanted=3)
    own.until(lambda: len(own.incidents()) == 3, "three")
    lead = people.baresip(LEAD, auto_answer=True, plays=PERSON)
    lead.wait_event("CALL_ESTABLISHED", 30, count=2)
    until_hears(lead, TONES["press-1"])
    assert seconds_of(heard_so_far(lead), WAITING) >= CERTAIN
    lead.press("1")
    own.until(lambda: had_by(own, LEAD), "one taken")
    first, second = (event["peerdisplayname"] for event in lead.events("CALL_ESTABLISHED"))
    [story] = had_by(own, LEAD)
    assert second == f"SOS {story['location']}" != first
    assert sum(story["acknowledged_by"] == "" for story in own.incidents()) == 2


def place(number: int) -> str:
    return f"JETTY-POST-{number:02}"


def crowd(own: OwnScene, size: int) -> None:
    """A gateway with a phone at each of so many places."""
    cameras = own.site["locations"]["TANKFARM-JETTY-HEAD"]["cameras"]
    for number in range(1, size + 1):
        phone = {"endpoint": "gateway-jetty", "extension": f"45{number}", "shared": True}
        own.site["phones"][f"POST-{number:02}"] = {**phone, "location": place(number)}
        own.site["locations"][place(number)] = {"spoken": f"Post {number}", "cameras": cameras}
    for name in ("JETTY-01", "JETTY-02", "JETTY-03"):
        del own.site["phones"][name]
    own.exchange["trunks"]["gateway-jetty"] = {"host": "127.0.0.1"}
    own.site["dispatch"]["groups"]["shift"]["tiers"] = [[LEAD, SECOND, MANAGER]]
    own.write_site()
