"""Alarms in XProtect: one for an incident, moved on, closed, and what operators do with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge.errors import Permanent, Retryable, Uncertain, Unsent
from bridge.model import DeliveryState, Event, Kind, Operation
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.milestone_plant import number_of
from tests.drivers.case import INCIDENT, HastyClock
from tests.drivers.cases_milestone import FIXED, MONITOR, PTZ
from tests.drivers.milestone_site import Site, site_at
from tests.http.conftest import RealClock

FIRST = number_of("alarms", 1)
OTHER = "77777777-2222-5333-8444-555566667777"


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    async with site_at(hasty) as site:
        yield site


async def popup(site: Site, **fields: Any) -> str:
    return (await site.do(Operation.POPUP, MONITOR, cameras=f"{PTZ},{FIXED}", **fields)).reference


async def test_popup(site: Site) -> None:
    reference = await popup(site)
    [alarm] = site.fake.state.alarms.values()
    assert reference == f"alarm:{alarm['id']}"
    assert alarm["name"] == "SOS TANKFARM-EAST-POST-03"
    assert alarm["source"] == PTZ
    assert f"incident {INCIDENT}" in alarm["message"]


async def test_the_source_as_a_path(hasty: HastyClock) -> None:
    async with site_at(hasty, alarm_source="path") as site:
        await popup(site)
        assert site.fake.state.alarms[FIRST]["source"] == f"cameras/{PTZ}"


async def test_one_alarm_for_an_incident(site: Site) -> None:
    """Two consoles at once: every operator sees the same Alarm Manager."""
    both = await asyncio.gather(popup(site, id="one"), popup(site, id="two"))
    assert set(both) == {f"alarm:{FIRST}"}
    await popup(site, incident=OTHER)
    assert len(site.fake.state.alarms) == 2


async def test_a_second_press_makes_a_taken_alarm_new_again(site: Site) -> None:
    reference = await popup(site)
    await site.do(Operation.UPDATE_POPUP, MONITOR, reference=reference, acknowledged_by="ann")
    receipt = await site.do(
        Operation.POPUP, MONITOR, id="again", news="pressed again", title="SOS TANKFARM: pressed again"
    )
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == f"alarm {FIRST} is New: SOS TANKFARM: pressed again"
    assert site.fake.state.alarms[FIRST]["state"]["name"] == "New"
    assert len(site.fake.state.alarms) == 1


async def test_an_alarm_is_found_again_after_a_restart(site: Site) -> None:
    await popup(site)
    restarted = site.restarted()
    assert await popup(restarted, doubtful=True) == f"alarm:{FIRST}"
    await restarted.driver.close()
    assert len(site.fake.state.alarms) == 1


async def test_an_alarm_that_may_not_be_looked_for_after_a_restart(site: Site) -> None:
    """Nothing says that there is one: twice is better than never."""
    await popup(site)
    site.fake.faults.order(Rule(fault=Fault.STATUS, method="GET", path="/api/rest/v1/alarms", status=403))
    site.fake.requests.clear()
    restarted = site.restarted()
    await popup(restarted, doubtful=True)
    await restarted.driver.close()
    lines = [str(request) for request in site.fake.requests if "alarms" in str(request)]
    assert lines[:2] == ["GET /api/rest/v1/alarms", "POST /api/rest/v1/alarms"]
    assert len(site.fake.state.alarms) == 2


async def test_an_alarm_that_comes_late(site: Site) -> None:
    site.fake.rest.late_alarms = 3
    assert await popup(site) == f"alarm:{FIRST}"


async def test_an_alarm_that_never_comes(site: Site) -> None:
    """202 without effect: it may come late, so it is not raised again, and never called verified."""
    site.fake.faults.order(Rule(fault=Fault.LIE, method="POST", path="/alarms", times=1))
    with pytest.raises(Uncertain, match="was accepted, and is not there yet"):
        await popup(site)
    receipt = await site.do(Operation.POPUP, MONITOR, attempts=2, doubtful=True)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert receipt.proof.endswith("still not to be seen")
    assert site.asked("POST /api/rest/v1/alarms") == 1


async def test_an_alarm_that_is_listed_too_late_is_raised_once(site: Site) -> None:
    site.fake.rest.late_alarms = 15
    with pytest.raises(Uncertain):
        await popup(site)
    receipt = await site.do(Operation.POPUP, MONITOR, attempts=2, doubtful=True)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert len(site.fake.state.alarms) == 1


async def test_a_lost_alarm_among_thousands(site: Site) -> None:
    """The order of the list is in no document: ours may be the last."""
    for count in range(2000, 3200):
        number = number_of("alarms", count)
        site.fake.state.alarms[number] = {"id": number, "name": "motion", "message": "no SOS"}
    site.fake.faults.order(Rule(fault=Fault.RESET, method="POST", path="/alarms", times=1))
    with pytest.raises(Uncertain):
        await popup(site)
    assert await popup(site, attempts=2, doubtful=True) == f"alarm:{FIRST}"
    assert site.asked("POST /api/rest/v1/alarms") == 1


async def test_a_lost_alarm_that_may_not_be_looked_for(site: Site) -> None:
    """It is not raised again blindly, and not called failed."""
    site.fake.faults.order(Rule(fault=Fault.RESET, method="POST", path="/alarms"))
    site.fake.faults.order(Rule(fault=Fault.STATUS, method="GET", path="/alarms", status=403))
    with pytest.raises(Uncertain):
        await popup(site)
    for _ in range(3):
        with pytest.raises(Unsent, match="cannot be looked for"):
            await popup(site, attempts=2, doubtful=True)
    assert len(site.fake.state.alarms) == 1


async def test_an_alarm_that_may_not_be_read(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, method="GET", path="/alarms/", status=403))
    receipt = await site.do(Operation.POPUP, MONITOR, cameras=PTZ)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "cannot be read back" in receipt.proof


@pytest.mark.parametrize("status", [0, 403, 500])
async def test_what_was_done_and_cannot_be_read_back_is_accepted(site: Site, status: int) -> None:
    """status 0: the connection is reset."""
    kind = Fault.STATUS if status else Fault.RESET
    reference = await popup(site)
    await site.do(Operation.UPDATE_POPUP, MONITOR, acknowledged_by="A. Person")
    site.fake.faults.order(Rule(fault=kind, method="GET", path="/alarms/", status=status))
    for operation in (Operation.POPUP, Operation.CLOSE_POPUP):
        receipt = await site.do(operation, MONITOR, reference=reference)
        assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, reference)
        assert "cannot be read back" in receipt.proof
    assert site.fake.state.alarms[FIRST]["state"]["name"] == "Closed"


async def test_what_an_operator_has_closed_stays_closed(site: Site) -> None:
    reference = await popup(site)
    site.fake.operator_takes(FIRST, "Closed", "anna")
    receipt = await site.do(Operation.UPDATE_POPUP, MONITOR, reference=reference, acknowledged_by="B. Person")
    alarm = site.fake.state.alarms[FIRST]
    assert alarm["state"]["name"] == "Closed"
    assert alarm["comment"] == "acknowledged by B. Person"
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "it is Closed already, and stays so" in receipt.proof


async def test_a_state_that_may_not_be_read_is_left_alone(site: Site) -> None:
    reference = await popup(site)
    site.fake.faults.order(Rule(fault=Fault.STATUS, method="GET", path="/alarms/", status=403))
    receipt = await site.do(Operation.UPDATE_POPUP, MONITOR, reference=reference, acknowledged_by="B. Person")
    assert "state is left alone" in receipt.proof
    assert site.fake.state.alarms[FIRST]["state"]["name"] == "New"


async def test_update_and_close(site: Site) -> None:
    reference = await popup(site)
    written = await site.do(Operation.UPDATE_POPUP, MONITOR, reference=reference)
    assert written.outcome is DeliveryState.ACCEPTED
    taken = await site.do(Operation.UPDATE_POPUP, MONITOR, reference=reference, acknowledged_by="A. Person")
    assert taken.proof == f"alarm {FIRST} is In progress: acknowledged by A. Person"
    assert taken.outcome is DeliveryState.VERIFIED
    closed = await site.do(
        Operation.CLOSE_POPUP,
        MONITOR,
        reference=reference,
        closed_by="B. Person",
        close_reason="false alarm\r\nx",
    )
    assert closed.outcome is DeliveryState.VERIFIED
    alarm = site.fake.state.alarms[FIRST]
    assert alarm["state"]["name"] == "Closed"
    assert alarm["comment"] == "closed by B. Person: false alarm x"


async def test_an_incident_without_reference_finds_its_alarm(site: Site) -> None:
    await popup(site)
    closed = await site.do(Operation.CLOSE_POPUP, MONITOR)
    assert closed.outcome is DeliveryState.VERIFIED
    with pytest.raises(Permanent, match=f"no alarm of incident {OTHER}"):
        await site.do(Operation.CLOSE_POPUP, MONITOR, incident=OTHER)


async def test_a_state_that_is_not_taken(site: Site) -> None:
    reference = await popup(site)
    site.fake.faults.order(Rule(fault=Fault.LIE, method="PATCH"))
    with pytest.raises(Retryable, match="Closed was accepted; it reads"):
        await site.do(Operation.CLOSE_POPUP, MONITOR, reference=reference)


async def test_states_by_level(hasty: HastyClock) -> None:
    async with site_at(hasty, closed_state="11", acknowledged_state="4") as site:
        await popup(site)
        await site.do(Operation.CLOSE_POPUP, MONITOR)
        assert site.fake.state.alarms[FIRST]["state"]["name"] == "Closed"
        assert await site.texts("error") == []


async def test_a_state_that_the_site_does_not_have(hasty: HastyClock) -> None:
    async with site_at(hasty, closed_state="Done") as site:
        await popup(site)
        with pytest.raises(Permanent, match="no alarm state 'Done'; there is New, In progress"):
            await site.do(Operation.CLOSE_POPUP, MONITOR)


# --- what operators do ---------------------------------------------------------------------------------


class Heard:
    """Events that a watch reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.came = asyncio.Event()

    async def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.came.set()


class Quick(RealClock):
    """Waits a hundredth of what it is asked to."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@asynccontextmanager
async def watched(site: Site) -> AsyncIterator[Heard]:
    heard = Heard()
    watching = asyncio.create_task(site.driver.watch(heard))
    try:
        yield heard
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@pytest.fixture
async def quick() -> AsyncIterator[Site]:
    async with site_at(Quick()) as site:
        yield site


@pytest.mark.parametrize("state", ["In progress", "Closed"])
async def test_an_operator_takes_our_alarm(quick: Site, state: str) -> None:
    async with watched(quick) as heard:
        await popup(quick)
        quick.fake.operator_takes(FIRST, state, "PLANT\\anna")
        await asyncio.wait_for(heard.came.wait(), 20)
        await asyncio.sleep(0.2)
    [event] = heard.events
    assert (event.kind, event.source, event.key) == (
        Kind.ACKNOWLEDGED,
        "vms/xp",
        f"alarm/{FIRST}/acknowledged",
    )
    assert event.incident == INCIDENT
    assert event.attributes == {"by": "PLANT\\anna", "how": "xp"}


async def test_an_operator_takes_an_alarm_that_was_made_new_again(quick: Site) -> None:
    async with watched(quick) as heard:
        await popup(quick)
        quick.fake.operator_takes(FIRST, "In progress", "anna")
        await asyncio.wait_for(heard.came.wait(), 20)
        heard.came.clear()
        await popup(quick, id="again", news="pressed again")
        quick.fake.operator_takes(FIRST, "In progress", "mia")
        await asyncio.wait_for(heard.came.wait(), 20)
    assert [event.attributes["by"] for event in heard.events] == ["anna", "mia"]
    assert len({event.id for event in heard.events}) == 2


async def test_an_operator_without_a_name(quick: Site) -> None:
    async with watched(quick) as heard:
        await popup(quick)
        quick.fake.operator_takes(FIRST, "In progress", "")
        await asyncio.wait_for(heard.came.wait(), 20)
    assert heard.events[0].attributes["by"] == "operator at xp"


async def test_what_we_do_ourselves_is_nobodys_acknowledgement(quick: Site) -> None:
    async with watched(quick) as heard:
        await popup(quick)
        await quick.do(Operation.UPDATE_POPUP, MONITOR, acknowledged_by="A. Person")
        await asyncio.sleep(0.2)
    assert heard.events == []


async def test_nothing_is_asked_while_no_alarm_is_open(quick: Site) -> None:
    async with watched(quick):
        await asyncio.sleep(0.3)
    assert quick.asked("/alarms") == 1  # once, for what was open before a restart
    assert quick.asked("/alarms/") == 0


async def test_open_alarms_are_found_again_after_a_restart(quick: Site) -> None:
    await popup(quick)
    await popup(quick, incident=OTHER)
    quick.fake.operator_takes(number_of("alarms", 2), "Closed", "before")
    restarted = quick.restarted()
    async with watched(restarted) as heard:
        await asyncio.sleep(0.1)
        quick.fake.operator_takes(FIRST, "In progress", "after")
        await asyncio.wait_for(heard.came.wait(), 20)
    await restarted.driver.close()
    assert [event.incident for event in heard.events] == [INCIDENT]


async def test_a_user_who_may_not_see_alarms_is_not_asked_all_the_time(quick: Site) -> None:
    quick.fake.faults.order(Rule(fault=Fault.STATUS, method="GET", path="/alarms", status=403))
    async with watched(quick) as heard:
        await asyncio.sleep(0.3)
    assert quick.asked("GET /api/rest/v1/alarms") == 1
    assert heard.events == []


async def test_a_gateway_that_is_away_for_a_while(quick: Site) -> None:
    async with watched(quick) as heard:
        await popup(quick)
        await quick.fake.stop()
        await asyncio.sleep(0.2)
        await quick.fake.start()
        quick.fake.operator_takes(FIRST, "In progress", "anna")
        await asyncio.wait_for(heard.came.wait(), 20)
    assert len(heard.events) == 1


@pytest.mark.parametrize("remembers", [True, False], ids=["same process", "after a restart"])
async def test_an_alarm_whose_answer_was_lost_is_watched(quick: Site, remembers: bool) -> None:
    second = quick if remembers else quick.restarted()
    async with watched(second) as heard:
        await asyncio.sleep(0.1)
        quick.fake.faults.order(Rule(fault=Fault.RESET, method="POST", path="/alarms", times=1))
        with pytest.raises(Uncertain):
            await popup(quick)
        await popup(second, attempts=2, doubtful=True)
        quick.fake.operator_takes(FIRST, "In progress", "anna")
        await asyncio.wait_for(heard.came.wait(), 20)
    await second.driver.close()
    assert [event.incident for event in heard.events] == [INCIDENT]


async def test_what_was_open_before_is_looked_for_until_it_is_found(quick: Site) -> None:
    await popup(quick)
    restarted = quick.restarted()
    quick.fake.faults.order(
        Rule(fault=Fault.STATUS, method="GET", path="/api/rest/v1/alarms", status=500, times=3)
    )
    async with watched(restarted) as heard:
        await quick.fake.received(len(quick.fake.requests) + 8)  # three in vain, then the list, and looks
        quick.fake.operator_takes(FIRST, "In progress", "anna")
        await asyncio.wait_for(heard.came.wait(), 20)
    await restarted.driver.close()


@pytest.mark.parametrize("status", [403, 500])
async def test_one_alarm_that_cannot_be_asked_for_does_not_hide_the_others(quick: Site, status: int) -> None:
    async with watched(quick) as heard:
        await popup(quick)
        await popup(quick, incident=OTHER)
        quick.fake.faults.order(
            Rule(fault=Fault.STATUS, method="GET", path=f"/alarms/{FIRST}", status=status)
        )
        await asyncio.sleep(0.2)
        quick.fake.operator_takes(number_of("alarms", 2), "In progress", "anna")
        await asyncio.wait_for(heard.came.wait(), 20)
    assert heard.events[0].incident == OTHER
