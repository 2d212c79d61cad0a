"""What a system that is not simulated would have been sent, in words. Pure; called by the recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from bridge.b2bua.inputs import Cleared, Notify, Recall, Taken
from bridge.config import Site
from bridge.drivers.http.render import render
from bridge.drivers.http.settings import Config as HttpConfig
from bridge.drivers.sip_dispatch.request import command_of
from bridge.errors import ConfigError, ProtocolError
from bridge.model import Delivery, Operation
from bridge.pack.phrases import Phrases, phrases_in

LONGEST: Final = 300


def words_for(site: Site, name: str, config: BaseModel | None) -> Callable[[Delivery], str]:
    """Return what says it. name, config: of the driver that the site has."""

    def words(delivery: Delivery) -> str:
        if delivery.operation is Operation.NOTIFY:
            return _of_dispatch(site, delivery)
        if isinstance(config, HttpConfig):
            return _request(config, name, delivery)
        title = delivery.params.get("title", "")
        return f"{delivery.operation.replace('_', ' ')} {delivery.target}: {title}"

    return words


def _request(config: HttpConfig, name: str, delivery: Delivery) -> str:
    """The request as it would go out, without its credentials."""
    values = {
        **delivery.params,
        "target": delivery.target,
        "operation": delivery.operation.value,
        "delivery": delivery.id,
        "incident": delivery.incident,
        "driver": name,
    }
    try:
        request = render(config.requests[delivery.operation], values)
    except ProtocolError as error:
        return f"cannot be sent: {error}"
    body = (request.body or b"").decode(errors="replace")
    return f"{request.method} {request.path} {body}".strip()[:LONGEST]


def _of_dispatch(site: Site, delivery: Delivery) -> str:
    """Who is rung or told, and what they hear. The dispatchers are as simulated as everything else."""
    command = command_of(delivery)
    match command:
        case Cleared():
            return "the dispatchers hear that the exercise is over"
        case Taken():
            return f"the dispatchers hear that {command.by or 'somebody'} has the exercise"
        case Recall():
            return f"{_people(site, None)} ring, then the phone is called back: {_heard(site, delivery)}"
        case Notify():
            return f"{_people(site, command)} ring: {_heard(site, delivery)}"


def _people(site: Site, command: Notify | None) -> str:
    """Those of one group's tier; without a command, all."""
    groups = site.file.dispatch.groups if site.file.dispatch else {}
    if command is None:
        people = [each for group in groups.values() for tier in group.tiers for each in tier]
    else:
        tiers = groups[command.group].tiers if command.group in groups else ()
        people = list(tiers[min(command.tier, len(tiers)) - 1]) if tiers else []
    return ", ".join(dict.fromkeys(people)) or "the dispatchers"


def _heard(site: Site, delivery: Delivery) -> str:
    phrases = _phrases(site.site.language)
    place = site.file.locations.get(delivery.params.get("location", ""))
    where = phrases.location.format(place=place.spoken) if place else phrases.location_unknown
    video = {"not confirmed": phrases.video_unconfirmed, "none": phrases.video_none}
    said = (phrases.exercise, where, video.get(delivery.params.get("picture", ""), ""))
    return f'"{" ".join(filter(None, said))}"'


def _phrases(language: str) -> Phrases:
    """A language that exists as recordings only is told in English."""
    try:
        return phrases_in(language)
    except ConfigError:
        return phrases_in("en")
