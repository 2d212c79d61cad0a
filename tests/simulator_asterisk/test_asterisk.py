"""Which program is an Asterisk that can be run here, and what is said of one that cannot."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bridge.simulator import asterisk
from bridge.simulator.asterisk import NoAsterisk, PrivateAsterisk, find_asterisk
from bridge.simulator.child import ChildFailed
from tests.simulator_asterisk.installed import pretended


def test_it_is_found_on_the_path_and_where_no_user_has_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pretended(tmp_path / "one", "exit 0"), pretended(tmp_path / "other", "exit 0")
    monkeypatch.setenv("PATH", str(one.parent))
    monkeypatch.setattr(asterisk, "PLACES", (str(other.parent),))
    assert find_asterisk() == one
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_asterisk() == other
    monkeypatch.setattr(asterisk, "PLACES", ())
    assert find_asterisk() is None


def test_missing_modules_are_named(tmp_path: Path) -> None:
    program = pretended(tmp_path / "usr", "exit 0", without=("app_dial", "res_pjsip"))
    with pytest.raises(NoAsterisk) as refused:
        PrivateAsterisk(program, tmp_path)
    modules = tmp_path / "usr/lib/x86_64-linux-gnu/asterisk/modules"
    assert str(refused.value) == (
        f"{program} has no app_dial, res_pjsip in {modules}: install its modules (Debian: asterisk-modules)"
    )


def test_a_program_without_modules_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoAsterisk, match=r"no modules of Asterisk below .*: name an installed program"):
        PrivateAsterisk(tmp_path / "bin/true", tmp_path)


async def test_a_link_to_the_program_leads_to_its_modules(tmp_path: Path) -> None:
    program = pretended(tmp_path / "opt", "exit 0")
    link = tmp_path / "usr/sbin/asterisk"
    link.parent.mkdir(parents=True)
    link.symlink_to(program)
    async with PrivateAsterisk(link, tmp_path):
        pass


async def test_nobody_else_gets_its_ports_and_they_are_given_back(tmp_path: Path) -> None:
    program = pretended(tmp_path / "usr", "exit 0")
    async with PrivateAsterisk(program, tmp_path) as one, PrivateAsterisk(program, tmp_path) as other:
        ports = {one.sip[1], one.ami_port, other.sip[1], other.ami_port}
        assert len(ports) == 4
        for port in ports:
            with pytest.raises(OSError, match="in use"):
                bind_both(port)
    for port in ports:
        bind_both(port)


async def test_one_that_ends_at_once_says_its_last_words(tmp_path: Path) -> None:
    program = pretended(tmp_path / "usr", "echo 'Unable to open pid file' >&2; exit 3")
    async with PrivateAsterisk(program, tmp_path) as pbx:
        with pytest.raises(
            ChildFailed, match="Asterisk ended with 3, not listening: Unable to open pid file"
        ):
            await pbx.start({}, help_points=["help-1"], others=["desk-1"])


async def test_one_that_answers_nonsense_is_not_taken_for_started(tmp_path: Path) -> None:
    """It listens, and says of no module that it runs."""
    script = (
        'case "$*" in *-rx*) echo no;; *) touch "$(dirname "$3")/../run/asterisk.ctl"; exec sleep 60;; esac'
    )
    async with PrivateAsterisk(pretended(tmp_path / "usr", script), tmp_path) as pbx:
        with pytest.raises(
            ChildFailed, match=r"Asterisk has not loaded app_bridgeaddchan, .*: its log says why"
        ):
            await pbx.start({}, help_points=["help-1"], others=["desk-1"])


def bind_both(port: int) -> None:
    """Raises OSError where somebody has its number, for UDP or TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", port))
