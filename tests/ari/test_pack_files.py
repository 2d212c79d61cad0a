"""What `sosbridge asterisk render` prints for a site that uses ARI, and for one that does not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.drivers.dispatch import Config as DispatchConfig
from bridge.errors import ConfigError
from bridge.pack.facts import PackFacts
from bridge.pack.includes import what_to_do
from bridge.pack.render import SECRET_FILES, pack_hash, render_texts
from bridge.pack.site import ari_watch_settings, facts_of, pack_watcher, watch_settings
from bridge.triggers import ari
from tests.pack.site import TEXT, load_site

BY_ARI = TEXT.replace(
    "{name: pbx1, type: ami, host: 127.0.0.1, username: sosbridge, secret: {env: WATCH}}",
    "{name: pbx1, type: ari, base_url: https://pbx:8089, username: sos-watch, secret: {env: WATCH}}",
).replace(
    "originate: {username: sos-originate, secret: {env: ORIGINATE}}",
    "ari: {base_url: https://pbx:8089, username: sos-calls, secret: {env: ORIGINATE}}",
)


ONLY_ARI = BY_ARI.replace("  heartbeat: {username: sos-heartbeat, secret: {env: HEART}}\n", "")


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> PackFacts:
    return facts_of(load_site(monkeypatch, BY_ARI))


def test_ari_conf(facts: PackFacts) -> None:
    text = render_texts(facts)["ari.conf"]
    lines = [line for line in text.splitlines() if line and not line.startswith(";")]
    assert lines == [
        "[general](+)",
        "enabled = yes",
        "channelvars = CHANNEL(linkedid),SOS_KIND,SOS_UID,SOS_INCIDENT,SOS_PHONE,SOS_LOCATION,SOS_EXTEN,"
        "SOS_ACK",
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


def test_a_site_with_nothing_but_ari_has_no_file_for_ami(monkeypatch: pytest.MonkeyPatch) -> None:
    site = load_site(monkeypatch, ONLY_ARI)
    facts = facts_of(site)
    assert (facts.accounts, [user.username for user in facts.ari_users]) == ((), ["sos-watch", "sos-calls"])
    texts = render_texts(facts)
    assert "manager.conf" not in texts
    assert "; Starts calls into the pack, and proves the bridge alive." in texts["ari.conf"]
    assert pack_watcher(site) is site.triggers[0].config


def test_what_to_do_names_the_files_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        name: what_to_do(Path("pack"), list(render_texts(facts_of(load_site(monkeypatch, text)))))
        for name, text in (("ami", TEXT), ("both", BY_ARI), ("ari", ONLY_ARI))
    }
    includes = {name: set(re.findall(r"sosbridge/(\w+)\.conf", text)) for name, text in told.items()}
    assert includes["both"] - includes["ami"] == {"ari"}
    assert includes["both"] - includes["ari"] == {"manager"}
    assert "manager.conf holds secrets" in told["ami"]
    assert "manager.conf and ari.conf hold secrets" in told["both"]
    assert "ari.conf holds secrets" in told["ari"]
    assert "http.conf" not in told["ami"]
    assert "include => sos-alarm" in told["ari"]


def test_render_warns_of_an_ari_secret_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(ONLY_ARI)
    monkeypatch.delenv("ORIGINATE", raising=False)
    command = ["asterisk", "render", "--config", str(file), "--out", str(tmp_path / "pack")]
    done = CliRunner(env={"WATCH": "w"}).invoke(main, command)
    assert done.exit_code == 0, done.output
    assert (
        "the secret of ARI user sos-calls cannot be read here: its line in ari.conf is left out"
        in done.stderr
    )
    assert not (tmp_path / "pack" / "manager.conf").exists()


def test_an_ami_site_needs_its_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    without = TEXT.replace("  heartbeat: {username: sos-heartbeat, secret: {env: HEART}}\n", "")
    with pytest.raises(ConfigError, match="needs `heartbeat`, an AMI account, where it has no `ari`"):
        load_site(monkeypatch, without)


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
    assert pack_watcher(site) is site.triggers[0].config, "one of them compares the pack"
