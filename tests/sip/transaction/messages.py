"""Requests and responses for the tests of transactions and dialogs."""

from __future__ import annotations

from bridge.protocols.sip.message import Headers, Request, Response, respond
from bridge.protocols.sip.uri import SipUri


def request(
    method: str = "INVITE", *fields: tuple[str, object], branch: str = "z9hG4bK1", number: int = 1
) -> Request:
    """A request of a telephone to the bridge."""
    headers = Headers.of(
        ("Via", f"SIP/2.0/UDP 192.0.2.3:5060;branch={branch}"),
        ("From", '"Post 03" <sip:9103@plant.example.com>;tag=f1'),
        ("To", "<sip:9110@plant.example.com>"),
        ("Call-ID", "c1"),
        ("CSeq", f"{number} {method}"),
        ("Max-Forwards", "70"),
        *fields,
    )
    return Request(method, SipUri("192.0.2.1", "9110"), headers)


INVITE = request()
BYE = request("BYE", branch="z9hG4bK2", number=2)


def response(status: int, to: Request = INVITE, *, tag: str = "t1") -> Response:
    return respond(to, status, to_tag=tag)


def ack(tag: str = "t1", branch: str = "z9hG4bK1") -> Request:
    made = request("ACK", branch=branch)
    return Request("ACK", made.uri, made.headers.setting("To", f"<sip:9110@plant.example.com>;tag={tag}"))
