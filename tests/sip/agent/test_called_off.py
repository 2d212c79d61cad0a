"""Calls that come in and are given up, by either side: RFC 3261 sections 9.2 and 15, RFC 3262."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import Ended
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.transaction.layer import Name
from tests.sip.agent.side import (
    FLOW,
    INVITE,
    OURS,
    Side,
    answered,
    changed,
    offered,
    our_tag,
    phone_invite,
    phone_request,
)


class TestCancel:
    def test_9_2_while_it_rings(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.ring(call))
        side.take(phone_request("CANCEL", ("Reason", "SIP;cause=200"), branch="INVITE1"))

        assert side.messages() == ["180", "200", "487"]
        ended = side.event(Ended)
        assert ended.cause is Cause.CANCELLED
        assert ended.request is not None
        assert ended.request.reasons[0].cause == 200
        with pytest.raises(ProtocolError):
            side.agent.accept(call, OURS)

    def test_9_2_the_call_is_forgotten(self) -> None:
        side = Side()
        offered(side)
        cancel = phone_request("CANCEL", branch="INVITE1")
        side.take(cancel)
        side.take(cancel)
        side.take(phone_request("ACK", to_tag=our_tag(side), branch="INVITE1"))
        assert side.told() == ["Offered", "Ended"]
        side.check_forgotten()

    def test_9_2_after_the_200_it_changes_nothing(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        side.take(phone_request("CANCEL", branch="INVITE1"))

        assert side.messages() == ["200", "200"]
        assert side.agent.calls == [call]

    def test_9_2_of_nothing(self) -> None:
        side = Side()
        side.take(phone_request("CANCEL"))
        assert side.messages() == ["481"]


class TestBye:
    def test_15_1_2_ends_the_call(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.take(phone_request("BYE", number=2, to_tag=tag))

        assert side.messages() == ["200", "200"]
        assert side.event(Ended).cause is Cause.BYE
        side.check_forgotten()

    def test_15_1_2_before_the_answer(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.ring(call))
        side.take(phone_request("BYE", number=2, to_tag=our_tag(side)))
        assert side.messages() == ["180", "200", "487"]

    @pytest.mark.parametrize(("to_tag", "from_tag"), [("wrong", "phone"), ("", "wrong"), ("", "")])
    def test_12_2_2_a_wrong_tag_is_481(self, to_tag: str, from_tag: str) -> None:
        side = Side()
        call, tag = answered(side)
        side.sent.clear()
        side.take(phone_request("BYE", number=2, to_tag=to_tag or tag, from_tag=from_tag or "phone2"))

        assert side.messages() == ["481"]
        assert side.agent.calls == [call]

    def test_15_a_bye_outside_a_dialog_is_481(self) -> None:
        side = Side()
        side.take(phone_request("BYE"))
        assert side.messages() == ["481"]

    def test_12_2_2_an_old_one_is_500(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.take(phone_request("INFO", number=5, to_tag=tag))
        side.take(phone_request("BYE", number=4, to_tag=tag))
        assert side.messages()[-2:] == ["200", "500"]

    def test_15_ours_waits_for_the_ack(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        side.do(side.agent.hang_up(call, fields=(("Reason", "SIP;cause=200"),)))
        assert side.told() == ["Offered", "Accepted"]

        side.take(phone_request("ACK", to_tag=our_tag(side), branch="ack"))
        assert side.last_request("BYE").reasons[0].cause == 200
        assert side.event(Ended) == Ended(call, Cause.HUNG_UP)

    def test_15_1_1_ours_goes_to_the_contact(self) -> None:
        side = Side()
        call, _ = answered(side, changed(INVITE, Contact="<sip:9103@192.0.2.77:5070>"))
        side.do(side.agent.hang_up(call))
        assert side.sent[-1][1].flow.remote == ("192.0.2.77", 5070)

    def test_rfc_3581_behind_a_nat_it_goes_where_the_invite_came_from(self) -> None:
        side = Side()
        via = "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport"
        call, _ = answered(side, changed(INVITE, Contact="<sip:9103@10.0.0.7>", Via=via))
        side.do(side.agent.hang_up(call))
        assert side.sent[-1][1].flow == FLOW


class TestReliable:
    """RFC 3262"""

    REL = ("Require", "100rel")

    def test_section_3_a_180_is_repeated_until_its_prack(self) -> None:
        side = Side()
        call = offered(side, phone_invite(self.REL))
        side.do(side.agent.ring(call))
        side.wait(2.0)
        ringing = side.last_response(180)
        assert side.times_of("180") == [0.0, 0.5, 1.5]
        assert ringing.rseq is not None
        assert list(ringing.require) == ["100rel"]

        rack = ("RAck", f"{ringing.rseq.number} 1 INVITE")
        side.take(phone_request("PRACK", rack, number=2, to_tag=ringing.to.tag))
        side.sent.clear()
        side.wait(20.0)
        assert side.messages() == []
        side.do(side.agent.accept(call, OURS))
        assert side.messages() == ["200"]

    def test_section_3_a_prack_for_something_else_is_481(self) -> None:
        side = Side()
        call = offered(side, phone_invite(self.REL))
        side.do(side.agent.ring(call))
        side.take(phone_request("PRACK", ("RAck", "1 1 INVITE"), number=2, to_tag=our_tag(side)))
        assert side.messages() == ["180", "481"]

    def test_section_3_without_prack_the_invite_is_refused(self) -> None:
        side = Side()
        call = offered(side, phone_invite(self.REL))
        side.do(side.agent.ring(call))
        side.wait(32.1)
        assert side.event(Ended) == Ended(call, Cause.NO_PRACK)
        assert side.times_of("504")
        side.check_forgotten()


class TestInEarlyDialog:
    def test_rfc_3311_5_2_an_update_with_an_offer_has_to_wait(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.ring(call))
        side.take(phone_request("UPDATE", number=2, to_tag=our_tag(side), body=INVITE.body))
        side.take(phone_request("UPDATE", number=3, to_tag=our_tag(side)))
        side.take(phone_request("INVITE", number=4, to_tag=our_tag(side), body=INVITE.body))
        assert side.messages() == ["180", "500", "200", "500"]


def test_17_2_4_a_refusal_that_cannot_be_sent_and_an_answer_that_will_be_sent_again() -> None:
    side = Side()
    call = offered(side)
    side.do(side.agent.ring(call))
    name = side.sent[-1][1].transaction
    assert isinstance(name, Name)
    side.do(side.agent.transport_failed(name))
    assert side.event(Ended) == Ended(call, Cause.UNREACHABLE)
    side.check_forgotten()


def test_17_2_4_an_answer_that_could_not_be_sent_is_sent_again() -> None:
    side = Side()
    call = offered(side)
    side.do(side.agent.accept(call, OURS))
    name = side.sent[-1][1].transaction
    assert isinstance(name, Name)
    side.do(side.agent.transport_failed(name))
    side.wait(0.6)
    assert side.times_of("200") == [0.0, 0.5]
    assert side.agent.calls == [call]


def test_a_contact_that_leads_nowhere_is_400() -> None:
    side = Side()
    side.take(changed(INVITE, Contact="*"))
    assert side.messages() == ["400"]
    assert side.told() == []
