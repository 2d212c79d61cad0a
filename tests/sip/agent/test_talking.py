"""Calls that stand, and new offers in them: RFC 3261 sections 12.2 and 14, RFC 3264, RFC 3311."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import (
    Ended,
    Renegotiated,
    RenegotiationRefused,
)
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.sdp import Description, Direction, Local
from tests.sip.agent.side import (
    OURS,
    THEIRS,
    Side,
    answer_body,
    answered,
    held,
    offer_body,
    offered,
    ok,
    phone_invite,
    phone_request,
    reply,
    talking,
)


def reinvite(tag: str, number: int = 2, local: Local = THEIRS) -> Request:
    return phone_request("INVITE", number=number, to_tag=tag, body=offer_body(local))


def direction_of(body: bytes) -> Direction:
    description = Description.parse(body)
    return description.direction(description.media[0])


class TestHold:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            (Direction.SENDONLY, Direction.RECVONLY),
            (Direction.INACTIVE, Direction.INACTIVE),
            (Direction.RECVONLY, Direction.SENDONLY),
        ],
    )
    def test_rfc_3264_8_4_is_answered_at_once(self, theirs: Direction, ours: Direction) -> None:
        side = Side()
        call, tag = answered(side)
        side.take(reinvite(tag, local=held(theirs)))

        assert direction_of(side.last_response(200).body) is ours
        event = side.event(Renegotiated)
        assert (event.call, event.stream.direction) == (call, ours)

    def test_rfc_3264_8_the_version_grows_only_with_a_change(self) -> None:
        side = Side()
        _, tag = answered(side)
        versions = [Description.parse(side.last_response(200).body).origin.version]
        for number, direction in enumerate([Direction.SENDRECV, Direction.SENDONLY, Direction.SENDONLY], 2):
            side.take(reinvite(tag, number, held(direction)))
            versions.append(Description.parse(side.last_response(200).body).origin.version)
            side.take(phone_request("ACK", number=number, to_tag=tag, branch=f"ack{number}"))
        assert versions == ["0", "0", "1", "1"]

    def test_14_2_a_reinvite_that_changes_nothing_tells_nothing(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.told()
        side.take(reinvite(tag))
        assert side.told() == []

    def test_14_2_one_that_we_cannot_do_is_488_and_the_call_goes_on(self) -> None:
        side = Side()
        call, tag = answered(side)
        video = offer_body().replace(b"audio", b"video")
        side.take(phone_request("INVITE", number=2, to_tag=tag, body=video))
        assert side.messages()[-1] == "488"
        assert side.agent.calls == [call]

    def test_14_2_without_an_offer_ours_is_in_the_200(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.take(phone_request("INVITE", number=2, to_tag=tag))
        offer = side.last_response(200).body
        moved = replace(THEIRS, port=30002)
        side.take(phone_request("ACK", number=2, to_tag=tag, branch="a2", body=answer_body(offer, moved)))
        assert side.event(Renegotiated).stream.remote == ("192.0.2.3", 30002)

    def test_13_3_1_4_its_200_is_repeated_and_without_ack_the_call_ends(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.sent.clear()
        side.take(reinvite(tag))
        side.wait(2.0)
        assert side.times_of("200") == [0.0, 0.5, 1.5]
        side.wait(31.0)
        assert side.event(Ended).cause is Cause.NO_ACK

    def test_12_2_2_a_reinvite_moves_the_target(self) -> None:
        side = Side()
        call, tag = answered(side)
        moved = Request(
            "INVITE",
            reinvite(tag).uri,
            reinvite(tag).headers.setting("Contact", "<sip:9103@192.0.2.9:5064>"),
            offer_body(),
        )
        side.take(moved)
        side.take(phone_request("ACK", number=2, to_tag=tag, branch="a2"))
        side.do(side.agent.hang_up(call))
        assert side.sent[-1][1].flow.remote == ("192.0.2.9", 5064)

    def test_rfc_3311_an_update_with_an_offer(self) -> None:
        side = Side()
        _, tag = answered(side)
        side.take(phone_request("UPDATE", number=2, to_tag=tag, body=offer_body(held(Direction.SENDONLY))))
        assert direction_of(side.last_response(200).body) is Direction.RECVONLY
        assert side.event(Renegotiated).stream.direction is Direction.RECVONLY


class TestOurOffer:
    def test_14_1_hold(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.renegotiate("c", replace(OURS, direction=Direction.SENDONLY)))
        invite = side.last_request("INVITE")
        side.take(ok(invite))

        assert (invite.cseq.number, direction_of(invite.body)) == (2, Direction.SENDONLY)
        assert Description.parse(invite.body).origin.version == "1"
        assert side.last_request("ACK").cseq.number == 2
        assert side.event(Renegotiated).stream.direction is Direction.SENDONLY

    def test_14_1_a_refusal_changes_nothing(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.renegotiate("c", replace(OURS, port=20002)))
        side.take(reply(side.last_request("INVITE"), 488))
        assert isinstance(side.events[-1], RenegotiationRefused)

        side.do(side.agent.renegotiate("c", replace(OURS, port=20004)))
        assert Description.parse(side.last_request("INVITE").body).origin.version == "2"

    def test_14_1_one_at_a_time(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.renegotiate("c", OURS))
        with pytest.raises(ProtocolError):
            side.agent.renegotiate("c", OURS)

    def test_15_none_in_a_call_that_is_to_end(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.accept(call, OURS))
        side.do(side.agent.hang_up(call))
        with pytest.raises(ProtocolError):
            side.agent.renegotiate(call, OURS)

    def test_14_1_glare_whose_call_id_it_is_waits_longer(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.renegotiate("c", replace(OURS, port=20002)))
        side.take(reply(side.last_request("INVITE"), 491))
        side.messages()
        side.wait(4.0)
        assert 2.1 <= side.times_of("INVITE")[0] <= 4.0

    def test_14_1_glare_the_other_comes_again_within_2_seconds(self) -> None:
        side = Side()
        call, _ = answered(side)
        side.do(side.agent.renegotiate(call, replace(OURS, port=20002)))
        side.take(reply(side.last_request("INVITE"), 491))
        side.messages()
        side.wait(4.0)
        assert side.times_of("INVITE")[0] <= 2.0

    def test_14_2_an_offer_that_crosses_ours_is_491(self) -> None:
        side = Side()
        call, tag = answered(side)
        side.do(side.agent.renegotiate(call, replace(OURS, port=20002)))
        side.take(reinvite(tag))
        assert side.messages()[-1] == "491"

    def test_12_2_1_2_481_ends_the_call(self) -> None:
        side = Side()
        talking(side)
        side.do(side.agent.renegotiate("c", OURS))
        side.take(reply(side.last_request("INVITE"), 481))
        assert side.event(Ended) == Ended("c", Cause.GONE)
        assert side.messages()[-1] == "BYE"

    def test_rfc_3264_8_refused_media_keep_their_place(self) -> None:
        side = Side()
        both = offer_body() + b"m=video 30002 RTP/AVP 99\r\n"
        call, _ = answered(side, phone_invite(body=both))
        side.do(side.agent.renegotiate(call, replace(OURS, direction=Direction.SENDONLY)))
        invite = side.last_request("INVITE")
        assert [line.port for line in Description.parse(invite.body).media] == [20000, 0]

        side.take(ok(invite))
        assert side.event(Renegotiated).stream.direction is Direction.SENDONLY
