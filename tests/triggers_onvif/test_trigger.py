"""The subscription to a device, at the simulator's camera. The clock runs on by itself, as fast as it can."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.errors import ConfigError
from bridge.model import Event, Kind, TriggerStatus
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.onvif_camera import EventHabits, FakeOnvifCamera, Habits
from bridge.simulator.vms.server import Answer, Request
from bridge.triggers.onvif import Config, Trigger
from tests.drivers.case import HastyClock

INPUTS = {"DI_1": {"phone": "EAST-03", "means": "sos"}, "DI_2": {"phone": "EAST-03", "means": "tamper"}}


class Gate:
    """A device with two inputs, and the trigger that hears them."""

    def __init__(self, clock: HastyClock) -> None:
        self.clock = clock
        # Each pull that is held back moves the clock on, and so also while a request is under way.
        self.habits = Habits(tolerance=120.0)
        self.device = FakeOnvifCamera(
            clock,
            user="sosbridge",
            password="of-the-gate",
            presets={},
            habits=self.habits,
            event_habits=EventHabits(inputs={"DI_1": False, "DI_2": False}),
        )
        self.events: list[Event] = []
        self.trigger: Trigger | None = None
        self._running: asyncio.Task[None] | None = None

    def make(self, **settings: Any) -> Trigger:
        own = {"url": self.device.url, "user": "sosbridge", "password": {"env": "SOSBRIDGE_TEST_GATE"}}
        config = Config.model_validate({"inputs": INPUTS, **own, **settings})
        return Trigger("gate", config, clock=self.clock, unfinished=None)

    async def start(self, **settings: Any) -> None:
        """Run the trigger until it hears the device."""
        self.run(**settings)
        await self.until(lambda: self.live)

    def run(self, **settings: Any) -> None:
        self.trigger = self.make(**settings)
        self._running = asyncio.create_task(self.trigger.run(self.accept))

    @property
    def status(self) -> TriggerStatus:
        assert self.trigger is not None
        return self.trigger.status

    @property
    def live(self) -> bool:
        return self.status.up

    async def accept(self, event: Event) -> None:
        self.events.append(event)

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
            self._running = None

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not true():  # noqa: ASYNC110 -- of the trigger, the device or the clock
                await asyncio.sleep(0.005)
        await self.clock.settle()  # what was handed over arrives a turn of the loop later

    async def told(self, count: int) -> list[Event]:
        """Return the first `count` events about phones; no more may have come."""
        await self.until(lambda: len(self.of_phones) >= count)
        assert len(self.of_phones) == count
        return self.of_phones

    @property
    def of_phones(self) -> list[Event]:
        return [
            event
            for event in self.events
            if "input" in event.attributes and event.kind is not Kind.FAULT_CLEARED
        ]

    def kinds(self, what: str) -> list[Kind]:
        """Kinds of the link's own events about `what`."""
        return [event.kind for event in self.events if event.attributes.get("what") == what]

    async def pulls(self, count: int) -> None:
        """Wait for so many further pulls."""
        goal = self.sent("PullMessages") + count
        await self.until(lambda: self.sent("PullMessages") >= goal)

    def sent(self, operation: str) -> int:
        return sum(request.path.endswith(f"/{operation}") for request in self.device.requests)


@pytest.fixture
async def gate(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    monkeypatch.setenv("SOSBRIDGE_TEST_GATE", "of-the-gate")
    gate = Gate(HastyClock())
    await gate.device.start()
    yield gate
    await gate.stop()
    await gate.device.stop()


@pytest.mark.parametrize(
    ("habits", "event_habits"),
    [
        ({}, {}),
        ({"authentication": "digest"}, {}),
        ({"clock_offset": -86400.0}, {}),
        ({"host_told": "192.168.1.64:8000"}, {}),
        ({"namespaces": False}, {}),
        ({}, {"by_parameters": False}),
        ({}, {"relative": False}),
        ({}, {"absolute": False}),
        ({}, {"tells_times": False}),
        ({"clock_offset": 7200.0}, {"relative": False}),
    ],
    ids=str,
)
async def test_devices_that_differ(gate: Gate, habits: dict[str, Any], event_habits: dict[str, Any]) -> None:
    for name, value in habits.items():
        setattr(gate.habits, name, value)
    for name, value in event_habits.items():
        setattr(gate.device.pull_points.habits, name, value)
    await gate.start()
    gate.device.set_input("DI_1", active=True)
    [press] = await gate.told(1)
    assert (press.kind, press.source, press.via) == (Kind.SOS, "onvif/gate", "onvif")
    assert press.attributes == {"phone": "EAST-03", "input": "DI_1"}
    assert abs(press.occurred_at - gate.clock.now()) < 600
    assert gate.kinds("blind") == [Kind.LINK_RESTORED]


async def test_several_messages_in_one_pull_and_each_twice(gate: Gate) -> None:
    await gate.start()
    for token in ("DI_1", "DI_2"):
        gate.device.set_input(token, active=True, times=2)
    events = await gate.told(2)
    await gate.pulls(2)
    assert [event.kind for event in events] == [Kind.SOS, Kind.TAMPER]
    assert len(await gate.told(2)) == 2


async def test_what_is_active_at_the_first_read_is_marked(gate: Gate) -> None:
    gate.device.pull_points.inputs["DI_1"] = True
    await gate.start()
    await gate.pulls(2)
    [event] = await gate.told(1)
    assert event.attributes["first_read"] == "yes"


async def test_it_is_renewed_in_time(gate: Gate) -> None:
    """An hour of the device's time: one subscription."""
    await gate.start()
    await gate.until(lambda: gate.device.pull_points.renewed >= 8)
    assert gate.device.pull_points.created == 1
    assert gate.kinds("blind") == [Kind.LINK_RESTORED]


async def test_a_subscription_that_is_shortened(gate: Gate) -> None:
    gate.device.pull_points.habits.longest = 15.0
    await gate.start()
    await gate.until(lambda: gate.device.pull_points.renewed >= 3)
    assert gate.device.pull_points.created == 1


async def test_a_reboot_and_a_press_meanwhile(gate: Gate) -> None:
    """The subscription is gone, and the state says what was missed."""
    await gate.start()
    await gate.pulls(2)
    gate.device.pull_points.inputs["DI_1"] = True
    gate.device.pull_points.reboot()
    [event] = await gate.told(1)
    assert event.attributes["recovered"] == "yes"
    await gate.until(lambda: gate.live)
    assert gate.kinds("blind") == [Kind.LINK_RESTORED, Kind.LINK_LOST, Kind.LINK_RESTORED]


async def test_new_subscriptions_are_spaced(gate: Gate) -> None:
    """A device that has none left to give is asked ever more rarely."""
    gate.device.pull_points.habits.at_most = 0
    gate.run()
    await gate.until(lambda: gate.sent("CreatePullPointSubscription") >= 9)
    times = [r.at for r in gate.device.requests if r.path.endswith("CreatePullPointSubscription")]
    gaps = [round(after - before) for before, after in itertools.pairwise(times) if after > before]
    assert gaps[:5] == [3, 6, 12, 24, 48]
    assert max(gaps) == 60
    assert gate.kinds("blind") == [Kind.LINK_LOST]
    assert not gate.live


async def test_a_refused_log_in_locks_no_account(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOSBRIDGE_TEST_GATE", "wrong")
    gate.run()
    await gate.until(lambda: gate.sent("GetServices") >= 4)
    times = [request.at for request in gate.device.requests if request.path.endswith("GetServices")]
    assert times[1] == times[0]  # once more, with the clock asked again
    assert times[2] - times[1] == 300
    assert gate.kinds("login") == [Kind.FAULT]
    monkeypatch.setenv("SOSBRIDGE_TEST_GATE", "of-the-gate")
    await gate.until(lambda: gate.live)
    assert gate.kinds("login") == [Kind.FAULT, Kind.FAULT_CLEARED]


async def test_silence_is_a_fault_but_the_subscription_is_kept(gate: Gate) -> None:
    await gate.start()
    gate.device.faults.order(Rule(fault=Fault.RESET, path="PullMessages", times=3))
    await gate.until(lambda: Kind.LINK_LOST in gate.kinds("blind"))
    await gate.until(lambda: gate.live)
    assert gate.device.pull_points.created == 1
    gate.device.set_input("DI_1", active=True)
    await gate.told(1)


async def test_away_and_back(gate: Gate) -> None:
    await gate.start()
    await gate.device.stop()
    await gate.until(lambda: not gate.live)
    await gate.until(lambda: "connection refused" in gate.status.text)
    await gate.device.start()
    await gate.until(lambda: gate.live)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_device_without_that_input(gate: Gate, monkeypatch: pytest.MonkeyPatch, lost: bool) -> None:
    """Also where the answer to the second pull is lost."""
    answer = gate.device.answer

    async def lose_the_next(request: Request) -> Answer:
        if request.path.endswith("PullMessages") and gate.sent("PullMessages") == 1:
            gate.device.faults.order(Rule(fault=Fault.RESET, path="PullMessages", times=1))
        return await answer(request)

    if lost:
        monkeypatch.setattr(gate.device, "answer", lose_the_next)
    await gate.start(inputs={"DI_9": {"phone": "EAST-03", "means": "sos"}})
    await gate.until(lambda: gate.kinds("inputs") != [])
    [fault] = [event for event in gate.events if event.attributes.get("what") == "inputs"]
    assert (fault.kind, fault.attributes["subject"]) == (Kind.FAULT, "onvif/gate")
    assert "tells nothing of input DI_9" in fault.attributes["text"]


@pytest.mark.parametrize("cancel", [False, True])
async def test_the_end(gate: Gate, cancel: bool) -> None:
    await gate.start(unsubscribe=cancel)
    await gate.stop()
    assert gate.device.pull_points.live == (0 if cancel else 1)
    assert gate.sent("Unsubscribe") == int(cancel)


async def test_an_event_that_cannot_be_kept_ends_it(gate: Gate) -> None:
    async def refuse(event: Event) -> None:
        await asyncio.sleep(0)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await asyncio.wait_for(gate.make().run(refuse), 60)


async def test_check(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    gate.habits.clock_offset = 90.0
    first, second = await gate.make().check()
    assert (first.level, first.subject) == ("ok", "onvif/gate")
    assert second.text == "its clock is 90 s ahead: set up NTP"
    assert gate.device.pull_points.created == 0
    monkeypatch.setenv("SOSBRIDGE_TEST_GATE", "wrong")
    [finding] = await gate.make().check()
    assert (finding.level, "NotAuthorized" in finding.text) == ("error", True)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"inputs": {}}, "at least 1 item"),
        ({"inputs": {"DI_1": {"phone": "x", "means": "siren"}}}, "'sos', 'off_hook', 'tamper' or 'fault'"),
        ({"url": "http://u:p@cam"}, "must not hold credentials"),
        ({"port": 80}, "Extra inputs"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], problem: str) -> None:
    good = {"url": "http://gate", "user": "u", "password": {"env": "X"}, "inputs": INPUTS}
    Config.model_validate(good)
    with pytest.raises(ValidationError, match=problem):
        Config.model_validate({**good, **settings})


def test_an_authority_that_cannot_be_read() -> None:
    settings = {"url": "https://gate", "user": "u", "password": {"env": "X"}, "inputs": INPUTS}
    config = Config.model_validate({**settings, "tls": {"ca": "/nowhere/ca.pem"}})
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        Trigger("gate", config, clock=HastyClock())
