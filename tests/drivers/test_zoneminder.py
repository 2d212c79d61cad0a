"""ZoneMinder's own ways, at the fake that was written from a real 1.36.33 (see test_zoneminder_real.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bridge.drivers.zoneminder import Config, Driver
from bridge.errors import CameraMissing, Permanent, Retryable, Uncertain
from bridge.model import DeliveryState, Operation, Receipt, Targets, VmsCamera
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.server import Answer, Request
from bridge.simulator.vms.zoneminder import FakeMonitor, FakeUser, FakeZoneMinder
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, HastyClock, delivery
from tests.drivers.nonsense import log_ins_changed

OTHER = "77777777-2222-5333-8444-555566667777"
"""Another incident at the same camera."""


@dataclass(slots=True)
class Site:
    driver: Driver
    fake: FakeZoneMinder
    clock: HastyClock

    def asked(self, word: str) -> int:
        """How many requests had `word` in their line."""
        return sum(word in str(request) for request in self.fake.requests)

    async def do(self, operation: Operation, target: str = "1", **fields: Any) -> Receipt:
        changes = {name: fields.pop(name) for name in ("doubtful", "attempts", "incident") if name in fields}
        return await self.driver.perform(
            replace(delivery(self.clock, operation, target, **fields), **changes)
        )


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    fake = FakeZoneMinder(
        hasty,
        monitors={1: "TANKFARM-EAST-PTZ-01", 2: "TANKFARM-EAST-FIX-02"},
        users={"sosbridge": FakeUser(SECRET)},
        dead_wait=5.0,
    )
    await fake.start()
    config = Config.model_validate(
        {
            "base_url": fake.base_url,
            "user": "sosbridge",
            "password": {"env": SECRET_NAME},
            "alarm_wait": 0.3,
        }
    )
    targets = {"1": frozenset({"7"}), "2": frozenset[str]()}
    driver = Driver("zm", config, targets=Targets(cameras=targets), clock=hasty)
    yield Site(driver, fake, hasty)
    await driver.close()
    await fake.stop()


# --- forcing the alarm ---------------------------------------------------------------------------------


async def test_the_receipt_names_the_event(site: Site) -> None:
    receipt = await site.do(Operation.START_RECORDING)
    assert receipt == Receipt(
        outcome=DeliveryState.VERIFIED, proof="status 2 (alarm), event 1", reference="event:1"
    )


async def test_dead_camera(site: Site) -> None:
    """ZoneMinder would take 11 s to say nothing useful; the order stands until the pictures come back."""
    site.fake.state.monitors[1].pictures = False
    with pytest.raises(
        CameraMissing, match=r"TANKFARM-EAST-PTZ-01.*gives no pictures \(Running, 0 a second\)"
    ):
        await site.do(Operation.START_RECORDING)
    with pytest.raises(CameraMissing, match="gives no pictures"):
        await site.do(Operation.START_RECORDING, attempts=2)
    assert site.asked("command:on") == 1
    site.fake.state.monitors[1].pictures = True
    receipt = await site.do(Operation.START_RECORDING, attempts=3)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == "found forced already, event 1"
    assert site.asked("command:on") == 1


async def test_dead_camera_that_zoneminder_reports_itself(site: Site) -> None:
    site.fake.dead_wait = 0.0
    site.fake.state.monitors[1].pictures = False
    with pytest.raises(CameraMissing, match="gives no pictures"):
        await site.do(Operation.START_RECORDING)


async def test_an_alarm_by_motion_is_not_ours(site: Site) -> None:
    """It would end with the motion: a repeat must force it all the same."""
    await site.do(Operation.START_RECORDING)
    [event] = site.fake.state.events
    event.update(Cause="Motion", Notes="Motion: gate")
    await site.do(Operation.START_RECORDING, doubtful=True)
    assert site.asked("command:on") == 2


async def test_the_state_cannot_be_read_back(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=503, path="command:status"))
    with pytest.raises(Uncertain, match="event 1 was promised; the state cannot be asked"):
        await site.do(Operation.START_RECORDING)


async def test_a_promise_that_is_not_kept(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.LIE, path="command:on"))
    with pytest.raises(Retryable, match=r"event 1 was promised, but the state is 0 \(idle\)"):
        await site.do(Operation.START_RECORDING)


async def test_a_monitor_that_never_records(site: Site) -> None:
    site.fake.state.monitors[1].function = "Monitor"
    with pytest.raises(Permanent, match="cannot handle alarms"):
        await site.do(Operation.START_RECORDING)


async def test_false_with_200(site: Site) -> None:
    site.fake.users["sosbridge"].rights["Stream"] = "None"
    with pytest.raises(Uncertain, match=r"the state cannot be asked.*helper failed with code 255"):
        await site.do(Operation.START_RECORDING)
    with pytest.raises(Retryable, match="helper failed with code 255"):
        await site.do(Operation.START_RECORDING, attempts=2)
    receipt = await site.do(Operation.STOP_RECORDING)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "the answer was yes; reading back failed: monitor 1: ZoneMinder's helper" in receipt.proof


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_camera_whose_capture_process_is_down_is_missing(site: Site, attempts: int) -> None:
    site.fake.state.monitors[1].capturing = False
    with pytest.raises(CameraMissing, match="gives no pictures"):
        await site.do(Operation.START_RECORDING, attempts=attempts)
    with pytest.raises(Retryable, match="helper failed with code 255"):
        await site.do(Operation.STOP_RECORDING)


async def test_continuous_recording(site: Site) -> None:
    """The alarm joins the event that runs, and after it the state is `tape`."""
    site.fake.state.monitors[1].function = "Mocord"
    assert (await site.do(Operation.START_RECORDING)).reference == "event:1"
    assert (await site.do(Operation.START_RECORDING, doubtful=True)).proof == "found forced already, event 1"
    assert (await site.do(Operation.STOP_RECORDING)).proof == "status 4 (tape)"


async def test_unknown_monitor(site: Site) -> None:
    with pytest.raises(Permanent, match=r"404.*Invalid monitor"):
        await site.do(Operation.START_RECORDING, "99")
    for target in ("", "one", "1/../2", "1:2", "１"):
        with pytest.raises(Permanent, match="not the number of a monitor"):
            await site.do(Operation.START_RECORDING, target)


# --- stopping ------------------------------------------------------------------------------------------


async def test_stopping_waits_for_the_end(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    assert (await site.do(Operation.STOP_RECORDING)).proof == "status 0 (idle)"
    assert site.fake.open_events(1) == []


async def test_a_stop_that_cannot_be_read_back(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.faults.order(Rule(fault=Fault.RESET, path="command:status"))
    receipt = await site.do(Operation.STOP_RECORDING)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "the answer was yes; reading back failed" in receipt.proof
    assert not site.fake.state.monitors[1].forced


async def test_an_order_that_stands_while_nobody_can_be_asked(site: Site) -> None:
    """Without pictures the alarm waits for them: an order that was taken is no "nothing happened"."""
    site.fake.dead_wait = 0.0
    site.fake.state.monitors[1].pictures = False
    site.fake.faults.order(Rule(fault=Fault.RESET, path="/monitors/1.json"))
    with pytest.raises(Uncertain, match="no event yet; it cannot be asked"):
        await site.do(Operation.START_RECORDING)


async def test_stopping_what_is_not_on(site: Site) -> None:
    assert (await site.do(Operation.STOP_RECORDING)).outcome is DeliveryState.VERIFIED


async def test_stopping_that_does_not_end(site: Site) -> None:
    site.fake.post_event = 60.0
    await site.do(Operation.START_RECORDING)
    with pytest.raises(Retryable, match=r"cancelled, but still 3 \(alert\) after 5 s"):
        await site.do(Operation.STOP_RECORDING)


# --- the alarm is lost ---------------------------------------------------------------------------------


async def test_still_held(site: Site) -> None:
    assert await site.driver.still_held(Operation.START_RECORDING, "1") is False
    await site.do(Operation.START_RECORDING)
    assert await site.driver.still_held(Operation.START_RECORDING, "1") is True
    site.fake.restart_capture(1)
    assert await site.driver.still_held(Operation.START_RECORDING, "1") is False
    assert await site.driver.still_held(Operation.SHOW, "1") is None


async def test_still_held_is_unknown_while_capture_starts_or_without_the_right(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.state.monitors[1].capturing = False
    assert await site.driver.still_held(Operation.START_RECORDING, "1") is None
    site.fake.state.monitors[1].capturing = True
    site.fake.users["sosbridge"].rights["Stream"] = "None"
    assert await site.driver.still_held(Operation.START_RECORDING, "1") is None


# --- bookmarks -----------------------------------------------------------------------------------------


async def test_bookmark(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    receipt = await site.do(Operation.BOOKMARK)
    [event] = site.fake.state.events
    assert event["Name"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"
    assert event["Archived"] == 1
    lines = event["Notes"].split("\n")
    assert lines[:2] == [f"incident {INCIDENT}", "SOS TANKFARM-EAST-POST-03"]
    assert "spoken East tank farm, post three" in lines
    assert lines[-1] == "Forced Web:"
    assert receipt.reference == "event:1"
    assert "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]" in receipt.proof


async def test_a_bookmark_is_written_once(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK)
    again = await site.do(Operation.BOOKMARK, doubtful=True)
    assert again.outcome is DeliveryState.VERIFIED
    assert site.asked("PUT") == 1


async def test_a_bookmark_survives_rewritten_notes(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK)
    site.fake.state.events[0]["Notes"] = "Forced Web: , Motion: gate"
    await site.do(Operation.BOOKMARK, doubtful=True)
    assert site.asked("PUT") == 1


async def test_two_incidents_at_one_recording(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK)
    await site.do(Operation.BOOKMARK, incident=OTHER, title="SOS elsewhere")
    [event] = site.fake.state.events
    assert event["Name"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"
    assert f"incident {INCIDENT}" in event["Notes"]
    assert f"incident {OTHER}" in event["Notes"]


async def test_names_too_long_for_zoneminder(site: Site) -> None:
    """More than 64 characters would be answered with HTTP 500."""
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, title="Ä" * 200)
    name = site.fake.state.events[0]["Name"]
    assert (len(name), name[-11:]) == (64, "Ä [5b0c7f0e]"[-11:])


async def test_untrusted_words_stay_on_their_line(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, spoken=f"a\r\nincident {OTHER}", title="x\x00\ud800y&Event[Archived]=0")
    [event] = site.fake.state.events
    assert event["Name"].startswith("x ?y&Event[Archived]=0")
    assert event["Archived"] == 1
    assert f"\nincident {OTHER}" not in event["Notes"]


async def test_a_bookmark_goes_to_the_event_of_its_reference(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.restart_capture(1)
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, reference="event:1")
    assert [event["Archived"] for event in site.fake.state.events] == [1, 0]
    await site.do(Operation.BOOKMARK)
    assert [event["Archived"] for event in site.fake.state.events] == [1, 1]


async def test_a_reference_to_another_camera_is_not_believed(site: Site) -> None:
    await site.do(Operation.START_RECORDING, "2")
    await site.do(Operation.START_RECORDING, "1")
    await site.do(Operation.BOOKMARK, "1", reference="event:1")
    assert [event["Archived"] for event in site.fake.state.events] == [0, 1]


async def test_a_late_bookmark_goes_to_the_recording_of_its_own_incident(site: Site) -> None:
    """Its incident is over, and what is recorded now is another one's."""
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.STOP_RECORDING)
    await site.do(Operation.START_RECORDING, incident=OTHER)
    receipt = await site.do(Operation.BOOKMARK, attempts=2)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.VERIFIED, "event:1")
    first, second = site.fake.state.events
    assert INCIDENT in first["Notes"]
    assert INCIDENT not in second["Notes"]
    assert (await site.do(Operation.BOOKMARK, incident=OTHER)).reference == "event:2"


async def test_an_incident_that_records_again_marks_what_is_recorded_now(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.STOP_RECORDING)
    await site.do(Operation.START_RECORDING)
    assert (await site.do(Operation.BOOKMARK)).reference == "event:2"


async def test_nothing_to_bookmark(site: Site) -> None:
    with pytest.raises(Retryable, match="records no event that could be marked"):
        await site.do(Operation.BOOKMARK)
    await site.do(Operation.START_RECORDING, incident=OTHER)
    await site.do(Operation.STOP_RECORDING, incident=OTHER)
    with pytest.raises(Retryable, match="records no event"):
        await site.do(Operation.BOOKMARK)


async def test_no_right_to_edit_events(site: Site) -> None:
    site.fake.users["sosbridge"].rights["Events"] = "View"
    await site.do(Operation.START_RECORDING)
    with pytest.raises(Permanent, match="Insufficient privileges"):
        await site.do(Operation.BOOKMARK)


async def test_an_exercise_is_marked_even_without_a_title(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, exercise="yes", title="")
    [event] = site.fake.state.events
    assert event["Name"] == "EXERCISE SOS [5b0c7f0e]"
    assert "exercise yes" in event["Notes"].split("\n")


async def test_a_real_incident_takes_the_name_from_an_exercise(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, incident=OTHER, exercise="yes", title="EXERCISE SOS TANK")
    await site.do(Operation.BOOKMARK)
    [event] = site.fake.state.events
    assert event["Name"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"
    assert f"incident {OTHER}" in event["Notes"]
    await site.do(Operation.BOOKMARK, incident=OTHER.replace("7", "8"), exercise="yes", title="EXERCISE")
    assert event["Name"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"


# --- extending and locking -----------------------------------------------------------------------------


async def test_the_end_of_the_incident_is_written_once(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK)
    ended = {"acknowledged_by": "A. Operator", "closed_by": "B. Chief", "close_reason": "drill\nover"}
    await site.do(Operation.EXTEND_BOOKMARK, reference="event:1")
    await site.clock.sleep(60)
    receipt = await site.do(Operation.EXTEND_BOOKMARK, reference="event:1", **ended)
    [event] = site.fake.state.events
    first, *others = event["Notes"].split("\n")
    until = datetime.fromtimestamp(site.clock.now(), timezone(timedelta(hours=1))).isoformat(" ", "seconds")
    assert first == (
        f"incident {INCIDENT} lasted until {until}, acknowledged by A. Operator, closed by B. Chief,"
        " because: drill over"
    )
    assert not any("lasted until" in line for line in others)
    assert event["Notes"].count("incident ") == 2
    assert (receipt.outcome, receipt.reference) == (DeliveryState.VERIFIED, "event:1")
    assert first in receipt.proof


async def test_an_end_in_utc_where_the_beginning_has_no_zone(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.EXTEND_BOOKMARK, opened_at="soon")
    [event] = site.fake.state.events
    assert "+00:00" in event["Notes"].split("\n")[0]
    assert event["Name"].endswith("[5b0c7f0e]")
    assert event["Archived"] == 1


async def test_the_end_that_is_not_saved_is_told(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.faults.order(Rule(fault=Fault.LIE, method="PUT"))
    with pytest.raises(Retryable, match="reading back shows no end"):
        await site.do(Operation.EXTEND_BOOKMARK)


async def test_every_recording_of_the_incident_is_locked(site: Site) -> None:
    """Two by the incident's mark or reference, one that runs; not one of another time."""
    await site.do(Operation.START_RECORDING)
    site.fake.restart_capture(1)
    await site.do(Operation.START_RECORDING)
    site.fake.restart_capture(1)
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, reference="event:2")
    site.fake.state.events[1]["Archived"] = 0
    site.fake.restart_capture(1)
    await site.do(Operation.START_RECORDING)
    receipt = await site.do(Operation.LOCK_EVIDENCE, reference="event:1")
    assert [event["Archived"] for event in site.fake.state.events] == [1, 1, 0, 1]
    assert receipt.proof == "archived: event 4, 2, 1"
    assert receipt.reference == "event:4"


async def test_what_is_locked_is_not_locked_again(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    for _ in range(2):
        await site.do(Operation.LOCK_EVIDENCE)
    assert site.asked("PUT") == 1


async def test_a_lock_that_breaks_half_way(site: Site) -> None:
    """One of two recordings is kept already: that is not "nothing happened"."""
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK)
    site.fake.restart_capture(1)
    await site.do(Operation.START_RECORDING)
    for event in site.fake.state.events:
        event["Archived"] = 0
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=403, method="PUT", path="events/1.json"))
    with pytest.raises(Uncertain, match=r"1 of 2 recordings were archived; then: .*403"):
        await site.do(Operation.LOCK_EVIDENCE)
    site.fake.faults.clear()
    site.fake.faults.order(Rule(fault=Fault.RESET, path="events/index/Id"))
    receipt = await site.do(Operation.LOCK_EVIDENCE)
    assert (receipt.outcome, "reading back failed" in receipt.proof) == (DeliveryState.ACCEPTED, True)
    assert [event["Archived"] for event in site.fake.state.events] == [1, 1]


async def test_nothing_to_lock(site: Site) -> None:
    with pytest.raises(Retryable, match="no recording of this incident"):
        await site.do(Operation.LOCK_EVIDENCE)


# --- live ----------------------------------------------------------------------------------------------


async def test_a_live_camera(site: Site) -> None:
    receipt = await site.do(Operation.PROVE_LIVE)
    assert receipt == Receipt(
        outcome=DeliveryState.VERIFIED, proof="TANKFARM-EAST-PTZ-01: Connected, 9.96 pictures a second"
    )
    assert not any("command" in str(request) for request in site.fake.requests)


@pytest.mark.parametrize("state", [{"pictures": False}, {"capturing": False}, {"function": "None"}])
async def test_a_camera_that_is_not_live(site: Site, state: dict[str, Any]) -> None:
    for name, value in state.items():
        setattr(site.fake.state.monitors[1], name, value)
    with pytest.raises(CameraMissing, match=r"TANKFARM-EAST-PTZ-01\) gives no pictures"):
        await site.do(Operation.PROVE_LIVE)


async def test_inventory(site: Site) -> None:
    site.fake.state.monitors[2].controllable = False
    assert (await site.driver.inventory()).cameras == (
        VmsCamera(id="1", name="TANKFARM-EAST-PTZ-01", ptz=True),
        VmsCamera(id="2", name="TANKFARM-EAST-FIX-02"),
    )


# --- PTZ -----------------------------------------------------------------------------------------------


async def test_presets_and_home(site: Site) -> None:
    receipt = await site.do(Operation.RECALL_PRESET, preset="7")
    await site.do(Operation.HOME)
    assert site.fake.state.monitors[1].moved == ["presetGoto7", "presetHome"]
    assert receipt.outcome is DeliveryState.ACCEPTED


async def test_presets_are_numbers(site: Site) -> None:
    for preset in ("", "gate", "7&control=presetGoto9", "-1"):
        with pytest.raises(Permanent, match="is not a number"):
            await site.do(Operation.RECALL_PRESET, preset=preset)
    assert site.fake.requests == []


async def test_no_right_to_move(site: Site) -> None:
    site.fake.users["sosbridge"].rights["Control"] = "None"
    with pytest.raises(Permanent, match="insufficient permissions"):
        await site.do(Operation.RECALL_PRESET, preset="7")


@pytest.mark.parametrize("times", [1, None])
async def test_ptz_that_is_sent_to_the_log_in_page(site: Site, times: int | None) -> None:
    """Some installations answer a token that ran out so: another log-in, once."""
    rule = Rule(fault=Fault.REDIRECT, path="/index.php", times=times, location="/zm/?view=login")
    site.fake.faults.order(rule)
    if times:
        await site.do(Operation.RECALL_PRESET, preset="7")
        assert site.fake.state.monitors[1].moved == ["presetGoto7"]
    else:
        with pytest.raises(Permanent, match="a redirect to /zm/"):
            await site.do(Operation.RECALL_PRESET, preset="7")
    assert (site.asked("index.php"), site.fake.log_ins) == (2, 2)


# --- nonsense ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("presets", ["x", [1], 10**400, 1e999, {}])
async def test_numbers_of_presets_that_are_none(
    site: Site, monkeypatch: pytest.MonkeyPatch, presets: Any
) -> None:
    look_up = site.fake._look_up
    types = {"controls": [{"Control": {"Id": 1, "HasPresets": 1, "NumPresets": presets}}]}

    def nonsense(request: Request, user: FakeUser) -> Answer | None:
        return Answer.json(types) if request.path.endswith("controls.json") else look_up(request, user)

    monkeypatch.setattr(site.fake, "_look_up", nonsense)
    errors = [finding.text for finding in await site.driver.check() if finding.level == "error"]
    assert len(errors) == (0 if presets == {} else 1)
    assert all("holds no number" in text for text in errors)


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": "a\nb"},
        {"access_token": "\u00e9\u0000"},
        {"access_token": ["x"]},
        {"access_token_expires": 10**400},
        {"access_token_expires": "soon"},
    ],
)
async def test_a_log_in_that_answers_nonsense_is_not_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    with log_ins_changed(site.fake, changed, monkeypatch):
        with pytest.raises(Retryable):
            await site.do(Operation.PROVE_LIVE)
        with pytest.raises(Retryable):
            await site.driver.inventory()
        assert await site.driver.still_held(Operation.START_RECORDING, "1") is None
        assert any(finding.level == "error" for finding in await site.driver.check())
    assert (await site.do(Operation.PROVE_LIVE)).outcome is DeliveryState.VERIFIED


@pytest.mark.parametrize("target", ["", "a b", "../1"])
async def test_still_held_of_what_is_no_monitor(site: Site, target: str) -> None:
    assert await site.driver.still_held(Operation.START_RECORDING, target) is None
    assert site.fake.requests == []


# --- the token -----------------------------------------------------------------------------------------


async def test_the_token_is_renewed_before_it_ends(site: Site) -> None:
    await site.do(Operation.STOP_RECORDING)
    await site.clock.sleep(7200 - 301)
    await site.do(Operation.STOP_RECORDING)
    assert site.fake.log_ins == 1
    await site.clock.sleep(2)
    await site.do(Operation.STOP_RECORDING)
    assert site.fake.log_ins == 2


async def test_a_lost_token_is_renewed_once_for_all(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.expire_tokens()
    await asyncio.gather(*(site.do(Operation.START_RECORDING, target) for target in ("1", "2")))
    assert site.fake.log_ins == 2


async def test_a_refused_password_is_not_sent_again_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of deliveries must not lock the account."""
    monkeypatch.setenv(SECRET_NAME, "wrong-one")
    for _ in range(10):
        with pytest.raises(Permanent, match="ZoneMinder refuses the user sosbridge"):
            await site.do(Operation.PROVE_LIVE)
    assert site.asked("login") == 1
    await site.clock.sleep(61)
    with pytest.raises(Permanent, match="401"):
        await site.do(Operation.PROVE_LIVE)
    assert site.asked("login") == 2
    monkeypatch.setenv(SECRET_NAME, SECRET)  # mended: tried at once
    assert (await site.do(Operation.PROVE_LIVE)).outcome is DeliveryState.VERIFIED


async def test_without_authentication(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPT_USE_AUTH off: the log-in gives no token, and none is needed."""

    def log_in(_: Request) -> Answer:
        return Answer.json({"access_token": None, "access_token_expires": None, "version": "1.36.33"})

    monkeypatch.setattr(site.fake, "_log_in", log_in)
    monkeypatch.setattr(site.fake, "_user", lambda _: FakeUser(""))
    for _ in range(2):
        await site.do(Operation.START_RECORDING)
    assert site.asked("login") == 1
    assert not any("token" in request.query for request in site.fake.requests)
    assert any("asks for no password" in finding.text for finding in await site.driver.check())


# --- check ---------------------------------------------------------------------------------------------


async def texts(site: Site, level: str) -> list[str]:
    return [finding.text for finding in await site.driver.check() if finding.level == level]


async def test_check_says_what_is_well(site: Site) -> None:
    assert await texts(site, "ok") == [
        "ZoneMinder 1.36.33: logged in",
        "monitor 1 (TANKFARM-EAST-PTZ-01): 9.96 pictures a second",
        "monitor 1: presets can be recalled, but never verified",
        "monitor 2 (TANKFARM-EAST-FIX-02): 9.96 pictures a second",
    ]
    assert await texts(site, "error") == []


@pytest.mark.parametrize(
    ("monitor", "level", "words"),
    [
        ({"pictures": False}, "error", "gives no pictures: Running, 0 a second"),
        ({"function": "Monitor"}, "error", "has function Monitor: a forced alarm records nothing"),
        ({"function": "None"}, "error", "has function None"),
        ({"function": "Mocord"}, "warning", "records all the time"),
        ({"controllable": False}, "error", "not controllable"),
    ],
)
async def test_check_of_a_monitor(site: Site, monitor: dict[str, Any], level: str, words: str) -> None:
    for name, value in monitor.items():
        setattr(site.fake.state.monitors[1], name, value)
    [text] = [text for text in await texts(site, level) if "System: View" not in text]
    assert "monitor 1 (TANKFARM-EAST-PTZ-01)" in text
    assert words in text


async def test_check_of_a_monitor_that_is_not_there(site: Site) -> None:
    del site.fake.state.monitors[1]
    [text] = await texts(site, "error")
    assert text.startswith("there is no monitor 1")
    assert text.endswith("there is 2 (TANKFARM-EAST-FIX-02)")


@pytest.mark.parametrize(
    ("area", "right", "words"),
    [
        ("Events", "View", "no bookmark can be written"),
        ("Stream", "None", "no alarm can be read back"),
        ("Control", "None", "may not move cameras"),
    ],
)
async def test_check_of_rights(site: Site, area: str, right: str, words: str) -> None:
    site.fake.users["sosbridge"].rights |= {"System": "View", area: right}
    [text] = await texts(site, "error")
    assert words in text


async def test_check_of_rights_that_may_not_be_read(site: Site) -> None:
    [text] = await texts(site, "warning")
    assert "System: View" in text


async def test_check_of_presets(hasty: HastyClock, site: Site) -> None:
    settings = {"base_url": site.fake.base_url, "user": "sosbridge", "password": {"env": SECRET_NAME}}
    targets = {"1": frozenset({"7", "21", "gate"})}
    driver = Driver("zm", Config.model_validate(settings), targets=Targets(cameras=targets), clock=hasty)
    found = {finding.text: finding.level for finding in await driver.check()}
    await driver.close()
    assert found["monitor 1 (TANKFARM-EAST-PTZ-01): preset 'gate' is not a number"] == "error"
    assert any("preset 21, and its control type has 20" in text for text in found)
    assert not any("preset 7" in text for text in found)


async def test_check_names_ten_monitors_at_most(site: Site) -> None:
    del site.fake.state.monitors[1]
    for number in range(3, 30):
        site.fake.state.monitors[number] = FakeMonitor(number, f"CAM-{number}")
    [text] = await texts(site, "error")
    assert text.endswith("11 (CAM-11)")


async def test_check_with_a_wrong_address(hasty: HastyClock, site: Site) -> None:
    settings = {"base_url": site.fake.url, "user": "sosbridge", "password": {"env": SECRET_NAME}}
    driver = Driver("zm", Config.model_validate(settings), targets=Targets(), clock=hasty)
    [finding] = await driver.check()
    await driver.close()
    assert (finding.level, "HTTP 40" in finding.text) == ("error", True)
