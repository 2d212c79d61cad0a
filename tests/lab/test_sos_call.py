"""One SOS call, end to end, on a real Asterisk 22 and a real ZoneMinder. `make lab` runs exactly this."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.lab.lab import CONSOLE, HEARTBEAT_STALE, PHONE, POST_03, Lab, wait_for
from tests.parts.sip import Phones
from tests.parts.sipp_scenarios import answers, calls, calls_and_cancels, rings_unanswered
from tests.parts.sipp_steps import Phone
from tests.parts.zoneminder import ZoneMinder

pytestmark = pytest.mark.real("asterisk", "zoneminder", "sipp")

PTZ, FIX = "TANKFARM-EAST-PTZ-01", "TANKFARM-EAST-FIX-02"


@pytest.fixture
def lab(zoneminder: ZoneMinder, tmp_path: Path) -> Iterator[Lab]:
    for monitor in (PTZ, FIX):
        zoneminder.alarm(monitor, "off")
        zoneminder.wait_recording_ready(monitor)
    with Lab(zoneminder, tmp_path) as running:
        running.start_bridge()
        yield running


def steps(incident: dict[str, object], *operations: str) -> list[tuple[str, str, str]]:
    """The incident's deliveries as (operation, target camera or console, state), of these operations."""
    deliveries = incident["deliveries"]
    assert isinstance(deliveries, list)
    return [
        (d["operation"], d["params"].get("camera") or d["target"], d["state"])
        for d in deliveries
        if d["operation"] in operations
    ]


def test_answered_acknowledged_and_hung_up(
    lab: Lab, phones: Phones, capsys: pytest.CaptureFixture[str]
) -> None:
    phones.answer(answers(after=1.0), lab.pbx.port_of(CONSOLE))
    phones.call(calls(Phone(PHONE)), lab.pbx.sip_port, "9110")

    incident = lab.wait_incident(lambda i: i["connected_at"] is not None)
    assert (incident["tier"], incident["location"], incident["phone"]) == ("emergency", POST_03, "EAST-03")
    assert incident["connected_to"] == CONSOLE

    # Recording is forced, and ZoneMinder itself says so; its event is named and noted.
    lab.wait_incident(lambda i: all(d["state"] in ("verified", "accepted") for d in i["deliveries"]))
    for monitor in (PTZ, FIX):
        [event] = [e for e in lab.zoneminder.events(monitor) if incident["id"] in (e["Notes"] or "")]
        assert POST_03 in event["Name"]
        assert event["Archived"]
        assert event["EndDateTime"] is None
    # The wall shows both cameras, the PTZ is at preset 7, the pop-up is up there and at the supervisor's.
    state = lab.wall.vms.state
    assert state.layouts["control-1"]["cameras"] == ["cam-11", "cam-13"]
    assert state.presets["cam-11"] == "7"
    assert set(state.popups) == {("control-1", incident["id"]), ("shift-office", incident["id"])}

    lab.sosbridge("incidents", "acknowledge", incident["id"], "--by", "A. Weber")
    lab.pbx.hang_up_all()

    closed = lab.wait_incident(lambda i: i["state"] == "closed" and _all_settled(i))
    assert closed["acknowledged_by"] == "A. Weber"
    assert [state for _, _, state in steps(closed, "stop_recording")] == ["verified", "verified"]
    assert steps(closed, "hide", "close_popup") == [
        ("hide", "control-1", "accepted"),
        ("close_popup", "control-1", "accepted"),
        ("close_popup", "shift-office", "accepted"),
    ]
    assert state.layouts == {}
    assert state.popups == {}
    for monitor in (PTZ, FIX):
        [event] = [e for e in lab.zoneminder.events(monitor) if incident["id"] in (e["Notes"] or "")]
        wait_for(partial(_ended, lab, monitor, incident["id"]), 15, lambda: "ZoneMinder's event goes on")
    with capsys.disabled():
        print("\n" + lab.sosbridge("incidents", "show", incident["id"]))


def test_an_unanswered_sos_is_not_cleared_by_hangup(lab: Lab, phones: Phones) -> None:
    phones.answer(rings_unanswered(), lab.pbx.port_of(CONSOLE))
    dispatcher = phones.answer(
        answers(presses=[(0.5, "1")], after=0.2, hangs_up_after=2.0), lab.pbx.port_of("shift-lead")
    )
    called_back = phones.answer(answers(after=0.3), lab.pbx.port_of(PHONE))
    phones.call(calls_and_cancels(Phone(PHONE), after=1.0), lab.pbx.sip_port, "9110").finish()

    # The dialplan rings dispatch; its press of 1 acknowledges, and the phone is called back.
    dispatcher.wait_received("INVITE", 10)
    called_back.wait_received("INVITE", 10)
    incident = lab.wait_incident(lambda i: i["acknowledged_at"] is not None and i["connected_at"] is not None)
    assert incident["acknowledged_by"] == "shift-lead"
    assert incident["dispatch_at"] is not None
    assert [call["direction"] for call in incident["calls"]] == ["out", "in"]
    assert incident["calls"][0]["ended_at"] < incident["acknowledged_at"]
    # Between the hangup and the end of that talk nothing was stopped.
    closed = lab.wait_incident(lambda i: i["state"] == "closed" and _all_settled(i))
    assert closed["clearing_at"] > incident["connected_at"]
    assert [state for _, _, state in steps(closed, "stop_recording")] == ["verified", "verified"]


def test_dispatch_rings_without_the_bridge_and_the_call_is_found_afterwards(lab: Lab, phones: Phones) -> None:
    lab.kill_bridge()
    dispatcher = phones.answer(rings_unanswered(), lab.pbx.port_of("shift-lead"))
    wait_for(lambda: lab.beat_age() > HEARTBEAT_STALE + 1, 10, lambda: "the heartbeat is still fresh")
    caller = phones.call(calls_and_cancels(Phone(PHONE), after=15.0), lab.pbx.sip_port, "9110")
    dispatcher.wait_received("INVITE", 5)

    lab.start_bridge()
    incident = lab.wait_incident(lambda i: i["recovered"] and _all_settled(i))
    assert incident["location"] == POST_03
    assert {state for _, _, state in steps(incident, "start_recording", "show")} == {"verified"}

    lab.sosbridge("incidents", "resolve", incident["id"], "--by", "B. Jansen", "--reason", "false alarm")
    caller.finish()
    closed = lab.wait_incident(lambda i: i["state"] == "closed" and _all_settled(i))
    assert closed["close_reason"] == "false alarm (B. Jansen)"
    assert [state for _, _, state in steps(closed, "stop_recording")] == ["verified", "verified"]


def _all_settled(incident: dict[str, object]) -> bool:
    deliveries = incident["deliveries"]
    assert isinstance(deliveries, list)
    return all(d["state"] not in ("pending", "leased") for d in deliveries)


def _ended(lab: Lab, monitor: str, incident: str) -> bool:
    return all(e["EndDateTime"] for e in lab.zoneminder.events(monitor) if incident in (e["Notes"] or ""))
