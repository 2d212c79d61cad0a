"""However long what a source says, and whatever it calls a time, its SOS is identified."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from bridge.model import Event, Kind, Phone, Tier
from bridge.response import Plan, identify, tier_of
from bridge.response.bounds import LONGEST, LONGEST_TEXT, bounded, cut

PLAN = Plan(
    site="Tank farm",
    phones=(
        Phone(id="P-03", endpoint="1003", extension="1003", location="POST-03"),
        Phone(id="P-11", endpoint="gateway", extension="2011", location="GATE-1", shared=True),
    ),
    alarm_extensions=("9110",),
)
SOS = Event(
    kind=Kind.CALL_DIALING,
    source="asterisk/pbx1",
    key="1700000000.1",
    occurred_at=1_700_000_000.0,
    received_at=1_700_000_001.0,
    endpoint="1003",
    caller="1003",
    dialled="9110",
)
LONG = "x" * 100_000


def test_what_fits_stays_as_it_is() -> None:
    text = "é" * LONGEST
    event = replace(SOS, caller=text, attributes={"name": text, "text": "t" * LONGEST})
    assert bounded(event) == event
    assert bounded(SOS) is SOS


def test_what_is_cut_shows_it_and_stays_told_apart() -> None:
    one, other = cut(f"{LONG}1"), cut(f"{LONG}2")
    assert (len(one), one[:5]) == (LONGEST, "xxxxx")
    assert "…" in one
    assert one != other
    assert one == cut(f"{LONG}1")


def test_a_huge_name_costs_no_sos() -> None:
    said = replace(SOS, caller=LONG, attributes={"name": LONG, "text": LONG, "call_key": LONG})
    found = identify(said, PLAN)
    assert found is not None
    assert (found.phone, found.location, tier_of(found, PLAN)) == ("P-03", "POST-03", Tier.EMERGENCY)
    assert len(found.caller) == LONGEST
    assert {name: len(text) for name, text in found.attributes.items()} == {
        "name": LONGEST,
        "text": LONGEST_TEXT,
        "call_key": LONGEST,
    }


@pytest.mark.parametrize("endpoint", [LONG, "gateway", ""])
def test_nor_does_a_huge_stranger(endpoint: str) -> None:
    found = identify(replace(SOS, endpoint=endpoint, caller=LONG, key=LONG), PLAN)
    assert found is not None
    assert found.phone.startswith("unknown/")
    assert max(map(len, (found.phone, found.key, found.endpoint, found.caller))) <= LONGEST


def test_a_fault_of_a_huge_account_is_one_too() -> None:
    found = identify(replace(SOS, kind=Kind.FAULT, endpoint=LONG, attributes={"subject": LONG}), PLAN)
    assert found is not None
    assert (len(found.phone), len(found.attributes["subject"])) == (LONGEST, LONGEST)


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf"), -1.0, 1e300])
def test_what_is_no_time_is_the_time_of_reception(at: float) -> None:
    found = identify(replace(SOS, occurred_at=at), PLAN)
    assert found is not None
    assert found.occurred_at == SOS.received_at


def test_lone_surrogates_are_cut_like_anything_else() -> None:
    pieces = random.Random(7)
    text = "".join(chr(pieces.randrange(0xDC80, 0xDD00)) for _ in range(2000))
    assert len(cut(text)) == LONGEST
