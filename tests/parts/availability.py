"""Which real parts this machine has, and how to get the others. Called by tests/conftest.py.

A test says what it needs by `@pytest.mark.real("asterisk", "sipp")` or by a fixture of tests/conftest.py.
A missing part skips it, but fails it when the environment variable SOSBRIDGE_REQUIRE names the part
(`SOSBRIDGE_REQUIRE=asterisk,zoneminder`): a machine that is meant to have a part must not skip in silence.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pytest

from tests.parts import asterisk, postgres, rsyslog, trees

REQUIRE: Final = "SOSBRIDGE_REQUIRE"


@dataclass(frozen=True)
class Part:
    """How to find a part, and the command that provides it.

    family: the name SOSBRIDGE_REQUIRE knows it by.
    """

    present: Callable[[], bool]
    how_to_get: str
    family: str


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _is_root() -> bool:
    return os.geteuid() == 0


PARTS: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "asterisk": Part(
            lambda: asterisk.find_install("22") is not None,
            "make asterisk-tree (or an `asterisk` on PATH)",
            "asterisk",
        ),
        "asterisk-16": Part(
            lambda: asterisk.find_install("16") is not None, "make asterisk-tree", "asterisk"
        ),
        "zoneminder": Part(
            lambda: _is_root() and trees.ZONEMINDER.present, "make zoneminder-tree, as root", "zoneminder"
        ),
        "postgres": Part(
            lambda: postgres.find_programs() is not None, "apt-get install postgresql", "postgres"
        ),
        "sipp": Part(_program("sipp"), "apt-get install sip-tester", "sipp"),
        "baresip": Part(_program("baresip"), "apt-get install baresip-core", "baresip"),
        "rtpengine": Part(_program("rtpengine"), "apt-get install rtpengine-daemon", "rtpengine"),
        "rsyslog": Part(rsyslog.is_installed, "apt-get install rsyslog rsyslog-openssl", "rsyslog"),
        "espeak": Part(
            lambda: all(map(shutil.which, ("espeak-ng", "sox"))), "apt-get install espeak-ng sox", "espeak"
        ),
        "strace": Part(_program("strace"), "apt-get install strace", "strace"),
        "root": Part(_is_root, "run the tests as root", "root"),
    }
)


def missing(part: str) -> str:
    """Return how to get the part, or "" when it is here. Raises KeyError for a part nobody knows."""
    known = PARTS[part]
    return "" if known.present() else known.how_to_get


def required() -> frozenset[str]:
    """Return the families of parts that must not be missing."""
    return frozenset(filter(None, os.environ.get(REQUIRE, "").replace(" ", "").split(",")))


def need(part: str) -> None:
    """Go on if the part is here; else skip the running test, or fail it if the part is required."""
    how_to_get = missing(part)
    if not how_to_get:
        return
    text = f"{part} is missing: {how_to_get}"
    if PARTS[part].family in required():
        pytest.fail(f"{text} ({REQUIRE} says it must be here)", pytrace=False)
    pytest.skip(text)
