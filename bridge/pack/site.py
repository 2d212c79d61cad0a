"""A loaded site -> what the pack is made of. Called by `app` and the commands `asterisk` and `prompts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bridge.config import Site
from bridge.drivers.dispatch import Config
from bridge.errors import ConfigError
from bridge.pack.facts import (
    ESPEAK,
    AmiAccount,
    AriUser,
    Group,
    PackFacts,
    PackTimes,
    Person,
    PhoneFacts,
    Place,
    Speech,
)
from bridge.pack.render import pack_hash
from bridge.protocols.secret import Secret
from bridge.triggers.ami.settings import Config as WatchSettings
from bridge.triggers.ari.settings import Config as AriWatchSettings
from bridge.triggers.sip import Config as ExchangeSettings


def dispatch_settings(site: Site) -> Config:
    """Return the settings of the site's `dispatch`. Raises ConfigError where it has none."""
    for driver in site.drivers:
        if isinstance(driver.config, Config):
            return driver.config
    raise ConfigError(
        f"{site.path}: the dialplan pack needs a section `dispatch` (type `dispatch`): who is rung, and the"
        " PBX's accounts"
    )


def watch_settings(site: Site) -> WatchSettings | None:
    """Return the settings of the link that watches the PBX of `dispatch`; None where nothing does."""
    wanted = dispatch_settings(site).pbx
    links = {link.name: link.config for link in site.triggers if isinstance(link.config, WatchSettings)}
    return links.get(wanted) if wanted else next(iter(links.values()), None)


def ari_watch_settings(site: Site) -> AriWatchSettings | None:
    """Return the settings of the link that watches the PBX of `dispatch` over ARI, or None."""
    wanted = dispatch_settings(site).pbx
    links = {link.name: link.config for link in site.triggers if isinstance(link.config, AriWatchSettings)}
    return links.get(wanted) if wanted else next(iter(links.values()), None)


def pack_watcher(site: Site) -> WatchSettings | AriWatchSettings | None:
    """Return the settings of the one link that compares the loaded pack with this site's: AMI where there is,
    for it tells of a reload at once."""
    return watch_settings(site) or ari_watch_settings(site)


def loaded_hash(site: Site) -> str:
    """Return the hash that the PBX has loaded if it has this site's pack. Raises ConfigError."""
    return pack_hash(facts_of(site))


def facts_of(site: Site) -> PackFacts:
    """Return what the pack is made of. Raises ConfigError where the site cannot be put into a dialplan."""
    settings = dispatch_settings(site)
    return replace(
        announced(site),
        times=_times(site, settings),
        accounts=tuple(_accounts(settings, watch_settings(site))),
        ari_users=tuple(_ari_users(settings, ari_watch_settings(site))),
        permit=settings.bridge_address,
        sounds=settings.sounds,
        recordings=settings.recordings,
        record=settings.record,
    )


def announced(site: Site) -> PackFacts:
    """Return what the announcements are about, and who hears them: with a PBX or without."""
    file = site.file
    return PackFacts(
        site=site.site.name,
        alarm_extensions=site.alarm.extensions,
        groups=tuple(_groups(site)),
        phones=tuple(
            PhoneFacts(
                id=phone_id,
                endpoint=phone.endpoint,
                number=phone.extension,
                location=phone.location,
                shared=phone.shared,
                callback=phone.callback,
                announce=phone.announce,
                language=phone.language or "",
            )
            for phone_id, phone in file.phones.items()
        ),
        locations=tuple(
            Place(tag=tag, spoken=place.spoken, consoles=_consoles(site, place.consoles))
            for tag, place in file.locations.items()
        ),
        consoles=_consoles(site, site.default_consoles),
        language=site.site.language,
        speech=Speech(command=file.prompts.command or ESPEAK, recorded=file.prompts.recorded or ""),
        own_exchange=any(isinstance(link.config, ExchangeSettings) for link in site.triggers),
    )


def _groups(site: Site) -> Iterator[Group]:
    dispatch = site.file.dispatch
    if dispatch is None:
        return
    for name, group in dispatch.groups.items():
        tiers = tuple(
            tuple(
                Person(endpoint=each, language=dispatch.language_of(each, group) or site.site.language)
                for each in tier
            )
            for tier in group.tiers
        )
        yield Group(name=name, tiers=tiers)


def _consoles(site: Site, names: Iterable[str]) -> tuple[Person, ...]:
    endpoints = (site.file.consoles[name].endpoint for name in names)
    return tuple(Person(endpoint=endpoint) for endpoint in endpoints if endpoint)


def _times(site: Site, settings: Config) -> PackTimes:
    times = site.file.times
    return PackTimes(
        tiers=(times.escalate_1, times.escalate_2),
        ring=settings.ring,
        pause=settings.pause,
        key_wait=settings.key_wait,
        repeats=settings.repeats,
        console_settle=times.console_settle,
        redial_wait=times.redial_wait,
        hunt=settings.hunt,
        callback_ring=settings.callback_ring,
        heartbeat_stale=settings.heartbeat_stale,
    )


def _accounts(settings: Config, watch: WatchSettings | None) -> Iterator[AmiAccount]:
    if watch is not None:
        yield AmiAccount(
            username=watch.username,
            what="Watches calls and devices; can change nothing.",
            read="system,call,user,security",
            write="reporting",
            # The heartbeat is a call, every few seconds.
            filters=("!Channel: Local/beat@sos-heartbeat",),
            secret=_revealed(watch.secret),
        )
    if settings.originate is not None:
        yield AmiAccount(
            username=settings.originate.username,
            what="Starts calls into the pack; hears only what became of them.",
            read="call,user",
            write="originate",
            filters=("Event: OriginateResponse", "UserEvent: SOS"),
            secret=_revealed(settings.originate.secret),
        )
    if settings.heartbeat is not None:
        yield AmiAccount(
            username=settings.heartbeat.username,
            what="Proves the bridge alive. (Setvar would need class `call`, which may also hang up.)",
            read="call",
            write="originate",
            filters=("Event: OriginateResponse",),
            secret=_revealed(settings.heartbeat.secret),
        )


def _ari_users(settings: Config, watch: AriWatchSettings | None) -> Iterator[AriUser]:
    if watch is not None:
        yield AriUser(
            username=watch.username,
            what="Watches calls and devices; can change nothing.",
            read_only=True,
            secret=_revealed(watch.secret),
        )
    if settings.ari is not None:
        beats = settings.heartbeat is None
        work = "Starts calls into the pack" + (", and proves the bridge alive" if beats else "")
        yield AriUser(
            username=settings.ari.username,
            what=f"{work}. (ARI has no lesser right for that than all rights.)",
            read_only=False,
            secret=_revealed(settings.ari.secret),
        )


def _revealed(secret: Secret) -> str | None:
    try:
        return secret.reveal()
    except ConfigError:
        return None
