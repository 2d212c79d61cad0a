"""What is said about each kind of change, and how urgent it is."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.engine import Reason
from bridge.model import Tier, TimelineEntry
from bridge.protocols.syslog import SHORTEST_LIMIT, Facility, Severity, encode
from bridge.protocols.syslog_settings import SyslogServer, Transport
from bridge.store.forwarding import Change, FaultChange, StoryLine
from bridge.supervision.forwarder.messages import message_of
from tests.store.rows import NOW, fault, incident
from tests.syslog.parsed import Parsed, parse

SERVER = SyslogServer(name="central", host="127.0.0.1", port=514, transport=Transport.UDP)


def line(reason: Reason, text: str = "P-1 dialled 9110", seq: int = 1, **of: Any) -> StoryLine:
    entry = TimelineEntry(incident="i1", at=NOW, event="e1", reason=reason, text=text)
    return StoryLine(seq=seq, entry=entry, incident=incident(**of))


def change(text: str = "connection refused", **of: Any) -> FaultChange:
    return FaultChange(seq=1, event="e1", at=NOW, fault=fault("driver/zm", "probe", text=text, **of))


def told(what: Change, server: SyslogServer = SERVER, node: str = "bridge-a") -> Parsed:
    return parse(encode(message_of(what, server, node), server.max_bytes))


@pytest.mark.parametrize(
    ("reason", "emergency", "routine", "exercise"),
    [
        (Reason.OPENED, "ALERT", "INFO", "NOTICE"),
        (Reason.RAISED, "ALERT", "INFO", "NOTICE"),
        (Reason.PRESSED_AGAIN, "ALERT", "INFO", "NOTICE"),
        (Reason.NO_PICTURE, "WARNING", "WARNING", "NOTICE"),
        (Reason.ESCALATED, "WARNING", "WARNING", "NOTICE"),
        (Reason.REMINDED, "WARNING", "WARNING", "NOTICE"),
        (Reason.CAPPED, "WARNING", "WARNING", "NOTICE"),
        (Reason.REASSERTED, "WARNING", "WARNING", "NOTICE"),
        (Reason.RETRY, "WARNING", "WARNING", "NOTICE"),
        (Reason.CONNECTED, "NOTICE", "NOTICE", "NOTICE"),
        (Reason.ACKNOWLEDGED, "NOTICE", "NOTICE", "NOTICE"),
        (Reason.CLEARED, "NOTICE", "NOTICE", "NOTICE"),
        (Reason.CLOSED, "NOTICE", "NOTICE", "NOTICE"),
        (Reason.SETTLED, "INFO", "INFO", "INFO"),
        (Reason.NOTED, "INFO", "INFO", "INFO"),
        (Reason.HUNG_UP, "INFO", "INFO", "INFO"),
    ],
)
def test_how_urgent_a_line_is(reason: Reason, emergency: str, routine: str, exercise: str) -> None:
    urgency = [
        Severity(told(line(reason, **of)).severity).name
        for of in ({}, {"tier": Tier.ROUTINE}, {"exercise": True})
    ]
    assert urgency == [emergency, routine, exercise]


def test_a_line_of_a_story() -> None:
    message = told(line(Reason.ACKNOWLEDGED, "acknowledged by Kim (cli)", phone='P"1', location=""))
    assert (message.facility, message.host, message.app) == (Facility.LOCAL0, "bridge-a", "sosbridge")
    assert message.msgid == "acknowledged"
    assert message.proc.isdigit()
    assert message.time == "2026-01-01T00:00:00.000000Z"
    assert message.text == "acknowledged by Kim (cli)"
    [(name, values)] = message.elements.items()
    assert name == "sosbridge@32473"
    assert values.pop("id")
    assert values == {
        "incident": "i1",
        "event": "e1",
        "tier": "emergency",
        "phone": 'P"1',
        "location": "",
        "exercise": "no",
    }


def test_an_exercise_says_so_in_words_too() -> None:
    message = told(line(Reason.OPENED, exercise=True))
    assert message.text == "EXERCISE: P-1 dialled 9110"
    assert message.elements["sosbridge@32473"]["exercise"] == "yes"


def test_a_fault_and_its_end() -> None:
    opened, cleared = told(change()), told(change(cleared_at=NOW + 90.4))
    assert (opened.severity, opened.msgid) == (Severity.ERROR, "fault_opened")
    assert (cleared.severity, cleared.msgid) == (Severity.NOTICE, "fault_cleared")
    assert opened.text == "fault probe of driver/zm: connection refused"
    assert cleared.text == "fault probe of driver/zm cleared after 90 s: connection refused"
    values = opened.elements["sosbridge@32473"]
    assert {name: values[name] for name in ("event", "subject", "what")} == {
        "event": "e1",
        "subject": "driver/zm",
        "what": "probe",
    }


def test_ids_are_the_same_on_every_node_and_of_every_change_another() -> None:
    def ident(what: Change, node: str = "bridge-a") -> str:
        return told(what, node=node).elements["sosbridge@32473"]["id"]

    assert ident(line(Reason.OPENED)) == ident(line(Reason.OPENED), node="bridge-b")
    changes: list[Change] = [line(Reason.OPENED), line(Reason.OPENED, seq=2), change()]
    assert len({ident(what) for what in changes}) == 3


def test_a_site_may_have_a_number_and_a_facility_of_its_own() -> None:
    own = SyslogServer(
        name="central",
        host="127.0.0.1",
        port=514,
        transport=Transport.UDP,
        enterprise=4711,
        facility=Facility.LOCAL7,
    )
    message = told(line(Reason.NOTED), own)
    assert list(message.elements) == ["sosbridge@4711"]
    assert message.facility == 23


def test_words_of_others_are_tame_and_without_secrets() -> None:
    text = "refused:\n<1>1 forged\x1b[2J https://zm.local/?token=hunter2hunter2&x=1"
    assert told(line(Reason.SETTLED, text)).text == (
        "refused: <1>1 forged [2J https://zm.local/?token=***&x=1"
    )


@pytest.mark.parametrize("what", [line(Reason.OPENED, "ü" * 5000), change("ü" * 5000)], ids=["line", "fault"])
def test_the_longest_of_everything_fits(what: Change) -> None:
    """Header and data never use up the room of the text, however small the server wants it."""
    long = "\U0001f6a8" * 500
    if isinstance(what, StoryLine):
        what = line(Reason.OPENED, "ü" * 5000, phone=long, location=long, exercise=True)
    else:
        what = FaultChange(seq=1, event="e" * 36, at=NOW, fault=fault(long, long, text="ü" * 5000))
    message = message_of(what, SERVER, "h" * 300)
    assert len(encode(message, SHORTEST_LIMIT)) <= SHORTEST_LIMIT
    assert parse(encode(message, SHORTEST_LIMIT)).text.endswith("...")


def test_a_node_whose_name_is_no_host_name() -> None:
    assert told(line(Reason.NOTED), node="Büro 3").host == "B_ro_3"
