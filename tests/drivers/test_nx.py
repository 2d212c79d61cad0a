"""Nx's own ways: events that rules answer, presets, bookmarks, sessions. At the simulator's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.drivers.nx import Config, proofs_of
from bridge.drivers.nx.rules import fits
from bridge.errors import CameraMissing, Permanent, Retryable, Uncertain
from bridge.model import Capability, DeliveryState, Operation
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.nx import recording_rule, soft_trigger
from bridge.simulator.vms.server import Answer, Request
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, HastyClock
from tests.drivers.cases_nx import BRIDGE, FIXED, GATE, HOME, PTZ, fake_nx
from tests.drivers.nonsense import log_ins_changed
from tests.drivers.nx_site import Site, site_of

OTHER = "77777777-2222-5333-8444-555566667777"
"""Another incident at the same camera."""
OPENED = 1_767_225_590.25


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    async with site_of(hasty) as made:
        yield made


# --- events --------------------------------------------------------------------------------------------


async def test_what_the_rules_are_given(site: Site) -> None:
    receipt = await site.do(Operation.EVENT_START, opened_ts=repr(OPENED))
    assert site.sent("events/generic") == {
        "state": "started",
        "source": "sosbridge",
        "caption": "TANKFARM-EAST-POST-03 PTZ-01",
        "description": (
            f"SOS TANKFARM-EAST-POST-03 East tank farm, post three EAST-03 4103 incident {INCIDENT}"
        ),
        "timestamp": "1767225590250",
        "deviceIds": [PTZ],
    }
    assert receipt.reference == "event:1767225590250"


async def test_an_exercise_is_marked_and_still_runs_the_rules(site: Site) -> None:
    receipt = await site.do(Operation.EVENT_START, exercise="yes", title="EXERCISE SOS X")
    event = site.sent("events/generic")
    assert event["caption"] == "EXERCISE TANKFARM-EAST-POST-03 PTZ-01"
    assert event["description"].startswith("EXERCISE SOS X ")
    assert receipt.outcome is DeliveryState.VERIFIED


async def test_untrusted_words_stay_on_their_line(site: Site) -> None:
    await site.do(Operation.EVENT_START, spoken="a\r\nb\x00c\u2028d")
    assert "a b c d" in site.sent("events/generic")["description"]


async def test_an_event_that_no_rule_answers(site: Site) -> None:
    """The server says yes to everything: only the camera shows whether a rule ran."""
    site.fake.state.rules = [recording_rule(PTZ, "PTZ-02")]
    with pytest.raises(Retryable, match=r"PTZ-01 does not record \(status Online\): is there a rule"):
        await site.do(Operation.EVENT_START)


async def test_a_status_that_lags(site: Site) -> None:
    site.fake.status_lag = 3.0
    assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.VERIFIED
    assert site.clock.monotonic() == 3.0


async def test_a_camera_that_records_anyway_proves_nothing(site: Site) -> None:
    site.camera.always_records = True
    receipt = await site.do(Operation.EVENT_START)
    assert (receipt.outcome, "recorded before" in receipt.proof) == (DeliveryState.ACCEPTED, True)


async def test_a_lie_about_a_camera_that_records_anyway(site: Site) -> None:
    site.camera.always_records = True
    site.fake.faults.order(Rule(fault=Fault.LIE, path="events/generic"))
    assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.ACCEPTED


async def test_offline_camera_still_gets_its_event(site: Site) -> None:
    """The pop-up rules have to run, and recording begins when the camera comes back."""
    site.camera.status = "Offline"
    with pytest.raises(CameraMissing, match=r"TANKFARM-EAST-PTZ-01 gives no pictures \(status Offline\)"):
        await site.do(Operation.EVENT_START)
    assert [event["state"] for event in site.fake.state.events] == ["started"]


async def test_a_slow_status_does_not_hold_the_event_up(site: Site) -> None:
    await site.do(Operation.PROVE_LIVE)
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=500, method="GET", times=1))
    receipt = await site.do(Operation.EVENT_START)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert len(site.fake.state.events) == 1


async def test_a_lost_answer_is_found_out(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.RESET, path="events/generic"))
    assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.VERIFIED


async def test_a_lost_answer_that_cannot_be_found_out(site: Site) -> None:
    site.camera.always_records = True
    site.fake.faults.order(Rule(fault=Fault.RESET, path="events/generic"))
    with pytest.raises(Uncertain):
        await site.do(Operation.EVENT_START)


async def test_the_camera_cannot_be_asked_afterwards(site: Site) -> None:
    await site.do(Operation.PROVE_LIVE)
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=503, method="GET"))
    with pytest.raises(Uncertain, match="the event was sent; the camera cannot be asked"):
        await site.do(Operation.EVENT_START)


async def test_a_status_that_may_not_be_asked(site: Site) -> None:
    """The event was taken, and its rule records: that is told, and not called a refusal."""
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=403, path=f"devices/{PTZ}"))
    receipt = await site.do(Operation.EVENT_START)
    assert (receipt.outcome, receipt.reference[:6]) == (DeliveryState.ACCEPTED, "event:")
    assert "the server took the event; reading back failed: " in receipt.proof


@pytest.mark.parametrize("opened", ["nan", "1e400", "-inf", "soon"])
async def test_a_beginning_that_is_no_time(site: Site, opened: str) -> None:
    await site.do(Operation.EVENT_START, opened_ts=opened)
    assert site.sent("events/generic")["timestamp"] == str(round(site.clock.now() * 1000) - 500)
    assert (await site.do(Operation.BOOKMARK, opened_ts=opened)).outcome is DeliveryState.VERIFIED


async def test_unknown_camera(site: Site) -> None:
    with pytest.raises(Permanent, match="404"):
        await site.do(Operation.EVENT_START, OTHER)


@pytest.mark.parametrize("target", ["", "..", "*", "-"])
async def test_targets_that_are_no_ids(site: Site, target: str) -> None:
    with pytest.raises(Permanent, match="is no id"):
        await site.do(Operation.PROVE_LIVE, target)


async def test_the_rule_stops_with_the_event(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    receipt = await site.do(Operation.EVENT_STOP)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.fake.state.running == set()
    assert site.camera.shown_status(site.clock.now()) == "Online"


async def test_without_a_recording_rule_an_event_is_accepted(hasty: HastyClock) -> None:
    async with site_of(hasty, recording_rule=False) as site:
        assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.ACCEPTED
        assert site.asked(f"GET /rest/v4/devices/{PTZ}") == 0
        site.fake.faults.order(Rule(fault=Fault.RESET, path="events/generic"))
        with pytest.raises(Uncertain):
            await site.do(Operation.EVENT_START)
        assert await site.driver.still_held(Operation.EVENT_START, PTZ) is None


async def test_no_right_to_raise_events(site: Site) -> None:
    site.fake.users["sosbridge"].permissions = frozenset()
    with pytest.raises(Permanent, match=r"403.*forbidden"):
        await site.do(Operation.EVENT_START)


async def test_still_held(site: Site) -> None:
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is False
    await site.do(Operation.EVENT_START)
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is True
    site.camera.status = "Offline"
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is None
    assert await site.driver.still_held(Operation.SHOW, PTZ) is None


async def test_what_rules_do_is_not_ordered(site: Site) -> None:
    by_rule = [each for each, how in site.driver.capabilities.items() if how is Capability.BY_RULE]
    assert Operation.START_RECORDING in by_rule
    for operation in by_rule:
        with pytest.raises(Permanent, match="a rule in the VMS does it on event_start"):
            await site.do(operation)
    assert site.fake.requests == []


async def test_the_older_event(hasty: HastyClock) -> None:
    async with site_of(hasty, fake=fake_nx(hasty, api=2)) as site:
        receipt = await site.do(Operation.EVENT_START, opened_ts=repr(OPENED))
        assert receipt.outcome is DeliveryState.VERIFIED
        event = site.sent("createEvent")
        assert event["state"] == "Active"
        assert event["metadata"] == {"cameraRefs": [PTZ]}
        assert event["timestamp"] == "1767225590250"
        await site.do(Operation.EVENT_STOP)
        assert [each["state"] for each in site.fake.state.events] == ["started", "stopped"]


async def test_the_older_event_refused_with_200(hasty: HastyClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site_of(hasty, fake=fake_nx(hasty, api=2)) as site:
        refusal = Answer.json({"error": "3", "errorString": "Invalid value for parameter caption"})
        monkeypatch.setattr(site.fake, "_create_event", lambda *_: refusal)
        with pytest.raises(Permanent, match="takes no event: Invalid value"):
            await site.do(Operation.EVENT_START)


# --- proof of life -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Offline", "Unauthorized", "Incompatible", "mismatchedCertificate"])
async def test_a_camera_without_pictures(site: Site, status: str) -> None:
    site.camera.status = status
    with pytest.raises(CameraMissing, match=status):
        await site.do(Operation.PROVE_LIVE)


async def test_a_camera_with_pictures(site: Site) -> None:
    assert (await site.do(Operation.PROVE_LIVE)).proof == "status Online"
    site.camera.status = "NotDefined"
    with pytest.raises(Retryable, match="does not know yet") as error:
        await site.do(Operation.PROVE_LIVE)
    assert not isinstance(error.value, CameraMissing)


async def test_older_servers_leave_out_what_is_default(hasty: HastyClock) -> None:
    """And Offline is a default."""
    async with site_of(hasty, fake=fake_nx(hasty, api=3)) as site:
        site.camera.status = "Offline"
        with pytest.raises(CameraMissing):
            await site.do(Operation.PROVE_LIVE)


# --- PTZ -----------------------------------------------------------------------------------------------


async def test_presets_by_id_and_by_name(site: Site) -> None:
    for preset in (GATE, "post-03", "post-03"):
        receipt = await site.do(Operation.RECALL_PRESET, preset=preset)
        assert receipt.reference == f"object:{GATE}"
    assert site.camera.moved == [GATE] * 3
    assert site.asked("/ptz/presets") == 4  # the names are asked for once
    orders = [request.json() for request in site.fake.requests if "activate" in request.path]
    assert orders == [{"speed": 1.0}] * 3


async def test_a_preset_that_was_made_anew(site: Site) -> None:
    await site.do(Operation.RECALL_PRESET, preset="post-03")
    site.camera.presets = {"new": "post-03"}
    assert (await site.do(Operation.RECALL_PRESET, preset="post-03")).reference == "object:new"


async def test_unknown_preset(site: Site) -> None:
    with pytest.raises(Permanent, match=r"has no preset 'gate'; it has post-03, overview"):
        await site.do(Operation.RECALL_PRESET, preset="gate")


async def test_a_preset_that_never_becomes_active(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.LIE, path="activate"))
    with pytest.raises(Retryable, match=r"was promised, but active at camera .* is None"):
        await site.do(Operation.RECALL_PRESET, preset=GATE)
    assert site.clock.monotonic() == 3.0


async def test_the_active_preset_cannot_be_asked(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=503, path="activeObject"))
    with pytest.raises(Uncertain, match="what became of it cannot be asked"):
        await site.do(Operation.RECALL_PRESET, preset=GATE)


async def test_moving_a_camera_that_is_offline(site: Site) -> None:
    site.camera.status = "Offline"
    with pytest.raises(CameraMissing, match="cannot be moved"):
        await site.do(Operation.RECALL_PRESET, preset=GATE)


async def test_a_camera_that_goes_offline_on_its_way(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.LIE, path="activate"))
    site.camera.status = "Unauthorized"
    with pytest.raises(CameraMissing):
        await site.do(Operation.RECALL_PRESET, preset=GATE)


async def test_preset_proof_off(hasty: HastyClock) -> None:
    async with site_of(hasty, preset_proof=False, preset_speed=0.5) as site:
        receipt = await site.do(Operation.RECALL_PRESET, preset=GATE)
        assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, "position:18,0.5,1")
        assert site.sent("activate") == {"speed": 0.5}
        assert site.asked("activeObject") == 0


@pytest.fixture
async def old(hasty: HastyClock) -> AsyncIterator[Site]:
    """A server that does not tell the active object."""
    async with site_of(hasty, fake=fake_nx(hasty, api=3)) as made:
        yield made


async def test_presets_of_older_servers_are_accepted_only(old: Site) -> None:
    receipt = await old.do(Operation.RECALL_PRESET, preset=GATE)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert receipt.proof.endswith("the camera stands at 18,0.5,1")
    assert old.camera.moved == [GATE]


async def test_home_by_position(old: Site) -> None:
    recalled = await old.do(Operation.RECALL_PRESET, preset=GATE)
    old.camera.position = (18.001, 0.5, 1.0)
    assert (await old.do(Operation.HOME, reference=recalled.reference)).outcome is DeliveryState.ACCEPTED
    assert old.camera.moved == [GATE, HOME]


async def test_home_by_position_is_not_sent_after_an_operator(old: Site) -> None:
    recalled = await old.do(Operation.RECALL_PRESET, preset=GATE)
    old.camera.move_by_hand()
    assert (await old.do(Operation.HOME, reference=recalled.reference)).outcome is DeliveryState.SUPERSEDED
    assert old.camera.moved == [GATE]


@pytest.mark.parametrize("reference", ["position:abc", "position:1,2", "position:nan,0,0", "object:"])
async def test_a_reference_that_names_no_place(site: Site, reference: str) -> None:
    site.camera.position = (1.0, 0.5, 1.0)
    receipt = await site.do(Operation.HOME, reference=reference)
    assert (receipt.outcome, site.camera.moved) == (DeliveryState.SUPERSEDED, [])


async def test_a_camera_that_tells_nothing_is_never_sent_home(old: Site) -> None:
    old.camera.position = None
    recalled = await old.do(Operation.RECALL_PRESET, preset=GATE)
    assert (recalled.outcome, recalled.reference) == (DeliveryState.ACCEPTED, "")
    assert (await old.do(Operation.HOME, reference="")).outcome is DeliveryState.SUPERSEDED


async def test_a_camera_that_is_long_on_its_way(old: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = (Answer.json({"pan": pan, "tilt": 0, "zoom": 0}) for pan in range(100))
    route = old.fake._ptz

    def moving(request: Any, user: Any, device: Any, rest: list[str]) -> Any:
        return next(ways) if rest == ["position"] else route(request, user, device, rest)

    monkeypatch.setattr(old.fake, "_ptz", moving)
    receipt = await old.do(Operation.RECALL_PRESET, preset=GATE)
    assert receipt.proof.endswith("it still moves")
    assert old.clock.monotonic() == 3.0


async def test_home(site: Site) -> None:
    recalled = await site.do(Operation.RECALL_PRESET, preset=GATE)
    await site.do(Operation.HOME, reference=recalled.reference)
    assert site.camera.moved == [GATE, HOME]


async def test_home_is_not_sent_after_an_operator(site: Site) -> None:
    recalled = await site.do(Operation.RECALL_PRESET, preset=GATE)
    for moves in (site.camera.move_by_hand, lambda: setattr(site.camera, "active", ("preset", "other"))):
        moves()
        receipt = await site.do(Operation.HOME, reference=recalled.reference)
        assert receipt.outcome is DeliveryState.SUPERSEDED
        assert receipt.proof == "an operator has moved the camera since: left there"
    assert site.camera.moved == [GATE]


async def test_home_without_knowing_where_the_camera_was_left(site: Site) -> None:
    assert (await site.do(Operation.HOME)).outcome is DeliveryState.SUPERSEDED
    assert site.camera.moved == []


async def test_a_home_that_is_a_tour(site: Site) -> None:
    site.camera.home = ("tour", "round")
    recalled = await site.do(Operation.RECALL_PRESET, preset=GATE)
    receipt = await site.do(Operation.HOME, reference=recalled.reference)
    assert receipt.proof == "the active object is tour round"


async def test_no_home(site: Site) -> None:
    site.camera.home = None
    recalled = await site.do(Operation.RECALL_PRESET, preset=GATE)
    with pytest.raises(Permanent, match="has no home position"):
        await site.do(Operation.HOME, reference=recalled.reference)


# --- bookmarks -----------------------------------------------------------------------------------------


async def test_bookmark(site: Site) -> None:
    receipt = await site.do(Operation.BOOKMARK, opened_ts=repr(OPENED))
    [bookmark] = site.fake.state.bookmarks
    assert bookmark["name"] == "SOS TANKFARM-EAST-POST-03"
    assert (bookmark["startTimeMs"], bookmark["durationMs"]) == (1_767_225_580_250, 60_000)
    assert bookmark["tags"] == [*("sosbridge", f"incident-{INCIDENT}", "emergency", "TANKFARM-EAST-POST-03")]
    assert f"incident {INCIDENT} event 1767225590250" in bookmark["description"]
    assert receipt.reference == f"bookmark:{bookmark['id']}"


@pytest.mark.parametrize(("lasted", "length"), [(8.0, 60_000), (300.0, 310_000)])
async def test_a_bookmark_of_the_past_holds_the_whole_call(site: Site, lasted: float, length: int) -> None:
    """It begins `bookmark_before` the call, and ends with it at the earliest."""
    day = 86_400
    moments = {"opened_ts": repr(OPENED - day), "ended_ts": repr(OPENED - day + lasted)}
    await site.do(Operation.BOOKMARK_PAST, **moments)
    [bookmark] = site.fake.state.bookmarks
    assert (bookmark["startTimeMs"], bookmark["durationMs"]) == (1_767_225_580_250 - day * 1000, length)


async def test_a_bookmark_is_made_once_for_each_incident(site: Site) -> None:
    for incident in (INCIDENT, INCIDENT, OTHER):
        await site.do(Operation.BOOKMARK, incident=incident)
    assert len(site.fake.state.bookmarks) == 2


async def test_a_bookmark_whose_answer_was_lost(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.RESET, method="POST", path="bookmarks"))
    receipt = await site.do(Operation.BOOKMARK)
    assert "the answer itself was lost" in receipt.proof


@pytest.mark.parametrize("rule", [Rule(fault=Fault.RESET), Rule(fault=Fault.STATUS, status=403)])
async def test_a_bookmark_that_cannot_be_read_back(site: Site, rule: Rule) -> None:
    site.fake.faults.order(replace(rule, method="GET", path="/bookmarks/b"))
    made = await site.do(Operation.BOOKMARK, opened_ts=repr(OPENED))
    await site.clock.sleep(100)
    longer = await site.do(Operation.EXTEND_BOOKMARK, opened_ts=repr(OPENED))
    for receipt in (made, longer):
        assert receipt.outcome is DeliveryState.ACCEPTED
        assert "the answer was yes; reading back failed: " in receipt.proof
        assert receipt.reference.startswith("bookmark:b00c")
    assert len(site.fake.state.bookmarks) == 1


async def test_a_bookmark_is_lengthened_to_now(site: Site) -> None:
    made = await site.do(Operation.BOOKMARK)
    began = site.clock.now()
    await site.clock.sleep(300)
    await site.do(Operation.EXTEND_BOOKMARK, reference=made.reference, opened_ts=repr(began))
    assert site.fake.state.bookmarks[0]["durationMs"] == 310_000


async def test_a_bookmark_without_reference_is_found_by_its_incident(site: Site) -> None:
    opened = repr(site.clock.now())
    await site.do(Operation.BOOKMARK, opened_ts=opened)
    await site.clock.sleep(300)
    for reference in ("", "bookmark:gone"):
        receipt = await site.do(Operation.EXTEND_BOOKMARK, opened_ts=opened, reference=reference)
        assert receipt.outcome is DeliveryState.VERIFIED
    assert site.fake.state.bookmarks[0]["durationMs"] == 310_000


async def test_a_bookmark_is_never_shortened(site: Site) -> None:
    made = await site.do(Operation.BOOKMARK)
    await site.do(Operation.EXTEND_BOOKMARK, reference=made.reference)
    assert site.asked("PATCH") == 0


async def test_lengthening_that_is_a_lie(site: Site) -> None:
    made = await site.do(Operation.BOOKMARK)
    await site.clock.sleep(300)
    site.fake.faults.order(Rule(fault=Fault.LIE, method="PATCH"))
    with pytest.raises(Retryable, match="did not become"):
        await site.do(Operation.EXTEND_BOOKMARK, reference=made.reference)


async def test_nothing_to_lengthen(site: Site) -> None:
    with pytest.raises(Permanent, match="has no bookmark"):
        await site.do(Operation.EXTEND_BOOKMARK)


# --- soft triggers -------------------------------------------------------------------------------------


@pytest.fixture
async def shown(hasty: HastyClock) -> AsyncIterator[Site]:
    """A site with soft triggers."""
    async with site_of(hasty, show_trigger="SOS {target}", popup_trigger="SOS pop-up") as made:
        made.fake.state.triggers = [soft_trigger("SOS control-1", PTZ, FIXED), soft_trigger("SOS pop-up")]
        yield made


async def test_soft_triggers(shown: Site) -> None:
    show, popup = (each["triggerId"] for each in shown.fake.state.triggers)
    receipt = await shown.do(Operation.SHOW, "control-1", cameras=f"{PTZ},{FIXED}")
    assert (receipt.outcome, receipt.proof[:29]) == (DeliveryState.ACCEPTED, "soft trigger 'SOS control-1' ")
    await shown.do(Operation.POPUP, "control-1", cameras=f"{FIXED},{PTZ}")
    assert shown.fake.state.fired == [(show, PTZ), (show, FIXED), (popup, FIXED)]
    assert await shown.texts("error") == []


async def test_what_a_soft_trigger_has_shown_is_not_taken_away(shown: Site) -> None:
    for operation in (Operation.HIDE, Operation.CLOSE_POPUP):
        assert shown.driver.capabilities[operation] is Capability.IMPOSSIBLE


async def test_soft_triggers_that_cannot_be_fired(shown: Site) -> None:
    with pytest.raises(Permanent, match="needs a camera"):
        await shown.do(Operation.SHOW, "control-1")
    with pytest.raises(Permanent, match=r"no soft trigger 'SOS gate'.*there is SOS control-1, SOS pop-up"):
        await shown.do(Operation.SHOW, "gate", cameras=PTZ)
    shown.fake.state.triggers = [
        soft_trigger("SOS control-1", FIXED),
        soft_trigger("SOS pop-up", prolonged=True),
    ]
    with pytest.raises(Permanent, match=f"is not for camera {PTZ}"):
        await shown.do(Operation.SHOW, "control-1", cameras=PTZ)
    with pytest.raises(Permanent, match="must be an instant one"):
        await shown.do(Operation.POPUP, "control-1", cameras=PTZ)
    [text] = await shown.texts("error")
    assert "must be an instant one" in text
    assert shown.fake.state.fired == []


async def test_soft_triggers_are_fired_at_every_camera_or_at_none(shown: Site) -> None:
    shown.fake.state.triggers = [soft_trigger("SOS control-1", PTZ)]
    with pytest.raises(Permanent, match=f"is not for camera {FIXED}"):
        await shown.do(Operation.SHOW, "control-1", cameras=f"{PTZ},{FIXED}")
    assert shown.fake.state.fired == []


async def test_soft_triggers_that_fail_half_way(shown: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One camera is shown already: that is not "nothing happened"."""
    fire = shown.fake._soft_trigger

    def once(request: Request) -> Answer:
        if request.method == "POST" and shown.fake.state.fired:
            return Answer.json({"errorId": "forbidden"}, 403)
        return fire(request)

    monkeypatch.setattr(shown.fake, "_soft_trigger", once)
    with pytest.raises(Uncertain, match=r"fired at 1 of 2 cameras, then: .*403"):
        await shown.do(Operation.SHOW, "control-1", cameras=f"{PTZ},{FIXED}")


async def test_soft_triggers_of_older_servers(hasty: HastyClock) -> None:
    async with site_of(hasty, fake=fake_nx(hasty, api=3), show_trigger="SOS") as site:
        [text] = await site.texts("error")
        assert "need 6.1" in text


# --- sessions ------------------------------------------------------------------------------------------


async def test_the_session_is_renewed_at_four_fifths(site: Site) -> None:
    await site.do(Operation.PROVE_LIVE)
    await site.clock.sleep(2879)
    await site.do(Operation.PROVE_LIVE)
    assert site.fake.log_ins == 1
    await site.clock.sleep(2)
    await site.do(Operation.PROVE_LIVE)
    assert site.fake.log_ins == 2


@pytest.mark.parametrize("how", ["expire_tokens", "age_tokens"])
async def test_a_lost_session_is_renewed_once_for_all(site: Site, how: str) -> None:
    await site.do(Operation.PROVE_LIVE)
    getattr(site.fake, how)()
    await asyncio.gather(*(site.do(Operation.PROVE_LIVE, camera) for camera in (PTZ, FIXED)))
    assert site.fake.log_ins == 2


async def test_a_session_that_is_always_too_old(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not log in for ever."""
    await site.do(Operation.PROVE_LIVE)
    log_in = site.fake._log_in

    def aged(request: Any) -> Any:
        answer = log_in(request)
        site.fake.age_tokens()
        return answer

    monkeypatch.setattr(site.fake, "_log_in", aged)
    site.fake.age_tokens()
    with pytest.raises(Permanent, match=r"403.*sessionExpired"):
        await site.do(Operation.PROVE_LIVE)
    assert site.fake.log_ins == 2


async def test_a_refused_password_is_not_sent_again_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of deliveries must not lock the account."""
    monkeypatch.setenv(SECRET_NAME, "wrong-one")
    for _ in range(10):
        with pytest.raises(Permanent, match="the Nx server refuses the user sosbridge"):
            await site.do(Operation.PROVE_LIVE)
    assert len(site.fake.requests) == 2
    await site.clock.sleep(61)
    with pytest.raises(Permanent, match="401"):
        await site.do(Operation.PROVE_LIVE)
    assert site.asked("login") == 2
    monkeypatch.setenv(SECRET_NAME, SECRET)  # mended: tried at once
    assert (await site.do(Operation.PROVE_LIVE)).outcome is DeliveryState.VERIFIED


@pytest.mark.parametrize(
    "changed",
    [
        {"token": "a\nb"},
        {"token": "\u00e9"},
        {"token": ["x"]},
        {"expiresInS": 10**400},
        {"expiresInS": 1e999},
        {"expiresInS": "soon"},
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
        assert await site.driver.still_held(Operation.EVENT_START, PTZ) is None
        assert len(await site.texts("error")) == 1
    assert (await site.do(Operation.PROVE_LIVE)).outcome is DeliveryState.VERIFIED


async def test_numbers_that_nobody_can_reckon_with(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON has whole numbers that no float can hold."""
    info = site.fake._info
    monkeypatch.setattr(site.fake, "_info", lambda: {**info(), "synchronizedTimeMs": 10**400})
    assert await site.texts("error") == []
    site.camera.position = (10**400, 0.0, 0.0)
    assert (await site.do(Operation.BOOKMARK)).outcome is DeliveryState.VERIFIED
    site.fake.state.bookmarks[0]["durationMs"] = 10**400
    with pytest.raises(Retryable, match="no bookmark with start"):
        await site.do(Operation.EXTEND_BOOKMARK)
    with pytest.raises(Retryable, match="no position"):
        await site.do(Operation.HOME, reference="position:1,2,3")


async def test_a_pinned_version_is_not_asked_for(hasty: HastyClock) -> None:
    async with site_of(hasty, api="v2") as site:
        await site.do(Operation.PROVE_LIVE)
        assert [str(request) for request in site.fake.requests] == [
            "POST /rest/v2/login/sessions",
            f"GET /rest/v2/devices/{PTZ}",
        ]


async def test_a_server_that_has_dropped_the_first_version(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=404, path="/rest/v1/"))
    assert (await site.do(Operation.PROVE_LIVE)).outcome is DeliveryState.VERIFIED


async def test_a_server_that_is_too_old(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=404))
    with pytest.raises(Permanent, match=r"Nx 5\.0 or later is needed"):
        await site.do(Operation.PROVE_LIVE)


async def test_the_password_leaves_for_the_log_in_only(site: Site) -> None:
    await site.do(Operation.BOOKMARK)
    assert sum(b"pa55" in request.body for request in site.fake.requests) == 1
    asked = {name for request in site.fake.requests for name in request.query}
    assert asked == {"startTimeMs", "limit", "order"}


# --- rules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "fitting"),
    [
        ({}, True),
        ({"value": ""}, True),
        ({"value": "PTZ-01"}, True),
        ({"value": "PTZ-02"}, False),
        ({"value": "PTZ-02 PTZ-01"}, True),
        ({"value": "ptz-01"}, False),
        ({"value": '"POST-03 PTZ"'}, True),
        ({"value": '"PTZ POST-03"'}, False),
        ({"checkType": "doesNotContainKeywords", "value": "PTZ-01"}, False),
        ({"checkType": "doesNotContainKeywords", "value": "gate"}, True),
        ({"checkType": "inList", "value": OTHER}, True),
    ],
)
def test_words_of_a_rule(field: dict[str, Any], fitting: bool) -> None:
    assert fits(field, "TANKFARM-EAST-POST-03 PTZ-01") is fitting


async def test_the_creator_is_the_bridge(site: Site) -> None:
    await site.do(Operation.BOOKMARK)
    assert site.fake.state.bookmarks[0]["creatorUserId"] == BRIDGE


# --- what `sosbridge plan` is told -----------------------------------------------------------------------


def test_proofs_are_of_what_can_end_verified() -> None:
    stanza = {"base_url": "https://nx.example:7001", "user": "u", "password": {"env": "X"}}
    everything = proofs_of(Config.model_validate(stanza))
    less = proofs_of(Config.model_validate({**stanza, "recording_rule": False, "preset_proof": False}))
    assert set(everything) - set(less) == {Operation.EVENT_START, Operation.RECALL_PRESET, Operation.HOME}
    assert set(less) == {
        *(Operation.BOOKMARK, Operation.BOOKMARK_PAST, Operation.EXTEND_BOOKMARK, Operation.PROVE_LIVE)
    }
