"""The signed webhook: the scheme itself, by the vectors of others, and what the http driver sends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest

from bridge.drivers.http import Config, Driver
from bridge.errors import ConfigError, Permanent, ProtocolError
from bridge.model import DeliveryState, Operation, Targets
from bridge.protocols.webhook_signature import parse_key, signed_headers
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.server import Answer, Request
from tests.drivers.case import HastyClock, delivery
from tests.http.conftest import Echo

NEW: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD: Final = "whsec_" + base64.b64encode(bytes(range(100, 164))).decode()
SECRETS: Final = {"SOSBRIDGE_TEST_NEW": NEW, "SOSBRIDGE_TEST_OLD": OLD}


def test_the_reference_vector() -> None:
    """Of the reference libraries' own tests (standard-webhooks, svix-webhooks: TestWebhookSign)."""
    key = parse_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [key]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_part_of_a_second_is_not_signed() -> None:
    assert signed_headers("a", 1614265330.99, b"", [bytes(24)]) == signed_headers(
        "a", 1614265330.0, b"", [bytes(24)]
    )


@pytest.mark.parametrize("message", ["", "a.b", "."])
def test_ids_that_make_the_signature_ambiguous(message: str) -> None:
    with pytest.raises(ProtocolError, match="cannot be the id of a webhook"):
        signed_headers(message, 0.0, b"", [bytes(24)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("whsec_not base64!", "whsec_ and base64"),
        ("wh\u00e9", "whsec_ and base64"),
        ("whsec_", "holds 0 bytes"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "holds 23 bytes"),
        (base64.b64encode(bytes(65)).decode(), "holds 65 bytes"),
    ],
)
def test_secrets_that_cannot_sign(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse_key(text)
    assert text[6:] == "" or text[6:] not in str(caught.value)


def test_the_prefix_may_be_left_out() -> None:
    assert parse_key(NEW.removeprefix("whsec_")) == parse_key(NEW) == bytes(range(32))


# --- what the driver sends -----------------------------------------------------------------------------


def verified(request: Request, secret: str) -> bool:
    """As a receiver does it, from the specification and not from our code."""
    key = base64.b64decode(secret.partition("_")[2])
    signed = b".".join(
        (request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body)
    )
    due = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [part.split(",", 1) for part in request.headers["webhook-signature"].split(" ")]
    return ["v1", due] in given


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    server = Echo()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def driver(echo: Echo, hasty: HastyClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Driver]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings: dict[str, Any] = {
        "base_url": echo.url,
        "auth": {"kind": "webhook", "secrets": [{"env": name} for name in SECRETS]},
        "requests": {
            "popup": {"path": "/hook", "json": {"t": "{title} é", "n": 1}, "capability": "repeatable"},
            "show": {"path": "/form", "form": {"t": "{title}"}, "capability": "repeatable"},
            "hide": {"method": "DELETE", "path": "/hook", "capability": "repeatable"},
            "bookmark": {
                "path": "/mark",
                "text": "{title}",
                "capability": "ask_first",
                "read_back": {"path": "/mark/{incident}"},
            },
        },
        "health": {"path": "/health"},
    }
    made = Driver("hook", Config.model_validate(settings), targets=Targets(), clock=hasty)
    yield made
    await made.close()


@pytest.mark.parametrize("operation", [Operation.POPUP, Operation.SHOW, Operation.HIDE, Operation.BOOKMARK])
async def test_either_key_proves_every_kind_of_body(
    driver: Driver, echo: Echo, hasty: HastyClock, operation: Operation
) -> None:
    sample = delivery(hasty, operation, "desk")
    await driver.perform(sample)
    for request in echo.requests:
        assert verified(request, NEW)
        assert verified(request, OLD)
        assert not verified(request, "whsec_" + base64.b64encode(bytes(32)).decode())
        assert abs(int(request.headers["webhook-timestamp"]) - hasty.now()) < 2
    assert echo.requests[0].headers["webhook-id"] == sample.id


async def test_the_body_arrives_as_it_was_signed(driver: Driver, echo: Echo, hasty: HastyClock) -> None:
    await driver.perform(delivery(hasty, Operation.POPUP, "desk", title='<"\u00df\ud800'))
    [request] = echo.requests
    assert json.loads(request.body) == {"t": '<"ß? é', "n": 1}
    assert request.headers["content-type"] == "application/json"
    assert verified(request, NEW)


async def test_a_repeat_has_the_same_id_and_a_time_of_its_own(
    driver: Driver, echo: Echo, hasty: HastyClock
) -> None:
    sample = delivery(hasty, Operation.POPUP, "desk")
    await driver.perform(sample)
    await hasty.sleep(30)
    await driver.perform(replace(sample, attempts=2, doubtful=True))
    first, second = echo.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == sample.id
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 30
    assert verified(second, NEW)


async def test_what_only_asks_is_no_repeat(driver: Driver, echo: Echo, hasty: HastyClock) -> None:
    """A receiver that drops what it has seen must still answer the question."""
    sample = delivery(hasty, Operation.BOOKMARK, "11")
    assert (await driver.perform(sample)).outcome is DeliveryState.VERIFIED
    act, ask = echo.requests
    assert (act.method, ask.method) == ("POST", "GET")
    assert act.headers["webhook-id"] == sample.id
    assert ask.headers["webhook-id"] != sample.id
    assert "idempotency-key" not in ask.headers
    assert verified(ask, NEW)


async def test_check_is_signed(driver: Driver, echo: Echo) -> None:
    assert (await driver.check())[0].level == "ok"
    assert verified(echo.requests[0], NEW)


async def test_a_secret_that_cannot_sign(
    driver: Driver, echo: Echo, hasty: HastyClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOSBRIDGE_TEST_OLD", "pa55-phrase")
    with pytest.raises(Permanent, match=r"SOSBRIDGE_TEST_OLD cannot sign: it is no signing secret") as caught:
        await driver.perform(delivery(hasty, Operation.POPUP, "desk"))
    assert "pa55-phrase" not in str(caught.value)
    assert any("cannot sign" in finding.text for finding in await driver.check())
    assert echo.requests == []


async def test_the_secret_is_in_no_error(driver: Driver, echo: Echo, hasty: HastyClock) -> None:
    echo.say = Answer(400, f"bad key {NEW}".encode(), "text/plain")
    with pytest.raises(Permanent, match="bad key") as caught:
        await driver.perform(delivery(hasty, Operation.POPUP, "desk"))
    assert NEW not in str(caught.value)


async def test_a_refused_signature_is_tried_once_more(driver: Driver, echo: Echo, hasty: HastyClock) -> None:
    echo.faults.order(Rule(fault=Fault.STATUS, status=401, times=1))
    assert (await driver.perform(delivery(hasty, Operation.POPUP, "desk"))).outcome is DeliveryState.ACCEPTED
    assert len({request.headers["webhook-id"] for request in echo.requests}) == 1
