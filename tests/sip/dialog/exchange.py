"""Requests and responses of both sides of a call, for the tests of dialogs."""

from __future__ import annotations

from bridge.protocols.sip.dialog.dialog import Dialog
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message import Headers, Request, Response, respond
from bridge.protocols.sip.uri import parse_uri

BRIDGE = Address.parse("<sip:bridge@192.0.2.1>")
PHONE = Address.parse("<sip:9103@192.0.2.3:5062>")
SDP = b"v=0\r\n"
SDP_FIELD = ("Content-Type", "application/sdp")

Field = tuple[str, object]


def phone_request(
    method: str, *fields: Field, number: int = 1, to_tag: str = "", branch: str = "1", body: bytes = b""
) -> Request:
    """What the telephone sends: outside a dialog without `to_tag`."""
    headers = Headers.of(
        ("Via", f"SIP/2.0/UDP 192.0.2.3:5062;branch=z9hG4bK{branch}{method}{number}"),
        ("From", '"Post 03" <sip:9103@plant.example.com>;tag=phone'),
        ("To", f"<sip:9110@plant.example.com>{';tag=' + to_tag if to_tag else ''}"),
        ("Call-ID", "c1"),
        ("CSeq", f"{number} {method}"),
        *((SDP_FIELD,) if body else ()),
        *fields,
    )
    return Request(method, parse_uri("sip:9110@192.0.2.1"), headers, body)


def phone_invite(*fields: Field) -> Request:
    return phone_request("INVITE", ("Contact", PHONE), *fields, body=SDP)


def our_invite(*fields: Field, body: bytes = SDP) -> Request:
    """What the bridge sends to a telephone, before the transport puts Via on top."""
    headers = Headers.of(
        ("From", "<sip:bridge@plant.example.com>;tag=bridge"),
        ("To", "<sip:9201@plant.example.com>"),
        ("Call-ID", "d1"),
        ("CSeq", "1 INVITE"),
        ("Contact", BRIDGE),
        *((SDP_FIELD,) if body else ()),
        *fields,
    )
    return Request("INVITE", parse_uri("sip:9201@192.0.2.4"), headers, body)


def on_the_wire(request: Request) -> Request:
    """Our request as it arrives, with a Via."""
    via = f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{request.cseq.number}{request.method}"
    return Request(request.method, request.uri, request.headers.adding(("Via", via)), request.body)


def answer(request: Request, status: int, *fields: Field, tag: str = "t1", body: bytes = b"") -> Response:
    """What the other side answers to a request of ours."""
    body_fields: tuple[Field, ...] = (SDP_FIELD,) if body else ()
    return respond(on_the_wire(request), status, *fields, *body_fields, to_tag=tag, body=body)


def server_dialog(*fields: Field) -> Dialog:
    """The dialog of a call that the telephone made and the bridge answered."""
    invite = phone_invite(*fields)
    return Dialog.of_server(invite, respond(invite, 200, ("Contact", BRIDGE), to_tag="bridge"), BRIDGE)


def client_dialog(*fields: Field) -> Dialog:
    """The dialog of a call that the bridge made and a telephone answered."""
    invite = our_invite()
    return Dialog.of_client(invite, answer(invite, 200, ("Contact", PHONE), *fields), BRIDGE)
