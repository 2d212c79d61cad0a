"""Every message of the torture tests, damaged at random: read, or refused with MalformedError, and answered.

Seeds are fixed, so that a failure can be repeated; SIP_FUZZ sets how many damaged messages are tried.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocols.sip.framing import StreamFramer
from bridge.protocols.sip.message import MalformedError
from tests.sip.framing import calls
from tests.sip.properties import thoroughly
from tests.sip.reading import read_all
from tests.sip.torture import invalid, ipv6, layers, valid
from tests.sip.torture.notation import message

ROUNDS = int(os.environ.get("SIP_FUZZ", "1500"))

CORPUS = [
    *(
        message(text)
        for module in (valid, invalid, layers, ipv6)
        for name, text in vars(module).items()
        if name.isupper()
    ),
    calls.INVITE,
    calls.RINGING,
    calls.INVITE.replace(
        b"Content-Type",
        b'Authorization: Digest username="a", realm="b", nonce="c", uri="sip:d", response="e"\r\n'
        b'Session-Expires: 1800;refresher=uac\r\nReason: SIP;cause=200;text="x"\r\nRAck: 1 1 INVITE\r\n'
        b'Geolocation: <cid:a@b>\r\nCall-Info: <http://a>;purpose=icon\r\nWarning: 399 a "b"\r\n'
        b"Replaces: a;to-tag=1;from-tag=2\r\nRetry-After: 5 (x)\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n"
        b"Content-Type",
    ),
]
MARKS = [bytes((mark,)) for mark in b'\r\n\0 \t:;,"\\<>@=%[]*\xff']
PIECES = (*MARKS, b"\xc3\xa4", b"9" * 21, b"-1", b"\r\n ", b"\r\n\r\n", b"sip:", b"tag=")


def damaged(chance: random.Random, corpus: Sequence[bytes] = CORPUS) -> bytes:
    """Return a message of `corpus` with one to three damages."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                del data[place : place + chance.randint(1, 20)]
            case 1:
                data[place:place] = chance.choice(PIECES)
            case 2:
                data[place : place + 1] = bytes((chance.randrange(256),))
            case 3:
                data[place:place] = data[place : place + chance.randint(1, 80)] * chance.randint(1, 4)
            case _:
                other = chance.choice(CORPUS)
                start = chance.randrange(len(other))
                data[place:place] = other[start : start + chance.randint(1, 60)]
    return bytes(data)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_datagrams(seed: int) -> None:
    chance = random.Random(seed)
    read = sum(read_all(damaged(chance)) is not None for _ in range(ROUNDS // 3))
    assert 0 < read < ROUNDS // 3  # the damage is neither too small nor too great to say anything


def test_damaged_streams() -> None:
    chance = random.Random(9)
    for _ in range(ROUNDS // 10):
        framer = StreamFramer()
        for _ in range(4):
            framer.receive(damaged(chance))
            try:
                list(framer.messages())
            except MalformedError as error:
                if error.fatal:
                    break


@thoroughly
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    read_all(data)


def test_the_corpus_itself() -> None:
    for data in CORPUS:
        read_all(data)
