"""What every driver keeps, whatever its VMS does. A new driver adds cases to cases.py, and no test here."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.errors import DeliveryError, Permanent, Retryable, Uncertain, Unreachable
from bridge.model import Capability, Delivery, DeliveryState, Operation, Receipt
from bridge.simulator.vms.faults import Fault, Faults, Rule
from bridge.simulator.vms.server import FakeServer
from tests.drivers.case import SECRET, Case, HastyClock, Maker
from tests.http.conftest import Echo


async def attempt(case: Case, delivery: Delivery | None = None) -> Receipt | DeliveryError:
    """Perform, and return the error instead of raising it. Anything else that escapes fails the test."""
    try:
        return await case.driver.perform(delivery or case.delivery)
    except DeliveryError as error:
        return error


def fault(case: Case, kind: Fault, **options: Any) -> None:
    """Order a fault for the request that does it."""
    method, _, path = case.acts.partition(" ")
    case.fake.faults.order(Rule(fault=kind, method=method, path=path, **options))


def done_or_unknown(case: Case, result: Receipt | DeliveryError) -> None:
    """It took effect, but the answer was lost: uncertain, or proven by asking. Never "did not happen"."""
    assert case.effects() == 1
    if isinstance(result, Receipt):
        assert result.outcome is DeliveryState.VERIFIED
    else:
        assert isinstance(result, Uncertain)


async def test_happy_path(case: Case) -> None:
    receipt = await case.driver.perform(case.delivery)
    assert receipt.outcome is case.outcome
    assert receipt.proof
    assert case.effects() == 1
    assert case.seen() == case.happy


async def test_capability_table_is_complete(case: Case) -> None:
    assert set(case.driver.capabilities) == set(Operation)
    assert set(case.driver.capabilities.values()) <= set(Capability)


async def test_impossible_operations_are_refused_without_a_request(case: Case) -> None:
    for operation, capability in case.driver.capabilities.items():
        if capability is Capability.IMPOSSIBLE:
            with pytest.raises(Permanent):
                await case.driver.perform(replace(case.delivery, operation=operation))
    assert case.seen() == []


async def test_down(case: Case) -> None:
    await case.fake.stop()
    assert isinstance(await attempt(case), Unreachable)
    await case.fake.start()
    assert isinstance(await attempt(case), Receipt)


@pytest.mark.parametrize("kind", [Fault.SILENT, Fault.HEADERS_ONLY, Fault.TRICKLE, Fault.RESET, Fault.HUGE])
async def test_no_answer_to_what_was_done(hurried: Case, kind: Fault) -> None:
    fault(hurried, kind, interval=0.05)
    began = time.monotonic()
    done_or_unknown(hurried, await attempt(hurried))
    assert time.monotonic() - began < 3


async def test_truncated_json(case: Case) -> None:
    fault(case, Fault.TRUNCATED)
    done_or_unknown(case, await attempt(case))


async def test_everything_silent(hurried: Case) -> None:
    """Not even the log-in or the read-back is answered."""
    hurried.fake.faults.order(Rule(fault=Fault.SILENT))
    assert isinstance(await attempt(hurried), Unreachable | Uncertain)


async def test_401_once(case: Case) -> None:
    fault(case, Fault.STATUS, status=401, times=1)
    receipt = await case.driver.perform(case.delivery)
    assert receipt.outcome is case.outcome
    assert case.effects() == 1


async def test_401_for_ever(case: Case) -> None:
    fault(case, Fault.STATUS, status=401)
    assert isinstance(await attempt(case), Permanent)
    assert case.effects() == 0
    assert sum(line == case.acts for line in case.seen()) == 2


@pytest.mark.parametrize("status", [403, 404, 409])
async def test_refused(case: Case, status: int) -> None:
    fault(case, Fault.STATUS, status=status)
    result = await attempt(case)
    assert isinstance(result, Permanent)
    assert str(status) in str(result)
    assert case.effects() == 0
    assert sum(line == case.acts for line in case.seen()) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_asked_to_come_later(case: Case, status: int) -> None:
    fault(case, Fault.STATUS, status=status, retry_after="3")
    result = await attempt(case)
    assert isinstance(result, Retryable)
    assert not isinstance(result, Unreachable)
    assert result.retry_after == 3.0


async def test_500(case: Case) -> None:
    fault(case, Fault.STATUS, status=500)
    assert isinstance(await attempt(case), Retryable | Uncertain)
    assert case.effects() == 0


async def test_500_with_an_empty_body_everywhere(case: Case) -> None:
    """As a ZoneMinder without its database answers."""
    case.fake.faults.order(Rule(fault=Fault.STATUS, status=500, empty=True))
    assert isinstance(await attempt(case), Retryable | Uncertain)


async def test_html_with_200(case: Case) -> None:
    fault(case, Fault.HTML)
    result = await attempt(case)
    assert isinstance(result, Retryable | Uncertain)
    assert "web page" in str(result)
    assert case.effects() == 0


async def test_lying_200(case: Case) -> None:
    """It says yes and does nothing: where the VMS can be asked, that must come out."""
    fault(case, Fault.LIE)
    result = await attempt(case)
    assert case.effects() == 0
    if case.outcome is DeliveryState.VERIFIED:
        assert isinstance(result, Retryable | Uncertain)
    else:
        assert isinstance(result, Receipt)
        assert result.outcome is DeliveryState.ACCEPTED


async def test_wrong_types(case: Case) -> None:
    fault(case, Fault.WRONG_TYPES)
    result = await attempt(case)
    assert not isinstance(result, Permanent)


async def test_wrong_types_everywhere_prove_nothing(case: Case) -> None:
    case.fake.faults.order(Rule(fault=Fault.WRONG_TYPES))
    result = await attempt(case)
    assert not (isinstance(result, Receipt) and result.outcome is DeliveryState.VERIFIED)


class _From(Faults):
    """Faults the request at one place of the order in which they arrive; with `lasting` all after it too."""

    def __init__(self, fake: FakeServer, place: int, rule: Rule, *, lasting: bool) -> None:
        super().__init__()
        self._fake = fake
        self._place = place
        self._rule = rule
        self._lasting = lasting

    def take(self, method: str, path: str) -> Rule | None:
        at = len(self._fake.requests) - 1
        return self._rule if at == self._place or (self._lasting and at > self._place) else None


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize(
    "rule",
    [
        Rule(fault=Fault.RESET),
        Rule(fault=Fault.STATUS, status=403),
        Rule(fault=Fault.STATUS, status=500),
    ],
    ids=["reset", "403", "500"],
)
async def test_what_was_done_is_never_called_undone(
    make: Maker, hasty: HastyClock, rule: Rule, lasting: bool
) -> None:
    """Whichever request fails from the acting one on: if it took effect, no error may say that it did not."""
    sample = await make(hasty)
    await sample.driver.close()
    await sample.fake.stop()
    for place in range(sample.happy.index(sample.acts), len(sample.happy)):
        case = await make(HastyClock())
        case.fake.faults = _From(case.fake, place, rule, lasting=lasting)
        result = await attempt(case)
        await case.driver.close()
        await case.fake.stop()
        if isinstance(result, Receipt):
            assert case.effects() == 1, sample.happy[place]
        elif case.effects():
            assert isinstance(result, Uncertain), (sample.happy[place], result)


async def test_redirects_are_not_followed(case: Case) -> None:
    elsewhere = Echo()
    await elsewhere.start()
    fault(case, Fault.REDIRECT, location=elsewhere.url)
    assert isinstance(await attempt(case), Permanent)
    await elsewhere.stop()
    assert elsewhere.requests == []
    assert case.effects() == 0


async def test_no_time_left(case: Case) -> None:
    assert isinstance(await attempt(case, replace(case.delivery, deadline=case.clock.now() - 1)), Retryable)
    assert case.seen() == []


async def test_crash_between_sending_and_settling(case: Case) -> None:
    """The answer never reached the store. The repeat must do nothing twice where that matters."""
    await case.driver.perform(case.delivery)
    again = await case.driver.perform(replace(case.delivery, doubtful=True, attempts=2))
    assert again.outcome is case.outcome
    acts = sum(line == case.acts for line in case.seen())
    asks = case.driver.capabilities[case.delivery.operation] is Capability.ASK_FIRST
    assert acts == (1 if asks else 2)
    if asks:
        assert case.effects() == 1


async def test_crash_before_anything_was_sent(case: Case) -> None:
    """Doubtful, but it never happened: then it is done now."""
    receipt = await case.driver.perform(replace(case.delivery, doubtful=True, attempts=2))
    assert receipt.outcome is case.outcome
    assert case.effects() == 1


async def test_cancelled(case: Case) -> None:
    case.fake.faults.order(Rule(fault=Fault.SILENT))
    task = asyncio.create_task(case.driver.perform(case.delivery))
    await case.fake.received(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)


async def test_close_ends_everything(case: Case) -> None:
    case.fake.faults.order(Rule(fault=Fault.SILENT))
    task = asyncio.create_task(attempt(case))
    await case.fake.received(1)
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("http-vms")]
    await case.driver.close()
    assert isinstance(await asyncio.wait_for(task, 1), DeliveryError)
    for thread in mine:
        await asyncio.to_thread(thread.join, 2)
        assert not thread.is_alive()


async def test_still_held_never_raises(case: Case) -> None:
    for operation in Operation:
        assert await case.driver.still_held(operation, case.delivery.target) in (True, False, None)
    await case.fake.stop()
    for operation in Operation:
        assert await case.driver.still_held(operation, case.delivery.target) is None


async def test_check_finds_nothing_wrong(case: Case) -> None:
    findings = await case.driver.check()
    assert [finding for finding in findings if finding.level == "error"] == []
    assert {finding.subject for finding in findings} == {"vms"}
    assert any(finding.level == "ok" for finding in findings)
    assert case.effects() == 0


async def test_check_when_down(case: Case) -> None:
    await case.fake.stop()
    assert any(finding.level == "error" for finding in await case.driver.check())


@pytest.mark.parametrize("kind", Fault)
async def test_check_always_answers(hurried: Case, kind: Fault) -> None:
    hurried.fake.faults.order(Rule(fault=kind, interval=0.05))
    for finding in await hurried.driver.check():
        assert finding.level in ("ok", "warning", "error")
        assert SECRET not in finding.text


async def test_check_with_a_wrong_secret(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOSBRIDGE_TEST_VMS", "wrong-secret")
    found = await case.driver.check()
    assert any(finding.level == "error" and "401" in finding.text for finding in found)
    result = await attempt(case)
    assert isinstance(result, Permanent)
    assert "wrong-secret" not in str(result)


async def test_secret_that_cannot_be_read(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOSBRIDGE_TEST_VMS")
    result = await attempt(case)
    assert isinstance(result, Permanent)
    assert "SOSBRIDGE_TEST_VMS" in str(result)
    assert case.seen() == []


@pytest.mark.parametrize("kind", Fault)
async def test_secrets_never_show(hurried: Case, kind: Fault, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the password nor a token that the VMS gave us."""
    caplog.set_level(logging.DEBUG)
    await attempt(hurried)
    hurried.fake.faults.order(Rule(fault=kind, interval=0.05, status=401))
    result = await attempt(hurried)
    shown = [
        repr(result),
        str(result),
        repr(hurried.driver),
        repr(hurried.config),
        str(hurried.config),
        caplog.text,
    ]
    if isinstance(result, BaseException):
        shown += traceback.format_exception(result)
    secrets = {
        SECRET,
        *(request.query["token"] for request in hurried.fake.requests if "token" in request.query),
    }
    for secret in secrets:
        assert not any(secret in text for text in shown)


# --- certificates -------------------------------------------------------------------------------------


def context_for(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


@pytest.mark.parametrize("wrong", ["", "unknown authority", "other host", "expired"])
async def test_certificates(make: Maker, hasty: HastyClock, tmp_path: Path, wrong: str) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    leaf = {
        "": lambda: authority.issue_cert("127.0.0.1"),
        "unknown authority": lambda: stranger.issue_cert("127.0.0.1"),
        "other host": lambda: authority.issue_cert("vms.example"),
        "expired": lambda: authority.issue_cert("127.0.0.1", not_after=past),
    }[wrong]()
    case = await make(hasty, context_for(leaf), tls={"ca": str(tmp_path / "ca.pem")})
    result = await attempt(case)
    if wrong:
        assert isinstance(result, Permanent)
        assert "certificate" in str(result)
        assert case.seen() == []
        assert any("certificate" in finding.text for finding in await case.driver.check())
    else:
        assert isinstance(result, Receipt)
        assert not [finding for finding in await case.driver.check() if finding.level == "error"]
    await case.driver.close()
    await case.fake.stop()
