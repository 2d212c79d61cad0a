"""A real rsyslogd reads what is forwarded, and is restarted on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from bridge.protocols.syslog import Facility, Message, Severity, encode
from bridge.protocols.syslog_settings import SyslogServer, SyslogTls, Transport
from bridge.protocols.syslog_wire import wire_to
from bridge.supervision.clocks import SystemClock
from tests.parts.rsyslog import Rsyslog
from tests.store.rows import NOW
from tests.syslog.conftest import Plant, until

pytestmark = pytest.mark.real("rsyslog")


@pytest.fixture
def rsyslog(tmp_path: Path, authority: trustme.CA) -> Iterator[Rsyslog]:
    own, ca = tmp_path / "own.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(own))
    authority.cert_pem.write_to_path(str(ca))
    with Rsyslog(tmp_path, certificate=own, authority=ca) as server:
        yield server


def settings(rsyslog: Rsyslog, transport: Transport, folder: Path) -> SyslogServer:
    return SyslogServer(
        name="central",
        host="127.0.0.1",
        port=rsyslog.tls_port if transport is Transport.TLS else rsyslog.port,
        transport=transport,
        tls=SyslogTls(ca=folder / "ca.pem"),
        from_beginning=True,
    )


HOSTILE = [
    'a "quoted" word, a \\ and a ]',
    "Gefährdung an Tank 3 \U0001f6a8",
    "two\nlines <34>1 forged",
    "nul \x00, escape \x1b[2J, bidi \u202e, surrogate \udcff",
    "",
    "x" * 5000,
]
SHOWN = [
    'a "quoted" word, a \\ and a ]',
    "Gefährdung an Tank 3 \U0001f6a8",
    "two lines <34>1 forged",
    "nul , escape [2J, bidi , surrogate",
    "",
]


@pytest.mark.parametrize("transport", list(Transport))
async def test_it_reads_each_message_as_it_was_meant(
    plant: Plant, rsyslog: Rsyslog, transport: Transport, tmp_path: Path
) -> None:
    plant.write(*HOSTILE)
    plant.forwarder(settings(rsyslog, transport, tmp_path))
    await until(lambda: len(rsyslog.received()) >= len(HOSTILE), "received")
    messages = rsyslog.received()
    texts = [message["msg"].removeprefix(" ").removeprefix("\ufeff") for message in messages]
    assert texts[:-1] == SHOWN
    assert texts[-1].startswith("xxxx")
    for message in messages:
        assert {name: message[name] for name in ("pri", "host", "app", "msgid")} == {
            "pri": "134",
            "host": "bridge-a",
            "app": "sosbridge",
            "msgid": "settled",
        }
        assert message["time"].startswith("2026-01-01T00:00:00")
        data = message["data"]["sosbridge@32473"]
        assert (data["incident"], data["tier"], data["location"]) == ("i1", "emergency", "POST-03")


async def test_it_reads_hostile_values(rsyslog: Rsyslog, tmp_path: Path) -> None:
    values = {"x": 'a "b" c', "y": "\\ and \\\\", "z": "] [x]", "u": "Büro \U0001f6a8", "n": "a\nb"}
    message = Message(
        facility=Facility.LOCAL0,
        severity=Severity.ALERT,
        at=NOW,
        hostname="bridge-a",
        app_name="sosbridge",
        msgid="opened",
        sd_id="sosbridge@32473",
        data=values,
        text="text",
    )
    wire = wire_to(settings(rsyslog, Transport.TCP, tmp_path), SystemClock())
    await wire.open()
    await wire.send([encode(message, 2048)])
    await wire.settle()
    await wire.close()
    await until(rsyslog.received, "received")
    [read] = rsyslog.received()
    assert read["data"]["sosbridge@32473"] == values | {"n": "a\\nb"}
    assert (read["pri"], read["msg"]) == ("129", "text")


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
async def test_it_is_restarted_on_the_way(
    plant: Plant, rsyslog: Rsyslog, transport: Transport, tmp_path: Path
) -> None:
    forwarder = plant.forwarder(settings(rsyslog, transport, tmp_path))
    written = 0
    for _ in range(3):
        plant.write(*(f"line {number}" for number in range(written, written + 70)))
        written += 70
        await asyncio.sleep(0.05)
        await asyncio.to_thread(rsyslog.stop)
        await asyncio.to_thread(rsyslog.start)
    await until(lambda: forwarder.cursor and forwarder.cursor.line == written, "kept")
    ids = {m["data"]["sosbridge@32473"]["id"]: m["msg"].strip() for m in rsyslog.received()}
    assert list(ids.values()) == [f"line {number}" for number in range(written)]
