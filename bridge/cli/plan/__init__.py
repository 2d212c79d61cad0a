"""`sosbridge plan`: what exactly would be done, for this phone, at this step. Nothing is contacted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from bridge.cli.named import phone_named
from bridge.cli.options import config_option, json_option
from bridge.cli.plan.forecast import Forecast, StandIn, forecast, lacking, pretended
from bridge.config import Site, load
from bridge.config.problems import plural, unknown
from bridge.errors import ConfigError
from bridge.model import Incident, Operation, Tier
from bridge.response import Step


@click.command()
@config_option
@click.option("--phone", required=True, metavar="ID", help="Its id, its extension, or its location's tag.")
@click.option(
    "--event",
    "step",
    required=True,
    type=click.Choice([step.value for step in Step]),
    help="What happens: a step of the response table.",
)
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    help="Of the incident. Default: emergency; of off_hook and tamper, routine.",
)
@click.option("--missing", multiple=True, metavar="CAMERA", help="Tag of a camera that is taken for missing.")
@json_option
def command(
    config: Path, *, phone: str, step: str, tier: str | None, missing: tuple[str, ...], as_json: bool
) -> None:
    """Print the exact actions of a step, in order, without doing anything.

    Of each: the operation, the driver, what it is done to, how the driver can do it, and what will prove that
    it was done.
    """
    site = load(config, secrets=False)
    for tag in missing:
        if tag not in site.file.cameras:
            raise ConfigError(f"{site.path}: --missing: {unknown('camera', tag, site.file.cameras)}")
    incident = pretended(phone_named(site, phone), Step(step), time.time(), Tier(tier) if tier else None)
    found = forecast(site, incident, Step(step), missing)
    if as_json:
        told = {"phone": incident.phone, "location": incident.location, "event": step, "tier": incident.tier}
        click.echo(json.dumps(told | {"actions": [asdict(each) for each in found]}, indent=2))
        return
    for line in _told(site, incident, Step(step), found):
        click.echo(line)


def _told(site: Site, incident: Incident, step: Step, found: Sequence[Forecast]) -> Iterator[str]:
    spoken = site.file.locations[incident.location].spoken
    where = f"phone {incident.phone} at {incident.location} ({spoken})"
    yield f"{step} ({incident.tier}), {where}: {plural(len(found), 'action')}"
    rows = [(f"{each.order}", _what(each), f"{each.driver}:{each.target}", _how(each)) for each in found]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for each, row in zip(found, rows, strict=True):
        cells = (row[0].rjust(widths[0]), row[1].ljust(widths[1]), row[2].ljust(widths[2]), row[3])
        yield "  ".join(cells)
        if each.by_rule:
            yield f"{'':{widths[0]}}  rules in {each.driver} should: {', '.join(map(_words, each.by_rule))}"
        if each.fallback:
            yield f"{'':{widths[0]}}  {_instead(each, each.fallback)}"
    if step in (Step.ACKNOWLEDGED, Step.MORE_WANTED) and incident.tier is Tier.EMERGENCY:
        yield from _wanted(site.plan().acknowledgements)
    if step is Step.SOS:
        for operation in lacking(found):
            yield f"warning: nothing will {_words(operation)} here"


def _wanted(acknowledgements: Sequence[int]) -> Iterator[str]:
    """Say how many must acknowledge, where one person is not enough."""
    if max(acknowledgements, default=1) > 1:
        tiers = ", ".join(f"{wanted} for tier {tier}" for tier, wanted in enumerate(acknowledgements, 1))
        yield f"people who must acknowledge until dispatch is quiet: {tiers} (the tier rung last)"


def _what(each: Forecast) -> str:
    words = f"{_words(each.operation)} {each.name}"
    if each.preset and each.operation in (Operation.RECALL_PRESET, Operation.HOME):
        words += f", preset {each.preset}"
    if each.instead_of:
        words += f", instead of {each.instead_of}"
    return words + (f": {', '.join(each.views)}" if each.operation is Operation.SHOW else "")


def _instead(call: Forecast, second: StandIn) -> str:
    """Who rings the group where its driver cannot."""
    tiers = ", then ".join(" and ".join(tier) for tier in second.rings)
    when = f"says no, or has not begun after {second.after:g} s"
    return f"where {call.driver} {when}: {second.driver} rings {tiers} by {second.link}"


def _how(each: Forecast) -> str:
    """How it is done and proven: `ask first; verified: ...`."""
    proven = f"{each.proof.state}: {each.proof.text}" if each.proof.state else each.proof.text
    undone = f"; then {_words(each.undone_by)}" if each.undone_by else ""
    return f"{_words(each.capability)}; {proven}{undone}"


def _words(name: str) -> str:
    return name.replace("_", " ")
