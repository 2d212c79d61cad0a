"""Phones that stop answering together are one fault: a switch, a fibre, the PBX's network. Called by `fold`.

Each phone keeps its own fault, which is the record of when it was away. While its segment's fault is open it
is part of that one, and people are shown the one: `parts_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from bridge.engine.turn import Turn
from bridge.model import Event, Fault, Kind
from bridge.response import Plan

OFFLINE: Final = "offline"
"""`Fault.what` of a phone that does not answer."""
CUT_OFF: Final = "cut_off"
"""`Fault.what` of a segment whose phones do not answer."""
SEGMENT: Final = "segment/"
"""Prefix of the subject of a segment that the site file names."""
AT_LEAST: Final = 3
"""Phones that make it one fault; of a smaller segment, all of them."""
MOST_NAMED: Final = 10
"""Phones that its text names; it counts the others."""

Key = tuple[str, str]


def regroup(turn: Turn) -> None:
    """A phone went away or came back: open, renew or end the fault of what it is connected by."""
    phone = turn.plan.by_id.get(turn.event.phone)
    if phone is None or phone.shared:
        return
    subject = f"{SEGMENT}{phone.segment}" if phone.segment else turn.event.source
    members = turn.plan.segments[phone.segment]
    known = turn.state.faults.get((subject, CUT_OFF))
    away = _away(turn, members, known)
    if len(members) < 2 or len(away) < min(AT_LEAST, len(members)):
        turn.clear_fault(subject, CUT_OFF, turn.event.occurred_at)
        return
    text = _text(away, len(members))
    if known is None or known.text != text:
        turn.open_fault(subject, CUT_OFF, text, min(away.values()))


def _away(turn: Turn, members: Sequence[str], known: Fault | None) -> dict[str, float]:
    """The phones that went away together, and when each did: with the fault that is open, or the latest."""
    faults = turn.state.faults
    since = {phone: fault.opened_at for phone in members if (fault := faults.get((phone, OFFLINE)))}
    end = known.opened_at if known else max(since.values(), default=0.0)
    return {phone: at for phone, at in since.items() if at > end - turn.plan.times.segment}


def _text(away: Collection[str], all_of_them: int) -> str:
    named = list(away)[:MOST_NAMED]
    more = f" and {len(away) - len(named)} more" if len(away) > len(named) else ""
    return f"{len(away)} of {all_of_them} phones do not answer: {', '.join(named)}{more}"


def subjects_beside(events: Iterable[Event], plan: Plan) -> Iterator[str]:
    """Yield the subjects of the faults that `regroup` looks at (the event's source is always loaded)."""
    for event in events:
        phone = plan.by_id.get(event.phone)
        if event.kind in (Kind.OFFLINE, Kind.ONLINE) and phone and not phone.shared:
            yield f"{SEGMENT}{phone.segment}"
            yield from plan.segments[phone.segment]


def parts_of(faults: Iterable[Fault], plan: Plan) -> Mapping[Key, str]:
    """Return the faults (subject, what) that are part of another: -> that one's subject.

    faults: open ones. People are shown the whole in place of its parts.
    """
    faults = list(faults)
    wholes = [fault for fault in faults if fault.what == CUT_OFF]
    parts: dict[Key, str] = {}
    for fault in faults:
        phone = plan.by_id.get(fault.subject)
        if phone is None or fault.what != OFFLINE:
            continue
        for whole in wholes:
            of_it = whole.subject == f"{SEGMENT}{phone.segment}" if phone.segment else _is_pbx(whole)
            if of_it and fault.opened_at > whole.opened_at - plan.times.segment:
                parts[fault.subject, fault.what] = whole.subject
    return parts


def _is_pbx(whole: Fault) -> bool:
    return not whole.subject.startswith(SEGMENT)
