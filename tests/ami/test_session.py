"""One connection: login, actions, events, proof of life, the end. Each trap of panoramisk has its test."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from bridge.errors import ConfigError, Permanent, ProtocolError, Retryable, Uncertain
from bridge.model import Clock
from bridge.protocols import ami_session
from bridge.protocols.ami import Message
from bridge.protocols.ami_session import LoginRefused, Refused, Session, connect
from bridge.protocols.ami_wire import UNACKNOWLEDGED_MS
from bridge.protocols.http_settings import TlsSettings
from bridge.protocols.secret import Secret
from bridge.simulator.ami_server import WATCHER, AmiServer
from tests.ami.conftest import SECRET_VARIABLE, MakeAccount
from tests.waiting import until


async def next_events(session: Session, count: int) -> list[Message]:
    found: list[Message] = []
    async with asyncio.timeout(5):
        async for message in session.events():
            found.append(message)
            if len(found) == count:
                break
    return found


async def ended(session: Session) -> str:
    async with asyncio.timeout(5):
        async for _ in session.events():
            pass
    return session.why


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is bound and does not listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


# --- login ------------------------------------------------------------------------------------------


async def test_login_without_showing_the_secret(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    assert session.alive
    assert session.version == "11.0.0"
    assert [action.get("Action") for action in pbx.received] == ["Challenge", "Login"]
    assert not any(b"watch-secret" in action.raw for action in pbx.received)
    await session.close()
    assert pbx.received[-1].get("Action") == "Logoff"


async def test_wrong_secret_is_refused_with_the_words_of_the_pbx(
    account: MakeAccount, running_clock: Clock, monkeypatch: pytest.MonkeyPatch, pbx: AmiServer
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "not-the-secret")
    with pytest.raises(LoginRefused, match="refused the login of watch: Authentication failed") as caught:
        await connect(account(), clock=running_clock)
    assert "not-the-secret" not in str(caught.value)
    await until(lambda: not pbx._clients)  # the socket is closed


async def test_missing_secret(account: MakeAccount, running_clock: Clock) -> None:
    with pytest.raises(ConfigError, match="is not set"):
        await connect(account(secret=Secret("env", "NOT_SET_ANYWHERE")), clock=running_clock)


async def test_nobody_listens(account: MakeAccount, running_clock: Clock, unused_port: int) -> None:
    with pytest.raises(Retryable, match=rf"127.0.0.1:{unused_port} cannot be reached: "):
        await connect(account(port=unused_port), clock=running_clock)


@pytest.mark.parametrize(
    ("banner", "why"),
    [
        (b"", "the AMI greeting took longer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the AMI greeting took longer"),
        (b"Asterisk Call Manager/11.0.0", "the AMI greeting took longer"),
    ],
    ids=["silent", "not AMI", "half a banner"],
)
async def test_what_is_no_ami_learns_nothing(
    banner: bytes, why: str, pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    pbx.banner = banner
    with pytest.raises(Retryable, match=why):
        await connect(account(connect_timeout=0.1), clock=running_clock)
    assert pbx.received == []


async def test_pbx_that_closes_during_the_login(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    pbx.banner = b""
    connecting = asyncio.create_task(connect(account(), clock=running_clock))
    await until(lambda: pbx._clients)
    pbx.drop()
    with pytest.raises(Retryable, match="the AMI greeting failed"):
        await connecting


async def test_cancelled_while_connecting(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    pbx.banner = b""
    connecting = asyncio.create_task(connect(account(), clock=running_clock))
    await until(lambda: pbx._clients)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await until(lambda: not pbx._clients)


async def test_the_kernel_is_told_not_to_wait_a_quarter_of_an_hour(
    account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    transport = session._wire.transport
    assert transport is not None
    connection = transport.get_extra_info("socket")
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNACKNOWLEDGED_MS
    await session.close()


# --- TLS --------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


async def test_tls_with_its_own_authority(
    authority: trustme.CA, tmp_path: Path, account: MakeAccount, running_clock: Clock
) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    async with AmiServer(tls=server_side) as pbx:
        tls = TlsSettings(ca=ca).context()
        session = await connect(account(port=pbx.port, tls=tls), clock=running_clock)
        assert (await session.action("Ping"))[0].get("Ping") == "Pong"
        await session.close()
        with pytest.raises(Retryable, match=r"TLS failed: .*CERTIFICATE_VERIFY_FAILED"):
            await connect(account(port=pbx.port, tls=TlsSettings().context()), clock=running_clock)
        assert pbx.received[-1].get("Action") == "Logoff", "an unverified PBX learns nothing"


# --- actions ----------------------------------------------------------------------------------------


async def test_list_answer(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    pbx.emit("Newchannel", Uniqueid="1.0", Channel="PJSIP/1001-0")
    pbx.emit("Newchannel", Uniqueid="1.1", Channel="PJSIP/1002-0")
    session = await connect(account(), clock=running_clock)
    answer = await session.action("CoreShowChannels")
    assert [message.event for message in answer] == [
        "",
        "CoreShowChannel",
        "CoreShowChannel",
        "CoreShowChannelsComplete",
    ]
    await session.close()


async def test_refused_action(account: MakeAccount, running_clock: Clock) -> None:
    async with AmiServer(actions=WATCHER) as pbx:
        session = await connect(account(port=pbx.port), clock=running_clock)
        with pytest.raises(Refused, match="Setvar refused by the PBX: Permission denied") as caught:
            await session.action("Setvar", {"Variable": "A", "Value": "1"})
        assert isinstance(caught.value, Permanent)
        assert caught.value.text == "Permission denied"
        await session.close()


async def test_line_breaks_never_reach_the_wire(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    before = len(pbx.received)
    for headers in ({"Variable": "x\r\nAction: Command"}, {"Variable\r\nAction": "Command"}):
        with pytest.raises(ProtocolError):
            await session.action("Getvar", headers)
    await session.action("Ping")
    assert [action.get("Action") for action in pbx.received[before:]] == ["Ping"]
    await session.close()


async def test_action_without_answer_is_uncertain_and_its_late_answer_is_dropped(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.pong = False
    with pytest.raises(Uncertain, match="no answer to Ping"):
        await session.action("Ping", action_id="late", timeout=0.05)
    pbx.send(b"Response: Success\r\nActionID: late\r\nPing: Pong\r\n\r\n")
    pbx.emit("Marker")
    booted, marker = await next_events(session, 2)
    assert (booted.event, marker.event) == ("FullyBooted", "Marker")
    await session.close()


async def test_action_in_flight_when_the_connection_ends_is_uncertain(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.pong = False
    asking = asyncio.create_task(session.action("Ping"))
    await asyncio.sleep(0.01)
    pbx.drop()
    with pytest.raises(Uncertain, match="the connection ended before the answer"):
        await asking


async def test_nothing_is_sent_when_it_has_ended_and_nothing_is_kept_for_later(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.drop()
    await ended(session)
    with pytest.raises(Retryable, match="Originate not sent"):
        await session.originate({"Channel": "Local/1@x"}, action_id="d-1")
    manager = session._manager
    assert not manager.awaiting_actions, "panoramisk would send these after the next login"


async def test_action_id_in_use(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.pong = False
    first = asyncio.create_task(session.action("Ping", action_id="x", timeout=1))
    await asyncio.sleep(0)
    with pytest.raises(ProtocolError, match="in use"):
        await session.action("CoreSettings", action_id="x")
    await session.close()
    with pytest.raises(Uncertain):
        await first


# --- originate --------------------------------------------------------------------------------------


async def test_originate_returns_when_queued_and_tells_the_outcome_later(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    call = await session.originate([("Channel", "Local/1@x"), ("ChannelId", "d-1")], action_id="d-1")
    response = await call.outcome(timeout=1)
    assert (response.get("Uniqueid"), response.get("Reason")) == ("d-1", "4")
    assert pbx.received[-1].get("Async") == "true"
    assert [event.event for event in await next_events(session, 2)] == ["FullyBooted", "OriginateResponse"]
    await session.close()


async def test_failed_originate_is_a_failure(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    pbx.outcome = lambda _action: ("Failure", "5")
    session = await connect(account(), clock=running_clock)
    call = await session.originate({"Channel": "Local/1@x"}, action_id="d-1")
    with pytest.raises(Refused, match="busy"):
        await call.outcome(timeout=1)
    await session.close()


async def test_originate_without_outcome(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    session = await connect(account(events="off"), clock=running_clock)
    pbx.actions = pbx.actions - {"Originate"}
    with pytest.raises(Refused, match="Permission denied"):
        await session.originate({"Channel": "Local/1@x"}, action_id="d-1")
    pbx.actions = pbx.actions | {"Originate"}
    pbx.outcome = lambda _action: ("", "")
    call = await session.originate({"Channel": "Local/1@x"}, action_id="d-2")
    with pytest.raises(Refused):
        await call.outcome(timeout=1)
    await session.close()


async def test_outcome_of_a_call_whose_connection_ends(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.simulator.ami_server._Client._originate", _only_queue)
    session = await connect(account(), clock=running_clock)
    call = await session.originate({"Channel": "Local/1@x"}, action_id="d-1")
    with pytest.raises(Uncertain, match="no outcome"):
        await call.outcome(timeout=0.05)
    with pytest.raises(ProtocolError, match="in use"):
        await asyncio.gather(
            session.originate({"Channel": "Local/1@x"}, action_id="d-2"),
            session.originate({"Channel": "Local/1@x"}, action_id="d-2"),
        )
    call = await session.originate({"Channel": "Local/1@x"}, action_id="d-3")
    pbx.drop()
    with pytest.raises(Uncertain, match="outcome of the call unknown"):
        await call.outcome(timeout=1)


def _only_queue(client: object, action: Message) -> None:
    client._succeed(action)  # type: ignore[attr-defined]  # the fake PBX's own client


# --- events -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [0, 1, 7])
async def test_events_split_anywhere_arrive_whole(
    chunk: int, pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.chunk = chunk
    pbx.emit("Newchannel", CallerIDName="Цех №5 José", Uniqueid="1.0")
    _, event = await next_events(session, 2)
    assert event.get("CallerIDName") == "Цех №5 José"
    await session.close()


async def test_invalid_utf8_and_blocks_too_long_lose_nothing_else(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.send(b"Event: A\r\nName: \xff\xc3\r\n\r\n" + b"x" * (4 * 1024 * 1024) + b"\r\n\r\nEvent: B\r\n\r\n")
    _, first, second = await next_events(session, 3)
    assert (first.get("Name"), second.event) == (r"\xff\xc3", "B")
    assert session.rejected == 1
    assert "longer than" in session.rejection
    await session.close()


async def test_ten_thousand_events_at_once(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(ping_interval=0.01, ping_timeout=1.0), clock=running_clock)
    pbx.send(b"".join(b"Event: Burst\r\nNumber: %d\r\n\r\n" % number for number in range(10_000)))
    events = await next_events(session, 10_001)
    assert [int(event.get("Number")) for event in events[1:]] == list(range(10_000))
    assert session.alive
    assert (session.backlog, session.lag) == (0, 0.0)
    await session.close()


async def test_lag_is_the_age_of_the_oldest_unread_event(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.emit("A")
    await session.action("Ping")
    assert session.backlog == 2
    await asyncio.sleep(0.02)
    assert session.lag >= 0.02
    assert [message.event for message in session.waiting()] == ["FullyBooted", "A"]
    await session.close()


async def test_reader_that_has_stopped_ends_the_session_visibly(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ami_session, "MAX_BACKLOG", 10)
    session = await connect(account(), clock=running_clock)
    for _ in range(20):
        pbx.emit("Burst")
    await until(lambda: not session.alive)
    assert await ended(session) == "more than 10 events wait to be read"


# --- proof of life and the end ----------------------------------------------------------------------


async def test_ping_is_answered_and_compares_clocks(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(ping_interval=0.01), clock=running_clock)
    await until(lambda: session.clock_offset is not None)
    assert session.clock_offset == pytest.approx(0, abs=1)
    assert session.alive
    await session.close()


async def test_half_open_link_is_noticed(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    session = await connect(account(ping_interval=0.02, ping_timeout=0.05), clock=running_clock)
    started = running_clock.monotonic()
    pbx.freeze()
    assert await ended(session) == "no answer to Ping within 0.05 s"
    assert running_clock.monotonic() - started < 4


async def test_events_are_proof_of_life_once_but_not_for_ever(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(ping_interval=0.01, ping_timeout=0.05), clock=running_clock)
    pbx.pong = False

    async def chatter() -> None:
        while session.alive:
            pbx.emit("Chatter")
            await asyncio.sleep(0.005)

    started = running_clock.monotonic()
    talking = asyncio.create_task(chatter())
    assert await ended(session) == "no answer to Ping within 0.05 s"
    assert running_clock.monotonic() - started >= 0.1, "two pings were waited for"
    await talking


async def test_refused_ping_is_an_answer(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    session = await connect(account(ping_interval=0.01), clock=running_clock)
    pbx.actions = pbx.actions - {"Ping"}
    await asyncio.sleep(0.1)
    assert session.alive
    await session.close()


async def test_shutdown_is_noticed_at_once(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.emit("Shutdown", Shutdown="Cleanly", Restart="True")
    assert await ended(session) == "the PBX shuts down (Cleanly, restart: True)"


async def test_closed_mid_event(pbx: AmiServer, account: MakeAccount, running_clock: Clock) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.send(b"Event: Whole\r\n\r\nEvent: Ha")
    await session.action("Ping")
    pbx.drop()
    found = [message.event async for message in session.events()]
    assert found == ["FullyBooted", "Whole"]
    assert "connection broke" in session.why or "closed" in session.why


async def test_close_closes_and_leaves_no_task(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock
) -> None:
    tasks = len(asyncio.all_tasks())
    session = await connect(account(ping_interval=0.01), clock=running_clock)
    await session.close()
    await session.close()
    await asyncio.sleep(0.01)
    assert session.why == "closed by us"
    assert not pbx._clients
    assert len(asyncio.all_tasks()) == tasks


async def test_close_of_a_hung_connection_does_not_wait_for_it(
    pbx: AmiServer, account: MakeAccount, running_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await connect(account(), clock=running_clock)
    pbx.freeze()
    monkeypatch.setattr(ami_session, "LOGOFF_TIMEOUT", 0.05)
    async with asyncio.timeout(20):
        await session.close()


async def test_neither_log_nor_repr_shows_the_secret(
    account: MakeAccount, running_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        session = await connect(account(), clock=running_clock)
        await session.close()
    assert "watch-secret" not in caplog.text + repr(session.account) + repr(vars(session._manager))
