"""Random walks: whatever phones, people and the bridge do, in whatever order, `invariants` hold.

`SOSBRIDGE_WALKS=5000 pytest tests/b2bua/test_machine.py` walks longer.
"""

from __future__ import annotations

import json
import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge.b2bua import Exchange, Settings, inputs
from bridge.b2bua.state import Stage
from tests.b2bua import invariants
from tests.b2bua.plant import Device, Plant
from tests.b2bua.site import CONSOLES, DISPATCHERS, NO_CONSOLES, NOBODY, ONLY_CONSOLES, SITE

WALKS: Final = int(os.environ.get("SOSBRIDGE_WALKS", "200"))

sites = st.sampled_from([SITE, SITE, SITE, NO_CONSOLES, ONLY_CONSOLES, NOBODY])
callers = st.sampled_from(
    [
        *[("help-03", "103"), ("help-04", "104"), ("help-05", "105"), ("gateway", "501"), ("gateway", "")],
        *[("", "+4930"), ("", ""), ("desk-1", "20"), ("anna", "")],
    ]
)
dialled = st.sampled_from(["9110", "9110", "urn:service:sos", "103", "104", "105", "501", "20", "0900"])
phones = st.sampled_from(["P-03", "P-04", "P-05", "P-51", "unknown/+4930", "unknown/x"])
marks = st.sampled_from(["press-1", "press-2"])
numbers = st.integers(min_value=0, max_value=10_000)
statuses = st.sampled_from([302, 404, 408, 480, 486, 503, 603])


class Walk(RuleBasedStateMachine):
    """Every rule is something that may happen at any time."""

    @initialize(site=sites, in_sequence=st.booleans())
    def opens(self, site: object, in_sequence: bool) -> None:
        self.plant = Plant(site, Settings(in_sequence=in_sequence, hunt=100.0))  # type: ignore[arg-type]  # drawn
        self.commands = 0

    def _some(self, number: int, devices: list[Device]) -> Device | None:
        return devices[number % len(devices)] if devices else None

    # --- devices --------------------------------------------------------------------------------------

    @rule(caller=callers, extension=dialled)
    def dials(self, caller: tuple[str, str], extension: str) -> None:
        self.plant.call(caller[0], extension, caller[1])

    @rule(number=numbers, ringing=st.booleans())
    def shows_up(self, number: int, ringing: bool) -> None:
        if device := self._some(number, self.plant.ringing()):
            self.plant.feed(inputs.Provisional(device.leg, ringing))

    @rule(number=numbers)
    def answers(self, number: int) -> None:
        if device := self._some(number, self.plant.ringing()):
            device.up = True
            self.plant.feed(inputs.Answered(device.leg))

    @rule(number=numbers, status=statuses)
    def refuses(self, number: int, status: int) -> None:
        if device := self._some(number, self.plant.ringing()):
            del self.plant.devices[device.leg]
            self.plant.feed(inputs.Refused(device.leg, status))

    @rule(number=numbers, hung_up=st.sampled_from([True, True, False]))
    def hangs_up(self, number: int, hung_up: bool) -> None:
        devices = [device for device in self.plant.devices.values() if device.calls or device.up]
        if device := self._some(number, devices):
            self.plant.hang_up(device.leg, hung_up=hung_up)

    @rule(number=numbers, digit=st.sampled_from("1112#"))
    def presses(self, number: int, digit: str) -> None:
        if device := self._some(number, [device for device in self.plant.devices.values() if device.up]):
            self.plant.feed(inputs.Digit(device.leg, digit))

    @rule(number=numbers)
    def hears_it_all(self, number: int) -> None:
        devices = [device for device in self.plant.devices.values() if device.heard and not device.loops]
        if device := self._some(number, devices):
            device.heard = ()
            self.plant.feed(inputs.PromptEnded(device.leg, device.prompt))

    @rule(acks=st.sampled_from([True, True, False]))
    def hears_answers(self, acks: bool) -> None:
        """From now on callers acknowledge an answer at once, or later."""
        self.plant.acks = acks

    @rule(number=numbers)
    def acknowledges_late(self, number: int) -> None:
        if waiting := self.plant.unacknowledged:
            self.plant.acknowledges(waiting[number % len(waiting)])

    @rule(number=numbers, item=st.sampled_from(["silent", "never", "heard"]))
    def is_silent(self, number: int, item: str) -> None:
        if device := self._some(number, list(self.plant.devices.values())):
            silent = inputs.Silent(device.leg, 2.0, never=item == "never")
            self.plant.feed(inputs.Heard(device.leg) if item == "heard" else silent)

    @rule(number=numbers)
    def comes_too_late(self, number: int) -> None:
        """An answer that crossed our CANCEL, and other news of legs that are over."""
        if gone := sorted(self.plant.over):
            leg = gone[number % len(gone)]
            for item in (inputs.Provisional(leg), inputs.Refused(leg, 487), inputs.Digit(leg, "1")):
                assert self.plant.feed(item) == []

    @rule(endpoint=st.sampled_from([*DISPATCHERS, *CONSOLES, "help-03", "help-04", "gateway"]))
    def picks_up(self, endpoint: str) -> None:
        """Whoever is called there answers; dispatchers press 1 as well."""
        for device in [device for device in self.plant.ringing() if device.endpoint == endpoint]:
            if device.leg in self.plant.devices:
                device.up = True
                self.plant.feed(inputs.Answered(device.leg))
                self.plant.feed(inputs.Digit(device.leg, "1"))

    @rule(caller=callers, redial=st.booleans(), seconds=st.sampled_from([1.0, 6.0]))
    def gives_up(self, caller: tuple[str, str], redial: bool, seconds: float) -> None:
        """A phone cries for help and hangs up, somebody takes it meanwhile; it may dial again."""
        self.plant.hang_up(self.plant.call(caller[0], "9110", caller[1]))
        self.plant.wait(seconds)
        self.picks_up("anna")
        if redial:
            self.plant.call(caller[0], "9110", caller[1])

    # --- the bridge and the clock -----------------------------------------------------------------------

    @rule(
        phone=phones,
        mark=marks,
        group=st.sampled_from(["shift", "shift", "none"]),
        tier=st.integers(1, 3),
        wanted=st.sampled_from([{}, {}, {"more": True, "done": ("anna",)}, {"missed": "21:08"}]),
    )
    def notifies(self, phone: str, mark: str, group: str, tier: int, wanted: dict[str, object]) -> None:
        self.commands += 1
        self.plant.notify(f"d-{self.commands}", phone, mark=mark, group=group, tier=tier, **wanted)

    @rule(phone=phones, mark=marks)
    def recalls(self, phone: str, mark: str) -> None:
        self.commands += 1
        self.plant.recall(f"d-{self.commands}", phone, mark)

    @rule(phone=phones, mark=marks, more=st.booleans())
    def clicks(self, phone: str, mark: str, more: bool) -> None:
        """And then one more person is wanted, or not."""
        self.commands += 1
        self.plant.clicks(f"d-{self.commands}", phone, mark, more=more)

    @rule(phone=phones, call=st.sampled_from(["", "call-1@phone;tag"]))
    def clears(self, phone: str, call: str) -> None:
        self.commands += 1
        self.plant.clears(f"d-{self.commands}", phone, call)

    @rule(seconds=st.sampled_from([0.5, 3.0, 6.0, 21.0, 70.0]))
    def waits(self, seconds: float) -> None:
        self.plant.wait(seconds)

    @rule(seconds=st.sampled_from([0.0, 30.0]), lost=st.booleans())
    def restarts(self, seconds: float, lost: bool) -> None:
        """The process dies; what the user agent could keep of its dialogs lives on."""
        plant = self.plant
        kept = json.loads(json.dumps(plant.exchange.snapshot()))
        plant.now += seconds
        for device in [device for device in plant.devices.values() if lost or not device.up]:
            del plant.devices[device.leg]
        for device in plant.devices.values():
            device.with_, device.heard = "", ()
        self.commands += 1
        run = f"again{self.commands}"
        restored, done = Exchange.restore(
            plant.site, plant.settings, run, kept, now=plant.now, alive=list(plant.devices)
        )
        plant.exchange, plant.timers, plant.unacknowledged = restored, {}, []
        plant.apply(done)

    @precondition(lambda self: hasattr(self, "plant"))
    @invariant()
    def holds(self) -> None:
        invariants.check(self.plant)

    def teardown(self) -> None:
        """Every caller and every person hangs up, and nobody answers any more."""
        if not hasattr(self, "plant"):
            return
        plant = self.plant
        while talking := [device for device in plant.devices.values() if device.calls or device.up]:
            plant.hang_up(talking[0].leg)
        invariants.check(plant)
        assert all(
            alarm.stage not in (Stage.TALKING, Stage.CALLING)
            for alarm in plant.exchange._state.alarms.values()
        )
        plant.wait(20_000.0)
        invariants.check_rest(plant)


def test_random_walks() -> None:
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=40,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking a walk takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
