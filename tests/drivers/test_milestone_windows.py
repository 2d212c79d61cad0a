"""Milestone with a Windows user: NTLM at the identity provider, judged by the server's side of pyspnego."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
import spnego
from pydantic import ValidationError

from bridge.drivers.milestone import Config
from bridge.errors import Permanent, Unreachable
from bridge.model import DeliveryState, Operation
from bridge.protocols.http_ntlm import NtlmLogIn
from bridge.simulator.vms.faults import Fault, Faults, Rule
from bridge.simulator.vms.ntlm import NtlmDoor
from bridge.simulator.vms.server import Answer, Request
from tests.drivers.case import SECRET, SECRET_NAME, HastyClock
from tests.drivers.cases_milestone import SETTINGS, WINDOWS_USER
from tests.drivers.milestone_site import Site, site_at

LOG_IN = "/IDP/connect/token"


@pytest.fixture
async def site(hasty: HastyClock) -> AsyncIterator[Site]:
    async with site_at(hasty, **WINDOWS_USER) as site:
        yield site


class _At(Faults):
    """Faults the request at one place of those that log in."""

    def __init__(self, place: int, rule: Rule) -> None:
        super().__init__()
        self._left = place
        self._rule = rule

    def take(self, method: str, path: str) -> Rule | None:
        if path != LOG_IN:
            return None
        self._left -= 1
        return self._rule if self._left == 0 else None


def schemes_sent(site: Site) -> list[str]:
    return [
        request.headers.get("authorization", "").partition(" ")[0]
        for request in site.fake.requests
        if request.path == LOG_IN
    ]


@pytest.mark.parametrize(
    ("offers", "taken"),
    [
        (("NTLM",), "NTLM"),
        (("Negotiate", "NTLM"), "NTLM"),
        (('Basic realm="IDP, inner"', "Negotiate"), "Negotiate"),
    ],
    ids=["ntlm", "both", "negotiate"],
)
async def test_a_token_for_a_windows_user(hasty: HastyClock, offers: tuple[str, ...], taken: str) -> None:
    async with site_at(hasty, **WINDOWS_USER) as site:
        site.fake.ntlm.offers = offers
        receipt = await site.do(Operation.BOOKMARK)
        assert receipt.outcome is DeliveryState.VERIFIED
        assert schemes_sent(site) == ["", taken, taken]
        assert [dict(request.form) for request in site.fake.requests[:3]] == [
            {"grant_type": "windows_credentials", "client_id": "GrantValidatorClient"}
        ] * 3
        assert len({request.client_port for request in site.fake.requests[1:3]}) == 1
        assert site.asked("/API/IDP") == 0


async def test_renewal_shakes_hands_again(site: Site) -> None:
    await site.do(Operation.EVENT_START)
    site.fake.expire_tokens()
    assert (await site.do(Operation.BOOKMARK)).outcome is DeliveryState.VERIFIED
    assert site.fake.log_ins == 2
    assert schemes_sent(site) == ["", "NTLM", "NTLM"] * 2


async def test_a_wrong_password_is_spared(
    site: Site, hasty: HastyClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The domain locks users out who keep trying."""
    monkeypatch.setenv(SECRET_NAME, "wrong-phrase")
    for _ in range(3):
        with pytest.raises(Permanent, match=r"refuses the user PLANT\\sosbridge.*401"):
            await site.do(Operation.EVENT_START)
    assert schemes_sent(site) == ["", "NTLM", "NTLM"]
    await hasty.sleep(61)
    monkeypatch.setenv(SECRET_NAME, SECRET)
    assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.ACCEPTED


@pytest.mark.parametrize("user", [r"PLANT\nobody", r"OTHER\sosbridge"])
async def test_an_unknown_user(hasty: HastyClock, user: str) -> None:
    async with site_at(hasty, **WINDOWS_USER | {"user": user}) as site:
        with pytest.raises(Permanent, match="401"):
            await site.do(Operation.EVENT_START)
        assert site.fake.log_ins == 0


@pytest.mark.parametrize("place", [1, 2, 3], ids=["first", "challenge", "proof"])
async def test_a_connection_that_breaks(site: Site, place: int) -> None:
    site.fake.faults = _At(place, Rule(fault=Fault.RESET))
    with pytest.raises(Unreachable):
        await site.do(Operation.EVENT_START)
    assert len(schemes_sent(site)) == place
    assert (await site.do(Operation.EVENT_START)).outcome is DeliveryState.ACCEPTED


async def test_a_challenge_whose_connection_ends(site: Site) -> None:
    """The proof is good on the connection of its challenge only: nothing is said about the user."""
    site.fake.ntlm.loses_challenges = True
    with pytest.raises(Unreachable, match="in the middle of the log-in"):
        await site.do(Operation.EVENT_START)
    assert schemes_sent(site) == ["", "NTLM"]


@pytest.mark.parametrize("place", [2, 3], ids=["challenge", "proof"])
async def test_a_log_in_that_is_not_answered(hasty: HastyClock, place: int) -> None:
    """The deadline covers all legs."""
    hurry: dict[str, Any] = {"timeouts": {"connect": 5, "read": 30, "total": 0.5}}
    async with site_at(hasty, **WINDOWS_USER, **hurry) as site:
        site.fake.faults = _At(place, Rule(fault=Fault.SILENT))
        with pytest.raises(Unreachable, match=r"no complete answer within 0\.5 s"):
            await site.do(Operation.EVENT_START)


@pytest.mark.parametrize(("port", "let_in"), [(1, True), (2, False)], ids=["same", "other"])
async def test_the_fake_binds_a_challenge_to_its_connection(port: int, let_in: bool) -> None:
    """Without that the tests above would prove nothing."""
    door = NtlmDoor()
    client = spnego.client(r"PLANT\sosbridge", SECRET, protocol="ntlm")
    challenge = door.refusal(_with(client.step(), 1))
    assert challenge is not None
    heard = base64.b64decode(challenge.headers["WWW-Authenticate"].removeprefix("NTLM "))
    assert (door.refusal(_with(client.step(heard), port)) is None) is let_in


def _with(message: bytes | None, port: int) -> Request:
    said = {"authorization": f"NTLM {base64.b64encode(message or b'').decode()}"}
    return Request(at=0.0, method="POST", path=LOG_IN, query={}, headers=said, body=b"", client_port=port)


@pytest.mark.parametrize(
    ("offers", "named"), [(('Basic realm="IDP"',), "only basic"), ((), "only nothing")], ids=["basic", "none"]
)
async def test_a_server_without_ntlm(site: Site, offers: tuple[str, ...], named: str) -> None:
    site.fake.ntlm.offers = offers
    with pytest.raises(Permanent, match=rf"offers no Windows log-in \(NTLM\), {named}"):
        await site.do(Operation.EVENT_START)
    assert schemes_sent(site) == [""]


async def test_a_redirect_gets_no_log_in(site: Site) -> None:
    for place in (1, 2):
        site.fake.requests.clear()
        site.fake.faults = _At(place, Rule(fault=Fault.REDIRECT, location=f"{site.fake.url}{LOG_IN}"))
        with pytest.raises(Permanent, match="a redirect"):
            await site.do(Operation.EVENT_START)
        assert len(schemes_sent(site)) == place


@pytest.mark.parametrize("challenge", ["NTLM", "NTLM %%%", "NTLM TlRMTVNTUAACAAAA", "NTLM AAAA"])
async def test_a_challenge_that_is_none(site: Site, monkeypatch: pytest.MonkeyPatch, challenge: str) -> None:
    def refusal(request: Request) -> Answer:
        said = challenge if "authorization" in request.headers else "NTLM"
        return Answer(401, headers={"WWW-Authenticate": said})

    monkeypatch.setattr(site.fake.ntlm, "refusal", refusal)
    with pytest.raises(Permanent, match=r"challenge|cannot go on"):
        await site.do(Operation.EVENT_START)
    assert schemes_sent(site) == ["", "NTLM"]


async def test_nothing_secret_shows(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await site.do(Operation.EVENT_START)
    monkeypatch.setenv(SECRET_NAME, "wrong-phrase")
    site.fake.expire_tokens()
    with pytest.raises(Permanent) as caught:
        await site.do(Operation.EVENT_START)
    log_in = NtlmLogIn("PLANT\\sosbridge", SECRET)
    shown = [caplog.text, repr(log_in), *traceback.format_exception(caught.value)]
    for secret in (SECRET, "wrong-phrase", "TlRMTVNTUAAD"):
        assert not any(secret in text for text in shown)


async def test_a_server_that_repeats_our_proof(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password can be guessed from the third message."""
    refusal = site.fake.ntlm.refusal

    def repeating(request: Request) -> Answer | None:
        said = request.headers.get("authorization", "").encode()
        return (answer := refusal(request)) and Answer(401, b"rejected: " + said, headers=answer.headers)

    monkeypatch.setattr(site.fake.ntlm, "refusal", repeating)
    monkeypatch.setenv(SECRET_NAME, "wrong-phrase")
    with pytest.raises(Permanent, match=r"rejected: NTLM \*\*\*$"):
        await site.do(Operation.EVENT_START)


async def test_a_401_without_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Answer(401, bytes(300 * 1024), headers={"WWW-Authenticate": "NTLM"})
    monkeypatch.setattr(site.fake.ntlm, "refusal", lambda _request: endless)
    with pytest.raises(Permanent, match="its 401 is larger than 262144 bytes"):
        await site.do(Operation.EVENT_START)
    assert schemes_sent(site) == [""]


async def test_only_the_path_that_passes_ntlm_is_asked(site: Site) -> None:
    site.fake.faults.order(Rule(fault=Fault.STATUS, path="connect/token", status=404))
    with pytest.raises(Permanent, match="404"):
        await site.do(Operation.EVENT_START)
    assert site.asked("connect/token") == 1
    assert site.asked("/API/IDP") == 0


@pytest.mark.parametrize(
    "user", ["sosbridge", "sosbridge@plant.example", "PLANT\\", "\\sosbridge", "A\\B\\c"]
)
def test_a_user_without_domain(user: str) -> None:
    settings = {**SETTINGS, "base_url": "https://xp.example", "user_kind": "windows", "user": user}
    with pytest.raises(ValidationError, match=r"needs the user as DOMAIN\\name"):
        Config.model_validate(settings)
