"""A syslog server beside a real `sosbridge run`: away, killed, back; the bridge killed as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from bridge.protocols.syslog_settings import Transport
from tests.app.plant import Call
from tests.app.scene import Scene, settled, texts
from tests.syslog.conftest import Server


@pytest.fixture
def server(scene: Scene, tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, Transport.TCP, trustme.CA(), demands=False)
    central = {"name": "central", "host": "127.0.0.1", "port": made.port, "transport": "tcp"}
    scene.site["syslog"] = [central | {"away_after": 1, "start": "beginning"}]
    scene.write_site()
    yield made
    made.kill()


def stories(server: Server) -> list[str]:
    """The lines of incidents, faults left out."""
    told = {
        message.elements["sosbridge@32473"]["id"]: message.text
        for message in server.received()
        if "incident" in message.elements["sosbridge@32473"]
    }
    return list(told.values())


def test_an_sos_is_told_whatever_is_killed(scene: Scene, server: Server) -> None:
    scene.start()
    call = Call(scene.plant)
    call.press()
    scene.until_incident(settled, "settled")
    # The server is away: that is a fault, and nothing else waits for it.
    scene.until(lambda: "syslog/central" in scene.readyz(), "reported")
    assert scene.readyz().startswith("200 ")
    scene.until(
        lambda: [fault.subject for fault in scene.store.faults(what="link")] == ["syslog/central"], "a fault"
    )
    scene.until(lambda: scene.metric('sosbridge_syslog_waiting{server="central"}') > 3, "counted")
    # The bridge is killed. What it had not told, the next one tells.
    scene.kill()
    server.start()
    scene.start()
    scene.until(lambda: len(stories(server)) >= len(texts(scene.incident())), "told")
    scene.sosbridge("incidents", "acknowledge", scene.incident()["id"], "--by", "A. Weber")
    scene.until_incident(lambda story: story["state"] == "acknowledged", "acknowledged")
    server.kill()
    call.hang_up()
    scene.sosbridge("incidents", "resolve", scene.incident()["id"], "--by", "A. Weber")
    scene.until_incident(lambda story: story["state"] == "closed" and settled(story), "closed")
    server.start()
    scene.until(lambda: stories(server) == texts(scene.incident()), "told to its end", timeout=30)
    severities = {message.msgid: message.severity for message in server.received()}
    assert severities["opened"] == 1
    assert severities["acknowledged"] == 5
    scene.until(lambda: not scene.store.faults(what="link"), "cleared")
    faults = [m.msgid for m in server.received() if "syslog/central" in m.text]
    assert "fault_opened" in faults
