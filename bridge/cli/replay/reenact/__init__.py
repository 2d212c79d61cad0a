"""`sosbridge replay FILE... --config site.yaml --speed 10x`: a log's calls again, for training.

`calls` chooses them; `site` puts simulated systems (`standins`) and recorders in the place of the real ones;
`enactment` runs the bridge itself on `clock` and hands the calls in at `pace`; `telling` and `rows` show it,
`trainee` listens to who is trained. Called by `replay` once the log is read.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from bridge.cli.options import FAILED
from bridge.cli.replay.reenact.calls import LogCalls
from bridge.cli.replay.reenact.enactment import Enactment
from bridge.cli.replay.reenact.ended import Ended
from bridge.cli.replay.reenact.pace import SPEEDS
from bridge.cli.replay.reenact.rows import Rows
from bridge.cli.replay.reenact.site import training_of
from bridge.cli.replay.reenact.telling import Screen
from bridge.cli.replay.reenact.trainee import Trainee
from bridge.config import Site
from bridge.config.problems import visible
from bridge.errors import SosBridgeError
from bridge.model import Event
from bridge.replay import Troubles
from bridge.supervision.clocks import SystemClock
from bridge.supervision.logs import configure

__all__ = ["SPEEDS", "LogCalls", "Wanted", "check_training", "reenact"]


def check_training(speed: str | None, database: Path | None, *, wanted: bool) -> None:
    """Raise UsageError where the options do not fit, SosBridgeError where the database cannot be a new one.

    wanted: whether the others say one site and nothing else that is to be found out.
    """
    if speed and not wanted:
        raise click.UsageError("--speed needs --config FILE, and plays one site: no --against or --reconcile")
    if database is None:
        return
    if not speed:
        raise click.UsageError("--database is for the exercise of --speed")
    if database.exists():
        raise SosBridgeError(f"{database} is there already: a training never writes into it; name a new file")
    if not database.absolute().parent.is_dir():
        raise SosBridgeError(f"{database} cannot be made: its folder is not there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says."""

    speed: float
    """Of `SPEEDS`."""
    database: Path | None
    """To be made and kept; None for one that is thrown away."""
    timeline: str | None
    """Id of the only incident to play, or of one of its calls."""
    as_json: bool
    listen: bool
    """Whether somebody who is trained sits at the terminal."""


def reenact(site: Site, played: LogCalls, troubles: Troubles, wanted: Wanted) -> int:
    """Play the calls to their end, or until Ctrl-C; return the exit code.

    site: loaded without its secrets. troubles: what could not be read of the log.
    """
    shown = Rows() if wanted.as_json else Screen(site, listens=wanted.listen)
    events = played.to_play(wanted.timeline)
    if events:
        logs = configure(SystemClock(), level="error")
        try:
            with tempfile.TemporaryDirectory(prefix="sosbridge-training-") as folder:
                asyncio.run(_play(site, events, shown, Path(folder), wanted))
        finally:
            logs.close()
    elif wanted.timeline is None:
        shown.say("no call of these logs concerns a phone or an alarm extension of the site")
    else:
        shown.say(f"no incident {visible(wanted.timeline)} in these logs")
    shown.tell_troubles(troubles)
    return FAILED if troubles.total or (wanted.timeline is not None and not events) else 0


async def _play(
    site: Site, events: Sequence[Event], shown: Rows | Screen, folder: Path, wanted: Wanted
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):  # never SIGHUP: the bridge would read the site file itself
        loop.add_signal_handler(number, stop.set)
    clock = Enactment.clock_for(events)
    async with training_of(site, folder, wanted.database, clock) as training:
        shown.introduce(training, wanted.database)
        enactment = Enactment(training.site, events, clock, wanted.speed, shown)
        trainee = Trainee(enactment.seen, enactment.say, shown.say)
        with trainee.listening() if wanted.listen else nullcontext():
            complete = await enactment.run(stop)
    shown.end(
        Ended(
            training=training,
            seen=enactment.seen,
            complete=complete,
            skipped=enactment.skipped,
            database=wanted.database,
        )
    )
