"""CEL rows -> channel facts (`bridge.calls.facts`): what the AMI mapping says of the same moments. Pure.

CEL tells what happened and who hung up, and nothing of ringing. Event types and the `extra` of each:
Asterisk's CEL specification; 16.28 and 22.10 agree on all used here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from bridge.calls import facts
from bridge.replay.records import text_of

OWN: Final = frozenset({b"s", b""})
"""Where a leg that the PBX itself dials stands when it starts; a phone's call stands at what was dialled."""
_BRIDGE: Final = b'""bridge_id"":""'
_HUNG_UP_BY: Final = b'""hangupsource"":""'
_END: Final = b'""'
_DIAL_STATUS: Final = re.compile(rb'""dialstatus"":""([^"]*)""')
_REFUSED: Final = re.compile(rb'""hangupcause"":(?:17|34)\b')
"""Busy, congestion: told to a caller whom the dialplan refuses, and whose device then "hangs up". A caller
who cancels has 127 on 16 and 22."""
_HOLDING: Final = b"holding_bridge"


class Row(NamedTuple):
    """What is read of one record. `extra` has its quotes still doubled."""

    kind: bytes
    at: float
    uniqueid: str
    linkedid: str
    channel: str
    exten: str
    caller: str
    extra: bytes


def facts_of(row: Row, uniqueid_of: dict[str, str]) -> Iterator[facts.Fact]:
    """Yield what the row states.

    uniqueid_of: of the channels that live, by name; who hung up is told by name. An APP_START is to be given
    only where the dialplan led the call to an alarm extension: no other application matters.
    """
    match row.kind:
        case b"CHAN_START":
            yield from _started(row)
        case b"ANSWER":
            yield facts.StateChanged(at=row.at, uniqueid=row.uniqueid, state="Up")
        case b"BRIDGE_ENTER":
            bridge, mixing = bridge_in(row.extra)
            yield facts.Entered(at=row.at, uniqueid=row.uniqueid, bridge=text_of(bridge), mixing=mixing)
        case b"BRIDGE_EXIT":
            yield facts.Left(at=row.at, uniqueid=row.uniqueid, bridge=text_of(bridge_in(row.extra)[0]))
        case b"HANGUP":
            yield from _hung_up(row, uniqueid_of)
        case b"APP_START":
            yield facts.Said(
                at=row.at,
                name="SOSCall",
                uniqueid=row.uniqueid,
                linkedid=row.linkedid,
                channel=row.channel,
                fields={"alarmexten": row.exten},
            )
        case b"CHAN_END":
            yield facts.Destroyed(at=row.at, uniqueid=row.uniqueid)


def is_incoming(exten: bytes) -> bool:
    """Whether a channel that starts there is a device's call to the PBX."""
    return exten not in OWN


def bridge_in(extra: bytes) -> tuple[bytes, bool]:
    """Return the bridge's id, and whether its members hear each other."""
    return extra.partition(_BRIDGE)[2].partition(_END)[0], _HOLDING not in extra


def end_in(extra: bytes) -> tuple[bytes, tuple[str, bool]]:
    """Return who hung up (a channel's name, empty for the PBX), and how: see `_how`."""
    before, _, rest = extra.partition(_HUNG_UP_BY)
    by, _, after = rest.partition(_END)
    return by, _how(before + after)


@lru_cache(maxsize=1000)
def _how(extra: bytes) -> tuple[str, bool]:
    """Return how the last Dial ended, and whether the call was refused. extra: without a channel's name."""
    status = _DIAL_STATUS.search(extra)
    how = text_of(status[1]) if status else ""
    return how, _REFUSED.search(extra) is not None


def _started(row: Row) -> Iterator[facts.Fact]:
    incoming = is_incoming(row.exten.encode())
    yield facts.Created(
        at=row.at,
        uniqueid=row.uniqueid,
        linkedid=row.linkedid,
        channel=row.channel,
        incoming=incoming,
        caller=row.caller,
        exten=row.exten if incoming else "",
    )
    if not incoming:
        yield facts.DialBegan(
            at=row.at, dest_uniqueid=row.uniqueid, dest_channel=row.channel, linkedid=row.linkedid
        )


def _hung_up(row: Row, uniqueid_of: dict[str, str]) -> Iterator[facts.Fact]:
    by, (status, refused) = end_in(row.extra)
    if refused:
        yield facts.StateChanged(at=row.at, uniqueid=row.uniqueid, state="Busy")
    if status:
        yield facts.DialEnded(at=row.at, dest_uniqueid=row.uniqueid, linkedid=row.linkedid, status=status)
    yield facts.Destroyed(at=row.at, uniqueid=row.uniqueid, by=uniqueid_of.get(text_of(by), ""))
