"""Calls that outlive the process: RFC 3261 section 12, RFC 3264 section 8, RFC 4028."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import Ended, Renegotiated
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.sdp import Description, Direction
from tests.sip.agent.side import (
    LOGIN,
    OURS,
    Side,
    answered,
    called,
    offer_body,
    ok,
    phone_invite,
    phone_request,
    reply,
    talking,
)

ROUTES = ("Record-Route", "<sip:192.0.2.50;lr>, <sip:p2.example.com;lr>")


def restarted(side: Side, call: str) -> Side:
    """Another process, which has nothing but what was stored."""
    kept = json.loads(json.dumps(side.agent.snapshot(call)))
    after = Side(seed=2)
    after.do(after.agent.restore(kept))
    return after


def test_12_a_call_that_came_in_is_ended_after_a_restart() -> None:
    side = Side()
    call, tag = answered(side, phone_invite(ROUTES))
    side.take(phone_request("INFO", number=7, to_tag=tag))
    after = restarted(side, call)

    after.do(after.agent.hang_up(call))
    bye = after.last_request("BYE")
    assert (bye.from_.tag, bye.to.tag, bye.cseq.number, str(bye.call_id)) == (tag, "phone", 1, "c1")
    assert [str(route.uri) for route in bye.routes] == ["sip:192.0.2.50;lr", "sip:p2.example.com;lr"]
    assert str(bye.uri) == "sip:9103@192.0.2.3:5062"
    assert after.sent[-1][1].flow.remote == ("192.0.2.50", 5060)
    after.take(reply(bye, 200))
    assert after.told() == ["Ended"]
    after.check_forgotten()


def test_12_2_the_numbers_of_a_call_that_we_made_go_on() -> None:
    side = Side()
    talking(side)
    side.do(side.agent.send_digit("c", "1"))
    after = restarted(side, "c")
    after.do(after.agent.send_digit("c", "2"))
    assert after.last_request("INFO").cseq.number == 3


def test_12_2_2_and_so_do_those_of_the_other_side() -> None:
    side = Side()
    call, tag = answered(side)
    side.take(phone_request("INFO", number=7, to_tag=tag))
    after = restarted(side, call)
    after.take(phone_request("INFO", number=6, to_tag=tag))
    after.take(phone_request("BYE", number=8, to_tag=tag))
    assert after.messages() == ["500", "200"]
    assert after.event(Ended).cause is Cause.BYE


@pytest.mark.parametrize("ours", [True, False])
def test_rfc_3264_8_the_version_of_the_session_goes_on(ours: bool) -> None:
    side = Side()
    if ours:
        talking(side)
        call = "c"
    else:
        call, _ = answered(side)
    side.do(side.agent.renegotiate(call, replace(OURS, direction=Direction.SENDONLY)))
    side.take(ok(side.last_request("INVITE")))
    stream = side.event(Renegotiated).stream
    after = restarted(side, call)
    assert after.agent.snapshot(call) == side.agent.snapshot(call)

    after.do(after.agent.renegotiate(call, replace(OURS, session_id="999", version=77)))
    origin = Description.parse(after.last_request("INVITE").body).origin
    assert (origin.session_id, origin.version) == ("111", "2")
    after.take(ok(after.last_request("INVITE")))
    assert after.event(Renegotiated).stream == replace(stream, direction=Direction.SENDRECV)


def test_14_2_a_reinvite_after_a_restart() -> None:
    side = Side()
    call, tag = answered(side)
    after = restarted(side, call)
    after.take(phone_request("INVITE", number=2, to_tag=tag, body=offer_body()))
    assert after.messages() == ["200"]
    assert after.told() == []


def test_22_2_a_restored_call_can_answer_a_challenge() -> None:
    side = Side()
    talking(side)
    after = Side(seed=2)
    after.do(after.agent.restore(side.agent.snapshot("c"), login=LOGIN))
    after.do(after.agent.hang_up("c"))
    after.take(reply(after.last_request("BYE"), 407, ("Proxy-Authenticate", 'Digest realm="r", nonce="n"')))
    assert len(after.last_request("BYE").proxy_authorizations) == 1


def test_rfc_4028_who_refreshes_refreshes_at_once() -> None:
    side = Side()
    invite = called(side)
    side.take(ok(invite, ("Session-Expires", "90;refresher=uac"), ("Allow", "UPDATE")))
    after = restarted(side, "c")
    after.wait(0.0)
    assert after.messages() == ["UPDATE"]


def test_rfc_4028_who_waits_for_the_other_side_waits_as_long_as_before() -> None:
    side = Side()
    fields = ("Supported", "timer"), ("Session-Expires", "90;refresher=uac")
    call, _ = answered(side, phone_invite(*fields))
    after = restarted(side, call)
    after.wait(59.0)
    assert after.agent.calls == [call]
    after.wait(2.0)
    assert after.event(Ended).cause is Cause.EXPIRED


def test_what_does_not_stand_is_not_kept() -> None:
    side = Side()
    called(side)
    with pytest.raises(ProtocolError):
        side.agent.snapshot("c")


@pytest.mark.parametrize(
    "change",
    [{"version": 99}, {"dialog": {}}, {"flow": ["UDP"]}, {"media": None}, {"timer": ["x", "nobody"]}],
)
def test_what_is_no_snapshot(change: dict[str, object]) -> None:
    side = Side()
    talking(side)
    with pytest.raises(ProtocolError):
        Side().agent.restore({**side.agent.snapshot("c"), **change})


def test_nothing_is_restored_twice() -> None:
    side = Side()
    talking(side)
    with pytest.raises(ProtocolError):
        side.agent.restore(side.agent.snapshot("c"))
