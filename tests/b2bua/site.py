"""The plant of these tests: who hangs where, and who is rung."""

from __future__ import annotations

from typing import Final

from bridge.b2bua import Group, Person, Site
from bridge.model import Phone

SITE: Final = Site(
    alarm_extensions=("_911X", "9110"),
    phones=(
        Phone(id="P-03", endpoint="help-03", extension="103", location="TANK-EAST"),
        Phone(id="P-04", endpoint="help-04", extension="104", location="GATE", announce=False),
        Phone(id="P-05", endpoint="help-05", extension="105", location="TANK-EAST", callback="never"),
        Phone(id="P-51", endpoint="gateway", extension="501", location="QUAY", shared=True, callback="ring"),
        Phone(id="P-52", endpoint="gateway", extension="502", location="QUAY", shared=True, callback="ring"),
    ),
    groups=(
        Group(
            name="shift",
            tiers=(
                (Person(endpoint="anna", language="de"), Person(endpoint="bert")),
                (Person(endpoint="carl", trunk=True),),
            ),
        ),
    ),
    consoles=("desk-2",),
    consoles_at={"TANK-EAST": ("desk-1", "desk-2")},
    numbers={"20": "desk-1"},
)
NO_CONSOLES: Final = Site(alarm_extensions=("9110",), phones=SITE.phones, groups=SITE.groups)
ONLY_CONSOLES: Final = Site(alarm_extensions=("9110",), phones=SITE.phones, consoles=("desk-1",))
NOBODY: Final = Site(alarm_extensions=("9110",), phones=SITE.phones)
DISPATCHERS: Final = ("anna", "bert", "carl")
CONSOLES: Final = ("desk-1", "desk-2")
