"""Nothing that comes in takes more time than its length deserves.

Not a bench: each input is so large that a pattern which goes back over it, or a loop within a loop, takes
seconds or years instead of milliseconds. The time counted is this process's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.bodies.pidf import read_pidf
from bridge.protocols.sip.framing import StreamFramer
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.call_id import CallId
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.headers.contact import Contact
from bridge.protocols.sip.headers.credentials import Credentials
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.media_type import MediaType
from bridge.protocols.sip.headers.option_tags import OptionTags
from bridge.protocols.sip.headers.reason import Reason
from bridge.protocols.sip.headers.via import Via
from bridge.protocols.sip.headers.warning import SipWarning
from bridge.protocols.sip.params import Parameters
from bridge.protocols.sip.sdp import Description
from bridge.protocols.sip.uri import parse_uri
from tests.sip.framing.calls import OPTIONS
from tests.sip.reading import read_all

SECONDS = 0.5
SIZE = 60_000

PARSERS: dict[str, Callable[[str], object]] = {
    "Via": Via.parse_list,
    "Address": Address.parse_list,
    "Contact": Contact.parse_list,
    "Challenge": Challenge.parse,
    "Credentials": Credentials.parse,
    "CSeq": CSeq.parse,
    "Call-ID": CallId.parse,
    "MediaType": MediaType.parse_list,
    "OptionTags": OptionTags.parse,
    "Reason": Reason.parse_list,
    "SipWarning": SipWarning.parse_list,
    "Parameters": Parameters.parse,
    "uri": parse_uri,
}
STARTS = ("", "SIP/2.0/UDP a;", "<sip:a@b>;", "sip:a@b;", '"', "<", "Digest ", "1 ", 'Digest a="')
REPEATED = (
    " ",
    "a",
    "1",
    ",",
    ";",
    "=",
    '"',
    "\\",
    '\\"',
    "<",
    ">",
    "@",
    ":",
    "a=",
    "a,",
    "a;",
    'a="b",',
    '"a',
    "a=b;",
)


@pytest.mark.parametrize("parser", PARSERS)
def test_long_lines(parser: str) -> None:
    for start in STARTS:
        for piece in REPEATED:
            line = start + piece * (SIZE // len(piece))
            begin = time.process_time()
            with suppress(ProtocolError):
                PARSERS[parser](line)
            assert time.process_time() - begin < SECONDS, f"{start!r} + {piece!r} * n"


def line(text: bytes, count: int) -> bytes:
    return OPTIONS.replace(b"CSeq", text * count + b"CSeq")


DIGEST = b"Authorization: Digest " + b", ".join(b'param%d="value"' % number for number in range(24)) + b"\r\n"

DATAGRAMS = {
    "2,000 Via": line(b"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n", 2000),
    "Vias on a line": line(b"Via: " + b", ".join([b"SIP/2.0/UDP a"] * 500) + b"\r\n", 1),
    "24 digest parameters": line(DIGEST, 1),
    "24 digest parameters without end": line(DIGEST.replace(b'"\r\n', b"\r\n"), 1),
    "empty fields": line(b"a:\r\n", 14_000),
    "no fields": line(b"a\r\n", 18_000),
    "one folded field": line(b"X: a\r\n" + b" a\r\n" * 15_000, 1),
    "folds of nothing": line(b" \r\n", 18_000),
    "line ends": b"OPTIONS" + b"\r" * 30_000 + b"\n" * 30_000,
    "Latin-1 in each line": line(b"\xff: \xff\r\n", 10_000),
    "NUL": b"\0" * 60_000 + OPTIONS,
}


@pytest.mark.parametrize("name", DATAGRAMS)
def test_datagrams(name: str) -> None:
    begin = time.process_time()
    read_all(DATAGRAMS[name])
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize(
    "body",
    [
        b"v=0\r\n" + b"a=x\r\n" * 3000,
        b"v=0\r\nm=audio 1 RTP/AVP 0\r\n" + b"a=rtpmap:0 PCMU/8000\r\n" * 700,
        b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * 700,
        b"v=0\r\nm=audio 1 RTP/AVP" + b" 0" * 8000,
        b"v=0\r\na=" + b" " * 16_000,
    ],
)
def test_session_descriptions(body: bytes) -> None:
    begin = time.process_time()
    with suppress(ProtocolError):
        Description.parse(body)
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize(
    "body",
    [b"--b\r\n" * 10_000, b"--b" * 20_000, b"\n" * 60_000, b"--b\r\n\r\n" + b"\r\n--c" * 10_000],
)
def test_multipart_bodies(body: bytes) -> None:
    head = OPTIONS.replace(
        b"Length: 0", b"Length: %d\r\nContent-Type: multipart/mixed;boundary=b" % len(body)
    )
    begin = time.process_time()
    read_all(head + body)
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize(
    "document",
    [b"<a>" * 10_000, b"<a" + b" b='1'" * 4000 + b">", b"<a>" + b"&#x41;" * 4000 + b"</a>", b"<" * 30_000],
)
def test_positions(document: bytes) -> None:
    begin = time.process_time()
    with suppress(ProtocolError):
        read_pidf(document)
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize("piece", [b"\r\n", b"\r", b"a", b"a:\r\n"])
def test_a_stream_in_single_bytes(piece: bytes) -> None:
    framer = StreamFramer()
    begin = time.process_time()
    for byte in piece * (16_000 // len(piece)):
        framer.receive(bytes((byte,)))
        for _ in framer.messages():
            pass
    assert time.process_time() - begin < SECONDS
