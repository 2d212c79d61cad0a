"""One WebSocket against a PBX that misbehaves: refused, silent, talking nonsense, gone."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator

import pytest

from bridge.errors import ConfigError, Permanent, Retryable
from bridge.protocols.ari import AriSettings, LoginRefused, Session, connect
from bridge.protocols.ari import session as session_module
from bridge.protocols.ari.events import MAX_EVENT
from bridge.protocols.secret import Secret
from tests.ami.clock import RunningClock
from tests.ari.conftest import WATCH_SECRET
from tests.ari.fake_pbx import FakePbx
from tests.waiting import until


@pytest.fixture
async def pbx() -> AsyncIterator[FakePbx]:
    async with FakePbx() as server:
        yield server


def settings(pbx: FakePbx, **more: object) -> AriSettings:
    values = {
        "base_url": pbx.url,
        "username": "watch",
        "secret": Secret("env", WATCH_SECRET),
        "ping_interval": 5.0,
        "timeouts": {"total": 5.0},
    }
    return AriSettings.model_validate({**values, **more})


async def opened(pbx: FakePbx, **more: object) -> Session:
    return await connect(settings(pbx, **more), app="test", clock=RunningClock())


async def ended(session: Session) -> str:
    """Read the session to its end and return why it ended."""
    async with asyncio.timeout(5):
        async for _ in session.events():
            pass
    await session.close()
    return session.why


async def test_events_come_in_order_and_the_rest_is_read_after_the_end(pbx: FakePbx) -> None:
    session = await opened(pbx)
    assert pbx.apps == [session.app]
    for number in range(120):
        pbx.emit("Dial", number=number)
    await until(lambda: session.backlog == 120)
    assert [message.body["number"] for message in session.waiting()] == list(range(120))
    assert session.lag >= 0
    session.abandon("enough")
    read = [message.body["number"] async for message in session.events()]
    assert read == list(range(120))
    await session.close()
    await until(lambda: pbx.connected == 0)


async def test_closing_says_goodbye(pbx: FakePbx) -> None:
    session = await opened(pbx)
    await session.close()
    assert session.why == "closed by us"
    await until(lambda: pbx.connected == 0)


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (401, LoginRefused, "the user or the password is wrong"),
        (403, LoginRefused, "may not read events"),
        (404, LoginRefused, "there is no ARI"),
        (500, Retryable, "HTTP 500"),
        (503, Retryable, "HTTP 503"),
        (200, Retryable, "HTTP 200"),
    ],
)
async def test_a_handshake_that_is_refused(
    pbx: FakePbx, status: int, error: type[Exception], text: str
) -> None:
    pbx.status = status
    with pytest.raises(error, match=text):
        await opened(pbx)


async def test_a_redirect_is_not_followed(pbx: FakePbx) -> None:
    """It would show the password to somebody else."""
    async with FakePbx() as other:
        pbx.status, pbx.headers = 302, {"Location": f"{other.url}/ari/events?app=x"}
        with pytest.raises(Permanent, match="redirects: put the final address into base_url"):
            await opened(pbx)
        assert other.apps == []


async def test_a_wrong_password_shows_no_password(
    pbx: FakePbx, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(WATCH_SECRET, "wrong-password")
    with pytest.raises(LoginRefused) as caught:
        await opened(pbx)
    assert "wrong-password" not in str(caught.value) + repr(caught.value) + caplog.text
    assert caught.value.__cause__ is None, "aiohttp's error carries the request's headers"


async def test_a_secret_that_is_missing(pbx: FakePbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WATCH_SECRET)
    with pytest.raises(ConfigError, match="is not set"):
        await opened(pbx)


async def test_nobody_listens(pbx: FakePbx) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Retryable, match="cannot be reached"):
            await opened(pbx, base_url=f"http://127.0.0.1:{port}")


async def test_somebody_listens_and_says_nothing(pbx: FakePbx) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(Retryable, match=r"no WebSocket within 0\.2 s"):
            await opened(pbx, base_url=url, timeouts={"total": 0.2})


async def test_a_proxy_of_the_environment_is_not_used(pbx: FakePbx, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    session = await opened(pbx)
    await session.close()


async def test_silence_after_a_ping_ends_it(pbx: FakePbx) -> None:
    session = await opened(pbx, ping_interval=0.05, ping_timeout=0.05)
    heard = session.last_heard
    await asyncio.sleep(0.3)
    assert not session.why, "as long as pings are answered"
    assert session.last_heard > heard
    pbx.deaf = True
    assert await ended(session) == "no answer to a ping within 0.05 s"


async def test_the_other_side_goes(pbx: FakePbx) -> None:
    session = await opened(pbx)
    pbx.drop()
    assert await ended(session) == "the PBX closed the connection"


async def test_what_cannot_be_read_is_counted_and_nothing_else_is_lost(pbx: FakePbx) -> None:
    session = await opened(pbx)
    for junk in ("{", "[]", b"\x00\x01"):
        pbx.send(junk)
    pbx.emit("Dial")
    await until(lambda: session.backlog == 1)
    assert session.rejected == 3
    assert session.rejection.startswith("not JSON")
    await session.close()


async def test_an_event_without_end_ends_it(pbx: FakePbx) -> None:
    session = await opened(pbx)
    pbx.send('{"type": "' + "x" * MAX_EVENT + '"}')
    assert "the WebSocket broke" in await ended(session) or "closed the connection" in session.why


async def test_another_bridge_with_the_same_name(pbx: FakePbx) -> None:
    session = await opened(pbx)
    pbx.emit("ApplicationReplaced", application="test")
    assert await ended(session) == (
        "another connection took the application test: give each bridge its own `app`"
    )


async def test_a_reader_that_has_stopped(pbx: FakePbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_BACKLOG", 10)
    session = await opened(pbx)
    for _ in range(11):
        pbx.emit("Dial")
    await until(lambda: session.why)
    assert await ended(session) == "more than 10 events wait to be read"


def test_the_application_is_named_after_machine_and_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "node a.plant")
    values = {"base_url": "http://pbx:8088", "username": "u", "secret": {"env": "X"}}
    assert AriSettings.model_validate(values).app_name("pbx1") == "sosbridge-node-a-plant-pbx1"
    assert AriSettings.model_validate({**values, "app": "mine"}).app_name("pbx1/check") == "mine-pbx1-check"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("base_url", "ws://pbx:8088"),
        ("base_url", "http://u:p@pbx:8088"),
        ("username", "a:b"),
        ("username", ""),
        ("app", "a b"),
        ("app", "a&subscribeAll=false"),
        ("secret", "inline"),
        ("ping_interval", 0),
    ],
)
def test_settings_that_are_refused(setting: str, value: object) -> None:
    values = {"base_url": "http://pbx:8088", "username": "u", "secret": {"env": "X"}}
    with pytest.raises(ValueError, match=setting):
        AriSettings.model_validate({**values, setting: value})


async def test_no_connection_has_the_name_of_the_one_before_it(pbx: FakePbx) -> None:
    """The PBX would forget both when it forgets the first."""
    for _ in range(2 * session_module.NAMES):
        await (await opened(pbx)).close()
    assert all(name != following for name, following in itertools.pairwise(pbx.apps))
    assert len(set(pbx.apps)) == session_module.NAMES, "16 keeps them all"
