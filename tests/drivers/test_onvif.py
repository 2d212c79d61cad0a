"""ONVIF cameras' own ways of moving, at the simulator's camera and its habits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.errors import Permanent, Retryable, Uncertain
from bridge.model import DeliveryState, Operation
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.onvif_camera import FakePreset
from tests.drivers.case import HastyClock
from tests.drivers.onvif_site import AT_POST_3, Site, intervene


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    site = Site(hasty)
    await site.start()
    yield site
    await site.stop()


# --- presets ----------------------------------------------------------------------------------------


async def test_an_unknown_preset_is_not_sent(site: Site) -> None:
    site.habits.believes_anything = True
    with pytest.raises(Permanent, match=r"there is no preset '99'; there is 3 \(Post 03\), 4 \(Post 04\)"):
        await site.do(site.driver(), preset="99")
    assert site.sent("GotoPreset") == 0


async def test_two_presets_of_one_name(site: Site) -> None:
    site.fake.state.presets["5"] = FakePreset("Post 03", (0.1, 0.1, 0.1))
    with pytest.raises(Permanent, match="several presets are named 'Post 03'"):
        await site.do(site.driver(), preset="Post 03")
    assert (await site.do(site.driver(), preset="3")).outcome is DeliveryState.VERIFIED


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_the_fault_tells_the_truth(site: Site, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """A preset that went between the question and the order."""
    site.habits.fault_status = status
    driver = site.driver()
    await site.do(driver)

    intervene(monkeypatch, site.fake, "GotoPreset", before=site.fake.state.presets.clear)
    with pytest.raises(Permanent, match=f"GotoPreset: refused, HTTP {status}: Sender/InvalidArgVal/NoToken"):
        await site.do(driver, preset="4")
    assert site.fake.state.recalled == ["3"]


async def test_it_waits_until_the_camera_has_arrived(site: Site) -> None:
    site.fake.state.travel = 2.0
    began = site.clock.now()
    assert (await site.do(site.driver())).outcome is DeliveryState.VERIFIED
    assert 2.0 <= site.clock.now() - began < 2.5


async def test_a_camera_that_needs_longer_is_not_sent_again(site: Site) -> None:
    site.fake.state.travel = 30.0
    receipt = await site.do(site.driver())
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "still moving" in receipt.proof
    assert receipt.reference == AT_POST_3
    assert site.fake.state.recalled == ["3"]


async def test_without_the_preset_s_position_coming_to_rest_elsewhere_is_no_proof(site: Site) -> None:
    """It may be an operator who moved it. Where it was left is kept for going home."""
    site.habits.tells_preset_positions = False
    site.fake.state.travel = 1.0
    receipt = await site.do(site.driver())
    assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, AT_POST_3)
    assert "it has moved to 0.5,-0.25,0.4: whether that is there is not told" in receipt.proof


async def test_no_answer_and_it_moved_somewhere(site: Site) -> None:
    site.habits.tells_preset_positions = False
    site.fake.faults.order(Rule(fault=Fault.RESET, path="GotoPreset"))
    with pytest.raises(Uncertain):
        await site.do(site.driver())


@pytest.mark.parametrize("movement", [True, False])
async def test_without_the_preset_s_position_standing_still_proves_nothing(
    site: Site, movement: bool
) -> None:
    site.habits.tells_preset_positions, site.habits.tells_movement = False, movement
    driver = site.driver()
    await site.do(driver)
    receipt = await site.do(driver)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "stands where it stood" in receipt.proof


async def test_a_yes_and_nothing_behind_it(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.LIE, path="GotoPreset"))
    with pytest.raises(Retryable, match=r"stands at 0,0,0 instead of 0.5,-0.25,0.4"):
        await site.do(site.driver())


async def test_no_answer_but_it_arrived(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.RESET, path="GotoPreset"))
    assert (await site.do(site.driver())).outcome is DeliveryState.VERIFIED


async def test_no_answer_and_no_position(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.RESET, path="GotoPreset"))
    site.habits.tells_position = False
    with pytest.raises(Uncertain):
        await site.do(site.driver())


async def test_gone_after_its_yes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = site.driver()
    await site.do(driver)
    silent = Rule(fault=Fault.RESET)
    intervene(monkeypatch, site.fake, "GotoPreset", after=lambda: site.fake.faults.order(silent))
    receipt = await site.do(driver, preset="4")
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "cannot be asked" in receipt.proof


async def test_the_deadline_ends_the_waiting(site: Site) -> None:
    site.fake.state.travel = 30.0
    receipt = await site.do(site.driver(), deadline=site.clock.now() + 1)
    assert receipt.outcome is DeliveryState.ACCEPTED


async def test_profiles(site: Site) -> None:
    assert (await site.do(site.driver(profile="Main stream"))).outcome is DeliveryState.VERIFIED
    with pytest.raises(Permanent, match=r"profile overview \(Overview\) cannot move"):
        await site.do(site.driver(profile="overview"))
    with pytest.raises(Permanent, match=r"no profile 'x'; there is overview \(Overview\), main"):
        await site.do(site.driver(profile="x"))


async def test_a_preset_that_cannot_be_sent(site: Site) -> None:
    site.fake.state.presets["a\x7fb"] = FakePreset("odd", (0.0, 0.0, 0.0))
    with pytest.raises(Permanent, match="control character"):
        await site.do(site.driver(), preset="odd")


# --- home -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("home", "outcome", "proof"),
    [("", DeliveryState.ACCEPTED, "it has moved to 0,0,0"), ("9", DeliveryState.VERIFIED, "stands at 0,0,0")],
)
async def test_home(site: Site, home: str, outcome: DeliveryState, proof: str) -> None:
    """A camera does not say where its own home position is."""
    driver = site.driver(home_preset=home)
    recalled = await site.do(driver)
    receipt = await site.do(driver, Operation.HOME, reference=recalled.reference)
    assert receipt.outcome is outcome
    assert proof in receipt.proof
    assert site.fake.state.recalled == ["3", home or "home"]


@pytest.mark.parametrize("home", ["", "9"])
async def test_not_home_from_where_an_operator_moved_it(site: Site, home: str) -> None:
    driver = site.driver(home_preset=home)
    recalled = await site.do(driver)
    site.fake.state.travel = 1.0  # and it is still moving when we ask
    site.fake.state.steer((0.8, 0.1, 0.0), site.clock.now())
    receipt = await site.do(driver, Operation.HOME, reference=recalled.reference)
    assert receipt.outcome is DeliveryState.SUPERSEDED
    assert "an operator has moved the camera since (0.8,0.1,0 instead of 0.5,-0.25,0.4)" in receipt.proof
    assert site.fake.state.recalled == ["3"]


@pytest.mark.parametrize(
    ("home", "outcome"), [("", DeliveryState.ACCEPTED), ("Home", DeliveryState.VERIFIED)]
)
async def test_home_is_not_sent_twice(site: Site, home: str, outcome: DeliveryState) -> None:
    driver = site.driver(home_preset=home)
    recalled = await site.do(driver)
    await site.do(driver, Operation.HOME, reference=recalled.reference)
    again = await site.do(driver, Operation.HOME, reference=recalled.reference, doubtful=True)
    assert again.outcome is outcome
    assert len(site.fake.state.recalled) == 2


async def test_a_doubtful_home_leaves_a_moved_camera_alone(site: Site) -> None:
    driver = site.driver(home_preset="Home")
    recalled = await site.do(driver)
    site.fake.state.steer((0.8, 0.1, 0.0), site.clock.now())
    again = await site.do(driver, Operation.HOME, reference=recalled.reference, attempts=2)
    assert again.outcome is DeliveryState.ACCEPTED
    assert "moved by an operator; left there" in again.proof
    assert site.fake.state.recalled == ["3"]


@pytest.mark.parametrize(
    ("reference", "position", "why"),
    [
        ("", True, "where our recall left the camera is not known"),
        ("event:7", True, "where our recall left the camera is not known"),
        ("", False, "where our recall left the camera is not known"),
        (AT_POST_3, False, "the camera does not tell where it stands"),
        ("position:,,", True, "where our recall left the camera is not known"),
    ],
)
@pytest.mark.parametrize("doubtful", [False, True])
async def test_not_home_where_it_cannot_be_told_who_moved_it(
    site: Site, reference: str, position: bool, why: str, doubtful: bool
) -> None:
    """An operator may be watching somebody through it."""
    site.habits.tells_position = position
    site.fake.state.steer((0.9, 0.9, 0.9), site.clock.now())
    receipt = await site.do(site.driver(), Operation.HOME, reference=reference, doubtful=doubtful)
    assert receipt.outcome is DeliveryState.SUPERSEDED
    assert why in receipt.proof
    assert site.fake.state.recalled == []


async def test_no_home_is_stored(site: Site) -> None:
    site.fake.state.home = None
    site.habits.fault_status = 500
    site.fake.state.steer((0.5, -0.25, 0.4), site.clock.now())
    with pytest.raises(Permanent, match="NoHomePosition"):
        await site.do(site.driver(), Operation.HOME, reference=AT_POST_3)
