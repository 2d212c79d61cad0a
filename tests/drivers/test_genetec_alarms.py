"""Alarms of Security Center: triggered once, acknowledged by us or by an operator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bridge.drivers.genetec.alarms import TRIES_KEPT
from bridge.errors import Permanent, Retryable, Uncertain
from bridge.model import DeliveryState, Event, Kind, Operation, Receipt, Tier
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.genetec_site import FakeInstance
from tests.drivers.case import INCIDENT, HastyClock
from tests.drivers.cases_genetec import ALARM, BRIDGE, OPERATOR, PTZ
from tests.drivers.genetec_plant import Plant, running
from tests.fake_clock import FakeClock

SECOND = "000000a1-0000-0000-0000-000000000002"
"""Another alarm entity."""
OTHER = "77777777-2222-5333-8444-555566667777"
"""Another incident."""


@pytest.fixture
async def plant(hasty: HastyClock) -> AsyncIterator[Plant]:
    async with running(hasty) as made:
        made.fake.state.add("Alarm", SECOND, "SOS west")
        yield made


async def popup(plant: Plant, console: str = "65", **fields: object) -> Receipt:
    return await plant.do(Operation.POPUP, console, cameras=PTZ, **fields)


# --- triggering ----------------------------------------------------------------------------------------


async def test_the_receipt_names_the_instance(plant: Plant) -> None:
    receipt = await popup(plant)
    assert receipt == Receipt(
        outcome=DeliveryState.VERIFIED,
        proof=f"instance 1 of alarm {ALARM} is active",
        reference=f"alarm:1@{ALARM}",
    )


async def test_several_consoles_share_the_alarm(plant: Plant) -> None:
    """The alarm's recipients are in Security Center: one instance is enough for all of them."""
    receipts = await asyncio.gather(*(popup(plant, console) for console in ("65", "66", "67")))
    assert {receipt.reference for receipt in receipts} == {f"alarm:1@{ALARM}"}
    assert len(plant.fake.state.instances) == 1


async def test_two_incidents_have_an_instance_each(plant: Plant) -> None:
    receipts = await asyncio.gather(popup(plant), popup(plant, incident=OTHER))
    assert {receipt.reference for receipt in receipts} == {f"alarm:1@{ALARM}", f"alarm:2@{ALARM}"}


async def test_a_new_alarm_after_the_first_was_acknowledged(plant: Plant) -> None:
    """Pressed again: the operators must see it again."""
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    assert (await popup(plant)).reference == f"alarm:2@{ALARM}"


@pytest.mark.parametrize(
    ("console", "tier", "alarm"),
    [("65", Tier.EMERGENCY, ALARM), ("66", Tier.EMERGENCY, SECOND), ("66", Tier.ROUTINE, PTZ)],
)
async def test_alarms_of_consoles_and_tiers(plant: Plant, console: str, tier: Tier, alarm: str) -> None:
    plant.configure(alarms={"66": SECOND}, routine_alarm=PTZ)
    await popup(plant, console, tier=tier)
    assert [instance.alarm for instance in plant.fake.state.instances] == [alarm]


async def test_a_console_without_an_alarm(plant: Plant) -> None:
    plant.configure(alarm=None, alarms={"66": SECOND})
    with pytest.raises(Permanent, match="no alarm is configured for console 65"):
        await popup(plant)


@pytest.mark.parametrize(("named", "source"), [(False, ""), (True, PTZ)])
async def test_the_source_of_the_alarm(plant: Plant, named: bool, source: str) -> None:
    plant.configure(alarm_names_camera=named)
    await popup(plant)
    assert plant.fake.state.instances[0].source == source


async def test_an_alarm_that_does_not_come_up(plant: Plant) -> None:
    plant.fake.faults.order(Rule(fault=Fault.LIE, path="TriggerAlarm"))
    with pytest.raises(Retryable, match="no new instance of it is active: is it in its schedule"):
        await popup(plant)


async def test_triggering_is_never_repeated_blindly(plant: Plant) -> None:
    """A GET, and still the answer decides: without one the active instances are asked."""
    plant.fake.faults.order(Rule(fault=Fault.RESET, path="TriggerAlarm"))
    receipt = await popup(plant)
    assert receipt.proof == f"instance 1 of alarm {ALARM} is active after all"
    assert plant.asked("TriggerAlarm") == 1


async def test_no_answer_and_nothing_to_be_seen(plant: Plant) -> None:
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=500, path="TriggerAlarm"))
    with pytest.raises(Uncertain, match="HTTP 500"):
        await popup(plant)
    assert plant.asked("TriggerAlarm") == 1


async def test_the_active_alarms_cannot_be_asked_afterwards(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_after_triggering(method: str, path: str) -> Rule | None:
        late = "AlarmActivity" in path and plant.asked("TriggerAlarm") > 0
        return Rule(fault=Fault.STATUS, status=503) if late else None

    monkeypatch.setattr(plant.fake.faults, "take", refuse_after_triggering)
    with pytest.raises(Uncertain, match="sent, but the active alarms cannot be asked"):
        await popup(plant)


async def test_not_all_alarms_are_told(plant: Plant) -> None:
    """Half a list cannot say which instance is new."""
    plant.fake.says["AlarmActivity"] = "TooManyResults"
    with pytest.raises(Retryable, match="toomanyresults"):
        await popup(plant)
    assert plant.asked("TriggerAlarm") == 0


async def test_a_report_without_instances(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plant.fake, "_activity", lambda _: ("Ok", [{"Alarm": ALARM}]))
    with pytest.raises(Retryable, match="names no InstanceId"):
        await popup(plant)


# --- after a restart -----------------------------------------------------------------------------------


async def test_a_repeat_after_a_restart_finds_its_alarm(plant: Plant) -> None:
    """Nothing but the time speaks for it, so nothing is verified."""
    decided = plant.clock.now()
    await plant.clock.sleep(1)
    await popup(plant)
    plant.configure()
    receipt = await popup(plant, doubtful=True, created_at=decided)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, f"alarm:1@{ALARM}")
    assert "which nothing can prove" in receipt.proof
    assert plant.asked("TriggerAlarm") == 1


@pytest.mark.parametrize(
    ("created", "started", "fields"),
    [
        (0.0, None, {"doubtful": True}),
        (5.0, None, {"doubtful": True}),
        (-5.0, 0.0, {"doubtful": True, "attempts": 2}),
        (-5.0, -5.0, {"attempts": 2}),
        (-5.0, -5.0, {"attempts": 9}),
    ],
    ids=["same moment", "older", "before the first attempt", "no doubt", "no doubt at all"],
)
async def test_a_repeat_after_a_restart_takes_no_other_alarm(
    plant: Plant, created: float, started: float | None, fields: dict[str, object]
) -> None:
    """Of another incident, or raised by hand: rather twice than never."""
    await popup(plant, incident=OTHER)
    plant.configure()
    now = plant.clock.now()
    times = {"created_at": now + created, "started_at": None if started is None else now + started}
    receipt = await plant.do(Operation.POPUP, "65", **times, **fields)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.VERIFIED, f"alarm:2@{ALARM}")


async def test_two_alarms_that_could_be_ours_are_not_guessed_at(plant: Plant) -> None:
    decided = plant.clock.now()
    await plant.clock.sleep(1)
    await popup(plant)
    plant.fake.state.trigger(ALARM, "", plant.clock.now())
    plant.configure()
    receipt = await popup(plant, doubtful=True, created_at=decided)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.VERIFIED, f"alarm:3@{ALARM}")


async def test_what_a_reference_names_is_no_other_incident_s(plant: Plant) -> None:
    """A change of the other incident's pop-up told whose it is."""
    decided = plant.clock.now()
    await plant.clock.sleep(1)
    shown = await popup(plant, incident=OTHER)
    plant.configure()
    await plant.do(Operation.UPDATE_POPUP, "65", incident=OTHER, reference=shown.reference)
    receipt = await popup(plant, doubtful=True, created_at=decided)
    assert receipt.reference == f"alarm:2@{ALARM}"


async def test_an_alarm_that_comes_up_late_is_found_by_the_repeat(plant: Plant) -> None:
    """It said yes, and the instance was not there in time."""
    plant.fake.state.trigger(ALARM, "", plant.clock.now())
    plant.fake.faults.order(Rule(fault=Fault.LIE, path="TriggerAlarm"))
    with pytest.raises(Retryable, match="no new instance"):
        await popup(plant)
    plant.fake.state.trigger(ALARM, PTZ, plant.clock.now())
    receipt = await popup(plant, attempts=2)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, f"alarm:2@{ALARM}")
    assert plant.asked("TriggerAlarm") == 1


async def test_somebody_triggers_the_alarm_at_the_same_moment(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the two is ours, and none of them is closed for the other."""
    trigger = plant.fake.state.trigger

    def twice(alarm: str, source: str, now: float) -> FakeInstance:
        trigger(alarm, source, now)
        return trigger(alarm, source, now)

    monkeypatch.setattr(type(plant.fake.state), "trigger", lambda _, *said: twice(*said))
    receipt = await popup(plant)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, "")
    assert "which of 2 new instances is ours cannot be told" in receipt.proof
    plant.fake.faults.order(Rule(fault=Fault.RESET, path="TriggerAlarm"))
    with pytest.raises(Uncertain):
        await popup(plant, id="another", incident=OTHER)


async def test_only_so_many_attempts_are_remembered(plant: Plant) -> None:
    plant.fake.faults.order(Rule(fault=Fault.LIE, path="TriggerAlarm"))
    plant.configure(alarm_wait=0)
    for number in range(TRIES_KEPT + 1):
        with pytest.raises(Retryable):
            await popup(plant, id=str(number))
    plant.fake.state.trigger(ALARM, "", plant.clock.now())
    plant.fake.faults.clear()
    assert (await popup(plant, id="0")).reference == f"alarm:2@{ALARM}"


async def test_a_repeat_takes_no_alarm_of_another_incident(plant: Plant) -> None:
    await popup(plant, incident=OTHER)
    assert (await popup(plant, doubtful=True)).reference == f"alarm:2@{ALARM}"


# --- closing -------------------------------------------------------------------------------------------


async def test_closing_acknowledges_the_instance(plant: Plant) -> None:
    shown = await popup(plant)
    await popup(plant, incident=OTHER)
    receipt = await plant.do(Operation.CLOSE_POPUP, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.VERIFIED
    states = [(instance.state, instance.acknowledged_by) for instance in plant.fake.state.instances]
    assert states == [("Acked", BRIDGE), ("Active", "")]


async def test_closing_what_an_operator_has_acknowledged(plant: Plant) -> None:
    shown = await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    receipt = await plant.do(Operation.CLOSE_POPUP, "65", reference=shown.reference)
    assert receipt.proof == f"instance 1 of alarm {ALARM} is not active"
    assert plant.asked("AcknowledgeAlarm") == 0


async def test_closing_without_a_reference(plant: Plant) -> None:
    await popup(plant)
    assert (await plant.do(Operation.CLOSE_POPUP, "65")).outcome is DeliveryState.VERIFIED


async def test_closing_what_nobody_knows(plant: Plant) -> None:
    for reference in ("", "alarm:x", f"alarm:1@{ALARM}; DROP", f"alarm:1@{'-' * 36}", "tiles:1="):
        with pytest.raises(Permanent, match="is not known: acknowledge it in Security Desk"):
            await plant.do(Operation.CLOSE_POPUP, "65", reference=reference)
    assert plant.fake.requests == []


async def test_closing_that_does_not_close(plant: Plant) -> None:
    shown = await popup(plant)
    plant.fake.faults.order(Rule(fault=Fault.LIE, path="AcknowledgeAlarm"))
    with pytest.raises(Retryable, match="was acknowledged, but is still active"):
        await plant.do(Operation.CLOSE_POPUP, "65", reference=shown.reference)


async def test_closing_whose_answer_is_lost(plant: Plant) -> None:
    shown = await popup(plant)
    plant.fake.faults.order(Rule(fault=Fault.RESET, path="AcknowledgeAlarm"))
    receipt = await plant.do(Operation.CLOSE_POPUP, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.VERIFIED


# --- operators acknowledge -----------------------------------------------------------------------------


class Heard:
    """Takes events in, and lets a test wait for them or for a number of polls."""

    def __init__(self, plant: Plant) -> None:
        self.events: list[Event] = []
        self.plant = plant
        self._more = asyncio.Event()

    async def _keep(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, count: int) -> None:
        """Return once this many events have come."""
        async with asyncio.timeout(20):
            while len(self.events) < count:
                self._more.clear()
                await self._more.wait()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.plant.driver.watch(self._keep))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def polls(self, count: int) -> None:
        """Return once this many more requests have been answered; the watch's clock costs no time."""
        await self.plant.fake.received(len(self.plant.fake.requests) + count)


@pytest.fixture
def heard(plant: Plant) -> Heard:
    return Heard(plant)


async def test_an_operator_acknowledges(plant: Plant, heard: Heard) -> None:
    await popup(plant)
    async with heard.listening():
        await heard.polls(2)
        assert heard.events == []
        at = plant.clock.now()
        plant.fake.state.acknowledge(1, OPERATOR, at)
        await heard.until(1)
    [event] = heard.events
    assert (event.kind, event.source, event.incident) == (Kind.ACKNOWLEDGED, "vms/sc", INCIDENT)
    assert dict(event.attributes) == {"by": "Ann", "how": "sc"}
    assert event.key == f"alarm:1@{ALARM}/acknowledged"
    assert event.occurred_at == pytest.approx(at, abs=0.001)


async def test_each_act_is_reported_once_and_then_it_is_quiet(plant: Plant, heard: Heard) -> None:
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    async with heard.listening():
        await heard.until(1)
        asked = len(plant.fake.requests)
        await asyncio.sleep(0.05)
        assert len(plant.fake.requests) == asked
    assert len(heard.events) == 1


async def test_nothing_is_asked_while_nothing_is_open(plant: Plant, heard: Heard) -> None:
    async with heard.listening():
        await asyncio.sleep(0.05)
    assert plant.fake.requests == []


@pytest.mark.parametrize("by", ["", BRIDGE])
async def test_no_person_acknowledged(plant: Plant, heard: Heard, by: str) -> None:
    """The alarm did it by itself, or we did: nobody has the incident."""
    await popup(plant)
    await popup(plant, incident=OTHER)
    plant.fake.state.acknowledge(1, by, plant.clock.now())
    plant.fake.state.acknowledge(2, OPERATOR, plant.clock.now())
    async with heard.listening():
        await heard.until(1)
    assert [event.incident for event in heard.events] == [OTHER]


async def test_what_we_closed_is_not_heard(plant: Plant, heard: Heard) -> None:
    await popup(plant)
    await plant.do(Operation.CLOSE_POPUP, "65")
    await popup(plant, incident=OTHER)
    plant.fake.state.acknowledge(2, OPERATOR, plant.clock.now())
    async with heard.listening():
        await heard.until(1)
    assert [event.incident for event in heard.events] == [OTHER]


@pytest.mark.parametrize("kind", [Fault.RESET, Fault.HTML, Fault.WRONG_TYPES])
async def test_a_bad_answer_is_asked_again(plant: Plant, heard: Heard, kind: Fault) -> None:
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    plant.fake.faults.order(Rule(fault=kind, path="AlarmActivity", times=2))
    async with heard.listening():
        await heard.until(1)
    assert plant.asked("AlarmActivity") == 5


async def test_a_report_that_cannot_be_confined_to_a_time(plant: Plant, heard: Heard) -> None:
    plant.fake.timeless = True
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    async with heard.listening():
        await heard.until(1)
    assert plant.asked("AlarmActivity") == 4


async def test_refused_credentials_are_not_tried_every_few_seconds() -> None:
    """That would lock the user out."""
    clock = FakeClock()
    async with running(clock) as plant:
        await asyncio.wait_for(popup(plant), 20)
        plant.fake.faults.order(Rule(fault=Fault.STATUS, status=401))
        asked = len(plant.fake.requests)
        async with Heard(plant).listening():
            await clock.advance(3.1)
            await plant.fake.received(asked + 2)
            for _ in range(2000):  # until it sleeps again
                if clock.sleepers:
                    break
                await asyncio.sleep(0.005)
            await clock.advance(59)
            assert len(plant.fake.requests) == asked + 2
            await clock.advance(2)
            await plant.fake.received(asked + 3)


async def test_an_operator_whose_name_is_not_told(plant: Plant, heard: Heard) -> None:
    plant.fake.state.entities[OPERATOR].name = ""
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    async with heard.listening():
        await heard.until(1)
    assert heard.events[0].attributes["by"] == "operator at sc"


@pytest.mark.parametrize("off", [-1e6, 1e6])
async def test_an_acknowledgement_at_an_absurd_time(plant: Plant, heard: Heard, off: float) -> None:
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now() + off)
    async with heard.listening():
        await heard.until(1)
    assert heard.events[0].occurred_at == pytest.approx(plant.clock.now(), abs=60)


async def test_an_operator_whom_our_user_may_not_see(plant: Plant, heard: Heard) -> None:
    """Somebody has the incident: that matters more than who."""
    await popup(plant)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    del plant.fake.state.entities[OPERATOR]
    async with heard.listening():
        await heard.until(1)
    assert heard.events[0].attributes["by"] == "operator at sc"


@pytest.mark.parametrize("broken", [ALARM, SECOND])
@pytest.mark.parametrize("status", ["Partial", "TooManyResults"])
async def test_one_report_that_fails_silences_no_other(
    plant: Plant, heard: Heard, monkeypatch: pytest.MonkeyPatch, broken: str, status: str
) -> None:
    plant.configure(alarms={"66": SECOND})
    await popup(plant)
    await popup(plant, "66", incident=OTHER)
    for number in (1, 2):
        plant.fake.state.acknowledge(number, OPERATOR, plant.clock.now())
    ask = plant.fake._activity
    monkeypatch.setattr(plant.fake, "_activity", lambda q: (status, None) if broken in q else ask(q))
    async with heard.listening():
        await heard.until(1)
        await heard.polls(4)
    assert [event.incident for event in heard.events] == [OTHER if broken == ALARM else INCIDENT]


async def test_an_acknowledgement_after_a_restart(plant: Plant, heard: Heard) -> None:
    """A change of the pop-up brings its reference along, and from then on it is watched."""
    shown = await popup(plant)
    plant.configure()
    for _ in range(2):
        await plant.do(Operation.UPDATE_POPUP, "65", reference=shown.reference)
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    async with heard.listening():
        await heard.until(1)
        await plant.do(Operation.UPDATE_POPUP, "65", reference=shown.reference)
        asked = plant.asked("AlarmActivity")
        await asyncio.sleep(0.05)
        assert plant.asked("AlarmActivity") == asked
    assert [event.incident for event in heard.events] == [INCIDENT]


@pytest.mark.parametrize(("doubtful", "heard_of"), [(False, 1), (True, 0)])
async def test_closing_what_an_operator_acknowledged_while_we_were_away(
    plant: Plant, heard: Heard, doubtful: bool, heard_of: int
) -> None:
    """It is heard; not after a doubtful attempt, which may have been what acknowledged it."""
    shown = await popup(plant)
    plant.configure()
    plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    await plant.do(Operation.CLOSE_POPUP, "65", reference=shown.reference, doubtful=doubtful)
    async with heard.listening():
        if heard_of:
            await heard.until(1)
        else:
            await asyncio.sleep(0.05)
    assert len(heard.events) == heard_of


async def test_what_somebody_closed_is_not_asked_about_for_ever(plant: Plant, heard: Heard) -> None:
    """It left the screens in a way that the report does not list."""
    shown = await popup(plant)
    plant.fake.state.instances.clear()
    await plant.do(Operation.CLOSE_POPUP, "65", reference=shown.reference)
    async with heard.listening():
        await heard.polls(3)
        await plant.clock.sleep(61)
        await asyncio.sleep(0.05)
        asked = len(plant.fake.requests)
        await asyncio.sleep(0.05)
        assert len(plant.fake.requests) == asked


async def test_polling_keeps_its_distance() -> None:
    """No question before `watch_every` seconds have gone by."""
    clock = FakeClock()
    async with running(clock) as plant:
        task = asyncio.create_task(popup(plant))
        await asyncio.wait_for(task, 20)
        heard = Heard(plant)
        async with heard.listening():
            asked = len(plant.fake.requests)
            await clock.advance(2.9)
            assert len(plant.fake.requests) == asked
            await clock.advance(0.2)
            await plant.fake.received(asked + 1)


async def test_an_alarm_that_nobody_ever_acknowledges_is_forgotten(plant: Plant, heard: Heard) -> None:
    await popup(plant)
    await plant.clock.sleep(24 * 3600 + 1)
    asked = len(plant.fake.requests)
    async with heard.listening():
        await asyncio.sleep(0.05)
    assert len(plant.fake.requests) == asked
