"""`dispatch.fallback`: the exchange of our own that rings the groups where the PBX is away."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bridge.config import Site, SiteError, load_text
from bridge.config.effective import effective
from bridge.config.exchange import exchange_site
from bridge.model import Operation
from bridge.response import Fallback
from bridge.triggers.sip import Config

SECRET = {"env": "SOSBRIDGE_TEST_SECRET"}


def site(fallback: Any = "own", *, group: Any = None, **dispatch: Any) -> Site:
    """A site that watches an Asterisk and has a trunk of its own."""
    content = {
        "site": {"name": "Plant", "timezone": "UTC"},
        "alarm": {"extensions": ["9110"]},
        "pbx": [
            {"name": "main", "type": "ami", "host": "127.0.0.1", "username": "watch", "secret": SECRET},
            {
                "name": "own",
                "type": "sip",
                "listen": [{"transport": "UDP", "address": "127.0.0.1", "port": 5070}],
                "allowed": ["127.0.0.0/8"],
                "realm": "plant.example",
                "trunks": {"office": {"host": "127.0.0.1", "port": 5090}},
            },
        ],
        "dispatch": {
            "pbx": "main",
            "originate": {"username": "originate", "secret": SECRET},
            "heartbeat": {"username": "heartbeat", "secret": SECRET},
            "fallback": fallback,
            "groups": {
                "shift": group or {"tiers": [["lead"]], "fallback": [["+316@office"], ["+317@office"]]}
            },
            **dispatch,
        },
    }
    return load_text(yaml.safe_dump(content), secrets=False)


def rung(loaded: Site) -> list[list[str]]:
    """Whom the exchange rings, tier by tier."""
    [exchange] = [link.config for link in loaded.triggers if isinstance(link.config, Config)]
    [group] = exchange_site(loaded, exchange).groups
    return [[person.endpoint for person in tier] for tier in group.tiers]


def test_each_person_and_each_phone_has_its_language() -> None:
    group = {"tiers": [["lead"]], "fallback": [["+316@office"], ["+317@office"]], "language": "fr"}
    loaded = site(group=group, languages={"+317@office": "de"})
    [exchange] = [link.config for link in loaded.triggers if isinstance(link.config, Config)]
    [group_there] = exchange_site(loaded, exchange).groups
    assert [person.language for tier in group_there.tiers for person in tier] == ["fr", "de"]


def test_it_is_a_driver_that_no_rule_asks() -> None:
    loaded = site()
    assert [driver.name for driver in loaded.drivers] == ["dispatch", "dispatch-fallback"]
    plan = loaded.plan()
    assert plan.fallbacks == {"dispatch": Fallback(driver="dispatch-fallback", links=("ami/main",))}
    assert plan.can("dispatch-fallback", Operation.NOTIFY)
    assert {rule.driver for rule in plan.rules} == {"dispatch"}


def test_it_rings_whom_it_is_told() -> None:
    assert rung(site()) == [["+316@office"], ["+317@office"]]


def test_it_rings_those_of_the_tiers_whom_it_reaches() -> None:
    assert rung(site(group={"tiers": [["lead"], ["boss", "+318@office"]]})) == [["+318@office"]]


def test_a_site_without_it_has_no_such_driver() -> None:
    loaded = site(None, group={"tiers": [["lead"]]})
    assert loaded.plan().fallbacks == {}
    assert [driver.name for driver in loaded.drivers] == ["dispatch"]
    assert rung(loaded) == [["lead"]]


def test_what_is_in_force_is_a_site_file_again() -> None:
    shown = effective(site())
    assert shown["dispatch"]["fallback"] == "own"
    assert shown["dispatch"]["pbx"] == "main"
    again = load_text(yaml.safe_dump(shown), secrets=False)
    assert again.plan().fallbacks == site().plan().fallbacks


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fallback": "main"}, "unknown PBX link of type `sip` `main`"),
        ({"fallback": "owl"}, "did you mean `own`?"),
        ({"group": {"tiers": [["lead"]]}}, "nobody in it is reached by `dispatch.fallback`"),
        ({"group": {"tiers": [["lead"]], "fallback": [["+316@mobile"]]}}, "no way leads there"),
        (
            {"group": {"tiers": [["lead"]], "fallback": [[]]}},
            "dispatch.groups.shift.fallback[0]: needs at least 1 entry",
        ),
        (
            {"fallback": None, "group": {"tiers": [["lead"]], "fallback": [["+316@office"]]}},
            "means nothing without `dispatch.fallback`",
        ),
    ],
    ids=["a link of another type", "a misspelt link", "nobody", "no way", "an empty tier", "no link"],
)
def test_mistakes(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SiteError) as caught:
        site(**changes)
    assert said in str(caught.value)


def test_an_exchange_needs_no_other_to_stand_in_for_it() -> None:
    with pytest.raises(SiteError, match="means nothing for `type: sip_dispatch`"):
        site(type="sip_dispatch", originate=None, heartbeat=None)
