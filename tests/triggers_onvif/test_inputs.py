"""Messages of a device -> events."""

from __future__ import annotations

import pytest

from bridge.model import Event, Kind
from bridge.protocols.onvif.events import Notification
from bridge.triggers.onvif.inputs import TOPIC, Inputs
from bridge.triggers.onvif.settings import InputConfig, Means

NOW = 1_000_000.0


def inputs(means: Means = Means.SOS, **settings: bool) -> Inputs:
    return Inputs("onvif/gate", {"DI_1": InputConfig(phone="EAST-03", means=means, **settings)})


def tell(
    at: Inputs,
    value: str = "true",
    operation: str = "Changed",
    *,
    when: float | None = NOW + 90,
    topic: str = TOPIC,
    token: str = "DI_1",
) -> Event | None:
    """Let the device, whose clock is 90 s ahead, say something of its input."""
    message = Notification(
        topic=topic,
        operation=operation,
        at=when,
        source={"InputToken": token},
        data={"LogicalState": value},
    )
    return at.news(message, offset=90.0, now=NOW + 1)


def test_a_press() -> None:
    gate = inputs()
    assert tell(gate, "false", "Initialized") is None
    assert tell(gate) == Event(
        kind=Kind.SOS,
        source="onvif/gate",
        key="DI_1/1000090.000",
        occurred_at=NOW,
        via="onvif",
        attributes={"phone": "EAST-03", "input": "DI_1"},
    )


def test_a_device_that_does_not_tell_the_time() -> None:
    event = tell(inputs(), when=None)
    assert event is not None
    assert (event.occurred_at, event.key) == (NOW + 1, "DI_1/1000001.000")


@pytest.mark.parametrize("operation", ["Changed", "Initialized", ""])
def test_what_is_known_already_is_no_event(operation: str) -> None:
    gate = inputs()
    assert tell(gate) is not None
    assert tell(gate, operation=operation, when=NOW + 95) is None


@pytest.mark.parametrize(
    ("before", "operation", "marked"),
    [
        (None, "Initialized", {"first_read": "yes"}),
        (None, "Changed", {}),
        ("false", "Initialized", {"recovered": "yes"}),
        ("false", "Changed", {}),
        ("false", "", {}),
    ],
)
def test_a_state_is_not_a_press(before: str | None, operation: str, marked: dict[str, str]) -> None:
    gate = inputs()
    if before is not None:
        tell(gate, before, "Initialized")
    event = tell(gate, "true", operation)
    assert event is not None
    assert event.attributes == {"phone": "EAST-03", "input": "DI_1", **marked}


@pytest.mark.parametrize(
    ("means", "settings", "opened", "closed"),
    [
        (Means.SOS, {}, Kind.SOS, None),
        (Means.SOS, {"latching": True}, Kind.SOS, Kind.SOS_CLEARED),
        (Means.OFF_HOOK, {}, Kind.OFF_HOOK, None),
        (Means.TAMPER, {}, Kind.TAMPER, Kind.FAULT_CLEARED),
        (Means.FAULT, {}, Kind.FAULT, Kind.FAULT_CLEARED),
    ],
)
def test_what_an_input_means(
    means: Means, settings: dict[str, bool], opened: Kind, closed: Kind | None
) -> None:
    gate = inputs(means, **settings)
    event, end = tell(gate), tell(gate, "false")
    assert event is not None
    assert event.kind is opened
    assert (end.kind if end else None) is closed
    if closed is Kind.FAULT_CLEARED:
        assert end is not None
        assert event.attributes["what"] == end.attributes["what"] == means


def test_normally_closed() -> None:
    gate = inputs(normally_closed=True)
    assert tell(gate, "true", "Initialized") is None
    event = tell(gate, "false")
    assert event is not None
    assert event.kind is Kind.SOS


def test_the_first_read_clears_old_faults_but_no_sos() -> None:
    """A call may have raised the SOS: only a reset that was seen clears it."""
    cleared = tell(inputs(Means.TAMPER), "false", "Initialized")
    assert cleared is not None
    assert cleared.kind is Kind.FAULT_CLEARED
    assert tell(inputs(latching=True), "false", "Initialized") is None
    assert tell(inputs(latching=True), "false", "Changed") is None


@pytest.mark.parametrize(
    ("word", "active"), [("1", True), ("ACTIVE", True), ("0", False), ("inactive", False)]
)
def test_words_for_states(word: str, active: bool) -> None:
    assert (tell(inputs(), word) is not None) is active


@pytest.mark.parametrize(("topic", "token"), [("Device/Trigger/Relay", "DI_1"), (TOPIC, "DI_2")])
def test_what_does_not_concern_it(topic: str, token: str) -> None:
    gate = inputs()
    assert tell(gate, topic=topic, token=token) is None
    assert gate.unread == ["DI_1"]


def test_a_state_that_is_none() -> None:
    gate = inputs()
    assert tell(gate, "perhaps") is None
    assert gate.unread == ["DI_1"]


def test_an_input_that_was_taken_away() -> None:
    gate = inputs()
    tell(gate)
    assert gate.unread == []
    assert tell(gate, operation="Deleted") is None
    assert gate.unread == ["DI_1"]
