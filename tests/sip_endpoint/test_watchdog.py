"""The endpoint asks itself, and knows when it is deaf."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from tests.sip_endpoint.conftest import Start, listens
from tests.sip_endpoint.test_tls import Papers
from tests.waiting import until

SOON = {"interval": 0.02, "patience": 0.1}


async def test_every_listener_is_asked(serve: Start, tmp_path: Path) -> None:
    papers = Papers(tmp_path, trustme.CA(), "sip.example")
    listen = (*listens("UDP", "TCP", "TLS"), *listens("UDP", "TCP", "TLS", host="::1"))
    served = await serve(listen=listen, tls=papers.settings, watchdog=SOON)
    await until(served.endpoint.healthy)
    asked = {(flow.transport, ":" in flow.remote[0]) for _, flow in served.uas.came}
    assert asked == {(kind, six) for kind in ("UDP", "TCP", "TLS") for six in (False, True)}


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
async def test_wildcards(serve: Start, wildcard: str) -> None:
    served = await serve(listen=listens("UDP", "TCP", host=wildcard), watchdog=SOON)
    await until(served.endpoint.healthy)


async def test_deaf_and_well_again(serve: Start) -> None:
    served = await serve(watchdog=SOON)
    await until(served.endpoint.healthy)
    served.uas.answers = False
    await until(lambda: not served.endpoint.healthy())
    assert "does not answer its own OPTIONS: nothing within 0.1 s (2 times)" in served.endpoint.reason
    served.uas.answers = True
    await until(served.endpoint.healthy)
    assert served.endpoint.reason == ""


async def test_one_miss_is_none(serve: Start) -> None:
    served = await serve(watchdog={**SOON, "misses": 100_000})
    await until(served.endpoint.healthy)
    served.uas.answers = False
    came = len(served.uas.came)
    await until(lambda: len(served.uas.came) > came + 5)
    assert served.endpoint.healthy()


async def test_a_closed_socket_is_noticed(serve: Start) -> None:
    served = await serve(listen=listens("UDP"), watchdog=SOON)
    await until(served.endpoint.healthy)
    served.endpoint._datagrams._bound[0].socket.close()
    await until(lambda: "refused" in served.endpoint.reason)


async def test_its_questions_are_not_limited(serve: Start) -> None:
    """Or a flood that is well kept out would look like deafness."""
    served = await serve(
        watchdog={**SOON, "interval": 0.005},
        flood={"rate": 0.001, "burst": 1, "total_rate": 0.001, "total_burst": 1},
        connections={"most_of_strangers": 0},
    )
    await until(lambda: len(served.uas.came) > 20)
    assert served.endpoint.healthy()


async def test_not_healthy_before_it_has_answered_once(serve: Start) -> None:
    served = await serve(listen=listens("UDP"))
    served.uas.answers = False
    watchdog = served.endpoint._watchdog
    assert watchdog is not None
    watchdog._missed.clear()
    assert "has not answered its own OPTIONS yet" in served.endpoint.reason
