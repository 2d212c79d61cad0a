"""The AMI accounts of a site: names that manager.conf can hold, and three of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import SiteError, load
from bridge.resources import shared_folder

TEXT = (shared_folder("examples/tank-farm") / "site.yaml").read_text()
WATCH, ORIGINATE, HEARTBEAT = (
    f"username: sosbridge{which}" for which in ("\n", "-originate,", "-heartbeat,")
)


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is wrong with this site, as `line:column: text`."""
    file = folder / "site.yaml"
    file.write_text(text)
    with pytest.raises(SiteError) as caught:
        load(file, secrets=False)
    errors = [each for each in caught.value.findings if each.level == "error"]
    return [f"{each.subject}: {each.text}".removeprefix(f"{file}:") for each in errors]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    "name", [r'"x]\nsecret = evil\nwrite = all\n[y"', r'"x\n"', '"a b"', '""', '"a;b"', "é"]
)
def test_a_username_is_a_name_in_manager_conf(tmp_path: Path, name: str) -> None:
    text = TEXT.replace(WATCH, f"username: {name}\n")
    [mistake] = mistakes(tmp_path, text)
    assert mistake.startswith(f"{line_of(text, f'username: {name}')}:")
    assert "pbx[0].username" in mistake
    assert "evil" not in mistake


@pytest.mark.parametrize("host", [r'"pbx\nx"', '"a b"', '"pbx;x"', '""', '"[::1]"'])
def test_a_host_is_a_name_or_an_address(tmp_path: Path, host: str) -> None:
    text = TEXT.replace("    host: 127.0.0.1\n", f"    host: {host}\n", 1)
    assert any("pbx[0].host" in mistake for mistake in mistakes(tmp_path, text))


@pytest.mark.parametrize("host", ["pbx1.plant.example", "10.0.0.5", '"::1"', "pbx_1"])
def test_usual_hosts_are_taken(tmp_path: Path, host: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(TEXT.replace("    host: 127.0.0.1\n", f"    host: {host}\n", 1))
    load(file, secrets=False)


@pytest.mark.parametrize(
    ("before", "after", "at", "other"),
    [
        (ORIGINATE, "username: sosbridge,", "dispatch.originate.username", "pbx[0].username"),
        (HEARTBEAT, "username: sosbridge,", "dispatch.heartbeat.username", "pbx[0].username"),
        (HEARTBEAT, ORIGINATE, "dispatch.heartbeat.username", "dispatch.originate.username"),
    ],
)
def test_each_account_is_its_own(tmp_path: Path, before: str, after: str, at: str, other: str) -> None:
    """One section of manager.conf for two of them would give the watcher the filters of the other."""
    text = TEXT.replace(before, after)
    first = {"pbx[0].username": WATCH, "dispatch.originate.username": ORIGINATE}[other]
    key = at.split(".")[1]
    [mistake] = mistakes(tmp_path, text)
    assert mistake.startswith(f"{line_of(text, f'  {key}: {{username')}:")
    assert f"{at}: is already used by `{other}` (line {line_of(text, first)})" in mistake


def test_the_account_of_another_pbx_may_have_the_same_name(tmp_path: Path) -> None:
    another = f"  - {{name: pbx2, type: ami, host: pbx2, {WATCH.strip()}-originate, secret: {{env: X}}}}\n"
    file = tmp_path / "site.yaml"
    file.write_text(
        TEXT.replace("\nalarm:", f"{another}\nalarm:", 1).replace(
            "\ndispatch:\n", "\ndispatch:\n  pbx: pbx1\n"
        )
    )
    load(file, secrets=False)
