"""What a failure means, and that no failure lasts longer than its deadline."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from email.utils import formatdate

import pytest

from bridge.errors import DeliveryError, Permanent, ProtocolError, Retryable, Uncertain, Unreachable
from bridge.protocols.http import Effect, Refused
from bridge.simulator.vms.faults import Fault, Rule
from bridge.simulator.vms.server import Answer
from tests.http.conftest import Echo, MakeLink

SILENCE = {Effect.NONE: Unreachable, Effect.REPEATABLE: Uncertain, Effect.ONCE: Uncertain}
"""What a request is that left and brought no answer."""
NONSENSE = {**SILENCE, Effect.NONE: Retryable}
"""What it is when the answer is of no use: the system lives."""


def workers() -> set[threading.Thread]:
    """The threads of all links; those of a closed one may still be ending."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("http-vms")}


async def test_the_answer_comes_back_whole(server: Echo, link_to: MakeLink) -> None:
    server.say = Answer.json({"name": "Tür"}, 201)
    answer = await link_to(server.url + "/api/").request(
        "POST", "/a%20b", json={"ä": [1]}, params={"q": "x y&z"}, headers={"X-Id": "7"}
    )
    assert (answer.status, answer.json()) == (201, {"name": "Tür"})
    [request] = server.requests
    assert (request.path, request.query) == ("/api/a%20b", {"q": "x y&z"})
    assert request.json() == {"ä": [1]}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-id"] == "7"


async def test_form_and_bytes(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url)
    await link.request("POST", "/form", data={"user": "a&b", "pass": "ü="})
    await link.request("PUT", "/raw", data=b"<x/>", headers={"Content-Type": "application/xml"})
    form, raw = server.requests
    assert form.form == {"user": "a&b", "pass": "ü="}
    assert (raw.body, raw.headers["content-type"]) == (b"<x/>", "application/xml")


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.HEADERS_ONLY, Fault.TRICKLE, Fault.RESET, Fault.HUGE])
async def test_no_usable_answer(server: Echo, link_to: MakeLink, fault: Fault, effect: Effect) -> None:
    """Within the deadline whatever the server does, and the error says what is known."""
    server.faults.order(Rule(fault=fault, interval=0.05))
    began = time.monotonic()
    with pytest.raises(DeliveryError) as caught:
        await link_to(server.url).request("POST", "/x", effect=effect)
    assert type(caught.value) is (NONSENSE if fault is Fault.HUGE else SILENCE)[effect]
    assert time.monotonic() - began < 4
    assert len(server.requests) == 1


async def test_one_listing_may_be_larger_than_the_settings_allow(server: Echo, link_to: MakeLink) -> None:
    server.say = Answer.json(["x" * 100] * 1000)
    link = link_to(server.url)
    with pytest.raises(Retryable, match="larger than 65536 bytes"):
        await link.request("GET", "/x", effect=Effect.NONE)
    answer = await link.request("GET", "/x", effect=Effect.NONE, max_body=1_000_000)
    assert len(answer.json()) == 1000


async def test_half_a_character_goes_no_further(server: Echo, link_to: MakeLink) -> None:
    """A surrogate without its other half, which JSON can hold and UTF-8 cannot."""
    server.say = Answer(200, b'{"a": "x\\uD800y", "b": "\\ud83d\\ude00"}')
    link = link_to(server.url)
    assert (await link.request("GET", "/x")).json() == {"a": "x?y", "b": "\U0001f600"}
    await link.request("POST", "/x", params={"a": "\ud800"}, json={"a": "\ud800"})
    await link.request("POST", "/x", data={"a": "\ud800"})
    assert [request.query or request.form for request in server.requests[1:]] == [{"a": "?"}, {"a": "?"}]
    with pytest.raises(ProtocolError, match="control character"):
        await link.request("GET", "/x", headers={"X-A": "\ud800"})


@pytest.mark.parametrize("effect", Effect)
async def test_a_500_depends_on_the_effect(server: Echo, link_to: MakeLink, effect: Effect) -> None:
    server.faults.order(Rule(fault=Fault.STATUS, status=500))
    with pytest.raises(DeliveryError) as caught:
        await link_to(server.url).request("POST", "/x", effect=effect)
    assert type(caught.value) is (Uncertain if effect is Effect.ONCE else Retryable)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422, 501, 505])
async def test_refused_for_good(server: Echo, link_to: MakeLink, status: int) -> None:
    server.faults.order(Rule(fault=Fault.STATUS, status=status))
    with pytest.raises(Refused, match=f"vms: GET /x at 127.0.0.1:.*HTTP {status}") as caught:
        await link_to(server.url).request("GET", "/x")
    assert caught.value.status == status
    assert isinstance(caught.value, Permanent)


@pytest.mark.parametrize("status", [408, 425, 429, 503])
@pytest.mark.parametrize(
    ("header", "wait"), [("", None), ("7", 7.0), ("86400", 15.0), ("-1", None), ("soon", None), ("0", 0.0)]
)
async def test_try_later(
    server: Echo, link_to: MakeLink, status: int, header: str, wait: float | None
) -> None:
    """The server's wish is honoured, but a day is not: an SOS cannot wait that long."""
    server.faults.order(Rule(fault=Fault.STATUS, status=status, retry_after=header))
    with pytest.raises(Retryable) as caught:
        await link_to(server.url).request("POST", "/x", effect=Effect.ONCE)
    assert caught.value.retry_after == wait


async def test_retry_after_as_a_date(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url)
    for ahead, least, most in ((8, 5.5, 8.0), (-60, 0.0, 0.0), (9999, 15.0, 15.0)):
        when = formatdate(time.time() + ahead, usegmt=True)
        server.faults.order(Rule(fault=Fault.STATUS, status=503, retry_after=when, times=1))
        with pytest.raises(Retryable) as caught:
            await link.request("GET", "/x")
        assert caught.value.retry_after is not None
        assert least <= caught.value.retry_after <= most


async def test_an_unexpected_success_is_no_success(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url)
    with pytest.raises(Uncertain, match=r"HTTP 200.*not expected"):
        await link.request("POST", "/x", expect={201})
    with pytest.raises(Retryable, match=r"HTTP 200.*not expected"):
        await link.request("GET", "/x", expect={204}, effect=Effect.NONE)


async def test_expected_statuses_are_answers(server: Echo, link_to: MakeLink) -> None:
    server.faults.order(Rule(fault=Fault.STATUS, status=409))
    answer = await link_to(server.url).request("POST", "/x", expect={200, 409})
    assert answer.status == 409


async def test_no_redirect_is_followed(server: Echo, link_to: MakeLink) -> None:
    other = Echo()
    await other.start()
    server.faults.order(Rule(fault=Fault.REDIRECT, location=other.url + "/x?token=abcdef123456"))
    with pytest.raises(Refused, match=r"redirect to http.*base_url") as caught:
        await link_to(server.url).request("GET", "/x")
    assert "abcdef" not in str(caught.value)
    assert other.requests == []
    await other.stop()


@pytest.mark.parametrize("effect", Effect)
async def test_json_that_is_none(server: Echo, link_to: MakeLink, effect: Effect) -> None:
    link = link_to(server.url)
    for body, words in (
        (b"<!DOCTYPE html><html>log in</html>", "a web page instead of JSON"),
        (b'{"status": "tr', 'not all of it: {"status": "tr'),
        (b"", "empty"),
        (b"[" * 60_000, "not JSON"),
    ):
        server.say = Answer(200, body)
        answer = await link.request("GET", "/x", effect=effect)
        with pytest.raises(NONSENSE[effect], match=words):
            answer.json()


async def test_nobody_listens(server: Echo, link_to: MakeLink) -> None:
    await server.stop()
    with pytest.raises(Unreachable, match=r"connection refused \(nothing was sent\)"):
        await link_to(server.url).request("POST", "/x")


async def test_unknown_name(link_to: MakeLink) -> None:
    link = link_to("http://vms.invalid", total=20.0)
    with pytest.raises(Unreachable, match="name cannot be resolved"):
        await link.request("POST", "/x")


async def test_not_http(link_to: MakeLink) -> None:
    async def gibberish(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(gibberish, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Uncertain, match=r"not HTTP|reset by peer"):
        await link_to(f"http://127.0.0.1:{port}").request("POST", "/x")
    server.close()


async def test_body_cut_short_of_its_length(link_to: MakeLink) -> None:
    async def stingy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stingy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Uncertain, match="ended early"):
        await link_to(f"http://127.0.0.1:{port}").request("GET", "/x")
    server.close()


async def test_a_connection_is_kept_and_a_closed_one_is_not_trusted(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url)
    before = workers()
    for _ in range(5):
        await link.request("GET", "/x")
    assert len(workers() - before) == 1
    await server.stop()
    await server.start()
    assert (await link.request("POST", "/x")).status == 200
    assert len(server.requests) == 6


async def test_an_idle_connection_is_not_used_again(
    server: Echo, link_to: MakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may have dropped it without a word: then a request would vanish until its deadline."""
    link = link_to(server.url)
    opened = 0
    accept = server._accept

    def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        accept(reader, writer)

    await server.stop()
    monkeypatch.setattr(server, "_accept", counting)  # to see connections, which no request shows
    await server.start()
    await link.request("GET", "/x")
    await link.request("GET", "/x")
    assert opened == 1
    monkeypatch.setattr(link._clock, "monotonic", lambda: time.monotonic() + 3)  # three seconds later
    await link.request("GET", "/x")
    assert opened == 2


async def test_at_most_two_threads_and_urgent_first(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url, read=5, total=5)
    before = workers()
    server.faults.order(Rule(fault=Fault.SILENT, path="/hang"))
    hanging = [asyncio.create_task(link.request("GET", f"/hang{n}")) for n in range(2)]
    await server.received(2)
    waiting = [asyncio.create_task(link.request("GET", f"/routine{n}")) for n in range(3)]
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(link.request("GET", "/sos", urgent=True)))
    await asyncio.sleep(0.05)
    assert len(workers() - before) == 2
    assert len(server.requests) == 2
    hanging[0].cancel()
    await asyncio.gather(*waiting)
    assert server.requests[2].path == "/sos"
    hanging[1].cancel()
    results = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_waiting_for_a_thread_counts(server: Echo, link_to: MakeLink) -> None:
    """Our own haste says nothing about the system; and nothing is sent later, when nobody waits for it."""
    link = link_to(server.url, read=5, total=5)
    server.faults.order(Rule(fault=Fault.SILENT, path="/hang"))
    hanging = [asyncio.create_task(link.request("GET", "/hang")) for _ in range(2)]
    await server.received(2)
    with pytest.raises(Retryable, match=r"busy within 0.1 s \(nothing was sent\)") as caught:
        await link.request("POST", "/x", within=0.1)
    assert not isinstance(caught.value, Unreachable)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await link.request("GET", "/after")
    assert [request.path for request in server.requests] == ["/hang", "/hang", "/after"]


async def test_cut_while_connecting_sends_nothing(link_to: MakeLink) -> None:
    """A listener with a full backlog: the connection comes after we gave up, and must stay empty."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        filler = socket.create_connection(("127.0.0.1", port))
        link = link_to(f"http://127.0.0.1:{port}", connect=5, total=0.2)
        with pytest.raises(Unreachable, match="nothing was sent"):
            await link.request("POST", "/x")
        listener.settimeout(3)
        accepted, _ = listener.accept()
        accepted.close()
        filler.close()
        try:
            late, _ = await asyncio.to_thread(listener.accept)
        except TimeoutError:
            return  # the kernel never completed it: as good
        late.settimeout(2)
        assert await asyncio.to_thread(late.recv, 100) == b""
        late.close()


async def test_a_deadline_in_the_past_sends_nothing(server: Echo, link_to: MakeLink) -> None:
    with pytest.raises(Retryable, match="no time left"):
        await link_to(server.url).request("GET", "/x", deadline=time.time() - 1)
    assert server.requests == []


async def test_the_deadline_of_the_delivery_is_the_shorter(server: Echo, link_to: MakeLink) -> None:
    server.faults.order(Rule(fault=Fault.SILENT))
    began = time.monotonic()
    with pytest.raises(Uncertain):
        await link_to(server.url, read=5, total=5).request("GET", "/x", deadline=time.time() + 0.2)
    assert time.monotonic() - began < 3


async def test_cancelling_frees_the_thread(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url, read=30, total=30)
    server.faults.order(Rule(fault=Fault.SILENT, times=2))
    for number in (1, 2):
        task = asyncio.create_task(link.request("GET", "/hang"))
        await server.received(number)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await asyncio.wait_for(link.request("GET", "/x"), 5)).status == 200


async def test_closing_ends_what_is_under_way(server: Echo, link_to: MakeLink) -> None:
    link = link_to(server.url, read=30, total=30)
    server.faults.order(Rule(fault=Fault.SILENT))
    task = asyncio.create_task(link.request("GET", "/hang"))
    await server.received(1)
    before = workers()
    await link.close()
    with pytest.raises(Uncertain):
        await asyncio.wait_for(task, 1)
    with pytest.raises(Retryable, match="closed"):
        await link.request("GET", "/x")
    for _ in range(100):
        if not before & workers():
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("its threads live on")


async def test_cookies_are_not_kept(server: Echo, link_to: MakeLink) -> None:
    server.say = Answer(200, b"{}", headers={"Set-Cookie": "ZMSESSID=abc; path=/"})
    link = link_to(server.url)
    await link.request("GET", "/x")
    await link.request("GET", "/x")
    assert "cookie" not in server.requests[1].headers


async def test_the_environment_is_ignored(
    server: Echo, link_to: MakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert (await link_to(server.url).request("GET", "/x")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("x", "", "//evil.example/x", "/a?b", "/a#b", "/a b", "/a\r\nHost: evil", "/ä", "/a\\b"),
        *("/a/../b", "/..", "/a/%2e%2E/b", "/.", "http://evil.example/"),
    ],
)
async def test_paths_that_lead_elsewhere(server: Echo, link_to: MakeLink, path: str) -> None:
    with pytest.raises(ProtocolError):
        await link_to(server.url).request("GET", path)
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("X", "a\r\nEvil: 1"), ("X", "a\nb"), ("X", "a\0b"), ("X\r\n", "a"), ("", "a"), ("X:", "a")],
)
async def test_headers_that_would_split(server: Echo, link_to: MakeLink, name: str, value: str) -> None:
    with pytest.raises(ProtocolError):
        await link_to(server.url).request("GET", "/x", headers={name: value})
    assert server.requests == []


async def test_method_is_one_of_http(link_to: MakeLink) -> None:
    with pytest.raises(ProtocolError):
        await link_to("http://127.0.0.1:1").request("GET / HTTP/1.1\r\nX:", "/x")
