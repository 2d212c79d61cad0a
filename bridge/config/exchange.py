"""A loaded site -> what the bridge's own telephone exchange knows of it. Called by `app` at each reload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.b2bua import Group, Person
from bridge.b2bua import Site as ExchangeSite
from bridge.config.sections import GroupSection
from bridge.config.site import Site
from bridge.triggers.sip import Config


def exchange_site(site: Site, exchange: Config) -> ExchangeSite:
    """Return the plant as `exchange` (the settings of a link of type `sip`) is to ring it."""
    placed = {tag: tuple(_endpoints(site, place.consoles)) for tag, place in site.file.locations.items()}
    return ExchangeSite(
        alarm_extensions=site.alarm.extensions,
        groups=tuple(_groups(site, exchange)),
        phones=site.plan().phones,
        consoles=tuple(_endpoints(site, site.default_consoles)),
        consoles_at={tag: endpoints for tag, endpoints in placed.items() if endpoints},
        numbers=dict(exchange.numbers),
        accounts=frozenset(exchange.accounts),
        language=site.site.language,
    )


def _groups(site: Site, exchange: Config) -> Iterator[Group]:
    dispatch = site.file.dispatch
    if dispatch is None:
        return
    for name, group in dispatch.groups.items():
        tiers = tuple(
            tuple(
                Person(
                    endpoint=endpoint,
                    language=dispatch.language_of(endpoint, group) or site.site.language,
                    trunk=exchange.is_trunk(endpoint),
                )
                for endpoint in tier
            )
            for tier in (tiers_by(group, exchange) if _stands_in(site, exchange) else group.tiers)
        )
        yield Group(name=name, tiers=tiers)


def tiers_by(group: GroupSection, exchange: Config) -> tuple[tuple[str, ...], ...]:
    """Return whom the exchange rings where it stands in for the PBX that the group's endpoints are at."""
    if group.fallback:
        return group.fallback
    reached = (tuple(filter(exchange.reaches, tier)) for tier in group.tiers)
    return tuple(tier for tier in reached if tier)


def _stands_in(site: Site, exchange: Config) -> bool:
    name = site.file.dispatch.fallback if site.file.dispatch else None
    return any(link.name == name and link.config is exchange for link in site.triggers)


def _endpoints(site: Site, consoles: Iterable[str]) -> Iterator[str]:
    for name in consoles:
        if endpoint := site.file.consoles[name].endpoint:
            yield endpoint
