"""Security Center's own ways, at the fake that was written from its public documents: cameras and consoles.

Alarms stand in test_genetec_alarms.py, `check` and `inventory` in test_genetec_check.py.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.drivers.genetec import Config, capabilities_of, proofs_of
from bridge.errors import CameraMissing, Permanent, Retryable, Uncertain
from bridge.model import Capability, DeliveryState, Operation, Tier
from bridge.protocols.genetec_text import live_video
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.genetec_grammar import Command
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, HastyClock
from tests.drivers.cases_genetec import ALARM, DISPLAY, FIXED, GET_TILE, OPERATOR, PTZ, SETTINGS
from tests.drivers.genetec_plant import Plant, running

OTHER = "00000001-0000-babe-0000-000000000009"
"""A camera that somebody else had on the screen."""


@pytest.fixture
async def plant(hasty: HastyClock) -> AsyncIterator[Plant]:
    async with running(hasty) as made:
        yield made


# --- the way in ----------------------------------------------------------------------------------------


async def test_credentials(plant: Plant) -> None:
    """Basic authentication of `user;ApplicationId`, and the newer serializer asked for."""
    await plant.do(Operation.BOOKMARK)
    [request] = plant.fake.requests
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair).decode()) == ("Basic", f"sosbridge;{SECRET}:{SECRET}")
    assert request.headers["accept"] == "text/json"
    assert request.headers["content-length"] == "0"


async def test_an_idle_session_costs_one_refusal(plant: Plant) -> None:
    plant.fake.idle_after = 600.0
    await plant.do(Operation.BOOKMARK)
    await plant.clock.sleep(601)
    await plant.do(Operation.BOOKMARK)
    assert plant.asked("AddCameraBookmark") == 3
    assert len(plant.fake.state.bookmarks) == 2


async def test_the_licence_is_named(plant: Plant) -> None:
    plant.fake.licensed = False
    with pytest.raises(Permanent, match=r"403: its licence does not hold this application's part number"):
        await plant.do(Operation.BOOKMARK)
    assert plant.asked("AddCameraBookmark") == 1


async def test_a_post_without_length_is_refused_by_the_fake(plant: Plant) -> None:
    """As by the role: so every other test proves that ours have `Content-Length: 0`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plant.fake.port)
    head = f"POST /WebSdk/action?q=Any() HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {plant.fake.expected}"
    writer.write(f"{head}\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 411 ")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("status", "error"), [("Fail", Retryable), ("Partial", Uncertain), ("TooManyResults", Uncertain)]
)
@pytest.mark.parametrize("older", [False, True])
async def test_no_success_in_spite_of_200(
    plant: Plant, status: str, error: type[Exception], older: bool
) -> None:
    plant.fake.older = older
    plant.fake.says["AddCameraBookmark"] = status
    with pytest.raises(error, match=f"(?i)says {status}.*it was told to say so"):
        await plant.do(Operation.BOOKMARK)
    assert plant.fake.state.bookmarks == []


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ([1, 2], "holds something else than rows"),
        ([], "0 rows came back, and one was asked for"),
        ([{"Name": "a"}, {"Name": "b"}], "2 rows came back"),
    ],
)
async def test_answers_of_another_shape(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, result: Any, words: str
) -> None:
    monkeypatch.setattr(plant.fake, "_entities", lambda _: ("Ok", result))
    with pytest.raises(Retryable, match=words):
        await plant.do(Operation.PROVE_LIVE)


async def test_a_page_with_400(plant: Plant) -> None:
    """As it answers what it cannot read."""
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=400, path="AddCameraBookmark"))
    with pytest.raises(Permanent, match="400: it could not read the command, or knows no such entity"):
        await plant.do(Operation.BOOKMARK)


@pytest.mark.parametrize("operation", [Operation.SHOW, Operation.POPUP, Operation.PROVE_LIVE])
async def test_the_older_serializer(plant: Plant, operation: Operation) -> None:
    plant.fake.older = True
    target = PTZ if operation is Operation.PROVE_LIVE else "65"
    receipt = await plant.do(operation, target, cameras=PTZ)
    assert receipt.outcome is DeliveryState.VERIFIED


# --- events and bookmarks ------------------------------------------------------------------------------


async def test_events_carry_the_incident(plant: Plant) -> None:
    receipt = await plant.do(Operation.EVENT_START, title="EXERCISE SOS a/b #3, east")
    await plant.do(Operation.EVENT_STOP, FIXED)
    assert plant.fake.state.raised == [
        (5000, PTZ, f"EXERCISE SOS a/b 3, east incident {INCIDENT}"),
        (5001, FIXED, f"SOS TANKFARM-EAST-POST-03 incident {INCIDENT}"),
    ]
    assert (receipt.outcome, receipt.proof) == (DeliveryState.ACCEPTED, "custom event 5000 is raised: Ok")


@pytest.mark.parametrize(
    ("location", "tier", "number"),
    [
        ("TANKFARM-EAST-POST-03", Tier.EMERGENCY, 5010),
        ("ELSEWHERE", Tier.EMERGENCY, 5000),
        ("", Tier.EMERGENCY, 5000),
        ("TANKFARM-EAST-POST-03", Tier.ROUTINE, 5020),
    ],
)
async def test_events_of_zones_and_tiers(plant: Plant, location: str, tier: Tier, number: int) -> None:
    plant.fake.state.custom_events.update({5010: "east", 5020: "routine"})
    plant.configure(
        zones={"TANKFARM-EAST-POST-03": {"start": 5010}}, routine_events={"start": 5020, "stop": 5021}
    )
    await plant.do(Operation.EVENT_START, tier=tier, location=location)
    assert [raised[0] for raised in plant.fake.state.raised] == [number]


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({}, 5011),
        ({"tier": "routine"}, 5021),
        ({"tier": "routine", "location": "ELSEWHERE"}, 5021),
        ({"location": "ELSEWHERE"}, 5001),
        ({"tier": "absurd"}, 5011),
    ],
)
async def test_a_stop_is_that_of_its_start(plant: Plant, params: dict[str, str], number: int) -> None:
    """A routine call that became an SOS began with the routine event, and that is what must end."""
    plant.fake.state.custom_events.update({5011: "east", 5021: "routine"})
    plant.configure(
        zones={"TANKFARM-EAST-POST-03": {"start": 5010, "stop": 5011}},
        routine_events={"start": 5020, "stop": 5021},
    )
    await plant.do(Operation.EVENT_STOP, **params)
    assert [raised[0] for raised in plant.fake.state.raised] == [number]


RULED = {"start": 5000, "stop": 5001, "alarm": ALARM}


async def test_an_event_whose_rule_raised_an_alarm_is_not_raised_again(plant: Plant) -> None:
    plant.configure(events=RULED, alarm=None)
    plant.fake.state.rules[5000] = ALARM
    began = plant.clock.now() - 1
    await plant.do(Operation.EVENT_START)
    for _ in range(2):
        again = await plant.do(Operation.EVENT_START, doubtful=True, created_at=began)
        assert again.outcome is DeliveryState.ACCEPTED
        assert again.proof.startswith("custom event 5000 has arrived: instance 1 of alarm")
        plant.fake.state.acknowledge(1, OPERATOR, plant.clock.now())
    assert len(plant.fake.state.raised) == 1


@pytest.mark.parametrize(
    ("other", "ago", "ordered"),
    [
        (FIXED, 1.0, None),
        (PTZ, -1.0, None),
        (PTZ, 1.0, Rule(fault=Fault.WRONG_TYPES, path="AlarmActivity")),
    ],
    ids=["another camera", "before", "cannot be asked"],
)
async def test_an_event_that_nothing_shows_is_raised_again(
    plant: Plant, other: str, ago: float, ordered: Rule | None
) -> None:
    """Rules that run twice are better than a recording that never began."""
    plant.configure(events=RULED, alarm=None)
    plant.fake.state.trigger(ALARM, other, plant.clock.now())
    if ordered:
        plant.fake.faults.order(ordered)
    await plant.do(Operation.EVENT_START, doubtful=True, created_at=plant.clock.now() - ago)
    assert len(plant.fake.state.raised) == 1


async def test_an_event_that_ended_in_500_may_have_arrived(plant: Plant) -> None:
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=500, path="RaiseCustomEvent"))
    with pytest.raises(Uncertain):
        await plant.do(Operation.EVENT_START)


async def test_a_zone_without_a_stop(plant: Plant) -> None:
    plant.configure(zones={"TANKFARM-EAST-POST-03": {"start": 5010}})
    with pytest.raises(Permanent, match="no number is configured for event_stop at 'TANKFARM-EAST-POST-03'"):
        await plant.do(Operation.EVENT_STOP)
    assert plant.fake.requests == []


async def test_an_event_that_is_not_defined(plant: Plant) -> None:
    plant.fake.state.custom_events.clear()
    with pytest.raises(Retryable, match="no such event or entity"):
        await plant.do(Operation.EVENT_START)


@pytest.mark.parametrize("operation", [Operation.BOOKMARK, Operation.BOOKMARK_PAST])
async def test_bookmarks_mark_the_beginning(plant: Plant, operation: Operation) -> None:
    """At the moment the incident opened, not at the moment of the request."""
    at = plant.clock.now() - 42.5
    await plant.do(operation, opened_ts=repr(at), title="SOS Post 3, (east)")
    assert plant.fake.state.bookmarks == [
        (PTZ, "2025-12-31T23:59:17.500Z", f"SOS Post 3, [east] incident {INCIDENT}")
    ]


async def test_a_bookmark_without_a_known_beginning(plant: Plant) -> None:
    await plant.do(Operation.BOOKMARK)
    assert plant.fake.state.bookmarks[0][1] == "2026-01-01T00:00:00.000Z"


async def test_targets_are_guids(plant: Plant) -> None:
    for operation in (Operation.BOOKMARK, Operation.EVENT_START, Operation.PROVE_LIVE):
        with pytest.raises(Permanent, match="'12' is not a GUID"):
            await plant.do(operation, "12")
    assert plant.fake.requests == []


# --- is the camera there -------------------------------------------------------------------------------


async def test_prove_live(plant: Plant) -> None:
    receipt = await plant.do(Operation.PROVE_LIVE)
    assert (receipt.outcome, receipt.proof) == (
        DeliveryState.VERIFIED,
        "camera TANKFARM-EAST-PTZ-01 is online (Running)",
    )


async def test_an_offline_camera_is_missing(plant: Plant) -> None:
    plant.fake.state.entities[PTZ].online = False
    with pytest.raises(CameraMissing, match=r"camera TANKFARM-EAST-PTZ-01 is offline \(NotRunning\)"):
        await plant.do(Operation.PROVE_LIVE)


async def test_a_state_that_is_not_told_proves_nothing(plant: Plant) -> None:
    plant.fake.state.entities[PTZ].properties["IsOnline"] = None
    with pytest.raises(Retryable, match="does not tell whether it is online") as caught:
        await plant.do(Operation.PROVE_LIVE)
    assert not isinstance(caught.value, CameraMissing)


# --- tiles ---------------------------------------------------------------------------------------------


async def test_several_cameras_take_several_tiles(plant: Plant) -> None:
    plant.configure(tiles=[3, 5])
    receipt = await plant.do(Operation.SHOW, "65", cameras=f"{PTZ},{FIXED},{OTHER}")
    assert plant.fake.state.tiles == {(65, 3): live_video(PTZ), (65, 5): live_video(FIXED)}
    assert receipt.outcome is DeliveryState.VERIFIED
    assert "tile 3 shows" in receipt.proof
    assert receipt.proof.endswith("; 1 more cameras than tiles")
    assert receipt.reference == f"tiles:3={PTZ}>;5={FIXED}>"


async def test_nobody_at_the_security_desk(plant: Plant) -> None:
    """Security Center says Ok, and the command is lost."""
    plant.fake.state.entities["00000004-0000-0000-0000-000000000001"].online = False
    with pytest.raises(Retryable, match=r"tile 1 does not show .*Is a Security Desk running and logged on"):
        await plant.do(Operation.SHOW, "65", cameras=PTZ)


async def test_a_tile_that_plays_the_camera_back_is_not_live(plant: Plant) -> None:
    plant.fake.state.tiles[65, 1] = live_video(PTZ).replace("Live", "Playback")
    plant.fake.faults.order(Rule(fault=Fault.LIE, path="DisplayInTile"))
    with pytest.raises(Retryable, match=r"tile 1 does not show camera .* live"):
        await plant.do(Operation.SHOW, "65", cameras=PTZ)


async def test_a_tile_told_in_another_shape_is_not_proven(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the camera, and nobody documents what that means."""
    action = plant.fake._action
    told = ("Ok", {"Cells": [{"Source": PTZ, "Mode": 1}]})
    monkeypatch.setattr(plant.fake, "_action", lambda said: told if said.name == "GetTile" else action(said))
    receipt = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert receipt.proof == f"monitor 65: tile 1 names {PTZ}; whether it is live there is not told"
    assert receipt.reference == f"tiles:1={PTZ}>"
    plant.fake.faults.order(Rule(fault=Fault.RESET, path="DisplayInTile", times=1))
    with pytest.raises(Uncertain):
        await plant.do(Operation.SHOW, "65", cameras=PTZ)


async def test_what_one_tile_shows_counts_although_another_is_refused(plant: Plant) -> None:
    """Refused for good is one of two: the other one stands, and must be tidied up one day."""
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=403, path="DisplayInTile", times=1))
    receipt = await plant.do(Operation.SHOW, "65", cameras=f"{PTZ},{FIXED}")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "not shown: " in receipt.proof
    assert receipt.reference in (f"tiles:1={PTZ}>", f"tiles:2={FIXED}>")


async def test_what_one_tile_puts_back_counts_although_another_is_refused(plant: Plant) -> None:
    plant.configure(clear_content="<TileContentGroup><Contents/></TileContentGroup>")
    shown = await plant.do(Operation.SHOW, "65", cameras=f"{PTZ},{FIXED}")
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=403, path="DisplayInTile", times=1))
    receipt = await plant.do(Operation.HIDE, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "not put back: " in receipt.proof
    assert len(plant.fake.state.tiles) == 1


async def test_hiding_leaves_what_an_operator_plays_back(plant: Plant) -> None:
    shown = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    plant.fake.state.tiles[65, 1] = live_video(PTZ).replace("Live", "Playback")
    receipt = await plant.do(Operation.HIDE, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.SUPERSEDED


async def test_clearing_that_cannot_be_read_back(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.configure(clear_content="<TileContentGroup><Contents/></TileContentGroup>")
    shown = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    action = plant.fake._action

    def empty_fails(said: Command) -> tuple[str, Any]:
        failing = said.name == "GetTile" and not plant.fake.state.tiles
        return ("Fail", None) if failing else action(said)

    monkeypatch.setattr(plant.fake, "_action", empty_fails)
    receipt = await plant.do(Operation.HIDE, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.ACCEPTED


async def test_the_answer_to_showing_is_lost(plant: Plant) -> None:
    plant.fake.faults.order(Rule(fault=Fault.RESET, path="DisplayInTile", times=1))
    receipt = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    assert receipt.outcome is DeliveryState.VERIFIED


async def test_a_tile_that_cannot_be_asked_after_showing(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_after_showing(method: str, path: str) -> Rule | None:
        late = "GetTile" in path and DISPLAY in plant.seen
        return Rule(fault=Fault.STATUS, status=503) if late else None

    monkeypatch.setattr(plant.fake.faults, "take", refuse_after_showing)
    with pytest.raises(Uncertain, match="sent, but the tile cannot be asked"):
        await plant.do(Operation.SHOW, "65", cameras=PTZ)


async def test_a_tile_that_cannot_be_read_is_not_proven(plant: Plant) -> None:
    """As it may be where no Security Desk runs, or where the tile is empty: it is tried all the same."""
    plant.fake.says["GetTile"] = "Fail"
    with pytest.raises(Retryable, match="tile 1 does not show"):
        await plant.do(Operation.SHOW, "65", cameras=PTZ)
    assert plant.asked("DisplayInTile") == 1


async def test_hiding_puts_back_what_stood_there(plant: Plant) -> None:
    plant.fake.state.tiles[65, 1] = live_video(OTHER)
    shown = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    assert shown.reference == f"tiles:1={PTZ}>{OTHER}"
    receipt = await plant.do(Operation.HIDE, "65", cameras=PTZ, reference=shown.reference)
    assert plant.fake.state.tiles == {(65, 1): live_video(OTHER)}
    assert (receipt.outcome, receipt.proof) == (
        DeliveryState.VERIFIED,
        f"monitor 65: tile 1 shows {OTHER} again",
    )


async def test_hiding_leaves_what_an_operator_put_there(plant: Plant) -> None:
    shown = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    plant.fake.state.tiles[65, 1] = live_video(OTHER)
    displayed = plant.asked("DisplayInTile")
    receipt = await plant.do(Operation.HIDE, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.SUPERSEDED
    assert plant.asked("DisplayInTile") == displayed


async def test_hiding_without_a_way_to_clear(plant: Plant) -> None:
    """How a tile is emptied is in no public document."""
    shown = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    receipt = await plant.do(Operation.HIDE, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "left as it is (no clear_content is configured)" in receipt.proof
    assert plant.fake.state.tiles == {(65, 1): live_video(PTZ)}


async def test_hiding_with_a_way_to_clear(plant: Plant) -> None:
    plant.configure(clear_content="<TileContentGroup><Contents/></TileContentGroup>")
    shown = await plant.do(Operation.SHOW, "65", cameras=f"{PTZ},{FIXED}")
    receipt = await plant.do(Operation.HIDE, "65", reference=shown.reference)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert plant.fake.state.tiles == {}


async def test_hiding_what_was_shown_without_a_receipt(plant: Plant) -> None:
    plant.configure(clear_content="<TileContentGroup><Contents/></TileContentGroup>")
    await plant.do(Operation.SHOW, "65", cameras=PTZ)
    await plant.do(Operation.HIDE, "65", cameras=PTZ)
    assert plant.fake.state.tiles == {}


async def test_hiding_what_nobody_knows(plant: Plant) -> None:
    for reference in ("", "tiles:", "tiles:1=x>", "alarm:1"):
        with pytest.raises(Permanent, match="what was shown at monitor 65 is not known"):
            await plant.do(Operation.HIDE, "65", reference=reference)
    assert plant.fake.requests == []


async def test_our_own_camera_is_not_what_stood_there(plant: Plant) -> None:
    for _ in range(2):
        receipt = await plant.do(Operation.SHOW, "65", cameras=PTZ)
    assert receipt.reference == f"tiles:1={PTZ}>"


async def test_consoles_are_logical_ids(plant: Plant) -> None:
    for console in ("", "desk", "65,2", "6 5", "٦٥"):
        with pytest.raises(Permanent, match="is not the logical id of a monitor"):
            await plant.do(Operation.SHOW, console, cameras=PTZ)
    with pytest.raises(Permanent, match="no camera is named"):
        await plant.do(Operation.SHOW, "65", cameras="")
    assert plant.fake.requests == []


async def test_all_tiles_end_before_an_error_is_told(plant: Plant) -> None:
    """One of two cameras cannot be shown now: the other one is, so it is not as if nothing had happened."""
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=503, path="DisplayInTile", times=1))
    with pytest.raises(Uncertain, match="1 of 2 tiles are done"):
        await plant.do(Operation.SHOW, "65", cameras=f"{PTZ},{FIXED}")
    assert len(plant.fake.state.tiles) == 1
    assert plant.seen.count(DISPLAY) == 2
    assert plant.seen.count(GET_TILE) == 3


# --- operators -----------------------------------------------------------------------------------------


async def test_operators_get_a_message(plant: Plant) -> None:
    receipt = await plant.do(
        Operation.UPDATE_POPUP, "65", acknowledged_by="Bob, shift 2", missing="FIX-02", close_reason="drill"
    )
    assert plant.fake.state.messages == [
        (
            OPERATOR,
            "SOS TANKFARM-EAST-POST-03, East tank farm, post three, acknowledged by Bob, shift 2,"
            " no picture from FIX-02, closed: drill",
        )
    ]
    assert receipt.outcome is DeliveryState.ACCEPTED


async def test_a_console_without_operators(plant: Plant) -> None:
    with pytest.raises(Permanent, match="no operators are configured for console 66"):
        await plant.do(Operation.UPDATE_POPUP, "66")


# --- commands of the site's own ------------------------------------------------------------------------

COMMANDS = {
    "start_recording": {"q": "StartRecording({target})"},
    "recall_preset": {"q": "GoToPreset({target},{preset})"},
    "lock_evidence": {"q": "ProtectVideo({target},{from},{to},{title})"},
}


async def test_commands(plant: Plant) -> None:
    plant.configure(commands=COMMANDS)
    opened = repr(plant.clock.now() - 60)
    recorded = await plant.do(Operation.START_RECORDING)
    await plant.do(Operation.RECALL_PRESET, preset="7")
    await plant.do(Operation.LOCK_EVIDENCE, opened_ts=opened, title="SOS Post 3, east")
    assert plant.fake.state.others == [
        ("StartRecording", (PTZ,)),
        ("GoToPreset", (PTZ, "7")),
        (
            "ProtectVideo",
            (PTZ, "2025-12-31T23:58:30.000Z", "2026-01-01T00:10:00.000Z", "SOS Post 3, east"),
        ),
    ]
    assert recorded.outcome is DeliveryState.ACCEPTED
    assert recorded.proof == "StartRecording: Ok; camera TANKFARM-EAST-PTZ-01 is online (Running)"


@pytest.mark.parametrize("operation", [Operation.START_RECORDING, Operation.RECALL_PRESET])
async def test_a_command_to_an_offline_camera(plant: Plant, operation: Operation) -> None:
    plant.configure(commands=COMMANDS)
    plant.fake.state.entities[PTZ].online = False
    with pytest.raises(CameraMissing, match="is offline"):
        await plant.do(operation, preset="7")


async def test_a_command_whose_camera_cannot_be_asked(plant: Plant) -> None:
    plant.configure(commands=COMMANDS)
    plant.fake.faults.order(Rule(fault=Fault.STATUS, status=503, path="/entity"))
    receipt = await plant.do(Operation.START_RECORDING)
    assert "whether the camera lives cannot be asked" in receipt.proof


async def test_presets_are_numbers(plant: Plant) -> None:
    plant.configure(commands=COMMANDS)
    for preset in ("", "gate", "7)", "-1", "٧"):
        with pytest.raises(Permanent, match="is not a number"):
            await plant.do(Operation.RECALL_PRESET, preset=preset)
    assert plant.fake.requests == []


async def test_commands_elsewhere(plant: Plant) -> None:
    command = {"q": "StopIt({target})", "path": "video/manual", "method": "PUT"}
    plant.configure(commands={"stop_recording": command})
    with pytest.raises(Permanent, match="400"):
        await plant.do(Operation.STOP_RECORDING)
    assert plant.seen == ["PUT /WebSdk/video/manual?StopIt"]


# --- what is possible ----------------------------------------------------------------------------------


def table(**settings: Any) -> dict[Operation, Capability]:
    config = Config.model_validate(settings_of(**settings))
    return {
        operation: capability
        for operation, capability in capabilities_of(config).items()
        if capability is not Capability.IMPOSSIBLE
    }


def settings_of(**settings: Any) -> dict[str, Any]:
    needed = {name: SETTINGS[name] for name in ("user", "password", "application_id")}
    return {"base_url": "https://sc.example:4590/WebSdk", **needed, **settings}


ALWAYS = {
    Operation.BOOKMARK: Capability.REPEATABLE,
    Operation.BOOKMARK_PAST: Capability.REPEATABLE,
    Operation.PROVE_LIVE: Capability.REPEATABLE,
    Operation.SHOW: Capability.REPEATABLE,
    Operation.HIDE: Capability.REPEATABLE,
}


def test_what_is_possible_without_any_setting() -> None:
    assert table() == ALWAYS


def test_what_rules_can_do() -> None:
    by_rule = (Operation.START_RECORDING, Operation.RECALL_PRESET, Operation.LOCK_EVIDENCE, Operation.POPUP)
    assert table(events={"start": 5000}) == {
        **ALWAYS,
        **dict.fromkeys(by_rule, Capability.BY_RULE),
        Operation.EVENT_START: Capability.REPEATABLE,
    }


def test_what_commands_can_do() -> None:
    found = table(events={"start": 1, "stop": 2}, commands=COMMANDS)
    assert found[Operation.RECALL_PRESET] is Capability.REPEATABLE
    assert found[Operation.HOME] is Capability.BY_RULE


@pytest.mark.parametrize(
    ("zone", "capability"),
    [({"start": 3, "alarm": OTHER}, Capability.ASK_FIRST), ({"start": 3}, Capability.REPEATABLE)],
)
def test_events_are_asked_for_first_where_every_rule_raises_an_alarm(
    zone: dict[str, Any], capability: Capability
) -> None:
    found = table(events={"start": 1, "stop": 2, "alarm": OTHER}, zones={"EAST": zone})
    assert found[Operation.EVENT_START] is capability
    assert found[Operation.EVENT_STOP] is Capability.REPEATABLE


@pytest.mark.parametrize("opened", ["nan", "inf", "1e300", "-5", "soon"])
async def test_a_time_that_is_none(plant: Plant, opened: str) -> None:
    await plant.do(Operation.BOOKMARK, opened_ts=opened)
    assert plant.fake.state.bookmarks[0][1] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("settings", [{}, {"alarm": OTHER}, {"events": {"start": 1}, "commands": COMMANDS}])
def test_only_what_is_possible_is_proven(settings: dict[str, Any]) -> None:
    config = Config.model_validate(settings_of(**settings))
    proven, possible = set(proofs_of(config)), table(**settings)
    assert proven <= set(possible)
    assert (Operation.POPUP in proven) is (possible.get(Operation.POPUP) is Capability.ASK_FIRST)


async def test_what_is_left_to_rules_is_not_done_here(plant: Plant) -> None:
    for operation in (Operation.START_RECORDING, Operation.STOP_RECORDING, Operation.HOME):
        with pytest.raises(Permanent, match="left to Security Center's event-to-actions"):
            await plant.do(operation)
    assert plant.fake.requests == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"user": "a;b"}, "user"),
        ({"user": "a:b"}, "user"),
        ({"alarm": "17"}, "is not a GUID"),
        ({"operators": {"desk": []}}, "operators"),
        ({"tiles": [1, 1]}, "names a tile twice"),
        ({"tiles": []}, "tiles"),
        ({"commands": {"show": {"q": "x"}}}, "commands"),
        ({"commands": {"home": {"q": "Go({camera})"}}}, "unknown placeholder"),
        ({"commands": {"home": {"q": "{preset:int}"}}}, "conversions mean nothing"),
        ({"commands": {"home": {"q": "Go(#1)"}}}, "cannot hold the character #"),
        ({"commands": {"home": {"q": 7}}}, "must be text"),
        ({"commands": {"home": {"q": "Go()", "path": "../x"}}}, "path"),
        ({"events": {"start": 0}}, "events"),
        ({"watch_every": 1}, "watch_every"),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config.model_validate(settings_of(**settings))


def test_settings_say_what_was_written() -> None:
    config = Config.model_validate(settings_of(commands=COMMANDS))
    written = config.model_dump(mode="json", by_alias=True)
    assert written["commands"]["start_recording"]["q"] == "StartRecording({target})"
    assert written["password"] == {"env": SECRET_NAME}
