"""What outlives the process, gathered into plain values and taken up again. Called by `service`.

A call goes on where it was: two parties who talk do so through the media process of the earlier run, which
nobody can ask anything any more, so they are left alone until one of them hangs up. A leg that was not joined
hears nothing now: it is ended, and the exchange does as ever with one that is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import structlog

from bridge.b2bua import Exchange
from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import Login
from bridge.protocols.sip.flow import Flow
from bridge.triggers.sip.legs import Leg, because
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.telephones import Telephones

_log = structlog.get_logger(__name__)


def gathered(
    telephones: Telephones, exchange: Exchange, legs: Iterable[Leg], line: Line
) -> Mapping[str, Any]:
    """Return the whole state as what JSON can hold. No secrets."""
    standing = []
    for leg in legs:
        if leg.call:
            try:
                standing.append({**leg.plain(), "dialog": line.agent.snapshot(leg.call)})
            except ProtocolError:
                continue  # it is not answered, so it is pending
    return {
        "telephones": telephones.snapshot(),
        "exchange": exchange.snapshot(),
        "legs": standing,
        "pending": line.pending.plain(),
    }


def take_up(
    kept: Mapping[str, Any], telephones: Telephones, line: Line, login_at: Callable[[str], Login | None]
) -> list[Leg]:
    """Know again who is registered, end what nobody would hear, and return the legs that go on.

    login_at: who we are to the PBX beyond an endpoint, which may ask when we hang up.
    Raises ProtocolError, KeyError, TypeError or ValueError on what no run of ours has left.
    """
    telephones.restore(kept["telephones"])
    line.leftover.release(kept["pending"])
    joined = {row["id"]: row["peer"] for row in kept["exchange"]["legs"] if row["peer"]}
    standing = {row["id"]: row for row in kept["legs"]}
    legs: list[Leg] = []
    for leg, row in standing.items():
        login = None if row["incoming"] else login_at(row["endpoint"])
        if not line.try_to(partial(line.agent.restore, row["dialog"], login=login)):
            continue
        if joined.get(leg) in standing:
            legs.append(_leg(row))
        else:
            _log.info("a call that nobody would hear is ended", leg=leg)
            why = because("the exchange was started again")
            line.try_to(partial(line.agent.hang_up, row["call"], fields=why))
    return legs


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
