"""Which phone it is and how urgent (semantics, "Triggers and identity")."""

from __future__ import annotations

import pytest

from bridge.model import CALL_KINDS, Event, Kind, Phone, Tier
from bridge.response import Plan, identify, tier_of

PLAN = Plan(
    site="Tank farm",
    phones=(
        Phone(id="P-03", endpoint="1003", extension="1003", location="POST-03"),
        Phone(id="P-11", endpoint="gateway", extension="2011", location="GATE-1", shared=True),
        Phone(id="P-12", endpoint="gateway", extension="2012", location="GATE-2", shared=True),
        Phone(id="P-13", endpoint="gateway", extension="", location="GATE-3", shared=True),
        Phone(id="BEACON", endpoint="", extension="", location="MAST"),
    ),
    alarm_extensions=("9110", "_911X", "_9[0-5]X."),
)


def event(
    kind: Kind = Kind.CALL_DIALING,
    endpoint: str = "1003",
    caller: str = "1003",
    dialled: str = "9110",
    **attributes: str,
) -> Event:
    return Event(
        kind=kind,
        source="asterisk/pbx1",
        key="1700000000.1",
        occurred_at=1_700_000_000.0,
        endpoint=endpoint,
        caller=caller,
        dialled=dialled,
        attributes=attributes,
    )


def identified(stated: Event) -> tuple[str, str] | None:
    """(phone, location), or None for what concerns nobody here."""
    found = identify(stated, PLAN)
    return (found.phone, found.location) if found else None


def test_a_phone_is_identified_by_its_own_endpoint() -> None:
    assert identified(event()) == ("P-03", "POST-03")


@pytest.mark.parametrize("caller", ["", "2011", "+49 40 123", "'; drop table phones; --", "\r\n"])
def test_the_caller_id_of_an_own_endpoint_says_nothing(caller: str) -> None:
    assert identified(event(caller=caller)) == ("P-03", "POST-03")


def test_a_shared_endpoint_is_told_apart_by_caller_id() -> None:
    assert identified(event(endpoint="gateway", caller="2011")) == ("P-11", "GATE-1")
    assert identified(event(endpoint="gateway", caller="2012")) == ("P-12", "GATE-2")


def test_a_caller_id_identifies_nobody_at_another_endpoint() -> None:
    """A caller ID is easily forged."""
    assert identified(event(endpoint="trunk", caller="2011")) == ("unknown/trunk", "")
    assert identified(event(endpoint="trunk", caller="1003")) == ("unknown/trunk", "")


def test_a_shared_endpoint_identifies_nobody_by_itself() -> None:
    assert identified(event(endpoint="gateway", caller="9999")) == ("unknown/gateway/9999", "")


def test_each_call_with_a_withheld_caller_id_at_a_shared_endpoint_is_a_phone_of_its_own() -> None:
    """Two people behind one gateway must not be taken for one."""
    assert identified(event(endpoint="gateway", caller="")) == ("unknown/gateway/1700000000.1", "")


@pytest.mark.parametrize("caller", ["", "1999", "0401"])
def test_an_unknown_endpoint_is_one_phone_whatever_its_caller_id(caller: str) -> None:
    assert identified(event(endpoint="1999", caller=caller)) == ("unknown/1999", "")


def test_an_alarm_call_that_says_nothing_of_itself_is_known_by_its_key() -> None:
    assert identified(event(endpoint="", caller="")) == ("unknown/1700000000.1", "")


@pytest.mark.parametrize("kind", sorted(CALL_KINDS))
def test_an_unknown_phone_on_a_call_that_is_no_alarm_is_ignored(kind: Kind) -> None:
    assert identified(event(kind, endpoint="1999", dialled="20")) is None


@pytest.mark.parametrize("kind", sorted(CALL_KINDS))
def test_an_alarm_call_of_an_unknown_phone_counts_whatever_is_seen_of_it(kind: Kind) -> None:
    assert identified(event(kind, endpoint="1999")) == ("unknown/1999", "")


def test_a_call_to_an_unknown_phone_is_ignored_whatever_its_number() -> None:
    assert identified(event(endpoint="1999", dialled="9110", direction="in")) is None


def test_a_call_to_a_configured_phone_concerns_it() -> None:
    assert identified(event(dialled="1003", caller="2002", direction="in")) == ("P-03", "POST-03")


def test_who_calls_a_shared_endpoint_is_not_the_phone_that_is_called() -> None:
    assert identified(event(endpoint="gateway", caller="2011", direction="in")) is None


def test_no_phone_is_known_by_an_empty_endpoint_or_number() -> None:
    assert identified(event(endpoint="", caller="")) != ("BEACON", "MAST")
    assert identified(event(endpoint="gateway", caller="")) != ("P-13", "GATE-3")
    assert identified(event(Kind.LINK_LOST, endpoint="", caller="")) == ("", "")


def test_a_trigger_that_is_no_call_may_name_the_phone() -> None:
    assert identified(event(Kind.SOS, endpoint="", caller="", phone="BEACON")) == ("BEACON", "MAST")


@pytest.mark.parametrize(
    ("attributes", "phone"), [({}, "unknown/1700000000.1"), ({"phone": "P-99"}, "unknown/P-99")]
)
def test_an_sos_from_nobody_we_know_is_an_sos(attributes: dict[str, str], phone: str) -> None:
    assert identified(event(Kind.SOS, endpoint="", caller="", **attributes)) == (phone, "")


def test_an_off_hook_contact_of_nobody_we_know_is_ignored() -> None:
    assert identified(event(Kind.OFF_HOOK, endpoint="", caller="", phone="P-99")) is None


@pytest.mark.parametrize("kind", [Kind.TIMER_DUE, Kind.DELIVERY_SETTLED, Kind.LINK_LOST, Kind.ACKNOWLEDGED])
def test_what_names_no_phone_stays_as_it_is(kind: Kind) -> None:
    stated = event(kind, endpoint="", caller="")
    assert identify(stated, PLAN) is stated


def test_a_fault_of_an_unknown_device_keeps_its_name_whatever_the_caller_id() -> None:
    assert identified(event(Kind.OFFLINE, endpoint="trunk", caller="0401")) == ("unknown/trunk", "")
    assert identified(event(Kind.ONLINE, endpoint="trunk", caller="")) == ("unknown/trunk", "")


# --- tiers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialled", ["9110", "9111", "9119", "9011", "95999999", "900#"])
def test_an_alarm_extension_is_an_emergency(dialled: str) -> None:
    assert tier_of(event(dialled=dialled), PLAN) is Tier.EMERGENCY


@pytest.mark.parametrize("dialled", ["", "901", "96111", "09110", "*9110", "s", "h", "_911X", "_9[0-5]X."])
def test_everything_else_is_routine(dialled: str) -> None:
    assert tier_of(event(dialled=dialled), PLAN) is Tier.ROUTINE


@pytest.mark.parametrize(
    "dialled",
    [
        "911",
        "911a",
        "91111",
        "9110 ",
        "9110\n",
        "9110\x00",
        "91\u06610",  # ARABIC-INDIC DIGIT ONE
        "911\uff10",  # FULLWIDTH DIGIT ZERO
        "911\u00b2",  # SUPERSCRIPT TWO
        "911X",
    ],
)
def test_a_digit_is_one_of_ten(dialled: str) -> None:
    plan = Plan(site="x", alarm_extensions=("9110", "_911X"))
    assert tier_of(event(dialled=dialled), plan) is Tier.ROUTINE


def test_a_call_to_a_phone_is_routine_whatever_its_number() -> None:
    assert tier_of(event(dialled="9110", direction="in"), PLAN) is Tier.ROUTINE


def test_a_button_is_an_emergency_and_an_off_hook_contact_is_not() -> None:
    assert tier_of(event(Kind.SOS, dialled=""), PLAN) is Tier.EMERGENCY
    assert tier_of(event(Kind.OFF_HOOK, dialled="9110"), PLAN) is Tier.ROUTINE


def test_without_alarm_extensions_no_call_is_an_alarm() -> None:
    assert tier_of(event(), Plan(site="x")) is Tier.ROUTINE


@pytest.mark.parametrize("pattern", ["_X.", "_.", "_!", "_Z.", "_N!", "_n!", "_x."])
def test_patterns_are_those_of_the_dialplan(pattern: str) -> None:
    plan = Plan(site="x", alarm_extensions=(pattern,))
    assert tier_of(event(dialled="9110"), plan) is Tier.EMERGENCY


@pytest.mark.parametrize(("pattern", "dialled"), [("_Z.", "0110"), ("_N.", "1110"), ("_X.", "a110")])
def test_classes_of_digits_are_kept_to(pattern: str, dialled: str) -> None:
    plan = Plan(site="x", alarm_extensions=(pattern,))
    assert tier_of(event(dialled=dialled), plan) is Tier.ROUTINE


def test_a_plain_extension_is_no_regular_expression() -> None:
    plan = Plan(site="x", alarm_extensions=("9.*0", "9110+"))
    assert tier_of(event(dialled="9110"), plan) is Tier.ROUTINE
    assert tier_of(event(dialled="9.*0"), plan) is Tier.EMERGENCY


@pytest.mark.parametrize("dialled", ["urn:service:sos", "urn:service:sos.fire"])
def test_an_emergency_service_is_an_sos_whatever_the_site_calls_its_extension(dialled: str) -> None:
    assert tier_of(event(dialled=dialled), PLAN) is Tier.EMERGENCY
