"""`sosbridge replay`: a PBX's logs through the bridge, and what another site file would have made of them."""

from __future__ import annotations

import sys
import time
import zoneinfo
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from bridge.cli.options import FAILED, REFUSED, json_option
from bridge.cli.replay.journal import rerun_journal
from bridge.cli.replay.lines import Lines
from bridge.cli.replay.result import Result
from bridge.cli.replay.screen import Screen
from bridge.cli.replay.work import Work
from bridge.config import Site, load
from bridge.config.build import build_store
from bridge.config.problems import unknown
from bridge.errors import ConfigError
from bridge.replay import Format, Log, Reading, Reconciliation, Times, Troubles, choose, places
from bridge.replay import Progress as How
from bridge.response import Plan
from bridge.triggers.ami.settings import Config as AmiWatch
from bridge.triggers.ari.settings import Config as AriWatch

NOWHERE = "replay"


@click.command(name="replay")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="The site file: which calls are alarms."
)
@click.option(
    "--alarm",
    "alarms",
    multiple=True,
    metavar="PATTERN",
    help="An alarm extension or pattern (_911X), instead of a site file. May be repeated.",
)
@click.option(
    "--format", "format_", type=click.Choice([each.value for each in Format]), help="What the files are."
)
@click.option("--columns", default="", metavar="NAMES", help="Columns of a CEL file, in order: eventtype,...")
@click.option("--timezone", help="Of times without one in the log; the site's, else UTC.")
@click.option("--pbx", "pbx", help="Name of the PBX link in the site file that the logs are of.")
@click.option(
    "--timeline", metavar="ID", help="Only this incident (or the incident of this call), step by step."
)
@click.option(
    "--against", type=click.Path(path_type=Path), help="Another site file: show what would be different."
)
@click.option("--fail-on-change", is_flag=True, help=f"Exit with {FAILED} where --against differs.")
@click.option(
    "--reconcile",
    is_flag=True,
    help="List alarm calls without an incident in the site's store. Reads only.",
)
@json_option
def command(
    *,
    files: tuple[str, ...],
    config: Path | None,
    alarms: tuple[str, ...],
    format_: str | None,
    columns: str,
    timezone: str | None,
    pbx: str | None,
    timeline: str | None,
    against: Path | None,
    fail_on_change: bool,
    reconcile: bool,
    as_json: bool,
) -> None:
    """Show what the bridge would have done with the calls in a PBX's logs.

    FILE is an AMI capture, CEL, CDR, queue_log, ARI events or the bridge's own database, plain or gzip; a
    folder means all files in it, `-` standard input. Of several logs of the same calls the one that tells
    most is read; --format picks another. Nothing is sent to any system.

    The bridge's own database (with --config) is run again, event by event: the decisions must be the same.

    Exit codes: 0 all lines were read, 1 some were bad (or a change, a parting or a lost call
    was found), 2 nothing usable.
    """
    if bool(config) == bool(alarms):
        raise click.UsageError("say which calls are alarms: either --config FILE or --alarm PATTERN")
    if fail_on_change and not against:
        raise click.UsageError("--fail-on-change needs --against FILE")
    if columns and format_ not in (None, Format.CEL):
        raise click.UsageError("--columns are those of a CEL file: --format cel")
    if reconcile and (config is None or timeline is not None):
        raise click.UsageError("--reconcile needs --config FILE, and shows all of the log: no --timeline")
    if timeline == "":
        raise click.UsageError("--timeline needs the id of an incident or of a call")
    site = load(config, secrets=False) if config else None
    plan = site.plan() if site else Plan(site=NOWHERE, alarm_extensions=alarms)
    other = load(against, secrets=False).plan() if against else None
    zone = timezone or plan.timezone
    times, troubles = _times(zone), Troubles()
    choice = choose(
        places(files),
        troubles,
        time_of=_times(zone).of,
        wanted=Format(format_) if format_ else Format.CEL if columns else None,
        columns=tuple(filter(None, columns.split(","))),
    )
    if choice.format is Format.JOURNAL:
        if against or timeline or reconcile:
            raise click.UsageError("a journal is only run again: no --against, --timeline or --reconcile")
        sys.exit(rerun_journal(choice, site, troubles, as_json=as_json))
    shown = Lines(timeline=timeline) if as_json else Screen(Console(), zone, timeline=timeline)
    with ExitStack() as stack:
        store = stack.enter_context(build_store(site)) if reconcile and site else None
        lost = Reconciliation(store, time.time()) if store else None
        work = Work(plan, other, shown, lost)
        reading = Reading(work, work.interest, troubles, times, source=_source_of(site, pbx))
        _read(choice.logs, reading, troubles, quiet=as_json)
        reading.end()
        work.end()
    shown.end(
        Result(
            summary=work.summary,
            there=work.there,
            difference=work.difference,
            troubles=troubles,
            times=times,
            reading=reading,
            left_out=choice.left_out,
            lost=lost,
        )
    )
    if not reading.progress.records:
        sys.exit(REFUSED)
    changed = fail_on_change and work.difference is not None and bool(work.difference.changes)
    if troubles.total or changed or not shown.found or (lost and lost.lost):
        sys.exit(FAILED)


def _times(zone: str) -> Times:
    try:
        return Times(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise click.UsageError(f"--timezone {zone}: no such timezone") from None


def _source_of(site: Site | None, pbx: str | None) -> str:
    """Return what the PBX is called in live events: the ids of its calls and incidents derive from it.

    pbx: the link's name; the site's first one if None. Raises ConfigError where there is no such link.
    """
    links = {link.name: link.config for link in site.triggers} if site else {}
    watching = {name: config for name, config in links.items() if isinstance(config, (AmiWatch, AriWatch))}
    if site and pbx and pbx not in watching:
        raise ConfigError(f"{site.path}: {unknown('PBX link', pbx, watching, none=': there are none')}")
    name = pbx or next(iter(watching), NOWHERE)
    config = watching.get(name)
    return (config.source if config else "") or f"asterisk/{name}"


def _read(logs: Sequence[Log], reading: Reading, troubles: Troubles, *, quiet: bool) -> None:
    """Read them all; on a terminal with a bar, for a log of a year takes a while."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        for log in logs:
            with log.opened(troubles) as source:
                if source is None:
                    continue
                task = bar.add_task(Path(source.name).name, total=source.size or None)

                def tell(progress: How, task: TaskID = task) -> None:
                    bar.update(task, completed=progress.done)

                reading.tell = tell
                reading.read(source, log.found)
                bar.remove_task(task)
