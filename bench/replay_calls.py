"""Logs of a busy PBX for `bench.replay`, of any length, made of calls that a real one recorded.

Each call is a recording (tests/fixtures) with new ids, names, numbers and times. Calls last minutes and are
interleaved by time, about fifty at once. Nothing is kept but the calls that live.
"""

from __future__ import annotations

import heapq
import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FIXTURES: Final = Path(__file__).parent.parent / "tests" / "fixtures"
SHARES: Final[Mapping[str, int]] = {
    "answered": 50,
    "cancelled": 10,
    "busy": 8,
    "no_answer": 7,
    "fork": 8,
    "local": 7,
    "queue": 5,
    "queue_abandoned": 2,
    "announcement": 3,
}
"""Of a hundred calls."""
ALARM: Final = "9110"
EVERY: Final = 100
"""One call in so many is an alarm."""
POSTS: Final = tuple(str(number) for number in range(8001, 8041))
"""Phones from which the alarms come."""
OFFICES: Final = range(1000, 1500)
DESKS: Final = range(2000, 3000)
BEGINNING: Final = 1_767_225_600
"""2026-01-01."""
CALLS_A_SECOND: Final = 1.0
STRETCHED: Final = 100.0
"""A recorded call lasts a second or two: here minutes."""

_NEW: Final = re.compile(
    rb"(?P<at>\b\d{10}\.\d{6}\b)|(?P<id>\b\d{10}\.\d{1,5}\b)|(?<=-)(?P<suffix>[0-9a-f]{8}\b)(?!-)"
    rb"|(?P<bridge>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    rb"|(?P<phone>\b1001\b)|(?P<dialled>\b91[123]\d\b)|(?P<desk>\b200[1-5]\b)"
)
"""What is new in each call."""
_EVENT: Final = re.compile(rb"Event: (\w+)")
_STAMP: Final = re.compile(rb"\b(\d{10}\.\d{6})\b")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded call. texts: (seconds since it began, text with %(name)b for what is new in each call)."""

    texts: Sequence[tuple[float, bytes]]
    names: Mapping[str, int]
    """How many there are of each kind of name."""


def cel_rows(count: int) -> Iterator[bytes]:
    """Yield so many lines of a CEL file, several at a time."""
    calls = {name: _recording(_cel_rows_of(name)) for name in SHARES}
    return _log(calls, calls, count)


def ami_events(count: int) -> Iterator[bytes]:
    """Yield a capture of so many events, several at a time."""
    calls = {name: _recording(_ami_events_of(name, _of_an_office)) for name in SHARES}
    alarms = {name: _recording(_ami_events_of(name, lambda messages: messages)) for name in SHARES}
    return _log(calls, alarms, count)


def _log(calls: Mapping[str, Recording], alarms: Mapping[str, Recording], count: int) -> Iterator[bytes]:
    chance = random.Random(20260101)  # the same log every time
    names, weights = list(SHARES), list(SHARES.values())
    waiting: list[tuple[float, int, bytes]] = []
    order, channels, bridges = itertools.count(), itertools.count(), itertools.count(1)
    start = float(BEGINNING)
    for number in itertools.count():
        ready = []
        while waiting and waiting[0][0] <= start and count:
            ready.append(heapq.heappop(waiting)[2])
            count -= 1
        yield b"".join(ready)
        if not count:
            return
        is_alarm = number % EVERY == EVERY // 2
        call = (alarms if is_alarm else calls)[chance.choices(names, weights)[0]]
        new = _new_names(call, start, channels, bridges, chance)
        if is_alarm:
            new |= {b"phone": chance.choice(POSTS).encode(), b"dialled": ALARM.encode()}
        for after, text in call.texts:
            new[b"at"] = b"%.6f" % (start + after)
            heapq.heappush(waiting, (start + after, next(order), text % new))
        start += chance.expovariate(CALLS_A_SECOND)


def _new_names(
    call: Recording, start: float, channels: Iterator[int], bridges: Iterator[int], chance: random.Random
) -> dict[bytes, bytes]:
    desks = chance.sample(DESKS, 1 + call.names["desk"])
    numbers = [next(channels) for _ in range(max(call.names["id"], call.names["suffix"]))]
    return {
        b"phone": b"%d" % chance.choice(OFFICES),
        b"dialled": b"%d" % desks[0],
        **{b"desk%d" % at: b"%d" % desk for at, desk in enumerate(desks[1:])},
        **{b"id%d" % at: b"%d.%d" % (start, number) for at, number in enumerate(numbers)},
        **{b"suffix%d" % at: b"%08x" % number for at, number in enumerate(numbers)},
        **{b"bridge%d" % at: _uuid(next(bridges)) for at in range(call.names["bridge"])},
    }


def _uuid(number: int) -> bytes:
    return b"%08x-9e6f-4b5f-927d-%012x" % (number * 2_654_435_761 % 2**32, number)


def _recording(texts: Sequence[bytes]) -> Recording:
    """Return the call of these rows or events, in the order in which the PBX wrote them."""
    places: dict[str, dict[bytes, int]] = {kind: {} for kind in ("id", "suffix", "bridge", "desk")}

    def placeholder(found: re.Match[bytes]) -> bytes:
        kind = str(found.lastgroup)
        if kind not in places:
            return b"%%(%s)b" % kind.encode()
        known = places[kind]
        return b"%%(%s%d)b" % (kind.encode(), known.setdefault(found[0], len(known)))

    stamps = [float(found[1]) for text in texts if (found := _STAMP.search(text))]
    latest = itertools.accumulate(stamps, max)
    return Recording(
        [
            (STRETCHED * (at - stamps[0]), _NEW.sub(placeholder, text.replace(b"%", b"%%")))
            for at, text in zip(latest, texts, strict=True)
        ],
        {kind: len(known) for kind, known in places.items()},
    )


def _cel_rows_of(name: str) -> Sequence[bytes]:
    return (FIXTURES / "logs" / "22" / f"{name}.cel").read_bytes().splitlines(keepends=True)


def _ami_events_of(name: str, changed: Callable[[list[bytes]], list[bytes]]) -> Sequence[bytes]:
    text = (FIXTURES / "ami" / "22" / f"{name}.ami").read_bytes()
    messages = [
        part[part.index(b"Event: ") :].rstrip() for part in text.split(b"\n\n") if b"\nEvent: " in part
    ]
    return [message.replace(b"\n", b"\r\n") + b"\r\n\r\n" for message in changed(list(_with_names(messages)))]


def _of_an_office(messages: list[bytes]) -> list[bytes]:
    """Leave out what only an alarm's dialplan says."""
    return [
        message.replace(b"SOS_KIND=alarm", b"SOS_KIND=").replace(b"SOS_EXTEN=9110", b"SOS_EXTEN=")
        for message in messages
        if not message.startswith(b"Event: UserEvent")
    ]


def _with_names(messages: Sequence[bytes]) -> Iterator[bytes]:
    """Put in what the recordings leave out and a PBX sends to `read = system,call,user,security`.

    Counted on Asterisk 22.10: each leg has one NewCallerid and one NewConnectedLine, and the channel of who
    calls one NewConnectedLine: about every seventh event.
    """
    callers = b""
    for message in messages:
        yield message
        if not message.startswith(b"Event: Newchannel"):
            continue
        connected = message.replace(b"Newchannel", b"NewConnectedLine", 1)
        if callers:
            yield (
                message.replace(b"Newchannel", b"NewCallerid", 1)
                + b"\nCID-CallingPres: 0 (Presentation Allowed)"
            )
            yield connected
            yield from filter(None, [callers])
        callers = callers or connected
