"""What somebody who is trained types into the terminal: who has an incident, and that it is over.

`sosbridge incidents acknowledge` opens the store of the site file, which a training never touches, and knows
nothing of the training's time. So the training listens itself. Called by `reenact`.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from bridge.cli.demo.stage import Seen
from bridge.model import Incident, IncidentState, Kind

KEYS: Final = "a + Enter: I have it (the newest, or `a 1767` by its id); r + Enter: it is over; Ctrl-C ends"
_MEANT: Final = {
    "a": (Kind.ACKNOWLEDGED, (IncidentState.OPEN, IncidentState.CONNECTED)),
    "r": (Kind.RESOLVED, (IncidentState.OPEN, IncidentState.CONNECTED, IncidentState.ACKNOWLEDGED)),
}


class Say(Protocol):
    """As `Enactment.say`."""

    def __call__(self, kind: Kind, incident: str, by: str) -> Awaitable[None]: ...


class Trainee:
    """seen: what the bridge has committed. answer: prints a line."""

    def __init__(self, seen: Seen, say: Say, answer: Callable[[str], None]) -> None:
        self._seen: Final = seen
        self._say: Final = say
        self._answer: Final = answer
        self._saying: Final[set[asyncio.Task[None]]] = set()

    def typed(self, line: str) -> None:
        """Do what a line asks for."""
        word, _, named = line.strip().lower().partition(" ")
        if not word:
            return
        if word not in _MEANT:
            self._answer(KEYS)
            return
        kind, states = _MEANT[word]
        incident = _newest(self._seen, states, named.strip())
        if incident is None:
            self._answer("no such incident is open")
            return
        task = asyncio.ensure_future(self._said(kind, incident.id))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def _said(self, kind: Kind, incident: str) -> None:
        await self._say(kind, incident, name())

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take lines from standard input, a terminal, while the `with` lasts."""
        loop, file = asyncio.get_running_loop(), sys.stdin.fileno()

        def readable() -> None:
            typed = os.read(file, 4096)
            for line in typed.decode(errors="replace").splitlines():
                self.typed(line)
            if not typed:  # Ctrl-D
                loop.remove_reader(file)

        loop.add_reader(file, readable)
        try:
            yield
        finally:
            loop.remove_reader(file)
            for task in self._saying:
                task.cancel()


def name() -> str:
    """Who acts: the login name, where this user has one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "trainee"


def _newest(seen: Seen, states: tuple[IncidentState, ...], named: str) -> Incident | None:
    """named: the beginning of its id; '' for the newest."""
    found = [each for each in seen.incidents.values() if each.state in states and each.id.startswith(named)]
    return max(found, key=lambda each: each.opened_at, default=None)
