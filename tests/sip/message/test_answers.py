"""Responses by the rules for servers: RFC 3261 section 8.2.6."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import Headers, MalformedError, answer_to, respond
from tests.sip.message.test_message import invite


def test_8_2_6_2_what_is_copied() -> None:
    request = invite(("Via", "SIP/2.0/UDP second"), ("Record-Route", "<sip:p;lr>"), ("Timestamp", "54"))
    response = respond(request, 486, to_tag="t", reason="Busy")

    assert list(response.headers) == [
        ("Via", "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK1"),
        ("Via", "SIP/2.0/UDP second"),
        ("From", "<sip:9103@plant.example.com>;tag=1"),
        ("To", "<sip:9110@plant.example.com>;tag=t"),
        ("Call-ID", "c1"),
        ("CSeq", "1 INVITE"),
    ]
    assert (response.status, response.reason, response.body) == (486, "Busy", b"")


def test_8_2_6_1_a_100_has_the_timestamp_and_no_tag() -> None:
    response = respond(invite(("Timestamp", "54")), 100, to_tag="t")

    assert response.headers.first("Timestamp") == "54"
    assert response.to.tag == ""


def test_8_2_6_2_every_other_needs_a_tag() -> None:
    with pytest.raises(ProtocolError, match="tag"):
        respond(invite(), 180)


def test_8_2_6_2_a_tag_of_the_request_stays() -> None:
    request = invite().headers.setting("To", "<sip:a@b>;tag=old")
    again = respond(type(invite())("BYE", invite().uri, request), 200, to_tag="new")
    assert again.to.tag == "old"


@pytest.mark.parametrize(("status", "copied"), [(180, True), (200, True), (302, False), (100, False)])
def test_12_1_1_record_route_makes_the_route_set(status: int, copied: bool) -> None:
    response = respond(invite(("Record-Route", "<sip:p;lr>")), status, to_tag="t")
    assert ("Record-Route" in response.headers) is copied


def test_fields_and_body() -> None:
    response = respond(
        invite(), 200, ("Contact", "<sip:b@c>"), ("Content-Type", "text/plain"), to_tag="t", body=b"x"
    )

    assert response.contact is not None
    assert bytes(response).endswith(b"Content-Length: 1\r\n\r\nx")


class TestAnswerTo:
    def broken(self, **changes: str) -> MalformedError:
        headers = invite().headers
        for name, value in changes.items():
            headers = headers.setting(name.replace("_", "-"), *([value] if value else []))
        with pytest.raises(MalformedError) as caught:
            parse_datagram(bytes(type(invite())("INVITE", invite().uri, headers)))
        return caught.value

    def test_a_400_with_all_that_was_understood(self) -> None:
        answer = answer_to(self.broken(CSeq="1 BYE"))

        assert answer is not None
        assert (answer.status, answer.reason) == (400, "Bad Request (CSeq is of 'BYE', the request is not)")
        assert answer.via == invite().via
        assert answer.call_id == invite().call_id
        assert answer.to.tag

    def test_8_2_7_the_tag_of_a_retransmission_is_the_same(self) -> None:
        one, again, other = (answer_to(self.broken(CSeq=cseq)) for cseq in ("1 BYE", "1 BYE", "2 BYE"))
        assert one is not None
        assert again is not None
        assert other is not None
        assert one == again
        assert one.to.tag != other.to.tag

    def test_what_is_missing_is_not_invented(self) -> None:
        answer = answer_to(self.broken(Call_ID="", To=""))

        assert answer is not None
        assert "To" not in answer.headers
        bytes(answer)

    def test_a_to_that_cannot_be_read_goes_back_as_it_came(self) -> None:
        answer = answer_to(self.broken(To='"Mr. <sip:a@b>'))
        assert answer is not None
        assert answer.headers.first("To") == '"Mr. <sip:a@b>'

    def test_no_way_back_no_answer(self) -> None:
        assert answer_to(self.broken(Via="")) is None

    @pytest.mark.parametrize("method", ["ACK", ""])
    def test_neither_ack_nor_response_is_answered(self, method: str) -> None:
        assert answer_to(MalformedError("x", method=method, headers=invite().headers)) is None

    def test_the_reason_is_one_line_of_ascii_whatever_came_in(self) -> None:
        answer = answer_to(MalformedError("ü\r\n\0" * 100, method="BYE", headers=invite().headers))

        assert answer is not None
        assert answer.reason.isascii()
        assert b"\r\nVia" in bytes(answer)


def test_an_error_without_headers() -> None:
    error = MalformedError("x")
    assert (error.headers, error.status, error.fatal, error.answerable) == (Headers(), 400, False, False)
