"""The beacon's module and the syslog server hang or refuse during an SOS: nothing waits for them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from bridge.protocols.syslog_settings import Transport
from bridge.simulator.modbus_module import Fault
from tests.app.scene import Story, settled, steps, texts
from tests.app.story import acknowledge
from tests.ladder.scene import ANSWERS, Ladder
from tests.ladder.site import DESK, dealt
from tests.ladder.verdict import rung, unexpected
from tests.syslog.conftest import Server

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")


@pytest.fixture
def server(ladder: Ladder, tmp_path: Path) -> Iterator[Server]:
    """A syslog server that is there, and that the site names."""
    made = Server(tmp_path, Transport.TCP, trustme.CA(), demands=False)
    made.start()
    central = {"name": "central", "host": "127.0.0.1", "port": made.port, "transport": "tcp"}
    ladder.site["syslog"] = [central | {"away_after": 1, "start": "beginning"}]
    ladder.write_site()
    yield made
    made.kill()


@dataclass(frozen=True)
class Trouble:
    """What the module does instead of lighting the lamp, the story's words of it; and the server's."""

    module: Fault
    told: str
    begin: Callable[[Server], object]
    end: Callable[[Server], object]
    missed: bool
    """Whether it is waited for that the server is missed. A hung one takes what its kernel can hold."""


HUNG = Trouble(
    Fault.FROZEN,
    "no answer",
    lambda server: server.send(signal.SIGSTOP),
    lambda server: server.send(signal.SIGCONT),
    missed=False,
)
REFUSING = Trouble(Fault.REFUSE, "busy", Server.kill, Server.start, missed=True)


@pytest.mark.parametrize(
    ("setting", "trouble"), dealt({"hung": HUNG, "refusing": REFUSING}), indirect=["setting"]
)
def test_neither_lamp_nor_log_holds_up_an_sos(ladder: Ladder, server: Server, trouble: Trouble) -> None:
    ladder.crew({DESK: ANSWERS})
    ladder.start()
    trouble.begin(server)
    ladder.module.fault = trouble.module
    caller = ladder.press()
    story = ladder.until_incident(_seen_and_answered, "seen, recorded and answered")
    assert _beacon(story) == []
    if trouble.missed:
        ladder.until(lambda: "syslog/central" in ladder.readyz(), "missing its syslog server")
    ladder.until_incident(lambda it: trouble.told in _of_the_lamp(it), "told that the lamp is not lit")
    assert ladder.readyz().startswith("200 ")

    ladder.module.fault = None
    trouble.end(server)
    ladder.until_incident(settled, "lit")
    ladder.until_console_has_it()
    acknowledge(ladder)
    ladder.hang_up(caller)
    story = ladder.close()
    assert _beacon(story) == ["verified", "verified"]
    assert story["dispatch_at"] is None
    assert sum(rung(telephone) for telephone in ladder.people.values()) == 1
    # The story of the trouble included, in order, and each line once.
    ladder.until(lambda: _stories(server) == texts(ladder.incident()), "told to its end")
    assert unexpected(ladder) == []


def _seen_and_answered(story: Story) -> bool:
    proven = {state for _, _, state in steps(story, "start_recording", "show", "recall_preset")}
    return proven == {"verified"} and story["connected_at"] is not None


def _beacon(story: Story) -> list[str]:
    """States of what is settled of the lamp."""
    return [state for _, _, state in steps(story, "beacon_on", "beacon_off") if state == "verified"]


def _of_the_lamp(story: Story) -> str:
    return "".join(text for text in texts(story) if text.startswith("io-east"))


def _stories(server: Server) -> list[str]:
    """The lines of incidents, faults left out; a repeat by its id is told once."""
    told = {
        message.elements["sosbridge@32473"]["id"]: message.text
        for message in server.received()
        if "incident" in message.elements["sosbridge@32473"]
    }
    return list(told.values())
