"""The stanza `type: sip`, the example without a PBX, and what the exchange is told of a site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bridge.b2bua import Person
from bridge.b2bua.inputs import Notify
from bridge.config import Site, SiteError, load
from bridge.config.build import build_driver, build_trigger
from bridge.config.effective import effective
from bridge.config.exchange import exchange_site
from bridge.config.loading import load_text, secrets_in
from bridge.errors import ConfigError
from bridge.model import Event, Kind
from bridge.resources import shared_folder
from bridge.triggers.sip import Config, Trigger
from tests.fake_clock import FakeClock
from tests.triggers_sip.house import House, RealClock, until

FILE = shared_folder("examples/standalone") / "site.yaml"
TEXT = FILE.read_text()
NAMED = re.findall(r"\b(SOSBRIDGE_\w+)=\.\.\.", TEXT)
"""Environment variables that the head of the file says are needed."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    for name in NAMED:
        monkeypatch.setenv(name, f"value of {name}")
    return load(FILE)


def test_the_example_has_no_mistakes_and_names_its_secrets(site: Site) -> None:
    assert [finding for finding in site.findings if finding.level != "ok"] == []
    configs = [instance.config for instance in site.instances]
    assert {secret.name for config in configs for _, secret in secrets_in(config)} == set(NAMED)
    assert len(NAMED) == 7


def test_what_is_shown_of_the_example_means_the_same(site: Site) -> None:
    shown = yaml.safe_dump(effective(site), sort_keys=False)
    assert "value of" not in shown
    again = load_text(shown)
    assert (again.plan(), again.triggers, again.drivers) == (site.plan(), site.triggers, site.drivers)


async def test_its_driver_and_link_can_be_made_and_checked(site: Site, clock: FakeClock) -> None:
    for driver in site.drivers:
        await build_driver(driver, clock).close()
    [link] = site.triggers
    trigger = build_trigger(link, clock)
    assert {finding.level for finding in await trigger.check()} <= {"ok", "error"}
    with pytest.raises(ConfigError, match="not to be run"):
        await trigger.run(_nobody)


async def _nobody(event: Event) -> None:
    """Take no event."""


def test_the_exchange_knows_the_site(site: Site) -> None:
    config = site.triggers[0].config
    assert isinstance(config, Config)
    known = exchange_site(site, config)
    assert known.alarm_extensions == ("9110",)
    assert [phone.id for phone in known.phones] == ["NORTH", "SOUTH", "PUMP"]
    assert known.consoles == ("desk",)
    assert known.groups[0].tiers == ((Person(endpoint="shift-lead"),), (Person(endpoint="gatekeeper"),))
    assert known.numbers["101"] == "shift-lead"


def test_it_lies_in_the_package() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert '"examples/standalone" = "bridge/_share/examples/standalone"' in project


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("- [gatekeeper]", "- [nobody]", r"dispatch.groups.shift.tiers\[1\]\[0\]: no way leads there"),
        ("endpoint: help-pump", "endpoint: help-pum", "phones.PUMP.endpoint: no way leads there"),
        ("{endpoint: desk}", "{endpoint: desc}", "consoles.control-room.endpoint: no way leads there"),
        ("- [gatekeeper]", '- ["0031@office"]', "no way leads there"),
        ('"102": gatekeeper', '"102": guard', "the number `102` leads to an endpoint that has no account"),
        ("allowed: [10.20.0.0/24]", "allowed: []", r"pbx\[0\].allowed: needs at least 1 entry"),
        ("last_port: 16583", "last_port: 1600", "RTP ports 16384 to 1600"),
        ("transport: TCP", "transport: TLS", "needs tls.certificate"),
    ],
)
@pytest.mark.usefixtures("site")
def test_mistakes_are_named(before: str, after: str, said: str) -> None:
    assert before in TEXT
    with pytest.raises(SiteError, match=said):
        load_text(TEXT.replace(before, after, 1))


def test_dispatch_by_an_exchange_needs_one() -> None:
    text = """\
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
dispatch:
  type: sip_dispatch
  groups: {shift: {tiers: [[2001]]}}
"""
    with pytest.raises(SiteError, match=r"dispatch.type: needs a PBX link of type `sip`"):
        load_text(text)


def test_a_trigger_carries_calls() -> None:
    assert Trigger.carries_calls


async def test_the_site_of_the_moment_counts(tmp_path: Path) -> None:
    """A reload changes who is rung, and nothing else."""
    async with House(tmp_path) as house:
        assert house.trigger.status.up
        before = house.trigger.listening
        house.reload(tiers=(("disp-2",),))
        asked = Notify(delivery="d", incident="i", mark="m", phone="P-01", group="shift")
        await house.trigger.command(asked)
        await until(lambda: bool(house.of(Kind.CALL_DIALING)))
        assert {event.endpoint for event in house.of(Kind.CALL_DIALING)} == {"disp-2"}
        assert house.trigger.listening == before


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        port = house.port()
        settings = {
            **house.settings,
            "listen": [{"transport": "UDP", "address": "127.0.0.1", "port": port}],
        }
        second = Trigger(
            "second",
            Config.model_validate(settings),
            clock=RealClock(),
            plan=lambda: house.plan,
            site=lambda: house.site,
            state_dir=tmp_path / "second",
        )
        with pytest.raises(OSError, match=f"UDP 127.0.0.1:{port}"):
            await second.run(house.accept)
        findings = await second.check()
        assert any("in use" in finding.text for finding in findings)
