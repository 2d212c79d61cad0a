"""What `sosbridge asterisk render` prints for a site that uses ARI, and for one that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.drivers.dispatch import Config as DispatchConfig
from bridge.errors import ConfigError
from bridge.pack.facts import PackFacts
from bridge.pack.render import SECRET_FILES, pack_hash, render_texts
from bridge.pack.site import ari_watch_settings, facts_of, watch_settings
from bridge.triggers import ari
from tests.pack.site import TEXT, load_site

BY_ARI = TEXT.replace(
    "{name: pbx1, type: ami, host: 127.0.0.1, username: sosbridge, secret: {env: WATCH}}",
    "{name: pbx1, type: ari, base_url: https://pbx:8089, username: sos-watch, secret: {env: WATCH}}",
).replace(
    "originate: {username: sos-originate, secret: {env: ORIGINATE}}",
    "ari: {base_url: https://pbx:8089, username: sos-calls, secret: {env: ORIGINATE}}",
)


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> PackFacts:
    return facts_of(load_site(monkeypatch, BY_ARI))


def test_ari_conf(facts: PackFacts) -> None:
    text = render_texts(facts)["ari.conf"]
    lines = [line for line in text.splitlines() if line and not line.startswith(";")]
    assert lines == [
        "[general](+)",
        "enabled = yes",
        "channelvars = CHANNEL(linkedid),SOS_KIND,SOS_UID,SOS_INCIDENT,SOS_PHONE,SOS_LOCATION,SOS_EXTEN",
        "[sos-watch]",
        "type = user",
        "read_only = yes",
        "password_format = plain",
        "password = watch-secret",
        "[sos-calls]",
        "type = user",
        "read_only = no",
        "password_format = plain",
        "password = originate-secret",
    ]
    assert "ari.conf" in SECRET_FILES


def test_manager_conf_has_the_heartbeat_only(facts: PackFacts) -> None:
    assert [account.username for account in facts.accounts] == ["sos-heartbeat"]


def test_a_site_without_ari_has_no_such_file(monkeypatch: pytest.MonkeyPatch) -> None:
    site = load_site(monkeypatch)
    assert "ari.conf" not in render_texts(facts_of(site))
    assert ari_watch_settings(site) is None


def test_the_hash_knows_users_and_not_their_secrets(facts: PackFacts) -> None:
    other = tuple(replace(user, secret="x") for user in facts.ari_users)
    assert pack_hash(replace(facts, ari_users=other)) == pack_hash(facts)
    assert pack_hash(replace(facts, ari_users=facts.ari_users[:1])) != pack_hash(facts)


def test_a_secret_that_is_not_there_is_left_out(facts: PackFacts) -> None:
    nameless = tuple(replace(user, secret=None) for user in facts.ari_users)
    assert "\npassword = " not in render_texts(replace(facts, ari_users=nameless))["ari.conf"]


def test_a_secret_that_ari_conf_cannot_hold_is_refused(facts: PackFacts) -> None:
    evil = tuple(replace(user, secret="a;b") for user in facts.ari_users)
    with pytest.raises(ConfigError, match=r"ARI user sos-watch holds a semicolon.*ari\.conf cannot hold"):
        render_texts(replace(facts, ari_users=evil))


def test_one_user_for_both_is_refused(facts: PackFacts) -> None:
    watcher, _ = facts.ari_users
    with pytest.raises(ConfigError, match="have the same user sos-watch"):
        render_texts(replace(facts, ari_users=(watcher, watcher)))


def test_type_ari_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    site = load_site(monkeypatch, BY_ARI)
    [link] = site.triggers
    assert isinstance(link.config, ari.Config)
    assert ari_watch_settings(site) is link.config
    assert watch_settings(site) is None
    [dispatch] = [each.config for each in site.drivers if isinstance(each.config, DispatchConfig)]
    assert dispatch.originate is None


def test_ami_and_ari_together_share_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    both = TEXT.replace(
        "alarm:",
        "  - {name: pbx1-ari, type: ari, base_url: https://pbx:8089, username: sos-watch,"
        " source: asterisk/pbx1, secret: {env: WATCH}}\nalarm:",
        1,
    )
    site = load_site(monkeypatch, both)
    assert [link.name for link in site.triggers] == ["pbx1", "pbx1-ari"]
    assert watch_settings(site) is site.triggers[0].config
    assert ari_watch_settings(site) is site.triggers[1].config
