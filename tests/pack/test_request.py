"""A delivery becomes an Originate that can mean nothing else, whatever its values hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.drivers.dispatch import Config, Driver
from bridge.drivers.dispatch.ami_way import headers_of
from bridge.drivers.dispatch.ari_way import params_of
from bridge.drivers.dispatch.request import call_of, phone_key, question_of
from bridge.errors import Permanent
from bridge.model import Capability, Operation
from bridge.protocols.ami import encode_action
from tests.pack.deliveries import notification

ACCOUNTS = {
    "originate": {"username": "o", "secret": {"env": "O"}},
    "heartbeat": {"username": "h", "secret": {"env": "H"}},
}
CONFIG = Config.model_validate(ACCOUNTS)


def test_a_notification_by_ami() -> None:
    delivery = notification("no_picture/2", params={"exercise": "yes"})
    assert headers_of(call_of(delivery, CONFIG)) == [
        ("Channel", "Local/*P-1001@sos-notify/n"),
        ("Context", "sos-connect"),
        ("Exten", "*P-1001"),
        ("Priority", "1"),
        ("Timeout", "1945000"),
        ("ChannelId", delivery.id),
        ("Variable", f"__SOS_INCIDENT={delivery.incident}"),
        ("Variable", f"__SOS_DELIVERY={delivery.id}"),
        ("Variable", f"__SOS_MARK={delivery.incident}.2"),
        ("Variable", "__SOS_EXERCISE=yes"),
        ("Variable", "__SOS_GROUP=shift"),
        ("Variable", "__SOS_TIER=1"),
        ("Variable", "__SOS_VIDEO=unconfirmed"),
    ]


def test_a_missed_sos_is_told_and_connects_nobody() -> None:
    delivery = notification("missed/1", params={"missed": "21:08", "picture": ""})
    assert headers_of(call_of(delivery, CONFIG)) == [
        ("Channel", "Local/*P-1001@sos-notify/n"),
        ("Context", "sos-heartbeat"),
        ("Exten", "noted"),
        ("Priority", "1"),
        ("Timeout", "1945000"),
        ("ChannelId", delivery.id),
        ("Variable", f"__SOS_INCIDENT={delivery.incident}"),
        ("Variable", f"__SOS_DELIVERY={delivery.id}"),
        ("Variable", f"__SOS_MARK={delivery.incident}.1"),
        ("Variable", "__SOS_EXERCISE=no"),
        ("Variable", "__SOS_GROUP=shift"),
        ("Variable", "__SOS_TIER=1"),
        ("Variable", "__SOS_MISSED=2108"),
    ]


@pytest.mark.parametrize("clock", ["", "9:08", "24:61", "21:08,1", "2108\nAction: x"])
def test_a_missed_sos_without_a_time_is_not_told(clock: str) -> None:
    with pytest.raises(Permanent, match="the time of this delivery"):
        call_of(notification("missed/1", params={"missed": clock}), CONFIG)


def test_a_notification_by_ari() -> None:
    delivery = notification("no_picture/2", params={"exercise": "yes"})
    call = call_of(delivery, CONFIG)
    assert params_of(call, call.id) == {
        "endpoint": "Local/*P-1001@sos-notify/n",
        "context": "sos-connect",
        "extension": "*P-1001",
        "priority": "1",
        "timeout": "1945",
        "channelId": delivery.id,
    }
    assert call.variables == {
        "__SOS_INCIDENT": delivery.incident,
        "__SOS_DELIVERY": delivery.id,
        "__SOS_MARK": f"{delivery.incident}.2",
        "__SOS_EXERCISE": "yes",
        "__SOS_GROUP": "shift",
        "__SOS_TIER": "1",
        "__SOS_VIDEO": "unconfirmed",
    }


@pytest.mark.parametrize(
    ("step", "context", "tier"),
    [
        ("no_picture/1", "sos-notify", "1"),
        ("escalate_1/1", "sos-notify", "1"),
        ("escalate_2/1", "sos-notify", "2"),
        ("unresolved/0a1b2c3d", "sos-notify", "1"),
        ("more_wanted/1-4", "sos-notify", "1"),
        ("unanswered/1", "sos-recall", None),
        ("acknowledged/1", "sos-taken", None),
        ("cleared/1", "sos-taken", None),
    ],
)
def test_each_step_starts_its_own_context(step: str, context: str, tier: str | None) -> None:
    call = call_of(notification(step), CONFIG)
    assert call.channel == f"Local/*P-1001@{context}/n"
    assert call.variables.get("__SOS_TIER") == tier


@pytest.mark.parametrize(
    ("step", "variable"),
    [("unanswered/1", "__SOS_ENDED"), ("acknowledged/1", "__SOS_CALL"), ("cleared/1", "__SOS_CALL")],
)
def test_a_word_about_a_call_names_it_and_nothing_else_that_may_stand_there(step: str, variable: str) -> None:
    def named(**params: str) -> str:
        return call_of(notification(step, params=params), CONFIG).variables[variable]

    assert named(call_key="pbx-1795345072.128") == "pbx-1795345072.128"
    assert named(call_key="1.2,x)\r\n${EXTEN}") == "1.2xEXTEN"
    assert named() == ""


def test_only_a_second_alert_rings_whoever_has_it() -> None:
    steps = ("no_picture/1", "escalate_2/1", "more_wanted/1", "acknowledged/1", "unresolved/0a1b2c3d")
    alerts = [call_of(notification(step), CONFIG).variables.get("__SOS_ALERT") for step in steps]
    assert alerts == [None, None, None, None, "yes"]


def test_an_acknowledgement_counts_for_its_press_and_an_alert_rings_all_the_same() -> None:
    marks = [
        call_of(notification(step, incident="i", id=f"d-{step[:2]}"), CONFIG).variables["__SOS_MARK"]
        for step in ("no_picture/1", "escalate_2/1", "no_picture/2", "unresolved/0a1b2c3d")
    ]
    assert marks == ["i.1", "i.1", "i.2", "d-un"]


@pytest.mark.parametrize(
    ("step", "params", "said"),
    [
        (
            "more_wanted/2-3",
            {"ring_tier": "3", "acknowledgers": "2001\nA. Weber\n+31@trunk\na*b"},
            ("yes", "i.2", "3", "*2001*+31@trunk*"),
        ),
        ("more_wanted/2", {"ring_tier": "1", "acknowledgers": "Anna Weber"}, ("yes", "i.2", "1", "*")),
        ("acknowledged/2", {"more": "yes"}, ("yes", "i.2", None, None)),
        ("acknowledged/2-2", {}, (None, "i.2", None, None)),
        ("unresolved/2", {"more": "yes"}, (None, "d", "1", None)),
        ("cleared/2", {"more": "yes"}, (None, "i.2", None, None)),
    ],
)
def test_who_is_rung_for_more_is_told_so_and_goes_on_until_enough_have_it(
    step: str, params: dict[str, str], said: tuple[str | None, ...]
) -> None:
    variables = call_of(notification(step, incident="i", id="d", params=params), CONFIG).variables
    assert tuple(variables.get(f"__SOS_{name}") for name in ("MORE", "MARK", "TIER", "DONE")) == said


@pytest.mark.parametrize(
    ("phone", "endpoint", "key"),
    [
        ("P-1", "1001", "P-1"),
        ("unknown/1009", "1009", "unknown-1009"),
        ("unknown/1009", "", "unknown-1009"),
        ("unknown/a@b,c", "a@b,c", "unknown-abc"),
        ("unknown/site-b/100", "site-b/100", "unknown-site-b100"),
        ("unknown/" + "9" * 100, "9" * 100, "unknown-" + "9" * 60),
        ("unknown/gateway/+49 40/123", "gateway", "unknown-gateway-+4940123"),
        ("unknown/gateway/1700000000.7", "gateway", "unknown-gateway-1700000000.7"),
        ("unknown/gateway/" + "9" * 100, "gateway", "unknown-gateway-" + "9" * 52),
    ],
)
def test_phones_have_the_names_that_the_dialplan_gives_them(phone: str, endpoint: str, key: str) -> None:
    assert phone_key(phone, endpoint) == key


HOSTILE = st.text(min_size=1, max_size=60)


@given(phone=HOSTILE, group=HOSTILE, name=HOSTILE, step=HOSTILE, picture=HOSTILE)
def test_no_value_can_break_out(phone: str, group: str, name: str, step: str, picture: str) -> None:
    for kind in ("no_picture", "acknowledged", step):
        delivery = notification(
            f"{kind}/1",
            phone=f"unknown/{phone}" if step else phone,
            target=group,
            params={"acknowledged_by": name, "picture": picture},
        )
        try:
            headers = headers_of(call_of(delivery, CONFIG))
        except Permanent:
            continue
        encode_action("Originate", headers, action_id="id")  # raises where a value would leave its line
        assert all(re.fullmatch(r"[0-9A-Za-z_.+*@/=-]*", value) for _, value in headers)


@pytest.mark.parametrize("phone", ["", "a b", "x\r\nAction: Hangup", "x,1,System(id)", "a&PJSIP/1", "x" * 81])
def test_a_phone_that_cannot_stand_in_a_dialplan_is_refused(phone: str) -> None:
    with pytest.raises(Permanent, match="the phone of this delivery cannot stand"):
        call_of(notification(phone=phone), CONFIG)


def test_a_question_rings_nobody() -> None:
    question = question_of("d-1")
    assert question.channel == "Local/*d-1@sos-asked/n"
    assert "ChannelId" not in dict(headers_of(question)), "it may be asked again at once"
    with pytest.raises(Permanent):
        question_of("d 1")


def test_notify_is_all_it_can_do() -> None:
    possible = {op for op, how in Driver.capabilities.items() if how is not Capability.IMPOSSIBLE}
    assert set(Driver.capabilities) == set(Operation)
    assert possible == {Operation.NOTIFY}


ARI = {"base_url": "https://pbx:8089", "username": "a", "secret": {"env": "A"}}


@pytest.mark.parametrize("ways", [{}, {"originate": ACCOUNTS["originate"], "ari": ARI}])
def test_there_is_one_way_to_start_calls(ways: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="either `originate` \\(AMI\\) or `ari`"):
        Config.model_validate({"heartbeat": ACCOUNTS["heartbeat"], **ways})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sounds", "relative/path"),
        ("sounds", "/var/../etc"),
        ("sounds", "/var/lib,System(id)"),
        ("recordings", "a/${SHELL(id)}"),
        ("bridge_address", "0.0.0.0; permit"),
        ("host", "pbx one"),
        ("heartbeat_every", 0),
        ("repeats", 0),
        ("unknown", 1),
    ],
)
def test_settings_that_would_spoil_the_dialplan_are_refused(setting: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**ACCOUNTS, setting: value})
