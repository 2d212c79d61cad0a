"""What fuzzing begins with: each torture message, and calls whose messages fit what the bridge has said."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

from bridge.protocols.sip.message import Request, Response
from tests.sip.agent.side import (
    INVITE,
    Side,
    answered,
    called,
    ok,
    our_tag,
    phone_request,
    reply,
    talking,
)
from tests.sip.fuzzing.story import BETWEEN, STATES, offering, ringing
from tests.sip.test_fuzz import CORPUS, damaged

TURN: Final = b"0"
_Message = Request | Response


def story(state: int, *messages: _Message | bytes) -> bytes:
    """Return the input that begins in `state` and sends `messages`."""
    return b"%d" % state + BETWEEN.join(TURN + bytes(message) for message in messages)


def seeds() -> list[bytes]:
    """Return all of them; they are the same each time."""
    return [*(story(0, data) for data in CORPUS), *_calls()]


def _calls() -> Iterator[bytes]:
    def in_call(tag: str, *, number: int) -> Iterator[Request]:
        for method in ("INVITE", "UPDATE", "INFO", "PRACK", "OPTIONS", "REFER", "BYE"):
            fields = (("RAck", "1 1 INVITE"),) if method == "PRACK" else ()
            body = INVITE.body if method in ("INVITE", "UPDATE") else b""
            yield phone_request(method, *fields, number=number, to_tag=tag, body=body)

    yield story(0, INVITE, INVITE, phone_request("CANCEL", branch="INVITE1"))
    for state, begin, number in ((1, ringing, 1), (2, answered, 2)):
        side = _after(begin)
        tag = our_tag(side)
        yield story(state, *in_call(tag, number=number))
        for request in in_call(tag, number=number):
            yield story(state, request, phone_request("ACK", to_tag=tag, branch="ack"))
    invite = _after(called).last_request("INVITE")
    challenge = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
    yield story(3, reply(invite, 100), reply(invite, 180, ("Require", "100rel"), ("RSeq", 1)), ok(invite))
    yield story(3, ok(invite), ok(invite, tag="other"))
    yield story(3, reply(invite, 401, challenge), reply(invite, 302), reply(invite, 422, ("Min-SE", 1800)))
    invite = _after(talking).last_request("INVITE")
    yield story(4, ok(invite), phone_request("BYE", call_id=str(invite.call_id)))
    again = _after(offering).last_request("INVITE")
    yield story(5, reply(again, 491), ok(again))


def _after(begin: Callable[[Side], object]) -> Side:
    side = Side()
    assert begin in STATES
    begin(side)
    return side


def mutants(seed: int) -> Iterator[bytes]:
    """Yield inputs without end: two seeds joined, one of their messages damaged, turns chosen anew."""
    chance = random.Random(seed)
    corpus = seeds()
    while True:
        first, second = chance.choice(corpus), chance.choice(corpus)
        pieces = first[1:].split(BETWEEN)
        pieces += second[1:].split(BETWEEN)[: chance.randrange(3)]
        chance.shuffle(pieces)
        place = chance.randrange(len(pieces))
        pieces[place] = TURN + damaged(chance, [pieces[place][1:]])
        turned = (b"%d" % chance.randrange(6) + piece[1:] for piece in pieces)
        yield first[:1] + BETWEEN.join(turned)
