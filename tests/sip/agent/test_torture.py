"""What RFC 4475 demands of a user agent, message by message: the answer, or what the application is told."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.agent.events import Offered
from bridge.protocols.sip.framing import parse_datagram
from bridge.protocols.sip.message import Request, Response
from tests.sip.agent.side import FLOW, OURS, Side
from tests.sip.torture import layers, valid
from tests.sip.torture.notation import message

SOS = "INVITE urn:service:sos SIP/2.0"


def received(text: str) -> Side:
    side = Side()
    read = parse_datagram(message(text))
    assert isinstance(read, Request | Response)
    side.do(side.agent.receive(read, FLOW))
    return side


@pytest.mark.parametrize(
    ("text", "sent", "told"),
    [
        pytest.param(valid.INTMETH, ["501"], [], id="3_1_1_2_intmeth"),
        pytest.param(valid.ESC02, ["501"], [], id="3_1_1_5_esc02"),
        pytest.param(valid.ESCNULL, [], ["RequestReceived"], id="3_1_1_4_escnull"),
        pytest.param(valid.SEMIURI, ["200"], [], id="3_1_1_9_semiuri"),
        pytest.param(valid.TRANSPORTS, ["200"], [], id="3_1_1_10_transports"),
        pytest.param(valid.UNREASON, [], [], id="3_1_1_12_unreason"),
        pytest.param(layers.BADBRANCH, ["200"], [], id="3_2_1_badbranch"),
        pytest.param(layers.UNKSCM, ["416"], [], id="3_3_2_unkscm"),
        pytest.param(layers.NOVELSC, ["416"], [], id="3_3_3_novelsc"),
        pytest.param(layers.UNKSM2, [], ["RequestReceived"], id="3_3_4_unksm2"),
        pytest.param(layers.BEXT01, ["420"], [], id="3_3_5_bext01"),
        pytest.param(layers.INVUT, ["415"], [], id="3_3_6_invut"),
        pytest.param(layers.REGAUT01, [], ["RequestReceived"], id="3_3_7_regaut01"),
        pytest.param(layers.BCAST, [], [], id="3_3_10_bcast"),
        pytest.param(layers.ZEROMF, ["200"], [], id="3_3_11_zeromf"),
        pytest.param(layers.SDP01, ["406"], [], id="3_3_15_sdp01"),
        pytest.param(layers.INV2543, [], ["Offered"], id="3_4_1_inv2543"),
        pytest.param(valid.WSINV, ["481"], [], id="3_1_1_1_wsinv_names_a_dialog_that_is_not"),
        pytest.param(valid.ESC01, [], ["Offered"], id="3_1_1_3_esc01"),
        pytest.param(valid.LONGREQ, [], ["Offered"], id="3_1_1_7_longreq"),
    ],
)
def test_rfc_4475(text: str, sent: list[str], told: list[str]) -> None:
    side = received(text)
    assert (side.messages(), side.told()) == (sent, told)


def test_3_4_1_inv2543_is_answered_without_tags_and_contact() -> None:
    side = received(layers.INV2543)
    call = side.event(Offered).call
    side.do(side.agent.accept(call, OURS))
    assert side.last_response(200).record_routes

    invite = parse_datagram(message(layers.INV2543))
    assert isinstance(invite, Request)
    to = side.last_response(200).headers.first("To") or ""
    headers = invite.headers.setting("CSeq", "56 ACK").setting("To", to)
    side.do(side.agent.receive(Request("ACK", invite.uri, headers), FLOW))
    assert side.told()[-1] == "Confirmed"

    side.do(side.agent.hang_up(call))
    assert str(side.last_request("BYE").routes[0].uri) == "sip:+13035551111@ift.client.example.net;user=phone"


@pytest.mark.parametrize("text", [layers.INVUT, layers.SDP01])
def test_rfc_5031_a_call_for_help_is_not_refused_for_its_form(text: str) -> None:
    side = received(text.replace("INVITE sip:user@example.com SIP/2.0", SOS))
    assert side.told() == ["Offered"]
