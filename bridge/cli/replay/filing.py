"""`--reconcile --open`: each lost call gets the incident it should have had, by the running bridge's door."""

from __future__ import annotations

from dataclasses import dataclass

import click

from bridge.cli.door import hand_in, person, silence
from bridge.config import Site
from bridge.engine import Decision, Reason
from bridge.model import Kind, Operation
from bridge.replay import Due, Reconciliation, events_for, owed_to
from bridge.store import Store

_OPENING = frozenset({Reason.FILED, Reason.OPENED, Reason.JOINED, Reason.RAISED, Reason.PRESSED_AGAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A call that was lost, and its incident."""

    incident: str
    call: str
    """Its id in the log."""
    due: Due
    rings: bool
    """Dispatch is told of it."""


def check_filing(open_: bool, by: str | None, *, wanted: bool) -> None:
    """Raise UsageError for what belongs to filing, where nothing is to be filed. wanted: `--reconcile`."""
    if open_ and not wanted:
        raise click.UsageError("--open files what --reconcile finds: it needs --reconcile")
    if by is not None and not open_:
        raise click.UsageError("--by says who files lost calls: it needs --open")


def file_lost(site: Site, store: Store, found: Reconciliation, *, source: str, by: str | None) -> list[Filed]:
    """Return what was filed, in the order of the calls; nothing of what somebody else has filed meanwhile.

    source: the PBX's name in live events. by: who files, None for the name that one is logged in with. Warns
    where no bridge runs that would ring anybody. Raises StoreError.
    """
    name = person(by)
    owed = {lost.row.id: owed_to(lost) for lost in found.lost}
    events = [event for lost in found.lost for event in events_for(lost, source, via="cli", by=name)]
    decisions = hand_in(site, store, *events) if events else []
    filed = [_filed(decision, owed) for decision in decisions if _opens(decision)]
    if any(each.rings for each in filed) and (words := silence(site, store)):
        click.echo(f"warning: {words}", err=True)
    return filed


def _opens(decision: Decision) -> bool:
    first = decision.event.kind in (Kind.MISSED, Kind.CALL_DIALING)
    return first and decision.reason in _OPENING and bool(decision.calls)


def _filed(decision: Decision, owed: dict[str, Due]) -> Filed:
    [call] = decision.calls.values()
    rings = any(each.operation is Operation.NOTIFY for each in decision.deliveries.values())
    return Filed(incident=call.incident, call=call.key, due=owed[call.key], rings=rings)
