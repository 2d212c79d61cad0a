"""Calls that stand: keys, refreshes, other requests, ways to go. RFC 3261 section 12.2, RFC 4028, INFO."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import Settings
from bridge.protocols.sip.agent.events import (
    Digit,
    Ended,
    RequestReceived,
)
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request
from tests.sip.agent.side import (
    FLOW,
    LOGIN,
    OURS,
    Side,
    answered,
    offer_body,
    ok,
    phone_invite,
    phone_request,
    reply,
    talking,
    target,
)


class TestDigits:
    @pytest.mark.parametrize(
        ("kind", "body", "digit"),
        [
            ("dtmf-relay", b"Signal=1\r\nDuration=160\r\n", ("1", 160)),
            ("dtmf-relay", b"Signal= #\nDuration= 250\n", ("#", 250)),
            ("dtmf-relay", b"signal=10\r\n", ("*", 0)),
            ("dtmf", b"5", ("5", 0)),
            ("dtmf", b"11\r\n", ("#", 0)),
        ],
    )
    def test_info(self, kind: str, body: bytes, digit: tuple[str, int]) -> None:
        side = Side()
        call, tag = answered(side)
        side.take(
            phone_request("INFO", ("Content-Type", f"application/{kind}"), number=2, to_tag=tag, body=body)
        )
        assert side.messages()[-1] == "200"
        assert side.event(Digit) == Digit(call, *digit)

    @pytest.mark.parametrize("body", [b"Signal=\r\n", b"Signal=99\r\n", b"\xff\xfe", b"1" * 5000])
    def test_rfc_6086_what_is_no_key_is_415(self, body: bytes) -> None:
        side = Side()
        _, tag = answered(side)
        side.told()
        kind = ("Content-Type", "application/dtmf-relay")
        side.take(phone_request("INFO", kind, number=2, to_tag=tag, body=body))
        assert side.messages()[-1] == "415"
        assert side.told() == []

    def test_a_repeated_info_is_one_digit(self) -> None:
        side = Side()
        _, tag = answered(side)
        info = phone_request("INFO", ("Content-Type", "application/dtmf"), number=2, to_tag=tag, body=b"1")
        side.take(info)
        side.take(info)
        assert side.told().count("Digit") == 1

    def test_an_empty_info_asks_whether_we_live(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.take(phone_request("INFO", number=2, to_tag=tag))
        assert side.messages()[-1] == "200"

    def test_ours(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.send_digit("c", "1", 200))
        info = side.last_request("INFO")
        assert (info.cseq.number, info.body) == (2, b"Signal=1\r\nDuration=200\r\n")
        for digit, milliseconds in (("x", 160), ("11", 160), ("1", 0)):
            with pytest.raises(ProtocolError):
                side.agent.send_digit("c", digit, milliseconds)


class TestSessionTimer:
    """RFC 4028"""

    THEIRS_TO_REFRESH = (("Supported", "timer"), ("Session-Expires", "90"))

    def test_section_9_who_called_refreshes_or_the_call_ends(self) -> None:
        side = Side()
        call, tag = answered(side, phone_invite(*self.THEIRS_TO_REFRESH))
        expires = side.last_response(200).session_expires
        assert expires is not None
        assert (expires.seconds, expires.refresher) == (90, "uac")

        side.wait(50.0)
        side.take(phone_request("UPDATE", *self.THEIRS_TO_REFRESH, number=2, to_tag=tag))
        side.wait(59.0)
        assert side.agent.calls == [call]
        side.wait(2.0)
        assert side.event(Ended) == Ended(call, Cause.EXPIRED)
        assert side.messages()[-1] == "BYE"
        side.check_forgotten()

    def test_section_9_an_interval_below_90_s_is_422(self) -> None:
        side = Side()
        side.take(phone_invite(("Supported", "timer"), ("Session-Expires", "60")))
        assert side.messages() == ["422"]
        assert side.told() == []

    def test_section_9_but_no_call_for_help_is_refused_for_it(self) -> None:
        side = Side()
        fields = ("Supported", "timer"), ("Session-Expires", "60")
        answered(side, phone_invite(*fields, uri="urn:service:sos"))
        assert side.last_response(200).session_expires is None

    def test_section_9_within_a_call_as_well(self) -> None:
        side = Side()
        call, tag = answered(side)
        fields = ("Supported", "timer"), ("Session-Expires", "60")
        side.take(phone_request("UPDATE", *fields, number=2, to_tag=tag))
        min_se = side.last_response(422).min_se
        assert min_se is not None
        assert min_se.seconds == 90
        assert side.agent.calls == [call]

    def test_section_7_4_we_refresh_by_update_where_it_is_known(self) -> None:
        side = Side()
        invite = talking_with_timer(side, ("Allow", "INVITE, UPDATE"))
        assert invite.session_expires is not None
        side.wait(46.0)
        update = side.last_request("UPDATE")
        assert update.body == b""
        side.take(reply(update, 200, ("Session-Expires", "90;refresher=uac")))
        side.wait(40.0)
        assert side.times_of("UPDATE") == [45.0, 45.5]
        side.wait(6.0)
        assert side.agent.calls == ["c"]
        assert side.times_of("UPDATE")[2] == 91.0

    def test_section_7_4_else_by_the_same_offer(self) -> None:
        side = Side()
        talking_with_timer(side)
        side.wait(45.1)
        again = side.last_request("INVITE")
        assert again.cseq.number == 2
        side.take(ok(again, ("Session-Expires", "90;refresher=uac")))
        assert side.told() == ["Answered"]

    def test_section_10_nobody_answers_the_refresh(self) -> None:
        side = Side()
        talking_with_timer(side, ("Allow", "UPDATE"))
        side.wait(78.0)
        assert side.event(Ended) == Ended("c", Cause.GONE)

    def test_section_7_3_a_422_within_a_call_is_heeded(self) -> None:
        side = Side()
        talking_with_timer(side, ("Allow", "UPDATE"))
        side.wait(45.1)
        side.take(reply(side.last_request("UPDATE"), 422, ("Min-SE", "120")))
        again = side.last_request("UPDATE")
        assert again.session_expires is not None
        assert again.min_se is not None
        assert (again.cseq.number, again.session_expires.seconds, again.min_se.seconds) == (3, 120, 120)

    def test_section_10_a_refused_refresh_is_tried_again(self) -> None:
        side = Side()
        talking_with_timer(side, ("Allow", "UPDATE"))
        side.wait(45.1)
        side.take(reply(side.last_request("UPDATE"), 500))
        side.wait(22.5)
        assert side.last_request("UPDATE").cseq.number == 3


def talking_with_timer(side: Side, *fields: tuple[str, object]) -> Request:
    side.do(side.agent.invite("c", target(), OURS))
    invite = side.last_request("INVITE")
    side.take(ok(invite, ("Session-Expires", "90;refresher=uac"), *fields))
    return invite


class TestOtherRequests:
    @pytest.mark.parametrize(
        ("method", "status"), [("OPTIONS", 200), ("REFER", 405), ("NOTIFY", 405), ("FOO", 501)]
    )
    def test_what_we_answer_ourselves(self, method: str, status: int) -> None:
        side = Side()
        call, tag = answered(side)
        side.take(phone_request(method, ("Refer-To", "<sip:evil@example.com>"), number=2, to_tag=tag))
        response = side.last_response(status)
        assert list(response.allow) == [
            *("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK"),
            "MESSAGE",
            "REGISTER",
        ]
        assert side.agent.calls == [call]
        assert "REFER" not in response.allow

    def test_a_message_is_for_the_application(self) -> None:
        side = Side()
        call, tag = answered(side)
        side.take(phone_request("MESSAGE", ("Content-Type", "text/plain"), number=2, to_tag=tag, body=b"hi"))
        received = side.event(RequestReceived)
        assert received.call == call
        side.do(side.agent.answer(received.id, 202))
        assert side.messages()[-1] == "202"

    def test_8_2_2_3_a_reinvite_that_requires_something_unknown(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.take(phone_request("INVITE", ("Require", "foo"), number=2, to_tag=tag, body=offer_body()))
        assert side.messages()[-1] == "420"

    def test_22_2_a_challenged_bye_is_sent_again(self) -> None:
        side = Side()
        talking(side, login=LOGIN)
        side.do(side.agent.hang_up("c"))
        side.take(reply(side.last_request("BYE"), 401, ("WWW-Authenticate", 'Digest realm="r", nonce="n"')))
        bye = side.last_request("BYE")
        assert (bye.cseq.number, len(bye.authorizations)) == (3, 1)
        side.take(reply(bye, 200))
        side.check_forgotten()


def test_a_transaction_that_nobody_ends_is_forgotten_with_its_call() -> None:
    """Our re-INVITE got a 100 and nothing more: no timer of RFC 3261 ends that."""
    side = Side()
    talking(side)
    side.do(side.agent.renegotiate("c", OURS))
    side.take(reply(side.last_request("INVITE"), 100))
    side.do(side.agent.hang_up("c"))
    side.take(reply(side.last_request("BYE"), 200))
    side.check_forgotten()


class TestFlow:
    TCP = Flow("TCP", FLOW.local, FLOW.remote, 1)

    def test_rfc_5923_a_new_connection_of_the_other_side_is_used(self) -> None:
        side = Side()
        side.take(phone_invite(), self.TCP)
        call = side.agent.calls[0]
        side.do(side.agent.accept(call, OURS))
        tag = side.last_response(200).to.tag
        again = replace(self.TCP, connection=2)
        side.take(phone_request("ACK", to_tag=tag, branch="ack"), again)
        side.do(side.agent.hang_up(call))
        assert side.sent[-1][1].flow == again
        contact = side.last_response(200).contact
        assert str(contact) == "<sip:bridge@192.0.2.1;transport=tcp>"

    def test_12_2_1_1_a_loose_router_gets_it(self) -> None:
        side = Side()
        call, _ = answered(side, phone_invite(("Record-Route", "<sip:192.0.2.50;lr>")))
        side.do(side.agent.hang_up(call))
        assert side.sent[-1][1].flow.remote == ("192.0.2.50", 5060)

    def test_the_endpoint_may_know_another_way(self) -> None:
        elsewhere = replace(FLOW, remote=("198.51.100.1", 5060))
        side = Side(Settings(route=lambda _uri, _flow: elsewhere))
        call, _ = answered(side)
        side.do(side.agent.hang_up(call))
        assert side.sent[-1][1].flow == elsewhere
