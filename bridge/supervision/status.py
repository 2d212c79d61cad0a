"""The bridge's own state as plain values, and what it means: ready, degraded, or why not.

`app` fills a `Status` whenever somebody asks; the probes and gauges of `bridge.web` read it. Pure.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bridge.model import IncidentState, Tier
from bridge.protocols.scrub import Scrubber

MISSED_CANARIES: Final = 3
"""Periods without an answered canary after which the SOS path counts as silent."""

_scrubber: Final = Scrubber()


class LinkKind(enum.StrEnum):
    """What hangs on a link."""

    PBX = "pbx"
    """SOS calls come in by it: without it the bridge is not ready."""
    VMS = "vms"
    """Pictures and recording; dispatch still rings without it."""
    IO = "io"
    """Relays, buttons, message receivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """One link, as its own traffic proves it (a ping answered, a request served)."""

    name: str
    kind: LinkKind
    up: bool
    since: float
    """When it came up or went down; of a link that was never up, when the first attempt began."""
    text: str = ""
    """Why it is down, for a person. May hold words of the other side."""
    lag_seconds: float | None = None
    """How far behind the other side's events are, where that can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindIntervals:
    """Times in which a call could happen unseen, since this process started."""

    open: int = 0
    count: int = 0
    """All of them, the open ones included."""
    seconds: float = 0.0
    """Their length together, the open ones up to now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything a probe or a scrape may ask about, at one moment."""

    now: float
    started_at: float
    node: str
    links: tuple[LinkStatus, ...] = ()
    canary_at: float | None
    """When the SOS path last answered its own canary; None before the first time.

    Worked out as `now` minus the canary's age by the monotonic clock: a wall clock that is set must
    neither hide a dead path nor declare a living one dead.
    """
    canary_every: float
    """Seconds between canaries."""
    lanes_silent_for: float = 0.0
    """Seconds since the laziest lane of the outbox last looked for work; each canary wakes them all."""
    store_degraded_since: float | None = None
    spool_events: int = 0
    """Events that are durable in the spool only."""
    spool_error: str = ""
    """Why the spool takes nothing; empty while it can be relied on."""
    blind_intervals: BlindIntervals = BlindIntervals()
    open_incidents: Mapping[tuple[Tier, IncidentState], int] = field(default_factory=dict)
    """Incidents that are not closed."""
    open_faults: Mapping[str, int] = field(default_factory=dict)
    """By kind of fault (`Fault.what`)."""
    deliveries_waiting: Mapping[str, int] = field(default_factory=dict)
    """By driver: not settled yet, attempts under way included."""
    syslog_waiting: Mapping[str, int] = field(default_factory=dict)
    """By syslog server: stored messages that it does not surely have."""
    breakers_open: Mapping[str, bool] = field(default_factory=dict)
    """By driver: True while it is left alone because it does not answer."""
    config_hash: str = ""
    config_error: str = ""
    """Why the last reload was refused; empty when the file on disk is the one in use."""
    schema_revision: str = ""


def silent_for(status: Status) -> float:
    """Seconds since the SOS path last proved itself, counted from the start before the first canary."""
    last = status.started_at if status.canary_at is None else status.canary_at
    return max(0.0, status.now - last)


def readiness(status: Status) -> tuple[bool, list[str]]:
    """Whether an SOS that comes now is sure to be seen and kept; and every reason why not, in words."""
    reasons = list(_obstacles(status))
    return not reasons, reasons


def degradations(status: Status) -> list[str]:
    """What is wrong although an SOS is still seen, kept and dispatched; one line each."""
    return list(_flaws(status))


def _obstacles(status: Status) -> Iterator[str]:
    if status.canary_at is None:
        started = _since(status.started_at, status)
        yield f"SOS path has not answered its first canary yet: started {started}"
    elif silent_for(status) > MISSED_CANARIES * status.canary_every:
        yield f"SOS path silent since {_since(status.canary_at, status)}"
    if status.lanes_silent_for > MISSED_CANARIES * status.canary_every:
        yield f"no action is taken up since {_since(status.now - status.lanes_silent_for, status)}"
    for link in status.links:
        if link.kind is LinkKind.PBX and not link.up:
            yield _down(link, status)
    if status.store_degraded_since is not None:
        yield f"store degraded since {_since(status.store_degraded_since, status)}"
        if status.spool_error:
            yield f"events are in memory only: {_one_line(status.spool_error)}"


def _flaws(status: Status) -> Iterator[str]:
    down = {link.name for link in status.links if not link.up}
    for link in status.links:
        if link.kind is not LinkKind.PBX and not link.up:
            yield _down(link, status)
    for driver, is_open in sorted(status.breakers_open.items()):
        if is_open and driver not in down:
            yield f"{driver} does not answer: breaker open"
    if status.spool_events:
        yield f"{status.spool_events} events are in the spool, not in the store"
    if status.spool_error:
        yield f"nothing would be kept if the store were away: {_one_line(status.spool_error)}"
    if status.blind_intervals.open:
        yield f"{status.blind_intervals.open} blind intervals open: calls may be missed until reconciled"
    if status.config_error:
        yield f"reload refused, the old configuration runs on: {_one_line(status.config_error)}"
    for what, count in sorted(status.open_faults.items()):
        if count:
            yield f"faults open: {count} of kind {_one_line(what)}"


def _down(link: LinkStatus, status: Status) -> str:
    why = f": {_one_line(link.text)}" if link.text else ""
    return f"{link.kind.upper()} link {link.name} down since {_since(link.since, status)}{why}"


def _since(at: float, status: Status) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{moment} ({_length(max(0.0, status.now - at))})"


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"


def _one_line(text: str) -> str:
    """The other side's words, fit for a line of their own: no secret, no control character."""
    return _scrubber.clean(text)
