"""The generic HTTP driver: its settings, what it sends, what it believes."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bridge.drivers.http import Config, Driver, capabilities_of
from bridge.errors import Permanent, Retryable, Uncertain
from bridge.model import Capability, DeliveryState, Operation, Receipt, Targets
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.http import GenericVms
from bridge.simulator.vms.server import Answer
from tests.drivers.case import SECRET_NAME, HastyClock, delivery
from tests.drivers.cases_http import HTTP_REQUESTS
from tests.http.conftest import Echo

MINIMAL: dict[str, Any] = {
    "base_url": "https://vms.example/api",
    "requests": {"show": {"path": "/screens/{target}", "capability": "repeatable"}},
    "health": {"path": "/health"},
}


def with_request(**settings: Any) -> dict[str, Any]:
    """MINIMAL with other settings of its one request; None removes one."""
    config = copy.deepcopy(MINIMAL)
    request = config["requests"]["show"] | settings
    config["requests"]["show"] = {name: value for name, value in request.items() if value is not None}
    return config


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            with_request(path="/a/{camra}"),
            r"unknown placeholder \{camra\}; there is acknowledged_by, camera, cameras",
        ),
        (with_request(json={"a": ["{nobody}"]}), r"unknown placeholder \{nobody\}"),
        (with_request(query={"q": "{preset:int}"}), "for JSON values only"),
        (with_request(path="/a?b=c"), "hold no query"),
        (with_request(path="a"), "must begin with one /"),
        (with_request(path="//evil.example/"), "must begin with one /"),
        (with_request(path="/a b"), "percent-encoded"),
        (with_request(path="/{target"), "lone {"),
        (with_request(path=7), "must be text"),
        (with_request(query={"id": 7}), "must be text"),
        (with_request(json={"a": 1}, text="b"), "more than one body"),
        (with_request(headers={"X\r\nY": "a"}), "not the name of an HTTP header"),
        (with_request(headers={"Authorization": "Bearer abc"}), "own setting: auth"),
        (with_request(headers={"Host": "evil"}), "set by the connection itself"),
        (with_request(method="TRACE"), "'GET', 'POST', 'PUT', 'PATCH' or 'DELETE'"),
        (with_request(capability=None), "Field required"),
        (with_request(capability="ask_first"), "needs a read_back"),
        (with_request(capability="impossible"), "repeatable"),
        (with_request(expect={"json": {"ok": True}}), "JSON Pointer begins with /"),
        (with_request(expect={"status": [999]}), "less than or equal to 599"),
        (with_request(expects={}), "Extra inputs"),
        (MINIMAL | {"requests": {}}, "at least 1"),
        (MINIMAL | {"requests": {"explode": {"path": "/", "capability": "repeatable"}}}, "start_recording"),
        (MINIMAL | {"health": {"path": "/{incident}"}}, "outside an incident there is driver"),
        (MINIMAL | {"camera_check": {"path": "/{phone}"}}, "there is driver, preset, target"),
        (MINIMAL | {"auth": {"kind": "bearer", "token": "abc"}}, "never written here"),
        (MINIMAL | {"console_check": {"path": "/{preset}"}}, "console_check cannot use {preset}"),
        (
            MINIMAL | {"inventory": {"cameras": {"path": "/{target}", "id": "/id", "name": "/n"}}},
            r"inventory.cameras cannot use \{target\}: outside an incident there is driver",
        ),
        (with_request(missing_status=[204]), "missing_status 204 is a success as well"),
        (
            MINIMAL | {"requests": {"beacon_on": {"path": "/lamp", "capability": "repeatable"}}},
            "beacon_on is for drivers with beacons of their own",
        ),
        (
            MINIMAL | {"requests": {"prove_live": {"path": "/live", "capability": "repeatable"}}},
            "a status alone shows no picture",
        ),
        (MINIMAL | {"auth": {"kind": "webhook", "secrets": []}}, "at least 1"),
        (MINIMAL | {"auth": {"kind": "webhook", "secrets": ["whsec_abc"]}}, "never written here"),
        (MINIMAL | {"auth": {"kind": "digest"}}, "'none', 'basic', 'bearer', 'header', 'webhook'"),
        (MINIMAL | {"base_url": "https://user:secret@vms.example"}, "must not hold credentials"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        Config.model_validate(settings)
    assert "user:secret" not in str(caught.value)


def test_right_settings_and_their_capabilities() -> None:
    table = capabilities_of(Config.model_validate(MINIMAL))
    assert table[Operation.SHOW] is Capability.REPEATABLE
    assert {table[operation] for operation in Operation if operation is not Operation.SHOW} == {
        Capability.IMPOSSIBLE
    }


def test_schema_for_editors() -> None:
    schema = Config.model_json_schema()
    assert schema["additionalProperties"] is False
    assert {"base_url", "requests", "health", "auth", "tls"} <= set(schema["properties"])


def test_the_examples_of_the_documentation_load() -> None:
    page = (Path(__file__).parents[2] / "docs" / "drivers" / "http.md").read_text("utf-8")
    blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    stanzas = [stanza for block in blocks for stanza in yaml.safe_load(block)["vms"]]
    assert [stanza["name"] for stanza in stanzas] == ["wall", "hook"]
    for stanza in stanzas:
        Config.model_validate({key: value for key, value in stanza.items() if key not in ("name", "type")})


# --- on the wire ---------------------------------------------------------------------------------------


Start = Callable[..., Awaitable[Driver]]


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    server = Echo()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def start(echo: Echo, hasty: HastyClock) -> AsyncIterator[Start]:
    """Start a driver whose `show` is as given, at a server that echoes."""
    drivers: list[Driver] = []

    async def make(*, more: dict[str, Any] | None = None, **settings: Any) -> Driver:
        config = with_request(**settings) | {"base_url": echo.url} | (more or {})
        drivers.append(
            Driver(
                "wall",
                Config.model_validate(config),
                targets=Targets(cameras={"11": frozenset()}),
                clock=hasty,
            )
        )
        return drivers[-1]

    yield make
    for driver in drivers:
        await driver.close()


async def test_every_value_of_the_delivery_can_be_used(start: Start, echo: Echo, hasty: HastyClock) -> None:
    driver = await start(
        path="/{driver}/{operation}/{target}",
        query={"i": "{incident}", "empty": "{exercise}"},
        headers={"X-Title": "{title}"},
        json={"d": "{delivery}", "cameras": "{cameras:list}", "preset": "{preset:int}"},
    )
    sample = delivery(hasty, Operation.SHOW, "desk/1", cameras="11,12", preset="7")
    await driver.perform(sample)
    [request] = echo.requests
    assert request.segments == ["wall", "show", "desk/1"]
    assert request.query == {"i": sample.incident, "empty": ""}
    assert request.headers["x-title"] == "SOS TANKFARM-EAST-POST-03"
    assert request.json() == {"d": sample.id, "cameras": ["11", "12"], "preset": 7}


async def test_idempotency_key_is_the_same_on_every_attempt(
    start: Start, echo: Echo, hasty: HastyClock
) -> None:
    driver = await start()
    sample = delivery(hasty, Operation.SHOW, "desk")
    await driver.perform(sample)
    await driver.perform(replace(sample, attempts=2, doubtful=True))
    assert [request.headers["idempotency-key"] for request in echo.requests] == [sample.id] * 2


async def test_idempotency_key_can_have_another_name_or_none(
    start: Start, echo: Echo, hasty: HastyClock
) -> None:
    sample = delivery(hasty, Operation.SHOW, "desk")
    await (await start(more={"idempotency_header": "X-Request-Id"})).perform(sample)
    await (await start(more={"idempotency_header": None})).perform(sample)
    named, without = echo.requests
    assert named.headers["x-request-id"] == sample.id
    assert sample.id not in without.headers.values()


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "none"}, "authorization", None),
        (
            {"kind": "basic", "user": "sos", "password": {"env": SECRET_NAME}},
            "authorization",
            "Basic c29zOnBhNTUtcGhyYXNlJi89Pw==",
        ),
        ({"kind": "bearer", "token": {"env": SECRET_NAME}}, "authorization", "Bearer pa55-phrase&/=?"),
        (
            {"kind": "header", "name": "X-Api-Key", "value": {"env": SECRET_NAME}},
            "x-api-key",
            "pa55-phrase&/=?",
        ),
    ],
)
async def test_credentials(
    start: Start, echo: Echo, hasty: HastyClock, *, auth: dict[str, Any], header: str, value: str | None
) -> None:
    driver = await start(more={"auth": auth})
    await driver.perform(delivery(hasty, Operation.SHOW, "desk"))
    assert echo.requests[0].headers.get(header) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "is empty for this action"), ("..", "must not climb"), (".", "must not climb")],
)
async def test_a_target_that_cannot_stand_in_the_path(
    start: Start, echo: Echo, hasty: HastyClock, *, value: str, words: str
) -> None:
    driver = await start()
    with pytest.raises(Permanent, match=words):
        await driver.perform(delivery(hasty, Operation.SHOW, value))
    assert echo.requests == []


async def test_a_header_stays_on_its_line(start: Start, echo: Echo, hasty: HastyClock) -> None:
    """A line break in a name must neither begin another header nor cost the SOS its picture."""
    driver = await start(headers={"X-Title": "{title}"})
    await driver.perform(delivery(hasty, Operation.SHOW, "desk", title="SOS\r\nX-Evil: 1\x00\u2028b"))
    assert echo.requests[0].headers["x-title"] == "SOS X-Evil: 1 b"
    assert "x-evil" not in echo.requests[0].headers


@pytest.mark.parametrize("read_back", [{"path": "/{preset}"}, {"path": "/x", "json": "{preset:int}"}])
async def test_a_read_back_that_cannot_be_sent_is_no_failure(
    start: Start, echo: Echo, hasty: HastyClock, read_back: dict[str, Any]
) -> None:
    driver = await start(read_back=read_back)
    receipt = await driver.perform(delivery(hasty, Operation.SHOW, "desk"))
    assert (receipt.outcome, len(echo.requests)) == (DeliveryState.ACCEPTED, 1)
    assert "the answer was yes; reading back failed: " in receipt.proof


async def test_an_expectation_without_a_value_is_no_failure(
    start: Start, echo: Echo, hasty: HastyClock
) -> None:
    """That turns out when the request has done what it does."""
    driver = await start(expect={"json": {"/n": "{preset:int}"}})
    echo.say = Answer.json({"n": 7})
    with pytest.raises(Uncertain, match="preset is ''"):
        await driver.perform(delivery(hasty, Operation.SHOW, "desk"))
    assert len(echo.requests) == 1


async def test_half_a_character_is_no_reason_to_fail(start: Start, echo: Echo, hasty: HastyClock) -> None:
    driver = await start(path="/{phone}", query={"q": "{title}"}, headers={"X-T": "{title}"}, text="{title}")
    await driver.perform(delivery(hasty, Operation.SHOW, "desk", title="SOS \ud83d", phone="\udc00"))
    assert echo.requests[0].query == {"q": "SOS ?"}


@pytest.mark.parametrize(
    ("expect", "answer", "words"),
    [
        ({"json": {"/ok": True}}, Answer.json({"ok": False}), "/ok should be true, and there is false"),
        ({"json": {"/ok": True}}, Answer.json({"ok": 1}), "/ok should be true, and there is 1"),
        ({"json": {"/ok": True}}, Answer.json({}), "/ok should be true, and there is nothing"),
        ({"json": {"": []}}, Answer.json({}), "the answer should be"),
        ({"json": {"/i": "{incident}"}}, Answer.json({"i": "x"}), "/i should be"),
        ({"json": {"/ok": True}}, Answer(200, b"<html>Log in</html>"), "web page"),
        ({"json": {"/ok": True}}, Answer(200, b""), "not JSON"),
        ({"text": "RESULT=OK"}, Answer(200, b"RESULT=ERROR", "text/plain"), "does not occur"),
        ({"status": [201]}, Answer.json({}), "HTTP 200.*not expected"),
        ({}, Answer(200, b"<html>Log in</html>", "text/html; charset=utf-8"), "web page"),
        ({}, Answer(200, b'{"ok": tr', "application/json"), "not JSON"),
    ],
)
async def test_a_success_status_is_not_enough(
    start: Start, echo: Echo, hasty: HastyClock, *, expect: dict[str, Any], answer: Answer, words: str
) -> None:
    driver = await start(expect=expect)
    echo.say = answer
    with pytest.raises(Uncertain, match=words):
        await driver.perform(delivery(hasty, Operation.SHOW, "desk"))


@pytest.mark.parametrize(
    ("expect", "answer"),
    [
        (
            {"json": {"/a/0/b": 7, "/i": "{incident}"}},
            {"a": [{"b": 7}], "i": "5b0c7f0e-1111-5222-8333-944455556666"},
        ),
        ({"json": {"": {"ok": True}}}, {"ok": True}),
        ({"text": "saved"}, {"message": "saved"}),
    ],
)
async def test_an_expected_answer_is_accepted(
    start: Start, echo: Echo, hasty: HastyClock, *, expect: dict[str, Any], answer: Any
) -> None:
    driver = await start(expect=expect)
    echo.say = Answer.json(answer)
    receipt = await driver.perform(delivery(hasty, Operation.SHOW, "desk"))
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert receipt.proof.startswith("HTTP 200")


async def test_a_system_that_speaks_html_proves_itself_by_text(
    start: Start, echo: Echo, hasty: HastyClock
) -> None:
    driver = await start(expect={"text": "<b>OK</b>"})
    echo.say = Answer(200, b"<html><b>OK</b></html>", "text/html")
    assert (await driver.perform(delivery(hasty, Operation.SHOW, "desk"))).outcome is DeliveryState.ACCEPTED


# --- reading back --------------------------------------------------------------------------------------


@pytest.fixture
async def wall(hasty: HastyClock) -> AsyncIterator[tuple[Driver, GenericVms]]:
    """A generic VMS without credentials, and the driver of the contract suite."""
    fake = GenericVms(hasty, cameras=["11"], screens=["control-1"])
    await fake.start()
    settings = {"base_url": fake.url, "requests": HTTP_REQUESTS, "health": {"path": "/api/status"}}
    driver = Driver("wall", Config.model_validate(settings), targets=Targets(), clock=hasty)
    yield driver, fake
    await driver.close()
    await fake.stop()


async def test_what_shows_late_is_waited_for(wall: tuple[Driver, GenericVms], hasty: HastyClock) -> None:
    driver, fake = wall
    fake.faults.order(Rule(fault=Fault.STATUS, status=404, method="GET", times=3))
    receipt = await driver.perform(delivery(hasty, Operation.SHOW, "control-1", cameras="11"))
    assert receipt.outcome is DeliveryState.VERIFIED
    assert '/cameras is ["11"]' in receipt.proof
    assert [request.method for request in fake.requests] == ["PUT", "GET", "GET", "GET", "GET"]


async def test_what_never_shows_is_not_done(wall: tuple[Driver, GenericVms], hasty: HastyClock) -> None:
    driver, fake = wall
    fake.faults.order(Rule(fault=Fault.STATUS, status=404, method="GET"))
    began = hasty.monotonic()
    with pytest.raises(Retryable, match="the answer was yes, but reading back says HTTP 404"):
        await driver.perform(delivery(hasty, Operation.SHOW, "control-1", cameras="11"))
    assert 2.0 <= hasty.monotonic() - began <= 2.5
    with pytest.raises(Uncertain, match="the answer was yes, but"):
        await driver.perform(delivery(hasty, Operation.BOOKMARK, "11"))


async def test_a_read_back_that_fails_proves_nothing(
    wall: tuple[Driver, GenericVms], hasty: HastyClock
) -> None:
    driver, fake = wall
    fake.faults.order(Rule(fault=Fault.STATUS, status=503, method="GET"))
    receipt = await driver.perform(delivery(hasty, Operation.SHOW, "control-1", cameras="11"))
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "reading back failed" in receipt.proof


async def test_asking_first_that_fails_does_nothing_twice(
    wall: tuple[Driver, GenericVms], hasty: HastyClock
) -> None:
    driver, fake = wall
    doubtful = replace(delivery(hasty, Operation.BOOKMARK, "11"), doubtful=True)
    fake.faults.order(Rule(fault=Fault.STATUS, status=503, method="GET", times=1))
    with pytest.raises(Retryable):
        await driver.perform(doubtful)
    assert fake.state.bookmarks == []
    assert isinstance(await driver.perform(doubtful), Receipt)
    assert len(fake.state.bookmarks) == 1


async def test_still_held_asks_when_the_target_is_enough(hasty: HastyClock) -> None:
    fake = GenericVms(hasty, cameras=["11"], screens=[])
    await fake.start()
    recording = {
        "method": "PUT",
        "path": "/api/cameras/{target}/recording",
        "json": {"on": True},
        "capability": "repeatable",
        "read_back": {"path": "/api/cameras/{target}", "expect": {"json": {"/recording": True}}},
    }
    settings = {
        "base_url": fake.url,
        "requests": {"start_recording": recording, "bookmark": HTTP_REQUESTS["bookmark"]},
        "health": {"path": "/api/status"},
    }
    driver = Driver("wall", Config.model_validate(settings), targets=Targets(), clock=hasty)
    assert await driver.still_held(Operation.START_RECORDING, "11") is False
    await driver.perform(delivery(hasty, Operation.START_RECORDING, "11"))
    assert await driver.still_held(Operation.START_RECORDING, "11") is True
    assert await driver.still_held(Operation.BOOKMARK, "11") is None
    assert await driver.still_held(Operation.SHOW, "11") is None
    await driver.close()
    await fake.stop()


async def test_check_names_an_unknown_camera_and_what_cannot_be_verified(hasty: HastyClock) -> None:
    fake = GenericVms(hasty, cameras=["11"], screens=[])
    await fake.start()
    settings = {
        "base_url": fake.url,
        "requests": HTTP_REQUESTS,
        "health": {"path": "/api/status", "expect": {"json": {"/ok": True}}},
        "camera_check": {"path": "/api/cameras/{target}"},
    }
    targets = {"11": frozenset({"7"}), "99": frozenset[str]()}
    driver = Driver("wall", Config.model_validate(settings), targets=Targets(cameras=targets), clock=hasty)
    found = [(finding.level, finding.text) for finding in await driver.check()]
    assert found[0] == ("ok", "health: answered as expected")
    assert found[1] == ("ok", "camera 11: answered as expected")
    assert found[2][0] == "error"
    assert found[2][1].startswith("camera 99: wall: GET /api/cameras/99")
    assert found[3] == ("warning", "accepted at best, never verified, for want of a read_back: popup")
    await driver.close()
    await fake.stop()
