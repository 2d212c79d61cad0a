"""Statuses to start from. Used by the tests of probes and metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.supervision.status import BlindIntervals, LinkKind, LinkStatus, Status
from tests.fake_clock import START

NOW = START + 1000


def healthy(**changes: Any) -> Status:
    """Everything is well; `changes` are fields of `Status`."""
    status = Status(
        now=NOW,
        started_at=START,
        node="bridge-a",
        links=(link("pbx1", LinkKind.PBX, lag_seconds=0.012), link("zm", LinkKind.VMS)),
        canary_at=NOW - 3,
        canary_every=5.0,
        blind_intervals=BlindIntervals(count=2, seconds=17.5),
        deliveries_waiting={"zm": 0},
        syslog_waiting={"central": 0},
        breakers_open={"zm": False},
        config_hash="c0ffee",
        schema_revision="0001",
    )
    return replace(status, **changes)


def link(name: str, kind: LinkKind, **changes: Any) -> LinkStatus:
    """A link that is up since the start."""
    return replace(LinkStatus(name=name, kind=kind, up=True, since=START), **changes)
