"""What a commit tells in the log: decisions of the real engine, line by line."""

from __future__ import annotations

from dataclasses import replace

from bridge.engine import Decision
from bridge.model import DeliveryState, Event, Kind, Operation
from bridge.supervision.logs import log_decisions
from tests.fake_clock import START
from tests.logs.conftest import LogTo
from tests.web.scene import PHONE, Scene

KEYS = ("level", "incident", "location", "reason", "event")


def told(log_to: LogTo, *decisions: Decision, level: str = "info") -> list[dict[str, object]]:
    written = log_to(style="json", level=level)
    log_decisions(decisions)
    return written.objects


def test_the_story_of_an_sos(log_to: LogTo) -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0)
    incident = scene.incident
    scene.settle(scene.delivery(Operation.START_RECORDING), "verified", 0.32)
    scene.settle(scene.delivery(Operation.SHOW), "retry", 0.5)
    scene.settle(scene.delivery(Operation.SHOW), "failed", 2.02, attempts=2)
    scene.person(Kind.ACKNOWLEDGED, 9)
    lines = told(log_to, *scene.told)
    where = (incident, PHONE.location)
    story = [tuple(line.get(key) for key in KEYS) for line in lines if "incident" in line]
    assert story == [
        ("info", *where, "opened", "P-03 dialled 9110"),
        ("info", *where, "settled", "zm start recording PTZ-01: verified after 300 ms: status 2"),
        ("warning", *where, "retry", "wall show desk-1: no answer; trying again"),
        ("warning", *where, "settled", "wall show desk-1: failed after 2000 ms: no answer"),
        ("warning", *where, "settled", "no picture confirmed: no dispatch is configured"),
        ("info", *where, "acknowledged", "acknowledged by Ann"),
    ]
    assert {line["tier"] for line in lines if "incident" in line} == {"emergency"}


def test_a_fault_is_a_warning_and_its_end_is_told(log_to: LogTo) -> None:
    scene = Scene()
    for kind, at in ((Kind.LINK_LOST, 0.0), (Kind.LINK_RESTORED, 12.5)):
        scene.tell(
            Event(
                kind=kind,
                source="outbox",
                key=f"{at}",
                occurred_at=START + at,
                attributes={"subject": "driver/zm", "text": "connection refused"},
            )
        )
    opened, cleared = told(log_to, *scene.told)
    assert (opened["level"], opened["event"], opened["subject"], opened["what"], opened["text"]) == (
        "warning",
        "fault",
        "driver/zm",
        "link",
        "connection refused",
    )
    assert (cleared["level"], cleared["event"], cleared["lasted"]) == ("info", "fault cleared", 12.5)


def test_an_sos_from_an_unknown_phone_says_so(log_to: LogTo) -> None:
    scene = Scene()
    scene.tell(
        Event(
            kind=Kind.CALL_DIALING,
            source="asterisk/pbx1",
            key="7.7",
            occurred_at=START,
            received_at=START,
            endpoint="nobody\n\x1b[31m",
            dialled="9110",
            attributes={"direction": "out"},
        )
    )
    lines = told(log_to, *scene.told)
    story = next(line for line in lines if line.get("reason") == "opened")
    assert story["location"] == "location unknown"
    assert story["phone"] == "unknown/nobody\\n\\x1b[31m"
    assert [line["what"] for line in lines if line["event"] == "fault"] == ["unknown_phone"]


def test_an_exercise_is_marked(log_to: LogTo) -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, attributes={"exercise": "yes"})
    delivery = scene.delivery(Operation.START_RECORDING)
    scene.settle(delivery, DeliveryState.VERIFIED, 1)
    assert [line["exercise"] for line in told(log_to, *scene.told) if "incident" in line] == ["yes", "yes"]


def test_what_was_heard_of_late_says_when_it_happened(log_to: LogTo) -> None:
    scene = Scene()
    decision = scene.call(Kind.CALL_DIALING, 0, attributes={"recovered": "yes"})
    decision.event = replace(decision.event, received_at=START + 90)
    [line] = told(log_to, decision)
    assert line["happened"] == "2026-01-01T00:00:00Z"
    assert line["event"] == "P-03 dialled 9110 (found after a blind interval)"


def test_chatter_is_for_debugging_and_strays_are_not(log_to: LogTo) -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0)
    again = scene.call(Kind.CALL_DIALING, 0)
    stray = scene.tell(
        Event(
            kind=Kind.ACKNOWLEDGED,
            source="console",
            key="1",
            occurred_at=START,
            incident="gone",
            attributes={"by": "Ann"},
        )
    )
    [line] = told(log_to, again, stray)
    assert (line["event"], line["reason"], line["level"]) == ("acknowledged", "orphan", "info")
    lines = told(log_to, again, stray, level="debug")
    assert [(line["reason"], line["level"]) for line in lines[-2:]] == [
        ("duplicate", "debug"),
        ("orphan", "info"),
    ]


def test_a_line_of_another_incident_in_the_same_decision_names_that_one(log_to: LogTo) -> None:
    scene = Scene()
    scene.call(Kind.CALL_DIALING, 0, key="1.1", attributes={"exercise": "yes"})
    exercise = scene.incident
    decision = scene.call(Kind.CALL_DIALING, 5, key="1.2")
    lines = told(log_to, decision)
    taken = [line for line in lines if line["incident"] == exercise]
    assert [line["event"] for line in taken] == [
        f"{what} was taken by the emergency {scene.told[-1].timeline[0].incident[:8]} at {PHONE.location}"
        for what in ("screen/wall/desk-1", "start_recording/zm/PTZ-01")
    ]
    assert {line["exercise"] for line in taken} == {"yes"}
    [opened] = [line for line in lines if line["event"] == "P-03 dialled 9110"]
    assert opened["incident"] != exercise
    assert "exercise" not in opened
