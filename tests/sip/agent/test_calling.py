"""Calls that we make: RFC 3261 sections 8.1, 9.1 and 13.2."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import Answered, Ended, Ringing
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.transaction.layer import Name
from tests.sip.agent.side import (
    OURS,
    THEIRS,
    Side,
    answer_body,
    called,
    offer_body,
    ok,
    phone_request,
    reply,
    talking,
    target,
)


class TestInvite:
    def test_8_1_1_what_is_in_it(self) -> None:
        side = Side()
        invite = called(side, hops=12, to=Address.parse("<sip:9201@plant.example.com>"))

        assert [name for name, _ in invite.headers] == [
            *("Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Supported", "Allow"),
            *("Session-Expires", "Min-SE", "User-Agent", "Content-Type"),
        ]
        assert invite.max_forwards is not None
        assert (invite.max_forwards.hops, str(invite.to)) == (12, "<sip:9201@plant.example.com>")
        assert invite.via.wants_rport
        assert invite.via.branch_is_unique

    def test_17_1_1_2_a_black_hole(self) -> None:
        side = Side()
        called(side)
        side.wait(40.0)
        assert side.times_of("INVITE") == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert side.event(Ended) == Ended("c", Cause.NO_ANSWER)
        side.check_forgotten()

    def test_9_1_a_black_hole_that_the_application_has_enough_of(self) -> None:
        """After 4 s: nothing may be cancelled before somebody has said something."""
        side = Side()
        called(side)
        side.wait(4.0)
        side.do(side.agent.hang_up("c"))
        assert "CANCEL" not in side.messages()
        side.wait(30.0)
        assert side.event(Ended) == Ended("c", Cause.HUNG_UP)
        side.check_forgotten()

    def test_8_1_3_1_what_cannot_be_sent_has_failed(self) -> None:
        side = Side()
        called(side)
        name = side.sent[0][1].transaction
        assert isinstance(name, Name)
        side.do(side.agent.transport_failed(name))
        assert side.event(Ended) == Ended("c", Cause.UNREACHABLE)
        side.check_forgotten()

    def test_a_name_is_used_once(self) -> None:
        side = Side()
        called(side)
        with pytest.raises(ProtocolError):
            side.agent.invite("c", target(), OURS)

    def test_what_cannot_be_written_makes_no_call(self) -> None:
        side = Side()
        with pytest.raises(ProtocolError):
            side.agent.invite("c", target(fields=(("X-Foo", "a\r\nb"),)), OURS)
        assert side.agent.idle

    def test_8_1_2_routes(self) -> None:
        side = Side()
        route = Address.parse("<sip:proxy.example.com;lr>")
        assert called(side, routes=(route,)).routes == (route,)


class TestAnswer:
    def test_13_2_2_4_ack_and_stream(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 180))
        side.take(ok(invite))

        assert side.told() == ["Ringing", "Answered"]
        ack = side.last_request("ACK")
        assert (ack.cseq.number, str(ack.uri), ack.to.tag) == (1, "sip:9201@192.0.2.3:5062", "phone")
        assert ack.via.branch != invite.via.branch

    def test_13_2_2_4_the_200_again_is_acknowledged_again(self) -> None:
        side = Side()
        invite = talking(side)
        side.take(ok(invite))
        side.take(ok(invite))
        assert side.messages() == ["INVITE", "ACK", "ACK", "ACK"]
        assert side.told() == ["Answered"]

    def test_13_2_1_a_late_offer_is_answered_in_the_ack(self) -> None:
        side = Side()
        invite = called(side, late_offer=True)
        assert invite.body == b""
        side.take(reply(invite, 200, body=offer_body()))
        ack = side.last_request("ACK")
        assert ack.body != b""
        stream = side.event(Answered).stream
        assert stream is not None
        assert stream.remote == (THEIRS.address, THEIRS.port)

    @pytest.mark.parametrize("late", [True, False])
    def test_13_2_2_4_nothing_in_common_is_acknowledged_and_ended(self, late: bool) -> None:
        side = Side()
        invite = called(side, late_offer=late)
        side.take(reply(invite, 200, body=offer_body().replace(b"audio", b"video")))
        assert side.messages() == ["INVITE", "ACK", "BYE"]
        assert side.event(Ended) == Ended("c", Cause.NOT_ACCEPTABLE)

    def test_rfc_3264_early_media(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 183, body=answer_body(invite.body)))
        stream = side.event(Ringing).stream
        assert stream is not None
        assert stream.remote == (THEIRS.address, THEIRS.port)

        side.take(reply(invite, 200))  # the answer was in the 183
        assert side.event(Answered).stream == stream

    def test_a_200_that_cannot_be_read_is_acknowledged_and_ended(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 200, ("Contact", "<>"), contact=False))
        assert side.messages() == ["INVITE", "ACK", "BYE"]
        assert side.event(Ended) == Ended("c", Cause.NOT_ACCEPTABLE)
        side.take(reply(invite, 200, ("Contact", "<>"), contact=False))
        assert side.messages() == ["ACK"]
        side.check_forgotten()

    def test_a_180_that_cannot_be_read_is_one_all_the_same(self) -> None:
        """Or the CANCEL would wait for it for ever, for it has stopped timer B."""
        side = Side()
        invite = called(side)
        side.take(reply(invite, 180, ("Contact", ""), contact=False))
        assert side.told() == ["Ringing"]
        side.do(side.agent.hang_up("c"))
        assert side.messages() == ["INVITE", "CANCEL"]
        side.check_forgotten()

    def test_an_allow_that_cannot_be_read_breaks_nothing(self) -> None:
        side = Side()
        side.take(ok(called(side), ("Allow", "=")))
        assert side.told() == ["Answered"]

    def test_15_1_1_hanging_up(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.hang_up("c"))
        bye = side.last_request("BYE")
        assert bye.cseq.number == 2
        side.take(reply(bye, 200))
        assert side.event(Ended) == Ended("c", Cause.HUNG_UP)
        side.check_forgotten()

    def test_15_1_2_the_other_side_hangs_up(self) -> None:
        side = Side()
        invite = talking(side)
        bye = phone_request("BYE", to_tag=invite.from_.tag, call_id=str(invite.call_id))
        side.take(bye)
        side.take(bye)
        assert side.messages() == ["INVITE", "ACK", "200", "200"]
        assert side.event(Ended) == Ended("c", Cause.BYE, request=side.event(Ended).request)
        side.check_forgotten()


class TestForks:
    def test_13_2_2_4_several_ring_and_several_answer(self) -> None:
        side = Side()
        invite = called(side)
        for tag in ("a", "b"):
            side.take(reply(invite, 180, tag=tag))
        side.take(ok(invite, tag="b"))
        side.take(ok(invite, tag="a"))
        side.take(ok(invite, tag="c"))

        assert side.told() == ["Ringing", "Ringing", "Answered"]
        assert side.messages() == ["INVITE", "ACK", "ACK", "BYE", "ACK", "BYE"]
        side.take(ok(invite, tag="a"))
        assert side.messages() == ["ACK"]
        assert side.agent.calls == ["c"]

    def test_13_2_2_4_the_byes_go_to_those_who_answered_too_late(self) -> None:
        side = Side()
        invite = called(side)
        side.take(ok(invite, tag="b"))
        side.take(ok(invite, tag="a"))
        bye = side.last_request("BYE")
        assert bye.to.tag == "a"
        side.take(reply(bye, 481))
        assert side.agent.calls == ["c"]

    def test_a_stranger_who_invents_tags_fills_no_memory(self) -> None:
        side = Side()
        invite = called(side)
        for number in range(100):
            side.take(reply(invite, 180, tag=f"t{number}"))
        side.take(ok(invite, tag="t0"))
        side.take(ok(invite, tag="t99"))
        assert side.messages() == ["INVITE", "ACK"]


class TestRefusal:
    @pytest.mark.parametrize("status", [404, 486, 503, 603])
    def test_8_1_3_5_is_acknowledged(self, status: int) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, status))
        assert side.messages() == ["INVITE", "ACK"]
        ended = side.event(Ended)
        assert (ended.cause, ended.status) == (Cause.REFUSED, status)
        side.check_forgotten()

    @pytest.mark.parametrize("status", [300, 301, 302, 305, 380])
    def test_8_1_3_4_a_redirection_is_never_followed(self, status: int) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, status, ("Contact", "<sip:+490000@premium.example.com>")))
        assert side.messages() == ["INVITE", "ACK"]
        assert side.event(Ended).status == status


class TestCancel:
    def test_9_1_while_it_rings(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 180))
        side.do(side.agent.hang_up("c"))
        cancel = side.last_request("CANCEL")
        assert (cancel.via.branch, cancel.cseq.number) == (invite.via.branch, 1)

        side.take(reply(cancel, 200))
        side.take(reply(invite, 487))
        assert side.messages() == ["INVITE", "CANCEL", "ACK"]
        assert side.event(Ended) == Ended("c", Cause.HUNG_UP)
        side.check_forgotten()

    @pytest.mark.parametrize("rings", [True, False])
    def test_rfc_3326_it_says_why(self, rings: bool) -> None:
        """Whose telephone rang in vain sees no missed call when somebody else was quicker."""
        side = Side()
        invite = called(side)
        if rings:
            side.take(reply(invite, 180))
        side.do(side.agent.hang_up("c", fields=(("Reason", "SIP;cause=200"),)))
        side.take(reply(invite, 180))
        assert side.last_request("CANCEL").reasons[0].cause == 200

    def test_9_1_it_is_held_back_until_a_provisional_response(self) -> None:
        side = Side()
        invite = called(side)
        side.do(side.agent.hang_up("c"))
        assert side.messages() == ["INVITE"]
        side.take(reply(invite, 100))
        assert side.messages() == ["CANCEL"]

    def test_9_1_a_200_that_crosses_it_is_acknowledged_and_ended(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 180))
        side.do(side.agent.hang_up("c"))
        side.take(ok(invite))
        assert side.messages() == ["INVITE", "CANCEL", "ACK", "BYE"]
        assert side.told() == ["Ringing", "Ended"]
        side.take(ok(invite))
        assert side.messages() == ["ACK"]
        side.check_forgotten()

    def test_9_1_a_200_before_the_cancel_could_be_sent(self) -> None:
        side = Side()
        invite = called(side)
        side.do(side.agent.hang_up("c"))
        side.take(ok(invite))
        assert side.messages() == ["INVITE", "ACK", "BYE"]
        side.check_forgotten()

    def test_9_1_without_a_final_response_the_call_is_over_after_64_t1(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 180))
        side.do(side.agent.hang_up("c"))
        side.take(reply(side.last_request("CANCEL"), 200))
        side.wait(33.0)
        assert side.event(Ended) == Ended("c", Cause.HUNG_UP)
        side.check_forgotten()
