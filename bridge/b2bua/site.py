"""Who is there to be rung: the site as plain values, and the only endpoints that are ever dialled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final

from bridge.calls import extension_matches
from bridge.errors import ConfigError
from bridge.model import Phone

SERVICE: Final = "urn:service:sos"
"""RFC 5031; its sub-services (`.fire`, `.police`) are the same cry for help."""
UNKNOWN_PHONE: Final = "unknown/"
"""Begins the id of a phone of no configuration, as in `bridge.response`."""
_LONGEST: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A dispatcher: the endpoint that is rung. `trunk`: it is reached over a trunk, which answers late."""

    endpoint: str
    language: str = "en"
    trunk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A dispatch group: who is rung together, tier by tier."""

    name: str
    tiers: tuple[tuple[Person, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is dialled. `number`: to be asked for behind a gateway. `phone`: its id, '' if it is none."""

    endpoint: str
    number: str = ""
    phone: str = ""
    callback: str = "ring"


def target_of(phone: Phone) -> Target:
    number = phone.extension if phone.shared else ""
    return Target(endpoint=phone.endpoint, number=number, phone=phone.id, callback=phone.callback)


@dataclass(frozen=True, kw_only=True)
class Site:
    """All that the exchange knows of the plant.

    Raises ConfigError when `numbers` leads to an endpoint that is nobody's.
    """

    alarm_extensions: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    phones: tuple[Phone, ...] = ()
    consoles: tuple[str, ...] = ()
    """Endpoints rung for a call whose location has no consoles of its own."""
    consoles_at: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Location tag -> endpoints of its consoles."""
    numbers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Further extension -> endpoint, beside the phones' own."""
    accounts: frozenset[str] = frozenset()
    """Further endpoints that may register here, and so may be called back and may call."""
    language: str = "en"
    """Of what callers hear, where their phone has no other."""

    def __post_init__(self) -> None:
        for number, endpoint in self.numbers.items():
            if endpoint not in self.endpoints:
                raise ConfigError(
                    f"extension {number} leads to {endpoint}, which is no endpoint of this site"
                )

    # --- who may be dialled -------------------------------------------------------------------------

    @cached_property
    def endpoints(self) -> frozenset[str]:
        """Every endpoint of this site. Nothing else is dialled, whatever a call says."""
        people = (person.endpoint for group in self.groups for tier in group.tiers for person in tier)
        placed = (console for consoles in self.consoles_at.values() for console in consoles)
        phones = (phone.endpoint for phone in self.phones)
        return frozenset((*people, *placed, *phones, *self.consoles, *self.accounts))

    @cached_property
    def tiers(self) -> tuple[tuple[str, ...], ...]:
        """Who is rung together on every SOS: tier n of all groups, nobody twice in it."""
        depth = max((len(group.tiers) for group in self.groups), default=0)
        return tuple(
            _once(
                person.endpoint for group in self.groups for tier in group.tiers[n : n + 1] for person in tier
            )
            for n in range(depth)
        )

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        people: dict[str, Person] = {}
        for group in self.groups:
            for tier in group.tiers:
                for person in tier:
                    people.setdefault(person.endpoint, person)
        return people

    def person(self, endpoint: str) -> Person:
        """Return the dispatcher at `endpoint`; the first group that names him says his language."""
        return self._people.get(endpoint) or Person(endpoint=endpoint, language=self.language)

    def group_tier(self, group: str, tier: int) -> tuple[str, ...] | None:
        """Return whom that tier rings: its first one where it has no such tier; None without such a group."""
        for known in self.groups:
            if known.name == group:
                people = known.tiers[tier - 1 : tier] or known.tiers[:1]
                return _once(person.endpoint for persons in people for person in persons)
        return None

    def consoles_for(self, location: str) -> tuple[str, ...]:
        return _once(self.consoles_at.get(location) or self.consoles)

    # --- what was dialled ---------------------------------------------------------------------------

    def alarm_extension(self, dialled: str) -> str:
        """Return the alarm extension that `dialled` means; '' where it is no cry for help."""
        if any(extension_matches(pattern, dialled) for pattern in self.alarm_extensions):
            return dialled
        if dialled.lower().startswith(SERVICE) and dialled[len(SERVICE) :][:1] in ("", "."):
            plain = (extension for extension in self.alarm_extensions if not extension.startswith("_"))
            return next(plain, dialled)
        return ""

    def target(self, dialled: str) -> Target | None:
        """Return whom an extension rings in a routine call; None where it is nobody's."""
        if phone := self._by_extension.get(dialled):
            return target_of(phone)
        if endpoint := self.numbers.get(dialled):
            phone = self._own_endpoint.get(endpoint)
            return target_of(phone) if phone else Target(endpoint=endpoint)
        return None

    @cached_property
    def _by_extension(self) -> Mapping[str, Phone]:
        return {phone.extension: phone for phone in self.phones}

    # --- who calls ----------------------------------------------------------------------------------

    @cached_property
    def _own_endpoint(self) -> Mapping[str, Phone]:
        return {phone.endpoint: phone for phone in self.phones if not phone.shared}

    @cached_property
    def _behind_gateway(self) -> Mapping[tuple[str, str], Phone]:
        return {(phone.endpoint, phone.extension): phone for phone in self.phones if phone.shared}

    @cached_property
    def _gateways(self) -> frozenset[str]:
        return frozenset(phone.endpoint for phone in self.phones if phone.shared)

    @cached_property
    def _by_id(self) -> Mapping[str, Phone]:
        return {phone.id: phone for phone in self.phones}

    def phone(self, id: str) -> Phone | None:  # noqa: A002  it is the field's own name
        return self._by_id.get(id)

    def caller_language(self, id: str) -> str:  # noqa: A002  as above
        """Return in which language the caller at that phone is spoken to."""
        phone = self.phone(id)
        return (phone.language if phone else "") or self.language

    def phone_at(self, endpoint: str, number: str) -> Phone | None:
        """Return the phone by its endpoint; by caller ID only where the endpoint is shared."""
        return self._own_endpoint.get(endpoint) or self._behind_gateway.get((endpoint, number))

    def caller(self, endpoint: str, number: str, uid: str) -> Phone:
        """Return who calls. A phone of no configuration gets the id that `bridge.response` gives it."""
        if phone := self.phone_at(endpoint, number):
            return phone
        name = number or uid
        if endpoint:
            name = f"{endpoint}/{name}" if endpoint in self._gateways else endpoint
        return self.stranger(_cut(f"{UNKNOWN_PHONE}{name}"), endpoint, number)

    def stranger(self, id: str, endpoint: str, number: str) -> Phone:  # noqa: A002  as above
        """Return a phone of no configuration: it just rings when it is called back."""
        shared = endpoint in self._gateways
        return Phone(id=id, endpoint=endpoint, extension=number, location="", shared=shared, callback="ring")


def _once(endpoints: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(endpoints))


def _cut(text: str) -> str:
    """As `response.bounds` does, so that the bridge's commands name an unknown phone alike."""
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: _LONGEST - 17]}…{digest[:16]}"
