"""Calls that come in, until they are answered: RFC 3261 sections 8.2 and 13.3, RFC 6026."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import Accepted, Confirmed, Ended, Offered
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.sdp import PCMA, Description
from tests.sip.agent.side import (
    FLOW,
    INVITE,
    OURS,
    Side,
    answer_body,
    answered,
    offer_body,
    offered,
    our_tag,
    phone_invite,
    phone_request,
)


def test_an_ack_with_the_branch_of_its_invite_and_a_tag_from_nowhere() -> None:
    """As pyVoIP sends it: a call must not end after 32 s for want of an ACK that did come."""
    side = Side()
    call = offered(side)
    side.do(side.agent.accept(call, OURS))
    ack = phone_request("ACK", to_tag="nowhere", branch="INVITE1")
    side.take(ack)
    assert side.told()[-1] == "Confirmed"
    side.take(phone_request("ACK", to_tag="nowhere", branch="INVITE1", from_tag="other"))
    side.wait(40.0)
    assert side.agent.calls == [call]


def test_an_ack_with_neither_branch_nor_tag_is_nobodys() -> None:
    side = Side()
    side.do(side.agent.accept(offered(side), OURS))
    side.take(phone_request("ACK", to_tag="nowhere", branch="other"))
    assert "Confirmed" not in side.told()


class TestOffered:
    def test_13_3_1_what_the_application_learns(self) -> None:
        side = Side()
        side.take(phone_invite(("Subject", "help"), ("User-Agent", "J&R")))
        call = side.event(Offered)

        assert call.key == ("c1", "phone")
        assert call.facts == {"subject": "help", "user_agent": "J&R"}
        assert call.offer is not None
        assert (call.flow, call.help, call.hops) == (FLOW, False, 70)
        assert side.agent.calls == [call.call]

    def test_rfc_5031_who_dials_urn_service_sos_asks_for_help(self) -> None:
        side = Side()
        side.take(phone_invite(uri="urn:service:sos.fire"))
        assert side.event(Offered).help

    def test_rfc_5031_in_to_as_well(self) -> None:
        side = Side()
        invite = phone_invite()
        side.take(
            type(invite)("INVITE", invite.uri, invite.headers.setting("To", "<urn:service:sos>"), invite.body)
        )
        assert side.event(Offered).help

    def test_rfc_4119_a_position_is_handed_over(self) -> None:
        pidf = (
            b'<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gml="http://www.opengis.net/gml">'
            b"<gml:pos>51.5 7.25</gml:pos></presence>"
        )
        parts = [(b"application/sdp", INVITE.body), (b"application/pidf+xml", pidf)]
        body = b"".join(b"--b\r\nContent-Type: %s\r\n\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"
        side = Side()
        side.take(phone_invite(("Content-Type", "multipart/mixed;boundary=b"), body=body))

        assert side.event(Offered).facts == {"position": "51.5 7.25"}
        assert side.event(Offered).offer is not None

    def test_an_offer_that_nobody_can_read_is_a_call_all_the_same(self) -> None:
        side = Side()
        call = offered(side, phone_invite(body=b"nonsense"))
        assert side.event(Offered).unreadable

        side.do(side.agent.accept(call, OURS))
        assert side.messages() == ["488"]
        assert side.event(Ended).cause is Cause.NOT_ACCEPTABLE
        side.take(phone_request("ACK", to_tag="x", branch="INVITE1"))
        side.check_forgotten()

    def test_17_2_1_trying_is_sent_when_nobody_decides(self) -> None:
        side = Side()
        offered(side)
        side.wait(0.3)
        assert side.messages() == ["100"]


class TestRepeatedInvite:
    def test_17_2_1_three_times_while_it_rings_is_one_call(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.ring(call))
        side.take(INVITE)
        side.take(INVITE)

        assert side.told() == ["Offered"]
        assert len({send.message.to.tag for _, send in side.sent}) == 1
        assert side.messages() == ["180", "180", "180"]

    def test_rfc_6026_three_times_when_answered_is_one_call(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        side.take(INVITE)
        side.take(INVITE)

        assert side.told() == ["Offered", "Accepted"]
        assert side.messages() == ["200"]

    def test_8_2_2_2_the_same_by_another_path_is_merged(self) -> None:
        side = Side()
        offered(side)
        side.take(phone_request("INVITE", branch="other", body=INVITE.body))

        assert side.told() == ["Offered"]
        assert side.messages() == ["482"]


class TestAnswer:
    def test_13_3_1_4_the_200_goes_out_until_the_ack_comes(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        side.wait(5.0)
        assert side.times_of("200") == [0.0, 0.5, 1.5, 3.5]

        side.take(phone_request("ACK", to_tag=our_tag(side), branch="ack"))
        side.sent.clear()
        side.wait(60.0)
        assert side.messages() == []
        assert side.told() == ["Offered", "Accepted", "Confirmed"]

    def test_13_3_1_4_without_ack_the_call_ends_with_bye(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        side.wait(33.0)

        assert side.times_of("BYE")[0] == 32.0
        assert side.event(Ended) == Ended(call, Cause.NO_ACK)
        side.check_forgotten()

    def test_rfc_3264_the_answer(self) -> None:
        side = Side()
        answered(side)
        answer = Description.parse(side.last_response(200).body)

        assert [(line.kind, line.port) for line in answer.media] == [("audio", 20000)]
        stream = side.event(Confirmed).stream
        assert stream is not None
        assert (stream.codec, stream.remote) == (PCMA, ("192.0.2.3", 30000))

    def test_12_1_1_the_200_says_where_we_are_and_what_we_can(self) -> None:
        side = Side()
        answered(side)
        response = side.last_response(200)

        assert response.headers.first("Contact") == "<sip:bridge@192.0.2.1>"
        assert "UPDATE" in response.allow
        assert list(response.supported) == ["100rel", "timer"]

    def test_13_2_1_without_an_offer_ours_is_in_the_200_and_the_answer_in_the_ack(self) -> None:
        side = Side()
        call = offered(side, phone_invite(body=b""))
        side.do(side.agent.accept(call, OURS))
        assert side.event(Accepted).stream is None

        offer = side.last_response(200).body
        side.take(phone_request("ACK", to_tag=our_tag(side), branch="ack", body=answer_body(offer)))
        stream = side.event(Confirmed).stream
        assert stream is not None
        assert stream.remote == ("192.0.2.3", 30000)

    def test_13_2_1_an_ack_without_the_answer_ends_the_call(self) -> None:
        side = Side()
        call = offered(side, phone_invite(body=b""))
        side.do(side.agent.accept(call, OURS))
        side.take(phone_request("ACK", to_tag=our_tag(side), branch="ack"))

        assert side.event(Ended) == Ended(call, Cause.NOT_ACCEPTABLE)
        assert side.messages()[-1] == "BYE"

    def test_13_3_1_3_nothing_in_common_is_488(self) -> None:
        side = Side()
        video = offer_body().replace(b"m=audio 30000 RTP/AVP 8 0 101", b"m=video 30000 RTP/AVP 99")
        call = offered(side, phone_invite(body=video))
        side.do(side.agent.accept(call, OURS))

        assert side.last_response(488).warnings[0].code == 305
        assert side.event(Ended) == Ended(call, Cause.NOT_ACCEPTABLE, 488)

    def test_early_media_in_a_183_and_the_same_answer_in_the_200(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.ring(call, 183, local=OURS))
        side.do(side.agent.accept(call, OURS))
        assert side.last_response(183).body == side.last_response(200).body != b""

    def test_what_was_answered_cannot_be_answered_again(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        with pytest.raises(ProtocolError):
            side.agent.accept(call, OURS)
        with pytest.raises(ProtocolError):
            side.agent.ring(call)
        with pytest.raises(ProtocolError):
            side.agent.reject(call, 486)
        with pytest.raises(ProtocolError):
            side.agent.accept("nobody", OURS)


class TestRefusal:
    def test_13_3_1_3_busy(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.reject(call, 486))
        side.wait(2.0)

        assert side.times_of("486") == [0.0, 0.5, 1.5]
        assert side.event(Ended) == Ended(call, Cause.REJECTED, 486)
        side.take(phone_request("ACK", to_tag=our_tag(side), branch="INVITE1"))
        side.sent.clear()
        side.check_forgotten()
        assert side.messages() == []

    def test_hanging_up_on_what_is_not_answered_is_480(self) -> None:
        side = Side()
        side.do(side.agent.hang_up(offered(side)))
        assert side.messages() == ["480"]
