"""What became of a phone's call by sipp's own messages: the truth that every mapping is measured against.

Nothing here knows of channels, bridges or events: only of what was sent and received by the telephones.
`record.py` keeps it beside the recordings (`tests/fixtures/logs/<version>/<scenario>.truth`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.parts.sip import SipMessage, Sipp

CLOCK: Final = 0.1
"""Seconds by which two telephones' times may differ: sipp looks at the clock now and then."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One call as its phone saw it. All times are UTC epoch seconds; None = it did not happen.

    dialled: what was dialled, or the extension that the dialplan is known to lead it to.
    picked_up_at: a 200 came. answered_at: from then on a person who had picked up, or pressed the key that
    takes the call, was there too. ended_at: None where the phone had gone without a word.
    outcome: as in replay's rows: `answered`, `abandoned` or `unanswered`.
    ended_by: `caller`, `called` or `pbx`; '' where the phone had gone, or handed the call on (REFER).
    """

    phone: str
    dialled: str
    dialing_at: float
    picked_up_at: float | None
    answered_at: float | None
    ended_at: float | None
    outcome: str
    ended_by: str


@dataclass(frozen=True)
class Person:
    """A telephone that may take calls. by_key: it takes them by pressing 1, not by picking up."""

    sipp: Sipp
    by_key: bool = False


def truth_of(phone: Sipp, dialled: str, people: Iterable[Person]) -> Truth:
    """Return what became of the call that `phone` made. people: who may take it."""
    messages, dialing_at = phone.messages, phone.sent("INVITE")[0].at
    picked_up = _first(joined(Person(phone)))
    over = _end(messages)
    until = over.at if over else math.inf
    moments = (at for person in people for at in joined(person))
    taken = _first(at for at in moments if dialing_at - CLOCK <= at < until)
    answered = None if picked_up is None or taken is None else max(picked_up, taken)
    hung_up = over is not None and over.sent
    return Truth(
        phone=_user(messages),
        dialled=dialled,
        dialing_at=dialing_at,
        picked_up_at=picked_up,
        answered_at=answered,
        ended_at=over.at if over else None,
        outcome="answered" if answered is not None else "abandoned" if hung_up else "unanswered",
        ended_by="" if over is None or phone.received("NOTIFY") else _who_ended(over, people),
    )


def joined(person: Person) -> list[float]:
    """Return when this telephone began to take part in a call: both sides have its 200, or its key."""
    if person.by_key:
        return [press.at for press in person.sipp.sent("INFO") if "Signal=1" in press.text]
    acknowledged = {ack.header("Call-ID") for ack in person.sipp.messages if ack.first_line.startswith("ACK")}
    answers = [message for message in person.sipp.messages if _is_answer(message)]
    return [answer.at for answer in answers if not answer.sent or answer.header("Call-ID") in acknowledged]


def write(file: Path, truths: Sequence[Truth]) -> None:
    """Write one call a line."""
    file.write_text("".join(f"{json.dumps(asdict(truth))}\n" for truth in truths))


def read(file: Path) -> list[Truth]:
    """Return what `write` wrote."""
    return [Truth(**json.loads(line)) for line in file.read_text().splitlines()]


def _is_answer(message: SipMessage) -> bool:
    return message.first_line.startswith("SIP/2.0 200") and "INVITE" in message.header("CSeq")


def _end(messages: Sequence[SipMessage]) -> SipMessage | None:
    """Return the message that ended it: a BYE; else a CANCEL, if it was in time; else the refusal."""
    byes = [message for message in messages if message.first_line.startswith("BYE")]
    cancels = [message for message in messages if message.first_line.startswith("CANCEL")]
    refusals = [message for message in messages if _is_refusal(message)]
    return next(iter((*byes, *(cancels if refusals else ()), *refusals)), None)


def _is_refusal(message: SipMessage) -> bool:
    words = message.first_line.split(" ")
    final = words[0] == "SIP/2.0" and words[1] >= "300" and words[1] != "401"
    return final and not message.sent and "INVITE" in message.header("CSeq")


def _who_ended(over: SipMessage, people: Iterable[Person]) -> str:
    """Return who ended a call whose last message is this: the phone, a person before that, or the PBX."""
    if over.sent:
        return "caller"
    byes = [bye for person in people for bye in person.sipp.sent("BYE")]
    return "called" if any(bye.at <= over.at + CLOCK for bye in byes) else "pbx"


def _user(messages: Sequence[SipMessage]) -> str:
    """Return the account: the digest's user, or, without one, the name in From."""
    for message in messages:
        _, found, rest = message.header("Authorization").partition('username="')
        if found:
            return rest.partition('"')[0]
    return messages[0].header("From").partition("sip:")[2].partition("@")[0]


def _first(times: Iterable[float]) -> float | None:
    return min(times, default=None)
