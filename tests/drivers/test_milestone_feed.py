"""The Events and State WebSocket: what it proves, and how it comes back. At the fake, on a real clock."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.drivers.milestone.gateway_site import GatewaySite
from bridge.errors import CameraMissing, DeliveryError, Retryable
from bridge.model import DeliveryState, Event, Operation
from bridge.protocols.milestone_feed import CameraFacts
from bridge.simulator.vms.faults import Fault, Rule
from tests.drivers.cases_milestone import FIXED, PTZ
from tests.drivers.milestone_site import Site, site_at
from tests.http.conftest import RealClock
from tests.waiting import PATIENCE, until


async def held(site: Site, wanted: bool | None) -> None:
    """Wait until the driver says so of the recording."""

    async def said() -> bool:
        return await site.driver.still_held(Operation.EVENT_START, PTZ) is wanted

    await until(said)


def known(site: Site) -> CameraFacts:
    """What the driver has heard of the PTZ camera: no answer of its own shows that."""
    gateway = site.driver._site
    assert isinstance(gateway, GatewaySite)
    assert gateway._feed is not None
    return gateway._feed.about(PTZ)


async def nobody(event: Event) -> None:
    raise AssertionError(f"{event} is not expected")


class Listening:
    """A site whose driver listens: what the app does by `watch`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.watching = asyncio.create_task(site.driver.watch(nobody))

    async def connected(self) -> None:
        await until(lambda: known(self.site).records is not None)

    async def close(self) -> None:
        self.watching.cancel()
        await asyncio.gather(self.watching, return_exceptions=True)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with site_at(RealClock(), websocket=True, recording_wait=PATIENCE) as site:
        listening = Listening(site)
        await listening.connected()
        yield site
        await listening.close()


async def test_an_event_is_verified_by_the_recording(site: Site) -> None:
    receipt = await site.do(Operation.EVENT_START)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert receipt.proof == "event 'SOS emergency start' accepted; recording started"
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is True
    site.fake.camera("PTZ-01").recording = False
    site.fake.changed()
    await held(site, False)


async def test_a_recording_of_before_proves_nothing(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    again = await site.do(Operation.EVENT_START, doubtful=True, id="another")
    assert again.proof == "event 'SOS emergency start' accepted; the camera recorded already"
    assert again.outcome is DeliveryState.ACCEPTED


async def test_a_repeat_finds_the_recording_of_its_own_event(site: Site) -> None:
    born = site.clock.now()
    await site.do(Operation.EVENT_START)
    again = await site.do(Operation.EVENT_START, doubtful=True, created_at=born)
    assert again.proof == "records since the event was raised before"
    assert again.outcome is DeliveryState.VERIFIED
    assert len(site.fake.state.events) == 1


async def test_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    tls = {"ca": str(tmp_path / "ca.pem")}
    async with site_at(RealClock(), server_tls=context, websocket=True, tls=tls) as site:
        listening = Listening(site)
        await listening.connected()
        assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.VERIFIED
        await listening.close()


async def test_a_camera_that_records_already_proves_nothing(site: Site) -> None:
    site.fake.camera("PTZ-01").recording = True
    site.fake.changed()
    await until(lambda: known(site).records)
    receipt = await site.do(Operation.EVENT_START)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is None


async def test_after_the_stop_nothing_is_held(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    await site.do(Operation.EVENT_STOP)
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is None


async def test_202_without_effect() -> None:
    """The rule is missing: the event is accepted, and nothing records."""
    events = {"start": "unruled", "stop": "unruled"}
    settings: dict[str, Any] = {"websocket": True, "recording_wait": 0.2, "events": events}
    async with site_at(RealClock(), unruled=("unruled",), **settings) as site:
        listening = Listening(site)
        await listening.connected()
        with pytest.raises(Retryable, match="does a rule start recording on it"):
            await site.do(Operation.EVENT_START)
        await listening.close()


async def test_a_lying_202(site: Site) -> None:
    """It says 202, the camera records for no moment: never verified."""
    site.fake.faults.order(Rule(fault=Fault.LIE, path="/events"))
    task = asyncio.create_task(site.do(Operation.EVENT_START))
    await until(lambda: site.asked("POST /api/rest/v1/events"))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_camera_without_contact(site: Site) -> None:
    site.fake.camera("PTZ-01").online = False
    site.fake.changed()
    await until(lambda: known(site).reachable is False)
    with pytest.raises(CameraMissing, match="no contact with it"):
        await site.do(Operation.PROVE_LIVE)
    assert site.asked("POST /api/rest/v1/cameras") == 0
    with pytest.raises(CameraMissing, match="nothing is recorded"):
        await site.do(Operation.EVENT_START)
    with pytest.raises(CameraMissing):
        await site.do(Operation.EVENT_START, attempts=2)
    assert len(site.fake.state.events) == 1
    site.fake.camera("PTZ-01").online = True
    site.fake.changed()
    await until(lambda: known(site).reachable)
    receipt = await site.do(Operation.EVENT_START, attempts=3)
    assert receipt.outcome is DeliveryState.VERIFIED


async def test_contact_is_proof_of_life_where_there_are_no_pictures(site: Site) -> None:
    site.fake.rest.knows_pictures = False
    receipt = await site.do(Operation.PROVE_LIVE)
    assert receipt.proof == "XProtect has contact with the camera (WebSocket)"
    assert receipt.outcome is DeliveryState.VERIFIED


async def test_only_the_cameras_of_the_site_are_subscribed(site: Site) -> None:
    [session] = site.fake.feed.sessions.values()
    assert session.sources == {PTZ, FIXED}
    assert len(session.types) == 5


async def test_a_broken_connection_is_resumed(site: Site) -> None:
    """The gateway is recycled; what happened meanwhile is told after the resumption."""
    await site.do(Operation.EVENT_START)
    site.fake.feed.recycle()
    await until(lambda: site.fake.feed.connections == 0)
    site.fake.camera("PTZ-01").recording = False
    site.fake.changed()
    await until(lambda: site.fake.feed.commands.count("startSession") == 2)
    await held(site, False)
    assert site.fake.feed.commands.count("getState") == 1


async def test_a_forgotten_session_begins_anew(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    site.fake.feed.recycle(forget=True)
    await until(lambda: site.fake.feed.commands.count("getState") == 2)
    assert len(site.fake.feed.sessions) == 1


async def test_a_refused_token_is_replaced(site: Site) -> None:
    """The token is checked at the handshake only."""
    site.fake.expire_tokens()
    site.fake.feed.recycle()
    await until(lambda: site.fake.feed.commands.count("startSession") == 2)
    assert site.fake.log_ins == 2


async def test_while_it_is_away_nothing_is_claimed(site: Site) -> None:
    site.fake.feed.recycle()
    await until(lambda: known(site) == CameraFacts())
    receipt = await site.do(Operation.EVENT_START)
    assert receipt.outcome is DeliveryState.ACCEPTED


async def test_it_starts_with_the_first_event() -> None:
    async with site_at(RealClock(), websocket=True) as site:
        assert site.fake.feed.connections == 0
        assert (await site.do(Operation.EVENT_START)).outcome.done
        await until(lambda: site.fake.feed.connections == 1)


async def test_a_gateway_without_the_websocket(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site_at(RealClock(), websocket=True) as site:
        site.fake.faults.order(Rule(fault=Fault.STATUS, path="/api/ws", status=404))
        monkeypatch.setattr(site.fake, "upgraded", never)
        receipt = await site.do(Operation.EVENT_START)
        assert receipt.outcome is DeliveryState.ACCEPTED
        await until(lambda: site.asked("/api/ws/events") >= 1)


async def never(*_: Any) -> bool:
    return False


async def test_an_event_that_makes_an_alarm_and_records_nothing() -> None:
    """Tried again it would make another alarm: so it is accepted, and says that no recording was seen."""
    events = {"start": "unruled", "stop": "unruled"}
    settings: dict[str, Any] = {"websocket": True, "recording_wait": 0.2, "events": events}
    async with site_at(RealClock(), unruled=("unruled",), alarms="by_definition", **settings) as site:
        listening = Listening(site)
        await listening.connected()
        for attempts in (1, 2, 3):
            receipt = await site.do(Operation.EVENT_START, attempts=attempts)
            assert receipt.outcome is DeliveryState.ACCEPTED
            assert "no recording was seen" in receipt.proof
        assert len(site.fake.state.events) == 1
        await listening.close()


async def test_nothing_is_started_after_close() -> None:
    async with site_at(RealClock(), websocket=True) as site:
        await site.driver.close()
        with pytest.raises(DeliveryError):
            await site.do(Operation.EVENT_START)
        await asyncio.sleep(0.1)
        assert site.fake.feed.connections == 0
        assert not site.asked("/api/ws")
