"""What outlives the process, gathered into plain values and taken up again. Called by `service`.

A call goes on where it was: two parties who talk do so through the media process of the earlier run, which
nobody can ask anything any more, so they are left alone until one of them hangs up. A leg that was not joined
hears nothing now: it is ended, and the exchange does as ever with one that is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bridge.b2bua import Exchange
from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import Agent
from bridge.protocols.sip.flow import Flow
from bridge.triggers.sip.legs import Leg, because
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.telephones import Telephones

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """The legs that could be kept."""

    legs: list[Leg] = field(default_factory=list)


def gathered(
    telephones: Telephones, exchange: Exchange, legs: Iterable[Leg], agent: Agent
) -> Mapping[str, Any]:
    """Return the whole state as what JSON can hold. No secrets."""
    standing = []
    for leg in legs:
        if leg.call:
            try:
                standing.append({**leg.plain(), "dialog": agent.snapshot(leg.call)})
            except ProtocolError:
                continue  # it is not answered: nothing of it can outlive us
    return {"telephones": telephones.snapshot(), "exchange": exchange.snapshot(), "legs": standing}


def take_up(kept: Mapping[str, Any], telephones: Telephones, line: Line) -> Restored:
    """Know again who is registered and which calls stand; end those that nobody would hear.

    Raises ProtocolError, KeyError, TypeError or ValueError on what no run of ours has left.
    """
    telephones.restore(kept["telephones"])
    joined = {row["id"]: row["peer"] for row in kept["exchange"]["legs"] if row["peer"]}
    legs: list[Leg] = []
    dialogs = {row["id"]: row for row in kept["legs"]}
    for row in kept["legs"]:
        call = row["call"]
        if not line.try_to(lambda dialog=row["dialog"]: line.agent.restore(dialog)):  # type: ignore[misc]
            continue
        if joined.get(row["id"]) in dialogs:
            legs.append(_leg(row))
        else:
            _log.info("a call that nobody would hear is ended", leg=row["id"])
            why = because("the exchange was started again")
            line.try_to(lambda call=call, why=why: line.agent.hang_up(call, fields=why))  # type: ignore[misc]
    return Restored(legs)


def _leg(row: Mapping[str, Any]) -> Leg:
    transport, host, port, remote_host, remote_port = row["dialog"]["flow"]
    call = row["call"]
    return Leg(
        row["id"],
        row["endpoint"],
        incoming=row["incoming"],
        branches={call: Flow(transport, (host, port), (remote_host, remote_port))},
        call=call,
        elsewhere=True,
    )
