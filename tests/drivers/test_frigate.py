"""Frigate's own ways, at the fake that was written from its documents and code."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from pydantic import ValidationError

from bridge.drivers.frigate import Config, Driver, capabilities_of
from bridge.errors import CameraMissing, Permanent, Retryable, Uncertain
from bridge.model import Capability, DeliveryState, Operation, Receipt, Targets
from bridge.protocols.frigate_account import Account
from bridge.protocols.frigate_socket import CommandSocket
from bridge.protocols.http import HttpLink
from bridge.simulator.vms.faults import Fault, Faults, Rule
from bridge.simulator.vms.frigate import FakeCamera, FakeFrigate, FakeUser
from tests.drivers.case import INCIDENT, SECRET, SECRET_NAME, HastyClock, delivery

OTHER = "77777777-2222-5333-8444-555566667777"
"""Another incident at the same camera."""
PTZ = "east_ptz"
FIXED = "east_fix"


@dataclass(slots=True)
class Site:
    fake: FakeFrigate
    clock: HastyClock
    driver: Driver = field(init=False)

    @property
    def camera(self) -> FakeCamera:
        return self.fake.state.cameras[PTZ]

    def recording(self) -> bool:
        return self.camera.records

    def asked(self, word: str) -> int:
        """How many requests had `word` in their line."""
        return sum(word in str(request) for request in self.fake.requests)

    async def do(self, operation: Operation, target: str = PTZ, **fields: Any) -> Receipt:
        changes = {name: fields.pop(name) for name in ("doubtful", "attempts", "incident") if name in fields}
        return await self.driver.perform(
            replace(delivery(self.clock, operation, target, **fields), **changes)
        )

    def make(self, **settings: Any) -> Driver:
        """Another driver at the same Frigate."""
        own = {
            "base_url": self.fake.url,
            "user": "sosbridge",
            "password": {"env": SECRET_NAME},
            "timeouts": {"total": 5},
        }
        targets = Targets(cameras={PTZ: frozenset({"gate"}), FIXED: frozenset()})
        config = Config.model_validate({**own, **settings})
        return Driver("frigate", config, targets=targets, clock=self.clock)


class After(Faults):
    """Resets requests whose line begins with `words`, once so many of them have come."""

    def __init__(self, fake: FakeFrigate, count: int, words: str) -> None:
        super().__init__()
        self._fake = fake
        self._count = count
        self._words = words

    def take(self, method: str, path: str) -> Rule | None:
        seen = sum(str(request).startswith(self._words) for request in self._fake.requests)
        due = f"{method} {path}".startswith(self._words) and seen > self._count
        return Rule(fault=Fault.RESET) if due else None


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    cameras = [FakeCamera(PTZ, presets=("post 03", "gate")), FakeCamera(FIXED)]
    fake = FakeFrigate(hasty, cameras=cameras, users={"sosbridge": FakeUser(SECRET)}, lag=0.6)
    await fake.start()
    site = Site(fake, hasty)
    site.driver = site.make(home_preset="gate")
    yield site
    await site.driver.close()
    await fake.stop()


# --- settings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"user": "sosbridge"}, "user and password go together"),
        ({"password": {"env": "X"}}, "user and password go together"),
        ({"label": "so/s"}, "label"),
        ({"label": "x" * 21}, "label"),
        ({"switch_recording": "off"}, "'leave' or 'on'"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Config.model_validate({"base_url": "https://nvr.example:8971", **settings})


def test_the_example_of_the_documentation_loads() -> None:
    page = (Path(__file__).parents[2] / "docs" / "drivers" / "frigate.md").read_text("utf-8")
    [stanza] = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["vms"]
    Config.model_validate({key: value for key, value in stanza.items() if key not in ("name", "type")})


def test_home_needs_a_preset() -> None:
    config = Config.model_validate({"base_url": "http://nvr.example:5000"})
    assert capabilities_of(config)[Operation.HOME] is Capability.IMPOSSIBLE
    config = Config.model_validate({"base_url": "http://nvr.example:5000", "home_preset": "home"})
    assert capabilities_of(config)[Operation.HOME] is Capability.REPEATABLE


# --- events --------------------------------------------------------------------------------------------


async def test_an_event_that_stays_open(site: Site) -> None:
    receipt = await site.do(Operation.START_RECORDING)
    [event] = site.fake.state.events
    assert event.row["sub_label"] == "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]"
    assert (event.row["label"], event.end_time) == ("sos", None)
    assert receipt.reference == f"event:{event.row['id']}"
    assert receipt.proof == f"event {event.row['id']} stored and open"
    [create] = [request for request in site.fake.requests if str(request).endswith("/create")]
    assert create.json() == {
        "sub_label": "SOS TANKFARM-EAST-POST-03 [5b0c7f0e]",
        "duration": None,
        "include_recording": True,
        "score": 0,
        "pre_capture": 30,
    }


async def test_an_event_that_is_never_stored(site: Site) -> None:
    site.fake.lag = 60.0
    with pytest.raises(Uncertain, match=r"was promised, but not stored within 5 s"):
        await site.do(Operation.START_RECORDING)
    await site.clock.sleep(60)
    receipt = await site.do(Operation.START_RECORDING, attempts=2, doubtful=True)
    assert receipt.proof.endswith("found open already")
    assert len(site.fake.state.events) == 1


async def test_the_event_of_another_incident_is_not_ours(site: Site) -> None:
    await site.do(Operation.START_RECORDING, incident=OTHER)
    await site.do(Operation.START_RECORDING, attempts=2)
    assert len(site.fake.state.events) == 2


async def test_an_exercise_is_marked(site: Site) -> None:
    await site.do(Operation.START_RECORDING, exercise="yes", title="SOS a, b")
    assert site.fake.state.events[0].row["sub_label"] == "EXERCISE SOS a  b [5b0c7f0e]"


async def test_long_titles_keep_the_mark(site: Site) -> None:
    receipt = await site.do(Operation.START_RECORDING, title="x" * 300)
    label = site.fake.state.events[0].row["sub_label"]
    assert (len(label), label[-11:]) == (100, " [5b0c7f0e]")
    assert (await site.do(Operation.START_RECORDING, doubtful=True)).reference == receipt.reference


async def test_unknown_camera(site: Site) -> None:
    with pytest.raises(Permanent, match=r"404.*nobody is not a valid camera"):
        await site.do(Operation.START_RECORDING, "nobody")
    for target in ("", "a/b", "..", "a b", "é"):
        with pytest.raises(Permanent, match="is not the name of a Frigate camera"):
            await site.do(Operation.START_RECORDING, target)


async def test_a_body_that_frigate_does_not_take(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=422, path="/create"))
    with pytest.raises(Permanent, match="422"):
        await site.do(Operation.START_RECORDING)


async def test_viewers_may_not(site: Site) -> None:
    site.fake.users["sosbridge"].role = "viewer"
    with pytest.raises(Permanent, match=r"403.*admin role is required"):
        await site.do(Operation.START_RECORDING)
    with pytest.raises(Permanent, match="role 'viewer'"):
        await site.do(Operation.RECALL_PRESET, preset="gate")
    assert site.fake.commands == []


async def test_stop_ends_what_the_incident_has(site: Site) -> None:
    first = await site.do(Operation.START_RECORDING)
    site.fake.state.events[0].row["sub_label"] = "renamed by somebody"
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.START_RECORDING, incident=OTHER)
    receipt = await site.do(Operation.STOP_RECORDING, reference=first.reference)
    assert receipt.outcome is DeliveryState.VERIFIED
    assert [event.end_time is None for event in site.fake.state.events] == [False, False, True]


async def test_stop_of_an_event_that_is_not_stored_yet(site: Site) -> None:
    site.fake.lag = 3.0
    receipt = await site.do(Operation.START_RECORDING)
    site.fake.state.events[0].stored_at = site.clock.now() + 3.0
    await site.do(Operation.STOP_RECORDING, reference=receipt.reference)
    assert site.asked("PUT") == 1
    assert site.fake.state.events[0].end_time is not None


async def test_stop_of_an_event_that_is_never_stored(site: Site) -> None:
    with pytest.raises(Retryable, match=r"event 1\.2-x cannot be ended: not stored within 5 s"):
        await site.do(Operation.STOP_RECORDING, reference="event:1.2-x")


async def test_stopping_what_is_not_open(site: Site) -> None:
    receipt = await site.do(Operation.STOP_RECORDING)
    assert receipt.proof == "no event of this incident is open"


async def test_an_end_that_never_shows(site: Site) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.lag = 60.0
    with pytest.raises(Retryable, match="but it has no end"):
        await site.do(Operation.STOP_RECORDING)


async def test_a_restart_ends_events_without_a_word(site: Site) -> None:
    assert await site.driver.still_held(Operation.START_RECORDING, PTZ) is False
    await site.do(Operation.START_RECORDING)
    assert await site.driver.still_held(Operation.EVENT_START, PTZ) is True
    assert await site.driver.still_held(Operation.SHOW, PTZ) is None
    site.fake.state.restart()
    assert await site.driver.still_held(Operation.START_RECORDING, PTZ) is False
    await site.do(Operation.START_RECORDING, attempts=2)
    assert len(site.fake.state.events) == 2


@pytest.mark.parametrize("rule", [Rule(fault=Fault.RESET), Rule(fault=Fault.STATUS, status=403)])
async def test_an_event_that_cannot_be_read_back(site: Site, rule: Rule) -> None:
    """It is open all the same: the receipt names it, so that it can be ended."""
    site.camera.records = False
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    site.fake.faults.order(replace(rule, method="GET", path="/api/events/"))
    receipt = await site.do(Operation.START_RECORDING)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert "promised: the answer was yes; reading back failed: " in receipt.proof
    assert receipt.reference == f"event:{site.fake.state.events[0].row['id']};recordings:off"


async def test_an_end_that_cannot_be_read_back(site: Site) -> None:
    reference = (await site.do(Operation.START_RECORDING)).reference
    ended = site.asked("GET /api/events/") + 1  # that it is stored is asked first
    site.fake.faults = After(site.fake, ended, "GET /api/events/")
    receipt = await site.do(Operation.STOP_RECORDING, reference=reference)
    assert (receipt.outcome, "reading back failed" in receipt.proof) == (DeliveryState.ACCEPTED, True)
    assert site.fake.state.events[0].end_time is not None


async def test_an_end_of_two_that_breaks_half_way(site: Site) -> None:
    for _ in range(2):
        await site.do(Operation.START_RECORDING)
        await site.clock.sleep(5)
    second = site.fake.state.events[1].row["id"]
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=403, path=f"{second}/end"))
    with pytest.raises(Uncertain, match=r"ended: .*-000001; then: .*403"):
        await site.do(Operation.STOP_RECORDING)


async def test_a_switch_that_goes_back_unseen(site: Site) -> None:
    site.camera.records = False
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    reference = (await site.do(Operation.START_RECORDING)).reference
    site.fake.faults.order(Rule(fault=Fault.RESET, path="/api/config"))
    with pytest.raises(Uncertain, match=r"ended: .*; then: .*was turned OFF; reading back failed"):
        await site.do(Operation.STOP_RECORDING, reference=reference)
    assert not site.recording()


async def test_what_is_written_and_cannot_be_read_back(site: Site) -> None:
    reference = (await site.do(Operation.START_RECORDING)).reference
    for operation in (Operation.BOOKMARK, Operation.EXTEND_BOOKMARK, Operation.LOCK_EVIDENCE):
        site.fake.faults = After(site.fake, site.asked("GET /api/events/") + 1, "GET /api/events/")
        receipt = await site.do(operation, reference=reference)
        assert (receipt.outcome, receipt.reference) == (DeliveryState.ACCEPTED, reference)
        assert "the answer was yes; reading back failed" in receipt.proof


# --- nonsense ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [10**400, 1e999, "x", [1], None], ids=["huge", "inf", "text", "list", "null"]
)
async def test_numbers_that_nobody_can_reckon_with(site: Site, number: Any) -> None:
    """JSON has whole numbers that no float can hold."""
    site.camera.fps = number
    with pytest.raises(CameraMissing, match="camera_fps 0"):
        await site.do(Operation.PROVE_LIVE)
    assert [each.text for each in await site.driver.check() if each.level == "error"] == [
        f"camera {PTZ} gives no pictures"
    ]


@pytest.mark.parametrize("number", ["a b", "../x", "..", "a\nb", 7, ""])
async def test_an_event_whose_id_could_lead_elsewhere(site: Site, number: Any) -> None:
    await site.do(Operation.START_RECORDING)
    site.fake.state.events[0].row["id"] = number
    for operation in (Operation.BOOKMARK, Operation.STOP_RECORDING):
        with pytest.raises(Retryable, match="the answer holds no event"):
            await site.do(operation)
    assert await site.driver.still_held(Operation.START_RECORDING, PTZ) is None


@pytest.mark.parametrize("end", [10**400, "Infinity", "NaN", "soon", None])
def test_a_token_whose_end_is_none(end: Any) -> None:
    clock = HastyClock()
    settings = Config.model_validate({"base_url": "http://127.0.0.1:1"})
    account = Account(HttpLink(settings, name="x", clock=clock), user="", password=None, clock=clock)
    assert account._life({"exp": end}) == account._life({}) == 86_400.0


# --- footage -------------------------------------------------------------------------------------------


async def test_a_camera_that_does_not_record(site: Site) -> None:
    site.camera.records = False
    with pytest.raises(Permanent, match="recording is off there, so its event kept nothing and was ended"):
        await site.do(Operation.START_RECORDING)
    assert site.fake.state.events[0].end_time is not None
    assert site.fake.commands == []


async def test_the_recording_switch_is_turned_on_and_back(site: Site) -> None:
    site.camera.records = False
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    started = await site.do(Operation.START_RECORDING)
    assert site.recording()
    assert started.reference.endswith(";recordings:off")
    second = await site.do(Operation.START_RECORDING, incident=OTHER)
    await site.do(Operation.STOP_RECORDING, reference=started.reference)
    assert site.recording(), "another incident still needs it"
    await site.do(Operation.STOP_RECORDING, incident=OTHER, reference=second.reference)
    assert not site.recording()
    assert site.fake.commands == [(f"{PTZ}/recordings/set", "ON"), (f"{PTZ}/recordings/set", "OFF")]


async def test_the_switch_goes_back_after_a_restart_of_ours(site: Site) -> None:
    site.camera.records = False
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    reference = (await site.do(Operation.START_RECORDING)).reference
    await site.driver.close()
    site.driver = site.make(switch_recording="on")
    await site.do(Operation.STOP_RECORDING, reference=reference)
    assert not site.recording()


async def test_a_switch_that_was_on_stays_on(site: Site) -> None:
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    started = await site.do(Operation.START_RECORDING)
    await site.do(Operation.STOP_RECORDING, reference=started.reference)
    assert site.recording()
    assert site.fake.commands == []


async def test_a_switch_that_the_configuration_forbids(site: Site) -> None:
    site.camera.records = site.camera.may_record = False
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    with pytest.raises(Permanent, match=r"its configuration forbids recording"):
        await site.do(Operation.START_RECORDING)
    assert site.fake.state.events == []


async def test_a_switch_that_does_not_turn(site: Site) -> None:
    """A role that may see and not switch: the command is dropped without a word."""
    site.camera.records = False
    site.fake.users["sosbridge"].role = "viewer"
    driver, site.driver = site.driver, site.make(switch_recording="on")
    await driver.close()
    with pytest.raises(Retryable, match="did not turn ON"):
        await site.do(Operation.START_RECORDING)


# --- description and retention --------------------------------------------------------------------------


async def test_bookmark_and_end(site: Site) -> None:
    started = await site.do(Operation.START_RECORDING)
    await site.do(Operation.BOOKMARK, reference=started.reference)
    lines = site.fake.state.events[0].row["data"]["description"].splitlines()
    assert lines[:2] == ["SOS TANKFARM-EAST-POST-03", f"incident {INCIDENT}"]
    assert "spoken East tank farm, post three" in lines
    await site.do(Operation.STOP_RECORDING, reference=started.reference)
    ended = {"acknowledged_by": "A. Operator", "closed_by": "B. Chief", "close_reason": "all\nsafe"}
    await site.do(Operation.EXTEND_BOOKMARK, reference=started.reference, **ended)
    await site.do(Operation.EXTEND_BOOKMARK, reference=started.reference, **ended)
    after = site.fake.state.events[0].row["data"]["description"].splitlines()
    assert after[:-1] == lines
    assert after[-1].startswith(f"incident {INCIDENT} lasted until 2026-01-01 01:0")
    assert after[-1].endswith("acknowledged by A. Operator, closed by B. Chief, because: all safe")


async def test_an_end_without_a_bookmark_writes_both(site: Site) -> None:
    started = await site.do(Operation.START_RECORDING)
    await site.do(Operation.EXTEND_BOOKMARK, reference=started.reference, opened_at="?")
    lines = site.fake.state.events[0].row["data"]["description"].splitlines()
    assert lines[1] == f"incident {INCIDENT}"
    assert "+00:00" in lines[-1]


async def test_no_event_to_describe(site: Site) -> None:
    for operation in (Operation.BOOKMARK, Operation.EXTEND_BOOKMARK, Operation.LOCK_EVIDENCE):
        with pytest.raises(Retryable, match="has no event of this incident"):
            await site.do(operation)


async def test_a_reference_to_another_camera_is_not_believed(site: Site) -> None:
    started = await site.do(Operation.START_RECORDING, FIXED)
    with pytest.raises(Retryable, match="has no event of this incident"):
        await site.do(Operation.BOOKMARK, PTZ, reference=started.reference)


@pytest.mark.parametrize(
    ("operation", "word"), [(Operation.BOOKMARK, "description"), (Operation.LOCK_EVIDENCE, "retain")]
)
async def test_a_version_without_the_call(site: Site, operation: Operation, word: str) -> None:
    site.fake.lacks.add(word)
    started = await site.do(Operation.START_RECORDING)
    with pytest.raises(Permanent, match="exists: this version of Frigate cannot do it"):
        await site.do(operation, reference=started.reference)


# --- live, PTZ -----------------------------------------------------------------------------------------


async def test_a_live_camera(site: Site) -> None:
    assert (await site.do(Operation.PROVE_LIVE)).proof == f"{PTZ}: 5 pictures a second"
    site.camera.fps = 0.0
    with pytest.raises(CameraMissing, match="gives no pictures"):
        await site.do(Operation.PROVE_LIVE)
    with pytest.raises(CameraMissing, match="counts no pictures of nobody"):
        await site.do(Operation.PROVE_LIVE, "nobody")


async def test_presets_by_the_web_socket(site: Site) -> None:
    receipt = await site.do(Operation.RECALL_PRESET, preset="Post 03")
    await site.do(Operation.HOME)
    assert receipt.outcome is DeliveryState.ACCEPTED
    assert site.camera.moved == ["post 03", "gate"]
    assert site.fake.commands[0] == (f"{PTZ}/ptz", "preset_post 03")


async def test_presets_that_frigate_does_not_have(site: Site) -> None:
    with pytest.raises(Permanent, match="has no preset 'roof'; there is post 03, gate"):
        await site.do(Operation.RECALL_PRESET, preset="roof")
    with pytest.raises(CameraMissing, match="reaches no ONVIF"):
        await site.do(Operation.RECALL_PRESET, FIXED, preset="gate")
    assert site.fake.commands == []


async def test_the_web_socket_with_an_old_token(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, status=401, path="/ws", times=1))
    await site.do(Operation.RECALL_PRESET, preset="gate")
    assert (len(site.fake.log_ins), site.camera.moved) == (2, ["gate"])


@pytest.mark.parametrize(
    ("rule", "error", "words"),
    [
        (Rule(fault=Fault.STATUS, status=403, path="/ws"), Permanent, "HTTP 403"),
        (Rule(fault=Fault.STATUS, status=401, path="/ws"), Permanent, "HTTP 401"),
        (Rule(fault=Fault.STATUS, status=404, path="/ws"), Permanent, "HTTP 404"),
        (Rule(fault=Fault.STATUS, status=503, path="/ws"), Retryable, "HTTP 503"),
        (Rule(fault=Fault.HTML, path="/ws"), Permanent, "HTTP 200"),
        (Rule(fault=Fault.REDIRECT, path="/ws"), Permanent, "redirect"),
        (Rule(fault=Fault.RESET, path="/ws"), Retryable, "nothing was sent"),
        (Rule(fault=Fault.SILENT, path="/ws"), Retryable, "nothing was sent"),
    ],
    ids=["403", "401", "404", "503", "html", "redirect", "reset", "silent"],
)
async def test_a_web_socket_that_is_not_opened(
    site: Site, rule: Rule, error: type[Exception], words: str
) -> None:
    driver, site.driver = site.driver, site.make(timeouts={"connect": 0.5, "read": 0.5, "total": 0.5})
    await driver.close()
    site.fake.faults.order(replace(rule))
    with pytest.raises(error, match=words) as caught:
        await site.do(Operation.RECALL_PRESET, preset="gate")
    assert not isinstance(caught.value, Uncertain)
    assert site.camera.moved == []


async def test_a_web_socket_that_breaks_after_the_command(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(site.fake, "_command", breaks)
    with pytest.raises(Uncertain, match="the connection broke"):
        await site.do(Operation.RECALL_PRESET, preset="gate")


@pytest.mark.parametrize("known", [True, False])
async def test_the_web_socket_by_tls(hasty: HastyClock, tmp_path: Path, known: bool) -> None:
    authority = trustme.CA()
    (authority if known else trustme.CA()).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    fake = FakeFrigate(hasty, cameras=[FakeCamera(PTZ, presets=("gate",))], users={})
    await fake.start(tls=context)
    settings = Config.model_validate({"base_url": fake.url, "tls": {"ca": tmp_path / "ca.pem"}})
    socket = CommandSocket(settings, name="frigate")
    sending = socket.send(f"{PTZ}/ptz", "preset_gate", token="", budget=5.0)
    if known:
        await sending
        assert fake.state.cameras[PTZ].moved == ["gate"]
    else:
        with pytest.raises(Permanent, match="certificate is not accepted"):
            await sending
    await fake.stop()


async def test_closing_ends_a_command(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.SILENT, path="/ws"))
    task = asyncio.create_task(site.do(Operation.RECALL_PRESET, preset="gate"))
    await site.fake.received(3)  # the log-in, the presets, the web socket
    await site.driver.close()
    with pytest.raises(Uncertain, match="the driver was closed"):
        await asyncio.wait_for(task, 5)


# --- log-in --------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_tried_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_NAME, "wrong-secret")
    for _ in range(3):
        with pytest.raises(Permanent, match=r"refuses the user sosbridge.*401"):
            await site.do(Operation.START_RECORDING)
    assert len(site.fake.log_ins) == 1
    monkeypatch.setenv(SECRET_NAME, SECRET)
    await site.do(Operation.START_RECORDING)
    assert len(site.fake.log_ins) == 2


async def test_a_wrong_password_is_tried_again_after_five_minutes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fake.users["sosbridge"].password = "changed there"
    with pytest.raises(Permanent, match="401"):
        await site.do(Operation.PROVE_LIVE)
    site.fake.users["sosbridge"].password = SECRET
    await site.clock.sleep(301)
    await site.do(Operation.PROVE_LIVE)


async def test_too_many_log_ins(site: Site) -> None:
    site.fake.log_ins_a_minute = 0
    with pytest.raises(Retryable, match="429") as caught:
        await site.do(Operation.PROVE_LIVE)
    assert caught.value.retry_after == 12.0
    with pytest.raises(Retryable, match="wants no log-in for another 12 s"):
        await site.do(Operation.PROVE_LIVE)
    assert len(site.fake.log_ins) == 1
    site.fake.log_ins_a_minute = 20
    await site.clock.sleep(13)
    await site.do(Operation.PROVE_LIVE)


async def test_the_token_is_renewed_before_it_ends(site: Site) -> None:
    await site.do(Operation.PROVE_LIVE)
    await site.clock.sleep(0.79 * 86_400)
    await site.do(Operation.PROVE_LIVE)
    assert len(site.fake.log_ins) == 1
    await site.clock.sleep(0.02 * 86_400)
    await site.do(Operation.PROVE_LIVE)
    assert len(site.fake.log_ins) == 2


async def test_a_lost_token_is_renewed_once_for_all(site: Site) -> None:
    await site.do(Operation.PROVE_LIVE)
    site.fake.expire_tokens()
    await asyncio.gather(*(site.do(Operation.PROVE_LIVE, camera) for camera in (PTZ, FIXED)))
    assert len(site.fake.log_ins) == 2


async def test_port_5000_asks_for_no_log_in(site: Site) -> None:
    site.fake.users.clear()
    driver, site.driver = site.driver, site.make(user="", password=None)
    await driver.close()
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.RECALL_PRESET, preset="gate")
    assert site.fake.log_ins == []
    assert not any("authorization" in request.headers for request in site.fake.requests)
    assert any("asks for no log-in" in finding.text for finding in await site.driver.check())


async def test_authentication_that_is_off(site: Site) -> None:
    """The log-in says 404: nobody needs one."""
    site.fake.users.clear()
    await site.do(Operation.START_RECORDING)
    await site.do(Operation.PROVE_LIVE)
    assert len(site.fake.log_ins) == 1


async def test_the_token_shows_nowhere(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    await site.do(Operation.PROVE_LIVE)
    token = site.fake.requests[-1].headers["authorization"].removeprefix("Bearer ")
    site.fake.faults.order(Rule(fault=Fault.REDIRECT, location=f"https://elsewhere.example/{token}"))
    with pytest.raises(Permanent) as caught:
        await site.do(Operation.PROVE_LIVE)
    assert token not in str(caught.value) + caplog.text


# --- check, inventory ----------------------------------------------------------------------------------


async def found(site: Site) -> list[tuple[str, str]]:
    return [(finding.level, finding.text) for finding in await site.driver.check()]


async def test_check_says_what_is_well(site: Site) -> None:
    assert await found(site) == [
        ("ok", "Frigate 0.18.0-abc1234"),
        ("ok", "logged in as admin"),
        ("ok", f"camera {FIXED}: 5 pictures a second"),
        ("ok", f"camera {FIXED}: the recording of an alert is kept for 10 days"),
        ("ok", f"camera {PTZ}: 5 pictures a second"),
        ("ok", f"camera {PTZ}: the recording of an alert is kept for 10 days"),
        ("ok", f"camera {PTZ}: presets can be recalled, but never verified"),
    ]
    assert {request.method for request in site.fake.requests} == {"GET", "POST"}
    assert site.asked("POST") == 1, "only the log-in"


@pytest.mark.parametrize(
    ("camera", "level", "words"),
    [
        ({"fps": 0.0}, "error", "gives no pictures"),
        ({"enabled": False}, "error", "is disabled"),
        ({"records": False}, "error", "does not record"),
        ({"alerts": False}, "error", "makes no alerts"),
        ({"keeps": "motion"}, "warning", "keeps only what has motion of an alert"),
        ({"presets": None}, "error", "reaches no ONVIF"),
        ({"presets": ("roof",)}, "error", "has no preset 'gate'; there is roof"),
    ],
)
async def test_check_of_a_camera(site: Site, camera: dict[str, Any], level: str, words: str) -> None:
    for name, value in camera.items():
        setattr(site.camera, name, value)
    assert [words in text for text_level, text in await found(site) if text_level == level] == [True]


@pytest.mark.parametrize(
    ("version", "level", "words"),
    [
        ("0.12.1-aa", "error", "too old"),
        ("0.14.1-aa", "warning", "bookmarks need 0.15"),
        ("0.19.0-aa", "warning", "newer than"),
        ("1.0.0", "warning", "newer than"),
    ],
)
async def test_check_of_the_version(site: Site, version: str, level: str, words: str) -> None:
    site.fake.version = version
    assert any(text_level == level and words in text for text_level, text in await found(site))


async def test_check_of_a_place_that_is_no_frigate(site: Site) -> None:
    site.fake.version = "<html>hello</html>"
    [(level, text)] = await found(site)
    assert (level, "that is no version of Frigate" in text) == ("error", True)


async def test_check_of_the_role(site: Site) -> None:
    site.fake.users["sosbridge"].role = "viewer"
    assert ("error", "the user has the role 'viewer': creating events needs admin") in await found(site)


async def test_check_names_ten_cameras_at_most(site: Site) -> None:
    del site.fake.state.cameras[PTZ]
    for number in range(20):
        site.fake.state.cameras[f"cam{number}"] = FakeCamera(f"cam{number}")
    [text] = [text for level, text in await found(site) if level == "error"]
    assert text.startswith(f"there is no camera {PTZ}")
    assert text.endswith("cam7, cam8")


async def test_check_of_consoles(site: Site) -> None:
    config = Config.model_validate({"base_url": site.fake.url})
    targets = Targets(consoles=frozenset({"control-1"}))
    driver = Driver("frigate", config, targets=targets, clock=site.clock)
    assert any("Frigate has no consoles" in finding.text for finding in await driver.check())
    await driver.close()


async def test_inventory(site: Site) -> None:
    ptz, fixed = (await site.driver.inventory()).cameras
    assert (ptz.id, ptz.ptz, dict(ptz.presets)) == (PTZ, True, {"post 03": "post 03", "gate": "gate"})
    assert (fixed.id, fixed.ptz, dict(fixed.presets)) == (FIXED, False, {})
