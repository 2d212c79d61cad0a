"""Milestone's own ways: log-in, tasks, presets, home, bookmarks, screens, check. By the documents alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.drivers.milestone import Config, capabilities_of
from bridge.errors import CameraMissing, Permanent, Retryable
from bridge.model import Capability, DeliveryState, Operation
from bridge.protocols.milestone_values import AlarmState, Position, alarm_in, position_in
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.milestone_plant import FakeCamera, FakePreset, number_of
from bridge.simulator.vms.server import Answer
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, HastyClock
from tests.drivers.cases_milestone import FIXED, HOME, IN_CAMERA, MONITOR, POST_03, PTZ, SETTINGS
from tests.drivers.milestone_site import Site, site_at

STOOD = "position:0.250000,-0.500000,0.400000"
"""Where the recall of post-03 leaves the camera."""


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    async with site_at(hasty) as site:
        yield site


# --- log-in --------------------------------------------------------------------------------------------


async def test_the_token_is_renewed_at_80_percent(site: Site, hasty: HastyClock) -> None:
    await site.do(Operation.SHOW, MONITOR, cameras=PTZ)
    await hasty.sleep(0.79 * 3600)
    await site.do(Operation.SHOW, MONITOR, cameras=PTZ)
    assert site.fake.log_ins == 1
    await hasty.sleep(0.02 * 3600)
    await site.do(Operation.SHOW, MONITOR, cameras=PTZ)
    assert site.fake.log_ins == 2


async def test_a_lost_token_is_renewed_once_for_all(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    site.fake.expire_tokens()
    await asyncio.gather(*(site.do(Operation.EVENT_START, target) for target in (PTZ, FIXED)))
    assert site.fake.log_ins == 2


async def test_the_token_path_that_works_is_remembered(site: Site) -> None:
    site.fake.token_path = "/IDP/connect/token"
    await site.do(Operation.EVENT_START)
    site.fake.expire_tokens()
    await site.do(Operation.EVENT_STOP)
    assert site.asked("POST /API/IDP/connect/token") == 1
    assert site.asked("POST /IDP/connect/token") == 2


async def test_the_password_is_encoded(site: Site) -> None:
    """The vendor's sample builds the form by hand and breaks on & and +."""
    await site.do(Operation.EVENT_START)
    assert site.fake.requests[0].form["password"] == "pa55-phrase&/=?"


async def test_a_user_whom_oauth_refuses_with_400(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, path="connect/token", status=400))
    with pytest.raises(Permanent, match="Milestone refuses the user sosbridge"):
        await site.do(Operation.EVENT_START)
    assert site.asked("connect/token") == 1


async def test_refused_credentials_are_spared(
    site: Site, hasty: HastyClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XProtect locks users out who keep trying."""
    monkeypatch.setenv(SECRET_NAME, "wrong")
    for _ in range(3):
        with pytest.raises(Permanent, match="401"):
            await site.do(Operation.EVENT_START)
    assert site.asked("connect/token") == 1
    await hasty.sleep(61)
    with pytest.raises(Permanent):
        await site.do(Operation.EVENT_START)
    assert site.asked("connect/token") == 2
    monkeypatch.setenv(SECRET_NAME, SECRET)
    assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.ACCEPTED


# --- events --------------------------------------------------------------------------------------------


async def test_events_by_name_and_tier(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    await site.do(Operation.EVENT_STOP)
    assert [event["name"] for event in site.fake.state.events] == [
        "SOS emergency start",
        "SOS emergency stop",
    ]
    assert site.asked("userDefinedEvents") == 1


@pytest.mark.parametrize(
    ("source", "sent"), [("path", f"cameras/{PTZ}"), ("id", PTZ), ("none", None)], ids=["path", "id", "none"]
)
async def test_the_source_of_an_event(hasty: HastyClock, source: str, sent: str | None) -> None:
    events = {**SETTINGS["events"], "source": source, "fields": {"message": "{title}: {incident}"}}
    async with site_at(hasty, events=events) as site:
        await site.do(Operation.EVENT_START)
        body = site.sent("POST /api/rest/v1/events")
        assert body.get("source") == sent
        assert body["message"] == f"SOS TANKFARM-EAST-POST-03: {INCIDENT}"


async def test_an_event_that_is_not_there(hasty: HastyClock) -> None:
    async with site_at(hasty, events={"start": "SOS {location} start", "stop": "stop"}) as site:
        with pytest.raises(
            Permanent, match="no user-defined event 'SOS TANKFARM-EAST-POST-03 start'"
        ) as caught:
            await site.do(Operation.EVENT_START)
        assert "there is SOS emergency start, SOS emergency stop" in str(caught.value)
        assert "built in" not in str(caught.value)
        assert site.asked("userDefinedEvents") == 2


async def test_recording_is_by_rule(site: Site) -> None:
    assert site.driver.capabilities[Operation.START_RECORDING] is Capability.BY_RULE
    with pytest.raises(Permanent, match="start_recording is done by a rule"):
        await site.do(Operation.START_RECORDING)
    assert site.fake.requests == []


# --- proof of life -------------------------------------------------------------------------------------


async def test_a_live_picture(site: Site) -> None:
    receipt = await site.do(Operation.PROVE_LIVE)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == "a picture of 2026-01-01T00:00:00+00:00, 1604 bytes"
    assert site.sent("POST /api/rest/v1/cameras") == {"width": 320, "height": 240}


async def test_no_live_picture(site: Site) -> None:
    site.fake.camera("PTZ-01").online = False
    with pytest.raises(CameraMissing, match="No live image"):
        await site.do(Operation.PROVE_LIVE)


@pytest.mark.parametrize("operation", [Operation.PROVE_LIVE, Operation.RECALL_PRESET])
async def test_a_recording_server_that_is_away(site: Site, operation: Operation) -> None:
    site.fake.rest.recorder_up = False
    with pytest.raises(CameraMissing, match="recording server does not answer: HTTP 502"):
        await site.do(operation, preset="post-03")


@pytest.mark.parametrize(
    "data",
    ["", "/9j/", "/9j/4AAQSkZJRgABAQ==", "R0lG" * 1000, "/9j/" + "%" * 4000, "/9j/" + "ü" * 4000],
    ids=str,
)
async def test_a_picture_that_is_none(site: Site, data: str) -> None:
    site.fake.rest.jpeg = data
    with pytest.raises(CameraMissing, match="no picture"):
        await site.do(Operation.PROVE_LIVE)


async def test_a_picture_of_long_ago(site: Site) -> None:
    site.fake.rest.picture_age = 60.0
    with pytest.raises(CameraMissing, match="60 s old by our clock"):
        await site.do(Operation.PROVE_LIVE)


async def test_a_picture_of_the_future_proves_nothing(site: Site) -> None:
    site.fake.rest.picture_age = -60.0
    receipt = await site.do(Operation.PROVE_LIVE)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "60 s ahead of our clock" in receipt.proof


async def test_a_pictures_age_is_by_the_gateways_clock(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def dated(answer: Answer) -> bytes:
        date = b"\r\nDate: Thu, 01 Jan 2026 00:01:00 GMT\r\n"
        return encode(answer).replace(b"\r\n", date, 1)

    encode = Answer.encode
    monkeypatch.setattr(Answer, "encode", dated)
    with pytest.raises(CameraMissing, match="60 s old by the gateway's clock"):
        await site.do(Operation.PROVE_LIVE)


async def test_a_gateway_that_gives_no_pictures(site: Site) -> None:
    site.fake.rest.knows_pictures = False
    with pytest.raises(Retryable, match="cannot be asked now"):
        await site.do(Operation.PROVE_LIVE)


# --- presets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["post-03", POST_03, POST_03.upper()])
async def test_a_preset_by_name_or_id(site: Site, preset: str) -> None:
    receipt = await site.do(Operation.RECALL_PRESET, preset=preset)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == "stands at preset post-03 (pan 0.25, tilt -0.5, zoom 0.4)"
    assert receipt.reference == STOOD


async def test_presets_are_asked_for_again_after_a_while(site: Site, hasty: HastyClock) -> None:
    for _ in range(2):
        await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert site.asked("ptzPresets") == 3
    await hasty.sleep(301)
    await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert site.asked("GET /api/rest/v1/cameras") == 2


async def test_a_new_preset_is_found_at_once(site: Site) -> None:
    await site.do(Operation.RECALL_PRESET, preset="post-03")
    site.fake.camera("PTZ-01").presets[1].name = "post-04"
    assert (await site.do(Operation.RECALL_PRESET, preset="post-04")).outcome is DeliveryState.VERIFIED
    with pytest.raises(Permanent, match="no preset 'post-05'; there is home, post-04, kept in the camera"):
        await site.do(Operation.RECALL_PRESET, preset="post-05")


async def test_a_repeat_asks_first(site: Site) -> None:
    await site.do(Operation.RECALL_PRESET, preset="post-03")
    again = await site.do(Operation.RECALL_PRESET, preset="post-03", doubtful=True)
    assert again.proof.startswith("stands at preset post-03 already")
    assert site.fake.state.moves == 1


async def test_a_camera_that_says_success_and_stays(site: Site) -> None:
    site.fake.camera("PTZ-01").stuck = True
    with pytest.raises(Retryable, match=r"Success, but it stands at pan 0\.9.*ptz_read_back"):
        await site.do(Operation.RECALL_PRESET, preset="post-03")


async def test_no_fight_with_an_operator_over_a_preset(site: Site) -> None:
    """A repeat that finds the camera elsewhere than the last attempt left it lets it be."""
    camera = site.fake.camera("PTZ-01")
    camera.stuck = True
    with pytest.raises(Retryable):
        await site.do(Operation.RECALL_PRESET, preset="post-03")
    camera.position = (0.3, 0.3, 0.3)
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03", attempts=2)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "it has moved since" in receipt.proof
    assert (await site.do(Operation.HOME, reference=receipt.reference)).outcome is DeliveryState.SUPERSEDED
    assert site.fake.state.moves == 1


async def test_a_preset_kept_in_the_camera(site: Site) -> None:
    receipt = await site.do(Operation.RECALL_PRESET, preset=IN_CAMERA)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert receipt.reference == "position:-0.500000,0.500000,0.100000"


async def test_a_camera_that_cannot_tell_its_position(site: Site) -> None:
    site.fake.camera("PTZ-01").tells_position = False
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, f"preset:{POST_03}")


async def test_a_task_that_goes_on_is_followed(site: Site) -> None:
    site.fake.rest.slow_tasks = True
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert receipt.outcome is DeliveryState.VERIFIED
    assert site.asked("GET /api/rest/v1/tasks/33") == 1
    assert site.asked("POST /api/rest/v1/tasks/33") == 1
    assert site.fake.state.tasks == {}


async def test_a_task_that_fails(site: Site) -> None:
    site.fake.camera("PTZ-01").online = False
    with pytest.raises(Retryable, match=r"Goto at .*: The device is not responding"):
        await site.do(Operation.RECALL_PRESET, preset="post-03")


async def test_a_task_that_does_not_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.fake.rest.slow_tasks = True
    stuck = {"state": "InProgress"}
    monkeypatch.setattr("bridge.simulator.vms.milestone_rest.Rest._one", lambda *_: stuck)
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert receipt.outcome is DeliveryState.VERIFIED
    site.fake.camera("PTZ-01").stuck = True
    site.fake.camera("PTZ-01").position = (0.9, 0.9, 0.9)
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "task 34 is still InProgress" in receipt.proof


async def test_a_task_that_may_not_be_followed(site: Site) -> None:
    site.fake.rest.slow_tasks = True
    site.fake.camera("PTZ-01").tells_position = False
    site.fake.faults.order(Rule(fault=Fault.STATUS, path="/tasks/", status=403))
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.fake.state.moves == 1


@pytest.mark.parametrize("target", ["", "1", "../users", f"{PTZ}/x", "TANKFARM-EAST-PTZ-01"])
async def test_targets_are_guids(site: Site, target: str) -> None:
    for operation in (Operation.RECALL_PRESET, Operation.BOOKMARK, Operation.EVENT_START, Operation.SHOW):
        with pytest.raises(Permanent, match="is not the id of a"):
            await site.do(operation, target, preset="post-03", cameras=PTZ)
    assert site.fake.requests == []


# --- home ----------------------------------------------------------------------------------------------


async def test_home_after_our_recall(site: Site) -> None:
    recalled = await site.do(Operation.RECALL_PRESET, preset="post-03")
    receipt = await site.do(Operation.HOME, reference=recalled.reference)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert site.fake.camera("PTZ-01").position == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("reference", [STOOD, f"preset:{POST_03}"])
async def test_not_home_when_an_operator_has_moved_it(site: Site, reference: str) -> None:
    site.fake.camera("PTZ-01").position = (0.5, 0.5, 0.5)
    receipt = await site.do(Operation.HOME, reference=reference)
    assert receipt.outcome is DeliveryState.SUPERSEDED
    assert receipt.proof.startswith("an operator has moved the camera since: left there")
    assert site.fake.state.moves == 0


async def test_home_already(site: Site) -> None:
    site.fake.camera("PTZ-01").position = (0.0, 0.0, 0.01)
    receipt = await site.do(Operation.HOME, reference=STOOD, doubtful=True)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert site.fake.state.moves == 0


async def test_home_where_nothing_can_be_asked(site: Site) -> None:
    site.fake.camera("PTZ-01").tells_position = False
    receipt = await site.do(Operation.HOME, reference=f"preset:{POST_03}")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.fake.state.moves == 1


@pytest.mark.parametrize("reference", ["", f"preset:{IN_CAMERA}"], ids=["nothing", "kept in the camera"])
@pytest.mark.parametrize("tells", [True, False], ids=["tells its position", "does not"])
async def test_not_home_from_nobody_knows_where(site: Site, reference: str, tells: bool) -> None:
    site.fake.camera("PTZ-01").tells_position = tells
    receipt = await site.do(Operation.HOME, reference=reference)
    assert receipt.outcome is DeliveryState.SUPERSEDED
    assert "an operator may have it" in receipt.proof
    assert site.fake.state.moves == 0


async def test_a_home_preset_by_name(hasty: HastyClock) -> None:
    async with site_at(hasty, home_preset="post-03") as site:
        site.fake.camera("PTZ-01").position = (0.0, 0.0, 0.0)
        await site.do(Operation.HOME, reference="position:0.0,0.0,0.0")
        assert site.asked(f"ptzPresets/{POST_03}") == 1


async def test_no_home(site: Site) -> None:
    del site.fake.camera("PTZ-01").presets[0]
    with pytest.raises(Permanent, match="no default preset"):
        await site.do(Operation.HOME)
    assert site.asked(HOME) == 0


def test_pan_goes_round() -> None:
    left, right = (Position(pan=pan, tilt=0.0, zoom=0.0) for pan in (-0.995, 0.995))
    assert left.near(right, 0.02)
    assert not left.near(Position(pan=0.0, tilt=0.0, zoom=0.0), 0.5)


# --- bookmarks and evidence ----------------------------------------------------------------------------


async def test_bookmark(site: Site, hasty: HastyClock) -> None:
    opened = hasty.now() - 60
    receipt = await site.do(Operation.BOOKMARK, opened_ts=repr(opened))
    [bookmark] = site.fake.state.bookmarks.values()
    assert bookmark["header"] == "SOS TANKFARM-EAST-POST-03"
    assert bookmark["reference"] == INCIDENT
    assert bookmark["timeBegin"] == "2025-12-31T23:58:50.000Z"
    assert bookmark["timeTriggered"] == "2025-12-31T23:59:00.000Z"
    assert bookmark["timeEnd"] == "2026-01-01T00:00:30.000Z"
    assert bookmark["devicePath"] == {"type": "cameras", "id": PTZ}
    assert receipt.reference == f"bookmark:{bookmark['id']}"


async def test_a_bookmark_of_the_past_ends_behind_the_call(site: Site, hasty: HastyClock) -> None:
    opened = hasty.now() - 3600
    receipt = await site.do(Operation.BOOKMARK_PAST, opened_ts=repr(opened), ended_ts=repr(opened + 8))
    assert receipt.outcome is DeliveryState.VERIFIED
    [bookmark] = site.fake.state.bookmarks.values()
    assert bookmark["timeBegin"] == "2025-12-31T22:59:50.000Z"
    assert bookmark["timeTriggered"] == "2025-12-31T23:00:00.000Z"
    assert bookmark["timeEnd"] == "2025-12-31T23:00:38.000Z"


async def test_a_bookmark_is_found_again_after_a_restart(site: Site) -> None:
    first = await site.do(Operation.BOOKMARK)
    restarted = site.restarted()
    again = await restarted.do(Operation.BOOKMARK, doubtful=True)
    other = await restarted.do(Operation.BOOKMARK, doubtful=True, id="another")
    await restarted.driver.close()
    assert again.reference == first.reference
    assert other.reference != first.reference
    assert len(site.fake.state.bookmarks) == 2


async def test_a_search_that_is_not_understood(hasty: HastyClock, site: Site) -> None:
    """Two bookmarks harm nobody; none does."""
    site.fake.rest.finds_bookmarks = False
    receipt = await site.do(Operation.BOOKMARK, doubtful=True)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert len(site.fake.state.bookmarks) == 1


async def test_extend_bookmark(site: Site, hasty: HastyClock) -> None:
    made = await site.do(Operation.BOOKMARK)
    await hasty.sleep(600)
    receipt = await site.do(Operation.EXTEND_BOOKMARK, reference=made.reference)
    [bookmark] = site.fake.state.bookmarks.values()
    assert bookmark["timeEnd"] == "2026-01-01T00:10:00.000Z"
    assert (receipt.outcome, receipt.reference) == (DeliveryState.VERIFIED, made.reference)


async def test_an_extension_that_has_no_effect(site: Site, hasty: HastyClock) -> None:
    made = await site.do(Operation.BOOKMARK)
    await hasty.sleep(600)
    site.fake.faults.order(Rule(fault=Fault.LIE, method="PATCH"))
    with pytest.raises(Retryable, match="changed, but it ends at 2026-01-01T00:00:30"):
        await site.do(Operation.EXTEND_BOOKMARK, reference=made.reference)


@pytest.mark.parametrize("reference", ["", "event:1", "bookmark:", "bookmark:../1"])
async def test_extending_what_is_no_bookmark(site: Site, reference: str) -> None:
    with pytest.raises(Permanent):
        await site.do(Operation.EXTEND_BOOKMARK, reference=reference)
    assert site.fake.requests == []


async def test_a_lock_for_some_days(hasty: HastyClock) -> None:
    lock = {"keep_days": 30, "retention_type": "UserDefined", "retention_units": 30, "ahead": 600}
    async with site_at(hasty, evidence_lock=lock) as site:
        await site.do(Operation.LOCK_EVIDENCE, opened_ts=repr(hasty.now()))
        [made] = site.fake.state.evidence_locks.values()
    assert made["startTime"] == "2025-12-31T23:59:30.000Z"
    assert made["endTime"] == "2026-01-01T00:10:00.000Z"
    assert made["retentionExpire"] == "2026-01-31T00:10:00.000Z"
    assert made["retentionOption"] == {"retentionType": "UserDefined", "retentionUnits": 30}
    assert made["devicePaths"] == [{"type": "cameras", "id": PTZ}]


async def test_untrusted_words_stay_on_their_line(site: Site) -> None:
    await site.do(Operation.BOOKMARK, title="a\r\nb\x00\ud800", spoken="x\r\ndelivery 7")
    [bookmark] = site.fake.state.bookmarks.values()
    assert bookmark["header"] == "a b ?"
    assert "\ndelivery 7" not in bookmark["description"]


# --- screens -------------------------------------------------------------------------------------------


async def test_show_and_hide(site: Site) -> None:
    receipt = await site.do(Operation.SHOW, MONITOR, cameras=f"{PTZ},{FIXED}")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.fake.state.monitors[MONITOR] == [PTZ, FIXED]
    await site.do(Operation.HIDE, MONITOR, cameras=PTZ)
    assert site.fake.state.monitors[MONITOR] == [FIXED]


async def test_nothing_to_show(site: Site) -> None:
    with pytest.raises(Permanent, match="no camera of this location"):
        await site.do(Operation.SHOW, MONITOR, cameras="")


async def test_matrix(hasty: HastyClock) -> None:
    recipient = number_of("matrix", 1)
    matrix = {"recipients": [recipient], "camera_list": "{cameras}", "command": "SetMatrix"}
    async with site_at(hasty, matrix=matrix) as site:
        receipt = await site.do(Operation.SHOW, recipient, cameras=f"{PTZ},{FIXED}")
        assert receipt.outcome is DeliveryState.ACCEPTED
        assert site.fake.state.matrix_commands == [
            {"matrixCameraList": f"{PTZ},{FIXED}", "matrixCommandType": "SetMatrix"}
        ]
        with pytest.raises(Permanent, match="keeps its cameras"):
            await site.do(Operation.HIDE, recipient, cameras=PTZ)
        assert f"Matrix recipient {recipient} (Gate) is there" in await site.texts("ok")


# --- check and inventory -------------------------------------------------------------------------------


async def test_check_says_what_is_well(site: Site) -> None:
    assert await site.texts("ok") == [
        "XProtect 24.2.0.1 (2024 R2): logged in",
        f"camera {PTZ} (TANKFARM-EAST-PTZ-01) is there",
        f"camera {FIXED} (TANKFARM-EAST-FIX-02) is there",
        "user-defined event 'SOS {tier} start' is there",
        "user-defined event 'SOS {tier} stop' is there",
        f"Smart Wall monitor {MONITOR} (Wall/Left) is there",
    ]
    assert await site.texts("error") == []
    assert site.fake.state.moves == 0
    assert site.fake.state.events == []


async def test_check_of_an_old_version(site: Site) -> None:
    site.fake.rest.version = "23.3.1.2"
    [text] = await site.texts("error")
    assert text.startswith("XProtect 23.3.1.2 (2023 R3) is too old")


async def test_check_of_what_is_missing(hasty: HastyClock) -> None:
    events = {"start": "Fire", "stop": "SOS {tier} stop"}
    async with site_at(hasty, acknowledged_state="Taken", events=events) as site:
        site.fake.camera("PTZ-01").presets[1].name = "post-04"
        site.fake.state.cameras.pop(FIXED)
        site.fake.state.monitors.clear()
        errors = await site.texts("error")
    assert [text.split("; ")[0] for text in errors] == [
        f"camera {PTZ} (TANKFARM-EAST-PTZ-01) has no preset 'post-03'",
        f"there is no camera {FIXED}, it is disabled, or the user may not see it",
        "there is no user-defined event 'Fire', or the user may not see it",
        "there is no alarm state 'Taken'",
        f"there is no Smart Wall monitor {MONITOR}, or the user may not see it",
    ]
    assert errors[0].endswith("there is home, post-04, kept in the camera")
    assert errors[3].endswith("there is New (1), In progress (4), On hold (9), Closed (11)")


async def test_check_of_a_camera_that_does_not_move(site: Site) -> None:
    site.fake.camera("PTZ-01").ptz = False
    [text] = await site.texts("error")
    assert "is no PTZ camera" in text


async def test_check_of_a_site_without_events(hasty: HastyClock) -> None:
    async with site_at(hasty, events=None) as site:
        assert site.driver.capabilities[Operation.EVENT_START] is Capability.IMPOSSIBLE
        assert any("nothing here can force a recording" in text for text in await site.texts("warning"))


async def test_inventory(site: Site) -> None:
    inventory = await site.driver.inventory()
    ptz, fixed = inventory.cameras
    assert (ptz.id, ptz.name, ptz.ptz) == (PTZ, "TANKFARM-EAST-PTZ-01", True)
    assert ptz.presets[POST_03] == "post-03"
    assert (fixed.ptz, dict(fixed.presets)) == (False, {})
    assert [console.name for console in inventory.consoles] == ["Wall/Left", "Gate"]


async def test_lists_are_read_page_by_page(site: Site) -> None:
    for count in range(3, 503):
        number = number_of("cameras", count)
        site.fake.state.cameras[number] = FakeCamera(number, f"CAM-{count}", ptz=False)
    assert len((await site.driver.inventory()).cameras) == 502
    asked = [request.query for request in site.fake.requests if request.path.endswith("/cameras")]
    assert [query["page"] for query in asked] == [str(page) for page in range(26)]
    assert {query["size"] for query in asked} == {"20"}


async def test_a_big_site_with_many_presets(site: Site) -> None:
    """What is read of one answer is limited: a page of cameras with their presets must stay below."""
    for count in range(3, 603):
        camera = FakeCamera(number_of("cameras", count), f"CAM-{count}")
        presets = (number_of("ptzPresets", count * 100 + each) for each in range(64))
        camera.presets = [FakePreset(number, "p" * 200, (0.1, 0.2, 0.3)) for number in presets]
        site.fake.state.cameras[camera.id] = camera
    assert len((await site.driver.inventory()).cameras) == 602
    assert await site.texts("error") == []


# --- answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    ["s4", "In progress", "alarmStates/s4", 4, {"id": "s4"}, {"name": "in progress"}, {"level": 4}],
    ids=str,
)
def test_an_alarms_state_in_every_form(state: Any) -> None:
    wanted = AlarmState(id="s4", name="In progress", level="4")
    assert alarm_in({"id": "a", "state": state}).stands_at(wanted)


@pytest.mark.parametrize("state", [None, "", [], {}, True, "Closed", {"id": ["s4"]}], ids=str)
def test_an_alarms_state_that_is_another_or_none(state: Any) -> None:
    wanted = AlarmState(id="s4", name="In progress", level="4")
    assert not alarm_in({"id": "a", "state": state}).stands_at(wanted)


def test_a_state_without_name_is_nothings_state() -> None:
    nameless = AlarmState(id="", name="", level="")
    assert not alarm_in({"id": "a"}).stands_at(nameless)
    assert not nameless.called("")


@pytest.mark.parametrize(
    ("row", "position"),
    [
        ({"pan": 0.1, "tilt": "0.2", "zoom": 0}, Position(pan=0.1, tilt=0.2, zoom=0.0)),
        ({"pan": 0.1, "tilt": 0.2}, None),
        ({"pan": True, "tilt": 0.2, "zoom": 0.0}, None),
        ({"pan": "NaN", "tilt": 0.2, "zoom": 0.0}, None),
    ],
    ids=["numbers", "missing", "boolean", "not a number"],
)
def test_a_position_is_three_numbers(row: dict[str, Any], position: Position | None) -> None:
    assert position_in(row) == position


# --- settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs base_url, user, password"),
        ({"base_url": "https://xp"}, "needs user, password"),
        ({"mode": "generic_event"}, "needs the block generic_event"),
        (
            {"generic_event": {"host": "xp", "start": "a", "stop": "b"}},
            "set mode: generic_event",
        ),
        (
            {**SETTINGS, "base_url": "https://xp", "events": {"start": "{who}", "stop": "x"}},
            "{who}; there is",
        ),
        ({**SETTINGS, "base_url": "https://xp", "bookmark_search": {"a": "{tier}"}}, "{tier}; there is"),
        ({**SETTINGS, "base_url": "https://xp", "bookmark_search": "a"}, "must be a JSON object"),
    ],
    ids=["nothing", "no user", "no block", "no mode", "placeholder", "search", "no object"],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(settings)
    assert words in str(caught.value)


def test_abilities_follow_the_settings() -> None:
    least = {"base_url": "https://xp", "user": "u", "password": {"env": SECRET_NAME}}
    table = capabilities_of(Config.model_validate(least))
    assert table[Operation.POPUP] is Capability.ASK_FIRST
    assert table[Operation.LOCK_EVIDENCE] is Capability.IMPOSSIBLE
    events = {"start": "a", "stop": "b"}
    ruled = capabilities_of(Config.model_validate({**least, "alarms": "by_definition", "events": events}))
    assert ruled[Operation.POPUP] is Capability.BY_RULE
    blind = capabilities_of(Config.model_validate({**least, "live_picture": False, "websocket": False}))
    assert blind[Operation.PROVE_LIVE] is Capability.IMPOSSIBLE


def test_settings_are_written_as_they_were_read() -> None:
    events: dict[str, Any] = {"start": "SOS {location} start", "stop": "SOS {location} stop"}
    events["fields"] = {"message": "{title}", "tags": ["{tier}", 1]}
    config = Config.model_validate({**SETTINGS, "base_url": "https://xp", "events": events})
    dumped = config.model_dump(mode="json")
    assert dumped["events"] == {**events, "source": "path"}
    assert dumped["bookmark_search"]["deviceIds"] == ["{target}"]
    assert Config.model_validate(dumped) == config
