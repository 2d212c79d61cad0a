"""What was done and cannot be read back, what was sent without an answer, and answers that are none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bridge.drivers.milestone import Config, capabilities_of
from bridge.errors import DeliveryError, Permanent, Uncertain, Unsent
from bridge.model import Capability, DeliveryState, Operation
from bridge.protocols import http
from bridge.protocols.milestone import MilestoneApi
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.milestone_plant import FakeCamera, FakePreset
from tests.drivers.case import HastyClock
from tests.drivers.cases_milestone import MONITOR, PTZ, SETTINGS
from tests.drivers.milestone_site import Site, site_at

HUGE = 10**400


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    async with site_at(hasty) as site:
        yield site


# --- read back in vain ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 403, 500])
@pytest.mark.parametrize("operation", [Operation.BOOKMARK, Operation.LOCK_EVIDENCE])
async def test_what_was_made_and_cannot_be_read_back(site: Site, operation: Operation, status: int) -> None:
    """status 0: the connection is reset."""
    kind = Fault.STATUS if status else Fault.RESET
    site.fake.faults.order(Rule(fault=kind, method="GET", path="/api/rest/v1", status=status))
    receipt = await site.do(operation)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "cannot be read back" in receipt.proof
    assert receipt.reference


@pytest.mark.parametrize("status", [0, 403, 404, 500])
async def test_a_bookmark_that_was_changed_and_cannot_be_read_back(site: Site, status: int) -> None:
    made = await site.do(Operation.BOOKMARK)
    kind = Fault.STATUS if status else Fault.RESET
    site.fake.faults.order(Rule(fault=kind, method="GET", path="/bookmarks/", status=status))
    receipt = await site.do(Operation.EXTEND_BOOKMARK, reference=made.reference)
    assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, made.reference)


async def test_a_position_that_cannot_be_asked_after_the_recall(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recording server went away as soon as the camera had moved."""

    def go_to(camera: FakeCamera, preset: FakePreset) -> None:
        camera.position = preset.position
        site.fake.rest.recorder_up = False

    monkeypatch.setattr(FakeCamera, "go_to", go_to)
    receipt = await site.do(Operation.RECALL_PRESET, preset="post-03")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "its position cannot be asked" in receipt.proof


@pytest.mark.parametrize("operation", [Operation.BOOKMARK, Operation.LOCK_EVIDENCE])
async def test_what_was_promised_and_is_never_to_be_seen(site: Site, operation: Operation) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, method="GET", path="/api/rest/v1", status=404))
    with pytest.raises(Uncertain, match="was promised, and is not there"):
        await site.do(operation)
    receipt = await site.do(operation, attempts=2, doubtful=True)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert len(site.fake.state.bookmarks) + len(site.fake.state.evidence_locks) == 1


# --- sent without an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Fault.RESET, Fault.TRUNCATED, Fault.WRONG_TYPES])
async def test_a_lock_is_never_sent_again_blindly(site: Site, kind: Fault) -> None:
    """Each would stay for ever."""
    site.fake.faults.order(Rule(fault=kind, method="POST", path="/evidenceLocks"))
    with pytest.raises(Uncertain):
        await site.do(Operation.LOCK_EVIDENCE)
    for attempts in range(2, 5):
        with pytest.raises(Unsent, match="not sent again"):
            await site.do(Operation.LOCK_EVIDENCE, attempts=attempts, doubtful=True)
    assert len(site.fake.state.evidence_locks) == 1


async def test_a_lock_in_doubt_is_made_after_a_restart(site: Site) -> None:
    """Nobody can be asked whether it is there, and footage that is not protected would be worse than two."""
    site.fake.faults.order(Rule(fault=Fault.RESET, method="POST", path="/evidenceLocks", times=1))
    with pytest.raises(Uncertain):
        await site.do(Operation.LOCK_EVIDENCE)
    restarted = site.restarted()
    receipt = await restarted.do(Operation.LOCK_EVIDENCE, attempts=2, doubtful=True)
    await restarted.driver.close()
    assert receipt.outcome is DeliveryState.VERIFIED
    assert len(site.fake.state.evidence_locks) == 2


async def test_bookmarks_that_cannot_be_searched_for_are_two_at_most(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        """The gateway does not understand the search."""

    monkeypatch.setattr(MilestoneApi, "search_bookmarks", nothing)
    site.fake.faults.order(Rule(fault=Fault.TRUNCATED, method="POST", path="/bookmarks"))
    for attempts in range(1, 6):
        with pytest.raises((Uncertain, Unsent)):
            await site.do(Operation.BOOKMARK, attempts=attempts, doubtful=attempts > 1)
    assert len(site.fake.state.bookmarks) == 2


async def test_abilities_of_what_makes_another_one() -> None:
    settings = {**SETTINGS, "base_url": "https://xp", "alarms": "by_definition"}
    table = capabilities_of(Config.model_validate(settings))
    assert table[Operation.LOCK_EVIDENCE] is Capability.ASK_FIRST
    assert table[Operation.EVENT_START] is Capability.ASK_FIRST
    assert table[Operation.EVENT_STOP] is Capability.REPEATABLE


async def test_an_event_that_makes_an_alarm_is_not_raised_again_after_202(hasty: HastyClock) -> None:
    async with site_at(hasty, alarms="by_definition") as site:
        await site.do(Operation.EVENT_START)
        receipt = await site.do(Operation.EVENT_START, attempts=2, doubtful=True)
        assert receipt.outcome is DeliveryState.ACCEPTED
        assert "not raised again" in receipt.proof
        assert len(site.fake.state.events) == 1


async def test_read_backs_end_before_the_deadline(site: Site, hasty: HastyClock) -> None:
    """Whoever waits longer than the deadline loses what is known."""
    site.fake.rest.late_alarms = 1000
    began = hasty.now()
    receipt = await site.do(Operation.POPUP, MONITOR, within=1.5)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert hasty.now() - began < 1.5


# --- answers that are none -----------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    7,
    True,
    [],
    {},
    "a b",
    "a\nb",
    "../x",
    "\ud800",
    "ü",
    HUGE,
    float("inf"),
    float("nan"),
    [None],
]


@pytest.mark.parametrize("number", range(len(ODD)))
@pytest.mark.parametrize(
    "key",
    ["ptzPresets", "id", "name", "pan", "access_token", "expires_in", "version", "array", "state", "level"],
)
async def test_any_value_anywhere_ends_in_an_error_that_is_meant(
    site: Site, monkeypatch: pytest.MonkeyPatch, key: str, number: int
) -> None:
    real = http.HttpAnswer.json
    monkeypatch.setattr(http.HttpAnswer, "json", lambda answer: _spoilt(real(answer), key, ODD[number]))
    asked: list[Callable[[], Awaitable[Any]]] = [
        lambda: site.do(Operation.RECALL_PRESET, preset="post-03"),
        lambda: site.do(Operation.POPUP, MONITOR, cameras=PTZ),
        lambda: site.do(Operation.EVENT_START),
        lambda: site.do(Operation.BOOKMARK),
        lambda: site.do(Operation.PROVE_LIVE),
        site.driver.inventory,
        site.driver.check,
    ]
    for ask in asked:
        with contextlib.suppress(DeliveryError):
            await ask()
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is None


def _spoilt(said: Any, key: str, value: Any) -> Any:
    """Everything that is called `key` becomes `value`."""
    if isinstance(said, dict):
        return {name: value if name == key else _spoilt(part, key, value) for name, part in said.items()}
    return [_spoilt(part, key, value) for part in said] if isinstance(said, list) else said


async def test_a_number_that_is_none_is_refused(hasty: HastyClock) -> None:
    events = {**SETTINGS["events"], "fields": {"line": "{extension:int}"}}
    async with site_at(hasty, events=events) as site:
        with pytest.raises(Permanent, match="needs a whole number"):
            await site.do(Operation.EVENT_START, extension="alarm")
