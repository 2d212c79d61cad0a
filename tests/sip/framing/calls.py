"""Messages that the framing tests take apart."""

from __future__ import annotations

from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import Request, Response

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n"

INVITE = (
    b"INVITE sip:9110@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK74bf9;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Post 03" <sip:9103@plant.example.com>;tag=9fxced76sl\r\n'
    b"To: <sip:9110@plant.example.com>\r\n"
    b"Call-ID: 3848276298220188511@192.0.2.3\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:9103@192.0.2.3:5060>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: %d\r\n\r\n" % len(SDP)
) + SDP

OPTIONS = (
    b"OPTIONS sip:192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK2\r\n"
    b"From: <sip:9103@plant.example.com>;tag=1\r\n"
    b"To: <sip:192.0.2.1>\r\n"
    b"Call-ID: o1\r\n"
    b"CSeq: 7 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)

RINGING = (
    b"SIP/2.0 180 Ringing\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK3\r\n"
    b"From: <sip:bridge@192.0.2.1>;tag=1\r\n"
    b"To: <sip:9201@192.0.2.4>;tag=2\r\n"
    b"Call-ID: d1\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def request(data: bytes) -> Request:
    """Return the request in a datagram."""
    read = parse_datagram(data)
    assert isinstance(read, Request)
    return read


def response(data: bytes) -> Response:
    """Return the response in a datagram."""
    read = parse_datagram(data)
    assert isinstance(read, Response)
    return read
