"""`sosbridge asterisk` and `sosbridge prompts`, as an administrator types them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.pack.prompts import build
from bridge.pack.site import facts_of
from tests.pack.conftest import StartLab
from tests.pack.site import SECRETS, TEXT, load_site
from tests.parts.asterisk import Endpoint

speaks = pytest.mark.real("espeak")


@pytest.fixture
def site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "site.yaml"
    file.write_text(TEXT)
    return file


def test_render_says_what_to_include_and_later_what_changed(site_file: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "pack")
    first = _run("asterisk", "render", "--config", str(site_file), "--out", out)
    assert first.exit_code == 0, first.output
    assert "new        globals.conf" in first.output
    for line in ('#tryinclude "sosbridge/globals.conf"', "include => sos-alarm", "core reload"):
        assert line in first.output
    site_file.write_text(TEXT.replace("escalate_1: 10", "escalate_1: 12"))
    second = _run("asterisk", "render", "--config", str(site_file), "--out", out)
    # SOS_GAP_1, SOS_GAP_2, and the hash twice.
    assert "changed    globals.conf (+4 -4 lines)" in second.output
    third = _run("asterisk", "render", "--config", str(site_file), "--out", out)
    assert third.output.count("unchanged") == 8
    assert not any(secret in first.output + second.output for secret in SECRETS.values())


def test_render_without_a_secret_says_so_and_goes_on(
    site_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEART")
    done = _run("asterisk", "render", "--config", str(site_file), "--out", str(tmp_path / "pack"))
    assert done.exit_code == 0
    assert "warning: the secret of AMI account sos-heartbeat cannot be read here" in done.stderr


def test_a_site_without_dispatch_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: {name: x, timezone: UTC}\nalarm: {extensions: ['9110']}\n")
    done = _run("asterisk", "render", "--config", str(file), "--out", str(tmp_path / "pack"))
    assert done.exit_code == 2
    assert "needs a section `dispatch`" in done.stderr
    assert not (tmp_path / "pack").exists()


@speaks
def test_prompts_are_built_and_kept(site_file: Path, tmp_path: Path) -> None:
    first = _run("prompts", "build", "--config", str(site_file), "--out", str(tmp_path / "sounds"))
    assert first.exit_code == 0, first.output
    assert "made       de/location-post-01.wav" in first.output
    [made] = re.findall(r"(\d+) made", first.output)
    again = _run(
        *("asterisk", "render", "--config", str(site_file)),
        *("--out", str(tmp_path / "pack"), "--prompts", str(tmp_path / "sounds")),
    )
    assert f"0 made, {made} kept, 0 removed" in again.output


@speaks
@pytest.mark.real("asterisk")
def test_check_compares_the_site_with_the_running_pbx(
    start_lab: StartLab, tmp_path: Path, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = tmp_path / "sounds"
    text = TEXT.replace("dispatch:\n", f"dispatch:\n  sounds: {sounds}\n  port: 5038\n")
    text = text.replace("host: 127.0.0.1,", "host: 127.0.0.1, port: 5038,")
    facts = facts_of(load_site(monkeypatch, text))
    build(facts, sounds)
    timeout = {"rtp_timeout": "60"}
    names = ("help-1", "help-2", "gateway", "desk-1", "desk-2", "lead-1")
    endpoints = [Endpoint(name=name, port=-1, settings=timeout) for name in names]
    lab = start_lab(facts=facts, endpoints=endpoints, watch="sosbridge", secret=SECRETS["WATCH"])
    site_file.write_text(text.replace("5038", str(lab.pbx.ami_port)))
    found = _run("asterisk", "check", "--config", str(site_file))
    assert found.exit_code == 1
    errors = [line for line in found.output.splitlines() if line.startswith("error")]
    # guard-1 is in the file and not in the PBX; all else is as it should be.
    assert errors == ["error    dispatcher/guard-1  the PBX has no PJSIP endpoint guard-1"]
    assert "this site's pack is loaded" in found.output
    assert "warning  dispatcher/+4930123@trunk  a number outside" in found.output
    assert "ok       dispatch/originate" in found.output
    site_file.write_text(site_file.read_text().replace("escalate_1: 10", "escalate_1: 12"))
    drifted = _run("asterisk", "check", "--config", str(site_file))
    assert "error    pack  another one is loaded" in drifted.output


def test_check_of_a_pbx_that_is_not_there(site_file: Path) -> None:
    site_file.write_text(TEXT.replace("host: 127.0.0.1,", "host: 127.0.0.1, port: 1,"))
    done = _run("asterisk", "check", "--config", str(site_file))
    assert done.exit_code == 1
    assert "127.0.0.1:1 cannot be reached" in done.output


def test_check_in_json_is_like_that_of_the_site(site_file: Path) -> None:
    site_file.write_text(TEXT.replace("host: 127.0.0.1,", "host: 127.0.0.1, port: 1,"))
    done = _run("asterisk", "check", "--json", "--config", str(site_file))
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    [finding] = told["findings"]
    assert (finding["level"], finding["subject"]) == ("error", "127.0.0.1:1")
    assert "cannot be reached" in finding["text"]


def test_check_tells_a_bad_file_as_json_too(site_file: Path) -> None:
    site_file.write_text(TEXT.replace("escalate_1: 10", "escalate_one: 10"))
    done = _run("asterisk", "check", "--json", "--config", str(site_file))
    assert done.exit_code == 2
    assert any("escalate_one" in finding["text"] for finding in json.loads(done.stdout)["findings"])


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)
