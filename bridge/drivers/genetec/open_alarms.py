"""Which instance of an alarm is for which of our incidents. Called by `alarms` and `watching`.

Security Center cannot say: a trigger has no field for the incident. So it is kept in memory, and after a
restart learned again from the references in receipts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.genetec_text import guid

FORGOTTEN_AFTER: Final = 24 * 3600.0
"""Seconds after which nobody is expected to acknowledge an instance any more."""
_REFERENCE: Final = re.compile(r"alarm:([0-9]{1,18})@([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An instance that is up for one of our incidents. It is watched from `since` to `until`, UTC epoch
    seconds."""

    alarm: str
    instance: str
    incident: str
    since: float
    until: float

    @property
    def reference(self) -> str:
        return f"alarm:{self.instance}@{self.alarm}"


def instance_in(reference: str) -> tuple[str, str] | None:
    """Alarm and instance that a receipt's reference names; None if it is something else."""
    match = _REFERENCE.fullmatch(reference)
    try:
        return (guid(match[2]), match[1]) if match else None
    except ProtocolError:
        return None


class OpenAlarms:
    """The instances of ours, and which of them nobody has acknowledged yet, as far as this process knows."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], OpenAlarm] = {}
        """Also those that are not watched any more: an instance that we failed to close is still nobody
        else's."""
        self._watched: set[tuple[str, str]] = set()
        self._some = asyncio.Event()

    def __iter__(self) -> Iterator[OpenAlarm]:
        """Those that are watched, over a copy: what is open may change meanwhile."""
        return iter([self._known[key] for key in sorted(self._watched)])

    def add(self, opened: OpenAlarm) -> None:
        """It is up, and watched from now on."""
        self._known[opened.alarm, opened.instance] = opened
        self._watched.add((opened.alarm, opened.instance))
        self._some.set()

    def note(self, opened: OpenAlarm) -> None:
        """Take it in, unless it is known: one that was acknowledged is not watched anew."""
        if (opened.alarm, opened.instance) not in self._known:
            self.add(opened)

    def end(self, alarm: str, instance: str) -> None:
        """Watch it no longer. Whose it is stays known."""
        self._watched.discard((alarm, instance))
        if not self._watched:
            self._some.clear()

    def owner(self, alarm: str, instance: str) -> str:
        """The incident that an instance is for; empty if it is not known."""
        known = self._known.get((alarm, instance))
        return known.incident if known else ""

    def forget(self, now: float) -> None:
        """Drop what is too old for anybody to acknowledge. now: UTC epoch seconds."""
        for key, opened in tuple(self._known.items()):
            if now > opened.until:
                self.end(*key)
            if now > opened.since + FORGOTTEN_AFTER and key not in self._watched:
                del self._known[key]

    async def until_some(self) -> None:
        await self._some.wait()
