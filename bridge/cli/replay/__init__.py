"""`sosbridge replay`: a PBX's logs through the bridge, and what another site file would have made of them."""

from __future__ import annotations

import sys
import time
import zoneinfo
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from bridge.cli.door import by_option
from bridge.cli.options import FAILED, REFUSED, json_option
from bridge.cli.replay.database import needed
from bridge.cli.replay.filing import check_filing, file_lost
from bridge.cli.replay.journal import rerun_journal, rerun_store
from bridge.cli.replay.lines import Lines
from bridge.cli.replay.reenact import SPEEDS, LogCalls, Wanted, check_training, reenact
from bridge.cli.replay.result import Result
from bridge.cli.replay.screen import Screen
from bridge.cli.replay.work import Work
from bridge.config import Site, load
from bridge.config.build import build_store
from bridge.config.fields import AlarmExtension
from bridge.config.problems import unknown
from bridge.errors import ConfigError
from bridge.replay import Format, Log, Reading, Reconciliation, Times, Troubles, choose, places
from bridge.replay import Progress as How
from bridge.response import Plan
from bridge.triggers.ami.settings import Config as AmiWatch
from bridge.triggers.ari.settings import Config as AriWatch

NOWHERE = "replay"
_ALARM: TypeAdapter[str] = TypeAdapter(AlarmExtension)


@click.command(name="replay")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option(
    "--config", "-c", type=click.Path(path_type=Path), help="The site file: which calls are alarms."
)
@click.option(
    "--alarm",
    "alarms",
    multiple=True,
    metavar="PATTERN",
    callback=lambda _context, _option, values: tuple(map(_alarm, values)),
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
@click.option(
    "--open",
    "open_",
    is_flag=True,
    help="With --reconcile: file them. What is over moves no camera and opens no pop-up.",
)
@by_option
@click.option(
    "--speed",
    type=click.Choice(list(SPEEDS)),
    help="Play the calls again on simulated systems, as an exercise: as they came, faster, or at once.",
)
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    help="Keep the exercise of --speed in this new SQLite file.",
)
@click.option("--journal", is_flag=True, help="Run the site's own database again, instead of a FILE.")
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
    open_: bool,
    by: str | None,
    speed: str | None,
    database: Path | None,
    journal: bool,
    as_json: bool,
) -> None:
    """Show what the bridge would have done with the calls in a PBX's logs.

    FILE is an AMI capture, CEL, CDR, queue_log, ARI events or the bridge's own database, plain or gzip; a
    folder means all files in it, `-` standard input. Of several logs of the same calls the one that tells
    most is read; --format picks another. Nothing is sent to any system.

    With --reconcile --open every alarm call without an incident gets one: one that is over is closed from
    its beginning, with a review item that somebody clears by `sosbridge incidents resolve`.

    With --speed the calls come again, for training: the bridge itself works on simulated systems, and
    everything is marked as an exercise. Ctrl-C ends it.

    The bridge's own database (with --config) is run again, event by event: the decisions must be the same.
    --journal takes the one that the site file names, also where it is PostgreSQL.

    Exit codes: 0 all lines were read, 1 some were bad (or a change, a parting or a lost call
    was found), 2 nothing usable, also where the database cannot be used.
    """
    _check_source(files, config, alarms, journal=journal, as_json=as_json)
    if fail_on_change and not against:
        raise click.UsageError("--fail-on-change needs --against FILE")
    if columns and format_ not in (None, Format.CEL):
        raise click.UsageError("--columns are those of a CEL file: --format cel")
    if reconcile and (config is None or timeline is not None):
        raise click.UsageError("--reconcile needs --config FILE, and shows all of the log: no --timeline")
    check_filing(open_, by, wanted=reconcile)
    check_training(speed, database, wanted=config is not None and not against and not reconcile)
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
        if against or timeline or reconcile or speed:
            raise click.UsageError(
                "a journal is only run again: no --against, --timeline, --reconcile or --speed"
            )
        sys.exit(rerun_journal(choice, site, troubles, as_json=as_json))
    if speed and site:
        played = LogCalls(plan)
        reading = Reading(played, played.interest, troubles, times, source=_source_of(site, pbx))
        _read(choice.logs, reading, troubles, quiet=as_json)
        reading.end()
        wanted = Wanted(
            speed=SPEEDS[speed],
            database=database,
            timeline=timeline,
            as_json=as_json,
            listen="-" not in files and not as_json and sys.stdin.isatty(),
        )
        code = reenact(site, played, troubles, wanted)
        sys.exit(code if reading.progress.records else REFUSED)
    shown = Lines(timeline=timeline) if as_json else Screen(Console(), zone, timeline=timeline)
    with needed(), ExitStack() as stack:
        store = stack.enter_context(build_store(site)) if reconcile and site else None
        if store and open_:
            store.require_writable()
        lost = Reconciliation(store, time.time()) if store else None
        work = Work(plan, other, shown, lost)
        source = _source_of(site, pbx, only=open_)
        reading = Reading(work, work.interest, troubles, times, source=source)
        _read(choice.logs, reading, troubles, quiet=as_json)
        reading.end()
        work.end()
        filed = (
            file_lost(site, store, lost, source=source, by=by) if open_ and site and store and lost else None
        )
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
            filed=filed,
        )
    )
    if not reading.progress.records:
        sys.exit(REFUSED)
    changed = fail_on_change and work.difference is not None and bool(work.difference.changes)
    if troubles.total or changed or not shown.found or (lost and lost.lost):
        sys.exit(FAILED)


def _alarm(pattern: str) -> str:
    """Return the pattern if a site file may name it. Raises BadParameter."""
    try:
        return _ALARM.validate_python(pattern)
    except ValidationError as error:
        raise click.BadParameter(f"{pattern!r} {error.errors()[0]['msg']}") from None


def _check_source(
    files: tuple[str, ...], config: Path | None, alarms: tuple[str, ...], *, journal: bool, as_json: bool
) -> None:
    """Raise UsageError unless it is clear what is read, and by whose rules. With --journal that is all."""
    if journal:
        sys.exit(rerun_store(config, files, as_json=as_json))
    if not files:
        raise click.UsageError("Missing argument 'FILE...'.")
    if bool(config) == bool(alarms):
        raise click.UsageError("say which calls are alarms: either --config FILE or --alarm PATTERN")


def _times(zone: str) -> Times:
    try:
        return Times(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise click.UsageError(f"--timezone {zone}: no such timezone") from None


def _source_of(site: Site | None, pbx: str | None, *, only: bool = False) -> str:
    """Return what the PBX is called in live events: the ids of its calls and incidents derive from it.

    pbx: the link's name; the site's first one if None. Raises ConfigError where there is no such link; with
    `only`, also where it is not clear which of several is meant.
    """
    links = {link.name: link.config for link in site.triggers} if site else {}
    watching = {name: config for name, config in links.items() if isinstance(config, (AmiWatch, AriWatch))}
    if site and pbx and pbx not in watching:
        raise ConfigError(f"{site.path}: {unknown('PBX link', pbx, watching, none=': there are none')}")
    sources = {config.source or f"asterisk/{name}" for name, config in watching.items()}
    if only and not pbx and len(sources) > 1:
        raise ConfigError(f"say whose logs these are: --pbx NAME, one of {', '.join(watching)}")
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
