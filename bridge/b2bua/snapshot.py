"""All that the exchange remembers as plain values, and made of them again. Used by `exchange`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.b2bua.inputs import TimerId
from bridge.b2bua.settings import Settings
from bridge.b2bua.site import Site
from bridge.b2bua.state import (
    Alarm,
    Claim,
    Desk,
    For,
    Has,
    Leg,
    Role,
    Routine,
    Stage,
    State,
    Turn,
    TurnStage,
    indexed,
)
from bridge.calls.facts import LiveChannel
from bridge.errors import ProtocolError

VERSION: Final = 1
Snapshot = Mapping[str, Any]
"""Text, numbers, truth values, lists and mappings of them: what JSON can hold."""


def snapshot(state: State) -> Snapshot:
    return {
        "version": VERSION,
        "legs": [_plain(leg) for leg in state.legs.values()],
        "alarms": [_plain(alarm) for alarm in state.alarms.values()],
        "turns": [_plain(turn) for turn in state.turns.values()],
        "desks": {endpoint: _plain(desk) for endpoint, desk in state.desks.items()},
        "routines": [_plain(routine) for routine in state.routines.values()],
        "timers": [[timer.what, timer.of, due] for timer, due in state.timers.items()],
        "claims": {phone: _plain(claim) for phone, claim in state.claims.items()},
        "deliveries": list(state.deliveries),
    }


def _plain(value: Leg | Alarm | Turn | Desk | Routine | Claim) -> Snapshot:
    """As `asdict`, which takes ten times as long: once a second there may be thousands of them in a flood."""
    fields = ((name, getattr(value, name)) for name in value.__slots__)
    return {name: dict(field) if isinstance(field, dict) else field for name, field in fields}


def restored(kept: Snapshot, site: Site, settings: Settings, run: str) -> State:
    """Return what was kept. Raises ProtocolError if nothing can be made of it."""
    try:
        return _restored(kept, State(site, settings, run))
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"no exchange can be made of what was kept: {error!r}") from error


def _restored(kept: Snapshot, state: State) -> State:
    if kept["version"] != VERSION:
        raise ValueError(f"kept by version {kept['version']}, this is {VERSION}")
    for row in kept["legs"]:
        leg = Leg(**{**row, "role": Role(row["role"])})
        state.legs[leg.id] = leg
        if leg.phone:
            indexed(state.legs_of, leg.phone, leg.id)
    for row in kept["alarms"]:
        alarm = Alarm(
            **{
                **row,
                "stage": Stage(row["stage"]),
                "has": Has(row["has"]),
                "consoles": tuple(row["consoles"]),
            }
        )
        state.alarms[alarm.id] = alarm
        indexed(state.alarms_of, alarm.phone, alarm.id)
    for row in kept["turns"]:
        people, stage = tuple(row["people"]), TurnStage(row["stage"])
        turn = Turn(**{**row, "people": people, "stage": stage, "why": For(row["why"])})
        state.turns[turn.id] = turn
    for row in kept["routines"]:
        state.routines[row["id"]] = Routine(**row)
    state.desks = {endpoint: Desk(**row) for endpoint, row in kept["desks"].items()}
    state.timers = {TimerId(what, of): due for what, of, due in kept["timers"]}
    state.claims = {phone: Claim(**{**row, "has": Has(row["has"])}) for phone, row in kept["claims"].items()}
    state.deliveries = dict.fromkeys(kept["deliveries"])
    return state


def live_channels(state: State) -> list[LiveChannel]:
    return [
        LiveChannel(
            uniqueid=leg.uniqueid,
            linkedid=leg.linkedid,
            channel=leg.channel,
            state="Up" if leg.up else "Ring" if leg.incoming else "Ringing",
            caller=leg.caller,
            exten=leg.exten,
            dialled_by_pbx=not leg.incoming,
            bridge=leg.bridge,
        )
        for leg in state.legs.values()
    ]
