"""What the pack is made of: the site as plain values, named so that they are safe in dialplan.

`render` and `prompts` read nothing else; `site.py` fills it from a loaded `Site`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from bridge.model import derive_id

_SAFE: Final = re.compile(r"[0-9A-Za-z_.+-]{1,60}")


def dialplan_key(endpoint: str) -> str:
    """Return a name for `endpoint` that can stand in a variable, an extension and a group count.

    An endpoint is its own key; a number at a trunk (`+4930123@trunk`), which cannot, gets a readable one.
    """
    if _SAFE.fullmatch(endpoint):
        return endpoint
    readable = re.sub(r"[^0-9A-Za-z_.+-]", "_", endpoint)[:40]
    return f"{readable}_{derive_id('dialplan', endpoint)[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at a PBX endpoint (or a number at a trunk) who can be rung."""

    endpoint: str
    language: str = "en"

    @property
    def key(self) -> str:
        return dialplan_key(self.endpoint)

    @property
    def dial(self) -> str:
        return f"PJSIP/{self.endpoint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A dispatch group: who is rung together, tier by tier."""

    name: str
    tiers: tuple[tuple[Person, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneFacts:
    """A help point. `shared`: its endpoint serves several, and `number` tells them apart."""

    id: str
    endpoint: str
    number: str
    location: str
    shared: bool = False
    callback: str = "auto_answer"
    """`auto_answer`, `ring` or `never`."""
    announce: bool = True
    language: str = ""
    """Of what its caller hears; empty: the site's."""

    @property
    def dial(self) -> str:
        """How it is called back."""
        return f"PJSIP/{self.number}@{self.endpoint}" if self.shared else f"PJSIP/{self.endpoint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A location. `consoles`: empty where it has none of its own."""

    tag: str
    spoken: str
    consoles: tuple[Person, ...] = ()


ESPEAK: Final = ("espeak-ng", "-v", "{language}", "-s", "145", "--stdin", "-w", "{file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How announcements are made."""

    command: tuple[str, ...] = ESPEAK
    """Program and arguments; in these, `{file}` is the WAV file to write, `{language}` the language."""
    recorded: str = ""
    """Folder of recordings that are taken in place of speech; empty: there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAccount:
    """A section of manager.conf. `secret`: None where it could not be read."""

    username: str
    what: str
    read: str
    write: str
    filters: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AriUser:
    """A section of ari.conf. `secret`: None where it could not be read."""

    username: str
    what: str
    read_only: bool
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackTimes:
    """Waiting times of the dialplan, seconds; how often, where they are counts."""

    tiers: tuple[float, ...] = (20.0, 60.0)
    """From the call until tier 1, 2, ... rings; further tiers follow at the last distance."""
    ring: float = 25.0
    pause: float = 5.0
    key_wait: float = 6.0
    repeats: int = 3
    console_settle: float = 5.0
    redial_wait: float = 5.0
    hunt: float = 1800.0
    callback_ring: float = 45.0
    heartbeat_stale: int = 15

    def gap(self, tier: int) -> float:
        """Return how long tier `tier` (from 1) waits after the one before it."""
        starts = (0.0, *self.tiers)
        last = min(tier, len(self.tiers))
        return max(0.0, starts[last] - starts[last - 1])


@dataclass(frozen=True, kw_only=True)
class PackFacts:
    """A site, as its PBX needs it."""

    site: str
    alarm_extensions: tuple[str, ...]
    groups: tuple[Group, ...]
    phones: tuple[PhoneFacts, ...] = ()
    locations: tuple[Place, ...] = ()
    consoles: tuple[Person, ...] = ()
    """Rung where the location has none of its own."""
    language: str = "en"
    """Of what callers hear, where their phone has no other."""
    speech: Speech = field(default_factory=Speech)
    times: PackTimes = field(default_factory=PackTimes)
    accounts: tuple[AmiAccount, ...] = ()
    ari_users: tuple[AriUser, ...] = ()
    permit: str = "127.0.0.1"
    """Where the accounts' logins come from."""
    sounds: str = "/var/lib/asterisk/sounds/sosbridge"
    recordings: str = "sosbridge"
    record: bool = True
    own_exchange: bool = False
    """The bridge plays the announcements itself: there are no sounds of a PBX beside them."""

    @cached_property
    def tiers(self) -> tuple[tuple[Person, ...], ...]:
        """Who is rung together on every SOS: tier n of all groups, nobody twice."""
        depth = max((len(group.tiers) for group in self.groups), default=0)
        return tuple(
            _once(person for group in self.groups for tier in group.tiers[n : n + 1] for person in tier)
            for n in range(depth)
        )

    @cached_property
    def dispatchers(self) -> tuple[Person, ...]:
        return _once(person for tier in self.tiers for person in tier)

    @cached_property
    def all_consoles(self) -> tuple[Person, ...]:
        return _once((*self.consoles, *(console for place in self.locations for console in place.consoles)))

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Every language in which somebody is rung; the site's first."""
        return tuple(dict.fromkeys((self.language, *(person.language for person in self.dispatchers))))

    @cached_property
    def caller_languages(self) -> tuple[str, ...]:
        """Every language in which a caller is spoken to; the site's first."""
        return tuple(
            dict.fromkeys((self.language, *(phone.language for phone in self.phones if phone.language)))
        )


def _once(people: Iterable[Person]) -> tuple[Person, ...]:
    """Drop repeated people; the first mention counts, with its language."""
    kept: dict[str, Person] = {}
    for person in people:
        kept.setdefault(person.key, person)
    return tuple(kept.values())
