"""Requests and responses: how they are read on demand, and written."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.headers.contact import ALL_CONTACTS
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.headers.session_expires import SessionExpires
from bridge.protocols.sip.message import Headers, MalformedError, Request, Response
from bridge.protocols.sip.uri import SipUri, parse_uri

BASE = Headers.of(
    ("Via", "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK1"),
    ("From", "<sip:9103@plant.example.com>;tag=1"),
    ("To", "<sip:9110@plant.example.com>"),
    ("Call-ID", "c1"),
    ("CSeq", "1 INVITE"),
)


def invite(*fields: tuple[str, object], body: bytes = b"") -> Request:
    return Request("INVITE", SipUri("192.0.2.1", "9110"), BASE.adding(*fields), body)


def test_a_request_on_the_wire() -> None:
    request = invite(("Content-Type", "text/plain"), ("content-length", 999), body=b"hello")

    assert bytes(request) == (
        b"INVITE sip:9110@192.0.2.1 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK1\r\n"
        b"From: <sip:9103@plant.example.com>;tag=1\r\n"
        b"To: <sip:9110@plant.example.com>\r\n"
        b"Call-ID: c1\r\n"
        b"CSeq: 1 INVITE\r\n"
        b"Content-Type: text/plain\r\n"
        b"Content-Length: 5\r\n"
        b"\r\nhello"
    )


@pytest.mark.parametrize(
    ("reason", "line"), [("", b"SIP/2.0 486 Busy Here"), ("Schläft", "SIP/2.0 486 Schläft".encode())]
)
def test_a_response_on_the_wire(reason: str, line: bytes) -> None:
    assert bytes(Response(486, BASE, reason=reason)).split(b"\r\n")[0] == line


@pytest.mark.parametrize(
    ("status", "reason"), [(199, "Progress"), (299, "Success"), (499, "Request Failure")]
)
def test_an_unknown_status_says_its_class(status: int, reason: str) -> None:
    assert Response(status, BASE).start_line == f"SIP/2.0 {status} {reason}"


@pytest.mark.parametrize(
    "evil", ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\0", "\r\n\r\nBYE", "half \ud800"]
)
def test_nothing_breaks_out_of_its_line(evil: str) -> None:
    for message in (
        invite(("Subject", evil)),
        Response(200, BASE, reason=evil),
        dataclasses.replace(invite(), method=f"INVITE{evil}"),
        dataclasses.replace(invite(), uri=SipUri("h", f"a{evil}")),
        invite(("Call-ID", evil)),
    ):
        with pytest.raises(ProtocolError):
            bytes(message)


def test_20_15_a_body_says_what_it_is() -> None:
    with pytest.raises(ProtocolError, match="Content-Type"):
        bytes(invite(body=b"v=0"))


@pytest.mark.parametrize("status", [99, 700, 4294967301])
def test_a_status_out_of_range_is_not_written(status: int) -> None:
    with pytest.raises(ProtocolError):
        bytes(Response(status, BASE))


def test_fields_are_read_on_demand_and_kept() -> None:
    request = invite(("Session-Expires", "90;refresher=uac"), ("Require", "a"), ("Require", "b, C"))

    assert request.session_expires == SessionExpires(90, "uac")
    assert request.session_expires is request.session_expires
    assert list(request.require) == ["a", "b", "c"]
    assert request.expires is None
    assert request.routes == ()
    assert request == invite(("Session-Expires", "90;refresher=uac"), ("Require", "a"), ("Require", "b, C"))


def test_8_2_2_a_malformed_field_that_nobody_reads_breaks_nothing() -> None:
    request = parse_datagram(bytes(invite(("Expires", "soon"), ("Date", "today"))))

    assert isinstance(request, Request)
    with pytest.raises(MalformedError, match="Expires: a time span is no number: 'soon'") as caught:
        _ = request.expires
    assert (caught.value.status, caught.value.method, caught.value.headers) == (
        400,
        "INVITE",
        request.headers,
    )


def test_a_missing_field_that_must_be_there() -> None:
    with pytest.raises(MalformedError, match="Call-ID is missing"):
        _ = Request("BYE", SipUri("h"), Headers()).call_id


def test_lists_on_one_line_and_on_several() -> None:
    request = invite(
        ("Route", "<sip:a;lr>, <sip:b;lr>"), ("Route", "<sip:c;lr>"), ("Via", "SIP/2.0/UDP x, SIP/2.0/UDP y")
    )

    assert [str(route.uri) for route in request.routes] == ["sip:a;lr", "sip:b;lr", "sip:c;lr"]
    assert [via.host for via in request.vias] == ["192.0.2.3", "x", "y"]
    assert request.via.host == "192.0.2.3"


class TestContacts:
    def test_12_1_1_the_contact_of_a_dialog(self) -> None:
        contact = invite(("Contact", '<sip:a@b>, "B" <sip:c@d>')).contact
        assert contact is not None
        assert contact.uri == parse_uri("sip:a@b")
        assert invite().contact is None

    def test_10_2_2_the_asterisk_stands_alone(self) -> None:
        assert invite(("Contact", "*")).contacts == ALL_CONTACTS
        with pytest.raises(MalformedError):
            _ = invite(("Contact", "*, <sip:a@b>")).contacts
        with pytest.raises(MalformedError):
            _ = invite(("Contact", "*"), ("Contact", "*")).contacts

    def test_the_asterisk_is_no_contact_of_a_dialog(self) -> None:
        with pytest.raises(MalformedError, match="no REGISTER"):
            _ = invite(("Contact", "*")).contact


class TestAuthentication:
    def test_only_digest_is_read(self) -> None:
        request = invite(
            ("Authorization", "Basic dXNlcjpwYXNz"),
            ("Authorization", 'Digest username="a", realm="b", nonce="c", uri="sip:d", response="e"'),
        )
        assert [credentials.realm for credentials in request.authorizations] == ["b"]
        assert request.proxy_authorizations == ()

    def test_challenges_keep_the_order_of_the_server(self) -> None:
        response = Response(
            401,
            BASE.adding(
                ("WWW-Authenticate", 'Digest realm="a", nonce="1", algorithm=SHA-256'),
                ("WWW-Authenticate", 'NewScheme realm="a"'),
                ("WWW-Authenticate", 'Digest realm="a", nonce="1", algorithm=MD5'),
            ),
        )
        assert [challenge.algorithm for challenge in response.challenges] == ["SHA-256", "MD5"]
        assert response.proxy_challenges == ()

    def test_broken_digest_is_malformed(self) -> None:
        with pytest.raises(MalformedError, match="Authorization: a Digest without username"):
            _ = invite(("Authorization", "Digest x=1")).authorizations


def test_every_other_field_has_its_type() -> None:
    request = invite(
        ("Max-Forwards", "70"),
        ("Min-Expires", "60"),
        ("Proxy-Require", "x"),
        ("Supported", ""),
        ("Unsupported", "y"),
        ("Allow", "INVITE, ACK"),
        ("Accept", "application/sdp"),
        ("Content-Disposition", "session"),
        ("Content-Encoding", "gzip"),
        ("Min-SE", "90"),
        ("RSeq", "1"),
        ("RAck", "1 1 INVITE"),
        ("Reason", "Q.850;cause=16"),
        ("Replaces", "a;to-tag=1;from-tag=2"),
        ("Refer-To", "<sip:a@b?Replaces=x>"),
        ("P-Asserted-Identity", '"A" <sip:a@b>, <tel:+1>'),
        ("Diversion", "<sip:a@b>;reason=unconditional"),
        ("Geolocation", "<cid:a@b>"),
        ("Call-Info", "<http://x>;purpose=icon"),
        ("Retry-After", "5 (later)"),
        ("Warning", '399 a "b"'),
        ("Record-Route", "<sip:p;lr>"),
    )
    assert request.min_expires == DeltaSeconds(60)
    assert request.rack is not None
    assert request.rack.cseq == CSeq(1, "INVITE")
    assert request.replaces is not None
    assert request.refer_to is not None
    assert [len(values) for values in (request.asserted_identities, request.diversions, request.reasons)] == [
        2,
        1,
        1,
    ]
    assert [len(values) for values in (request.geolocations, request.call_infos, request.warnings)] == [
        1,
        1,
        1,
    ]
    assert list(request.supported) == []
    assert [list(tags) for tags in (request.proxy_require, request.unsupported)] == [["x"], ["y"]]
    assert list(request.content_encoding) == ["gzip"]
    assert list(request.allow) == ["INVITE", "ACK"]
    assert (request.rseq, request.min_se, request.retry_after, request.content_disposition) != (None,) * 4
    assert len(request.record_routes) == len(request.accept) == 1
