"""The probes and metrics through a real uvicorn on a free port."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from bridge.supervision.status import LinkKind, Status
from bridge.web import Metrics, WebServer, create_app
from bridge.web.probes import prefers_json
from tests.web.statuses import NOW, healthy, link

pytestmark = pytest.mark.asyncio(loop_scope="module")
"""One server, and so one loop, for all tests of this file."""

PBX_DOWN = link("pbx1", LinkKind.PBX, up=False, since=NOW - 42, text="login refused")
VMS_DOWN = link("zm", LinkKind.VMS, up=False, since=NOW - 42, text="<b>500</b>")


class Site:
    """What the served application tells; a test changes `status` while it is served."""

    def __init__(self) -> None:
        self.status: Callable[[], Status] = healthy
        self.client = httpx.AsyncClient(trust_env=False, verify=False)

    def tell(self) -> Status:
        return self.status()

    async def ask(self, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
        return await self.client.request(method, path, headers=headers)


@contextlib.asynccontextmanager
async def serve(hosts: Sequence[str] = ()) -> AsyncIterator[Site]:
    site = Site()
    server = WebServer(create_app(site.tell, Metrics(), dead_after=60.0, hosts=hosts), port=0)
    site.client.base_url = httpx.URL(f"http://127.0.0.1:{await server.start()}")
    async with site.client:
        yield site
    await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Site]:
    async with serve() as site:
        yield site


@pytest.fixture
def site(served: Site) -> Site:
    """All is well again, whatever the last test said."""
    served.status = healthy
    return served


async def test_alive(site: Site) -> None:
    answer = await site.ask("/livez")
    assert (answer.status_code, answer.text) == (200, "alive\n")


@pytest.mark.parametrize(("silent", "code"), [(59.9, 200), (60.0, 200), (60.1, 500)])
async def test_dead_after_the_limit(site: Site, silent: float, code: int) -> None:
    site.status = lambda: healthy(canary_at=NOW - silent)
    answer = await site.ask("/livez")
    assert answer.status_code == code
    if code == 500:
        assert answer.text == "dead: the SOS path has not answered its canary for 60 s (limit 60 s)\n"


async def test_a_lost_pbx_or_store_is_no_reason_for_a_restart(site: Site) -> None:
    site.status = lambda: healthy(links=(PBX_DOWN,), store_degraded_since=NOW - 900)
    assert (await site.ask("/livez")).status_code == 200


async def test_ready(site: Site) -> None:
    answer = await site.ask("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_not_ready_says_why_line_by_line(site: Site) -> None:
    site.status = lambda: healthy(links=(PBX_DOWN, VMS_DOWN), canary_at=NOW - 30)
    answer = await site.ask("/readyz", accept="text/plain")
    assert answer.status_code == 503
    assert answer.text.splitlines() == [
        "not ready",
        "SOS path silent since 2026-01-01T00:16:10Z (30 s)",
        "PBX link pbx1 down since 2026-01-01T00:15:58Z (42 s): login refused",
        "degraded: VMS link zm down since 2026-01-01T00:15:58Z (42 s): <b>500</b>",
    ]


async def test_a_vms_down_is_ready_and_says_so_in_json(site: Site) -> None:
    site.status = lambda: healthy(links=(link("pbx1", LinkKind.PBX), VMS_DOWN))
    answer = await site.ask("/readyz", accept="application/json")
    assert answer.status_code == 200
    assert answer.headers["vary"] == "Accept"
    body = answer.json()
    assert body["ready"] is True
    assert body["reasons"] == []
    assert body["degraded"] == ["VMS link zm down since 2026-01-01T00:15:58Z (42 s): <b>500</b>"]
    assert body["node"] == "bridge-a"
    assert body["canary"] == {"at": NOW - 3, "every": 5.0}
    assert body["lanes"] == {"silent_for": 0.0}
    assert [(one["name"], one["kind"], one["up"]) for one in body["links"]] == [
        ("pbx1", "pbx", True),
        ("zm", "vms", False),
    ]


async def test_not_ready_in_json(site: Site) -> None:
    site.status = lambda: healthy(store_degraded_since=NOW - 2, spool_events=4)
    answer = await site.ask("/readyz", accept="application/json")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["store degraded since 2026-01-01T00:16:38Z (2 s)"]
    assert answer.json()["store"] == {
        "degraded_since": NOW - 2,
        "spool_events": 4,
        "spool_failing": False,
    }


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", True),
        ("application/json;q=0.5, text/plain", False),
        ("text/html, application/json;q=0.9, */*;q=0.8", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/*", True),
        ("APPLICATION/JSON ; Q=1", True),
        ("application/json;q=0", False),
        ("application/json;q=much", False),
        (",;,=", False),
    ],
)
async def test_which_shape(accept: str, json: bool) -> None:
    assert prefers_json(accept) is json


async def test_metrics_are_readable_by_prometheus(site: Site) -> None:
    answer = await site.ask("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["sosbridge_ready"].samples[0].value == 1
    assert families["process_open_fds"].samples[0].value > 0


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_head_answers_like_get_without_a_body(site: Site, path: str) -> None:
    answer = await site.ask(path, method="HEAD")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/", "/livez/", "/readyz/../metrics/x"])
async def test_nothing_else_is_served(site: Site, path: str) -> None:
    assert (await site.ask(path)).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_only_reading(site: Site, method: str) -> None:
    assert (await site.ask("/readyz", method=method)).status_code == 405


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/nowhere"])
async def test_security_headers(site: Site, path: str) -> None:
    headers = (await site.ask(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in headers


async def test_host_allow_list() -> None:
    async with serve(hosts=["bridge.plant.example", "*.lan"]) as site:
        allowed = ["bridge.plant.example", "BRIDGE.plant.example:8710", "a.lan"]
        refused = ["a.plant.example", "127.0.0.1", "evil.example", "bridge.plant.example.evil.example", "lan"]
        codes = {host: (await site.ask("/livez", host=host)).status_code for host in (*allowed, *refused)}
    assert codes == dict.fromkeys(allowed, 200) | dict.fromkeys(refused, 400)


async def test_any_host_without_a_list(site: Site) -> None:
    assert (await site.ask("/livez", host="10.1.2.3:8710")).status_code == 200


async def test_a_status_that_cannot_be_told_is_neither_alive_nor_ready(site: Site) -> None:
    def broken() -> Status:
        raise RuntimeError("hunter2")

    assert (await site.ask("/livez")).status_code == 200
    site.status = broken
    for path in ("/livez", "/readyz", "/metrics"):
        answer = await site.ask(path)
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
