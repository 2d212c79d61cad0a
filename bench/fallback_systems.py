"""The broken video systems of `bench.fallback`: what is wrong with each kind, and where it is reached."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Final, Self

from bench.fallback_site import Broken, Post
from bench.site import ENVIRONMENT
from bridge.simulator.vms.faults import Fault, Rule
from tests.lab.lab import SECRETS, Wall
from tests.parts.ports import LOOPBACK, free_port, give_back

TOKEN: Final = "SOSBRIDGE_WALL_TOKEN"
_RULES: Final[Mapping[Broken, Rule]] = {
    Broken.FORBIDDING: Rule(fault=Fault.STATUS, status=403),
    Broken.HUNG: Rule(fault=Fault.SILENT),
    Broken.LYING: Rule(fault=Fault.LIE),
}


class Systems:
    """The broken video systems, one server a kind; where they refuse, there is none. For all houses."""

    def __init__(self, posts: Iterable[Post]) -> None:
        names = [post.extension for post in posts]
        self._walls = {
            broken: Wall({name: {"wall": name} for name in names}, names)
            for broken in (Broken.FORBIDDING, Broken.HUNG, Broken.LYING)
        }
        self._nobody = free_port()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        os.environ.update(ENVIRONMENT, **{TOKEN: SECRETS[TOKEN]})
        for broken, wall in self._walls.items():
            wall.vms.faults.order(_RULES[broken])
            self._stack.enter_context(wall)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        give_back(self._nobody)

    @property
    def urls(self) -> dict[Broken, str]:
        there = {broken: wall.vms.url for broken, wall in self._walls.items()}
        return {Broken.REFUSING: f"http://{LOOPBACK}:{self._nobody}", **there}
