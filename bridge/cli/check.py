"""`sosbridge check`: is the site file right, and does everything it names answer?"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import click

from bridge.cli import findings as shown
from bridge.cli.options import config_option, json_option
from bridge.config import Site
from bridge.config.build import build_driver, build_store, build_trigger
from bridge.config.problems import plural
from bridge.errors import SosBridgeError
from bridge.model import Clock, Finding
from bridge.protocols.syslog_check import SyslogCheck
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure
from bridge.supervision.proofs import look_up, text_of

CLOSING: Final = 2.0
"""Seconds a driver gets to close its connections."""


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Only the file; nothing is contacted.")
@click.option("--deadline", default=20.0, show_default=True, help="Seconds that each PBX and VMS may take.")
@json_option
def command(config: Path, offline: bool, deadline: float, as_json: bool) -> None:
    """Check the site file, then every PBX, VMS and syslog server it names.

    A PBX is logged in to and its rights are tried; a VMS is asked for its rights and for every camera
    and preset that the site uses. Nothing is moved, recorded or shown. The database is asked whether a person
    has lately seen the displays that cannot be asked.

    Exits with 0 when nothing is wrong (warnings are not), 1 when something does not answer as it should,
    2 when the file itself is wrong.
    """
    site = shown.loaded(config, as_json=as_json)
    findings = [*site.findings, _summary(site)]
    if offline:
        findings += unusable(site, SystemClock())
    else:
        # What a link logs while it is tried is said again, better, by its findings.
        logs = configure(SystemClock(), level="error")
        try:
            findings += asyncio.run(check_links(site, SystemClock(), deadline))
        finally:
            logs.close()
        findings += unproven(site, SystemClock())
    sys.exit(shown.tell(findings, as_json=as_json))


def _summary(site: Site) -> Finding:
    file = site.file
    counts = (
        plural(len(site.triggers), "PBX link"),
        plural(len(site.drivers), "driver"),
        plural(len(file.phones), "phone"),
        plural(len(file.locations), "location"),
        plural(len(file.cameras), "camera"),
    )
    return Finding(level="ok", subject=site.path, text=", ".join(counts))


class Checkable(Protocol):
    """What drivers and triggers have in common."""

    async def check(self) -> list[Finding]: ...


def unusable(site: Site, clock: Clock) -> list[Finding]:
    """Return what cannot be used on this machine (a certificate), without contacting anybody."""
    makers: dict[str, Callable[[], object]] = {}
    for trigger in site.triggers:
        makers[trigger.name] = partial(build_trigger, trigger, clock)
    for driver in site.drivers:
        makers[driver.name] = partial(build_driver, driver, clock)
    for server in site.syslog:
        makers[f"syslog/{server.name}"] = partial(SyslogCheck, server, clock)
    findings = []
    for name, make in makers.items():
        try:
            make()
        except SosBridgeError as error:
            findings.append(Finding(level="error", subject=name, text=str(error)))
    return findings


def unproven(site: Site, clock: Clock) -> list[Finding]:
    """Return a warning for each driver of which nobody has seen lately that it shows what it accepts."""
    plan = site.plan()
    if not plan.unread:
        return []
    try:
        with build_store(site) as store:
            subjects = look_up(store, plan, clock.now()).unproven
    except SosBridgeError as error:
        text = f"when somebody last saw what it shows is not known: {error}"
        return [Finding(level="warning", subject=name, text=text) for name in sorted(plan.unread)]
    return [
        Finding(level="warning", subject=subject.removeprefix("driver/"), text=text_of(plan, subject))
        for subject in sorted(subjects)
    ]


async def check_links(site: Site, clock: Clock, deadline: float) -> list[Finding]:
    """Ask every PBX link, driver and syslog server at the same time; each has `deadline` seconds.

    Returns at least one finding for each, in the order of the file.
    """
    triggers = (
        _check_one(settings.name, partial(build_trigger, settings, clock), deadline)
        for settings in site.triggers
    )
    drivers = (
        _check_one(settings.name, partial(build_driver, settings, clock), deadline)
        for settings in site.drivers
    )
    servers = (
        _check_one(f"syslog/{server.name}", partial(SyslogCheck, server, clock), deadline)
        for server in site.syslog
    )
    found = await asyncio.gather(*triggers, *drivers, *servers)
    return [finding for findings in found for finding in findings]


async def _check_one(name: str, build: Callable[[], Checkable], deadline: float) -> list[Finding]:
    try:
        checked = build()
    except SosBridgeError as error:
        return [Finding(level="error", subject=name, text=str(error))]
    try:
        async with asyncio.timeout(deadline):
            findings = await checked.check()
    except TimeoutError:
        findings = [Finding(level="error", subject=name, text=f"no answer within {deadline:g} s")]
    except SosBridgeError as error:
        findings = [Finding(level="error", subject=name, text=str(error))]
    finally:
        await _close(checked)
    return findings or [Finding(level="ok", subject=name, text="answers")]


async def _close(checked: Checkable) -> None:
    close: Callable[[], Awaitable[None]] | None = getattr(checked, "close", None)
    if close is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await close()
