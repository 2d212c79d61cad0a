"""What one fuzzing input does: a call in some state, and a stranger who sends datagram after datagram.

The first byte chooses the state, the first byte of each datagram what else happens before it comes. The tags
and branches of the bridge are the same each time, so the seeds can name them. Called by `coverage` and by the
tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import Offered
from bridge.protocols.sip.framing import StreamFramer, parse_datagram
from bridge.protocols.sip.message import MalformedError, Request, Response
from tests.sip.agent.side import FLOW, OURS, Side, answered, called, offered, talking
from tests.sip.reading import read_all

BETWEEN: Final = b"\n--\n"
"""Stands between two datagrams of an input."""
MOST: Final = 8
"""Datagrams of one input: more only make it slower."""


def ringing(side: Side) -> None:
    side.do(side.agent.ring(offered(side)))


def offering(side: Side) -> None:
    talking(side)
    side.do(side.agent.renegotiate("c", OURS))


STATES: Final[tuple[Callable[[Side], object], ...]] = (
    lambda _: None,
    ringing,
    answered,
    called,
    talking,
    offering,
)


def _accept(side: Side) -> None:
    for event in [event for event in side.events if isinstance(event, Offered)]:
        with contextlib.suppress(ProtocolError):
            side.do(side.agent.accept(event.call, OURS))


def _hang_up(side: Side) -> None:
    for call in side.agent.calls:
        with contextlib.suppress(ProtocolError):
            side.do(side.agent.hang_up(call))


def _renegotiate(side: Side) -> None:
    for call in side.agent.calls:
        with contextlib.suppress(ProtocolError):
            side.do(side.agent.renegotiate(call, OURS))


TURNS: Final[tuple[Callable[[Side], None], ...]] = (
    lambda _: None,
    lambda side: side.wait(0.6),
    lambda side: side.wait(40.0),
    _accept,
    _hang_up,
    _renegotiate,
)


def live_through(data: bytes) -> int:
    """Play one input. Raises nothing, whatever it is; returns how many datagrams were messages.

    What is sent can be read by the very parser that the stranger's datagrams had to pass, and when everybody
    has hung up nothing is remembered.
    """
    side = Side()
    STATES[data[0] % len(STATES) if data else 0](side)
    messages = 0
    for piece in data[1:].split(BETWEEN)[:MOST]:
        TURNS[piece[0] % len(TURNS) if piece else 0](side)
        messages += _throw(side, piece[1:])
    _accept(side)
    _hang_up(side)
    side.check_forgotten()
    for _, sent in side.sent:
        assert type(parse_datagram(bytes(sent.message))) is type(sent.message)
    return messages


def _throw(side: Side, data: bytes) -> bool:
    """Deliver what framing lets through. Returns whether it is a message."""
    _stream(data)
    read = read_all(data)
    if not isinstance(read, Request | Response):
        return False
    side.do(side.agent.receive(read, FLOW))
    return True


def _stream(data: bytes) -> None:
    """The same bytes by a connection, in two segments."""
    framer = StreamFramer()
    with contextlib.suppress(MalformedError):
        for part in (data[: len(data) // 2], data[len(data) // 2 :]):
            framer.receive(part)
            list(framer.messages())
