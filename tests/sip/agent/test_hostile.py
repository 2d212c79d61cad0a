"""Whatever a stranger sends, in a call or outside: the agent raises nothing, and forgets it in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.events import Offered
from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import Request, Response
from tests.sip.agent.side import (
    FLOW,
    INVITE,
    OURS,
    Side,
    answered,
    called,
    offer_body,
    offered,
    phone_request,
    reply,
    talking,
)
from tests.sip.properties import line_text, mutated, thoroughly

METHODS = st.sampled_from(
    ["INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "PRACK", "INFO", "OPTIONS", "REFER", "MESSAGE", "FOO"]
)
FIELDS = {
    "Contact": ["<sip:9103@192.0.2.3>", "*", "<>", "<sip:a@b>, <sip:c@d>"],
    "Session-Expires": ["90;refresher=uac", "x", "0"],
    "Min-SE": ["90", "-1", "4000000000000"],
    "Supported": ["timer", "100rel, timer", ""],
    "Require": ["100rel", "timer", "foo"],
    "RSeq": ["1", "0", "x"],
    "RAck": ["1 1 INVITE", "x", "1 1"],
    "Record-Route": ["<sip:p;lr>", "<sip:p>", "<urn:x:y>", "x"],
    "Content-Type": ["application/sdp", "multipart/mixed;boundary=b", "application/dtmf", "x"],
    "Content-Disposition": ["session;handling=optional", "="],
    "Max-Forwards": ["0", "x"],
    "Allow": ["UPDATE", "="],
    "WWW-Authenticate": ['Digest realm="r", nonce="n"', "Digest x", "Basic"],
    "Reason": ["SIP;cause=200", "="],
}


@st.composite
def fields(draw: st.DrawFn) -> list[tuple[str, str]]:
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=4, unique=True))
    return [(name, draw(st.one_of(mutated(*FIELDS[name]), line_text))) for name in names]


BODIES = st.sampled_from([b"", offer_body(), offer_body().replace(b"audio", b"video"), b"v=0", b"\xff", b"1"])


def throw(side: Side, message: Request | Response) -> None:
    """Deliver what framing lets through."""
    try:
        read = parse_datagram(bytes(message))
    except ProtocolError:
        return
    assert isinstance(read, Request | Response)
    side.do(side.agent.receive(read, FLOW))


def over(side: Side) -> None:
    """End whatever there is, and see that nothing is left."""
    for call in side.agent.calls:
        side.do(side.agent.hang_up(call))
    side.check_forgotten()


@st.composite
def requests(draw: st.DrawFn, tag: str) -> Request:
    method = draw(METHODS)
    number = draw(st.integers(1, 5))
    to_tag = draw(st.sampled_from([tag, tag, tag, "", "other"]))
    return phone_request(method, *draw(fields()), number=number, to_tag=to_tag, body=draw(BODIES))


@thoroughly
@given(st.data(), st.booleans())
def test_8_2_requests_in_a_call_that_came_in(data: st.DataObject, stands: bool) -> None:
    side = Side()
    if stands:
        _, tag = answered(side)
    else:
        side.do(side.agent.ring(offered(side)))
        tag = side.last_response(180).to.tag
    for _ in range(data.draw(st.integers(1, 6))):
        throw(side, data.draw(requests(tag)))
        side.wait(data.draw(st.sampled_from([0.0, 0.6, 40.0])))
    over(side)


@thoroughly
@given(fields(), BODIES, st.booleans())
def test_8_2_invites_that_are_answered(
    strange: list[tuple[str, str]], body: bytes, acknowledged: bool
) -> None:
    side = Side()
    throw(side, phone_request("INVITE", *strange, body=body))
    for event in [event for event in side.events if isinstance(event, Offered)]:
        side.do(side.agent.ring(event.call))
        side.do(side.agent.accept(event.call, OURS))
    tags = [send.message.to.tag for _, send in side.sent if isinstance(send.message, Response)]
    if acknowledged and tags:
        throw(side, phone_request("ACK", *strange, to_tag=tags[-1], branch="ack", body=body))
    side.wait(1.0)
    over(side)


@thoroughly
@given(st.data(), st.booleans())
def test_8_1_3_responses_to_our_requests(data: st.DataObject, stands: bool) -> None:
    side = Side()
    if stands:
        talking(side)
        side.do(side.agent.renegotiate("c", OURS))
    else:
        called(side)
    for _ in range(data.draw(st.integers(1, 6))):
        ours = [send.message for _, send in side.sent if isinstance(send.message, Request)]
        asked = data.draw(st.sampled_from([request for request in ours if request.method != "ACK"]))
        status = data.draw(st.sampled_from([100, 180, 183, 200, 202, 302, 401, 407, 422, 481, 486, 491, 500]))
        tag = data.draw(st.sampled_from(["phone", "phone", "b"]))
        contact = data.draw(st.booleans())
        body = data.draw(BODIES)
        throw(side, reply(asked, status, *data.draw(fields()), tag=tag, body=body, contact=contact))
        side.wait(data.draw(st.sampled_from([0.0, 0.6, 40.0])))
    over(side)


def test_a_flood_of_invites_is_forgotten() -> None:
    side = Side()
    for number in range(300):
        throw(side, phone_request("INVITE", call_id=f"c{number}", branch=f"b{number}", body=INVITE.body))
    over(side)
