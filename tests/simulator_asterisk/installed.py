"""An Asterisk as an administrator installs it: `sbin/asterisk` with its modules and data beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from bridge.simulator.asterisk_files import MODULES
from tests.parts.asterisk import find_install


def installed(version: str, root: Path) -> Path:
    """Make a test tree's Asterisk look installed below `root`; return its program."""
    found = find_install(version)
    assert found is not None, "ask `need` before"
    (root / "lib/asterisk").mkdir(parents=True)
    (root / "lib/asterisk/modules").symlink_to(found.modules)
    (root / "share").mkdir()
    (root / "share/asterisk").symlink_to(found.data)
    return _program(root, f'exec {shlex.join(found.command)} "$@"')


def pretended(root: Path, script: str, *, without: Iterable[str] = ()) -> Path:
    """Make something that looks like an Asterisk from outside, and runs `script` instead."""
    modules = root / "lib/x86_64-linux-gnu/asterisk/modules"
    modules.mkdir(parents=True)
    for name in set(MODULES).difference(without):
        (modules / f"{name}.so").touch()
    (root / "share/asterisk/documentation").mkdir(parents=True)
    return _program(root, script)


def _program(root: Path, script: str) -> Path:
    program = root / "sbin/asterisk"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program
