"""Requests outside of calls, and what cannot be taken: RFC 3261 sections 8.1, 8.2, 11 and 22."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent import Settings
from bridge.protocols.sip.agent.events import Ended, Offered, RequestAnswered, RequestReceived
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.digest import challenges
from bridge.protocols.sip.message import Response
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip.transaction.machine import Failure
from bridge.protocols.sip.uri import parse_uri
from tests.sip.agent.side import LOGIN, Side, offered, phone_invite, phone_request, reply, target

ALLOW = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "PRACK", "MESSAGE", "REGISTER"]


def answer_of(side: Side) -> Response:
    sent = side.sent[-1][1].message
    assert isinstance(sent, Response)
    return sent


class TestOptions:
    @pytest.mark.parametrize("busy", [False, True])
    def test_11_2_what_we_can_also_when_busy(self, busy: bool) -> None:
        side = Side()
        if busy:
            side.do(side.agent.reject(offered(side), 486))
        side.take(phone_request("OPTIONS"))
        response = answer_of(side)
        assert response.status == 200
        assert list(response.allow) == ALLOW
        assert str(response.accept[0]) == "application/sdp"
        assert list(response.supported) == ["100rel", "timer"]
        assert response.to.tag

    def test_the_application_may_answer_them(self) -> None:
        side = Side(Settings(application_methods=frozenset(("OPTIONS",))))
        side.take(phone_request("OPTIONS"))
        assert side.told() == ["RequestReceived"]

    def test_17_2_2_repeated_it_gets_the_same_answer(self) -> None:
        side = Side()
        side.take(phone_request("OPTIONS"))
        side.take(phone_request("OPTIONS"))
        first, second = (send.message for _, send in side.sent)
        assert first == second


class TestRefused:
    @pytest.mark.parametrize(
        ("method", "status"),
        [("REFER", 405), ("SUBSCRIBE", 405), ("NOTIFY", 405), ("PUBLISH", 405), ("FOO", 501)],
    )
    def test_8_2_1_a_method_that_we_do_not_do(self, method: str, status: int) -> None:
        side = Side()
        side.take(phone_request(method, ("Refer-To", "<sip:evil@example.com>")))
        assert answer_of(side).status == status
        assert list(answer_of(side).allow) == ALLOW
        assert side.told() == []

    @pytest.mark.parametrize(
        "uri", ["http://example.com", "urn:service:pizza", "soap.beep://192.0.2.103:3002"]
    )
    def test_8_2_2_1_a_scheme_that_we_do_not_know(self, uri: str) -> None:
        side = Side()
        side.take(phone_invite(uri=uri))
        assert answer_of(side).status == 416

    @pytest.mark.parametrize("uri", ["urn:service:sos", "tel:9110", "sips:9110@192.0.2.1"])
    def test_8_2_2_1_schemes_that_we_take(self, uri: str) -> None:
        side = Side()
        side.take(phone_invite(uri=uri))
        assert side.told() == ["Offered"]

    def test_8_2_2_3_an_extension_that_we_do_not_know(self) -> None:
        side = Side()
        side.take(phone_invite(("Require", "timer, foo, 100rel"), ("Require", "bar")))
        assert answer_of(side).status == 420
        assert list(answer_of(side).unsupported) == ["foo", "bar"]

    def test_rfc_4475_3_3_11_an_endpoint_takes_what_may_not_be_passed_on(self) -> None:
        side = Side()
        side.take(phone_invite(("Max-Forwards", "0")))
        assert side.event(Offered).hops == 0

    def test_rfc_7332_who_passes_calls_on_refuses_it_with_483(self) -> None:
        side = Side(Settings(passes_on=True))
        side.take(phone_invite(("Max-Forwards", "0")))
        assert answer_of(side).status == 483

    def test_rfc_7332_but_not_a_call_for_help(self) -> None:
        side = Side(Settings(passes_on=True))
        side.take(phone_invite(("Max-Forwards", "0"), uri="urn:service:sos"))
        assert side.told() == ["Offered"]

    def test_8_2_3_a_body_that_we_do_not_know(self) -> None:
        side = Side()
        side.take(phone_invite(("Content-Type", "application/isup"), body=b"x"))
        assert answer_of(side).status == 415
        assert any(kind.name == "application/sdp" for kind in answer_of(side).accept)

    def test_8_2_3_one_that_may_be_ignored(self) -> None:
        side = Side()
        optional = ("Content-Disposition", "render;handling=optional")
        side.take(phone_invite(("Content-Type", "application/isup"), optional, body=b"x"))
        assert side.event(Offered).offer is None

    @pytest.mark.parametrize(
        ("kind", "disposition"),
        [("application/isup", ""), ("multipart/mixed;boundary=b", "session"), ("x", "session")],
    )
    def test_8_2_3_one_that_makes_no_sense_is_400(self, kind: str, disposition: str) -> None:
        side = Side()
        side.take(phone_invite(("Content-Type", kind), ("Content-Disposition", disposition), body=b"x"))
        assert answer_of(side).status == 400

    def test_8_2_3_an_encoding_that_we_do_not_know(self) -> None:
        side = Side()
        side.take(phone_invite(("Content-Encoding", "gzip")))
        assert answer_of(side).headers.first("Accept-Encoding") == "identity"

    def test_12_2_2_a_request_in_an_unknown_dialog(self) -> None:
        side = Side()
        for method in ("INVITE", "OPTIONS", "INFO", "UPDATE", "PRACK", "REFER", "BYE"):
            side.take(phone_request(method, to_tag="nobody"))
            assert answer_of(side).status == 481

    def test_12_2_2_an_ack_of_nothing_is_dropped(self) -> None:
        side = Side()
        side.take(phone_request("ACK", to_tag="nobody"))
        assert side.messages() == []

    def test_a_field_that_cannot_be_read_is_400(self) -> None:
        side = Side()
        side.take(phone_request("OPTIONS", ("Require", "a b")))
        assert answer_of(side).status == 400

    @pytest.mark.parametrize("name", ["Require", "Allow", "Max-Forwards", "Session-Expires", "Accept"])
    def test_rfc_5031_but_no_call_for_help_is_refused_for_it(self, name: str) -> None:
        side = Side()
        side.take(phone_invite((name, "= ="), uri="urn:service:sos"))
        assert side.told() == ["Offered"]

    def test_what_is_refused_is_forgotten(self) -> None:
        side = Side()
        for method in ("REFER", "FOO", "BYE", "OPTIONS"):
            side.take(phone_request(method, call_id=method))
        side.check_forgotten()


class TestForTheApplication:
    def test_10_3_register(self) -> None:
        side = Side()
        side.take(phone_request("REGISTER", uri="sip:plant.example.com"))
        received = side.event(RequestReceived)
        assert (received.request.method, received.call) == ("REGISTER", "")
        side.do(side.agent.answer(received.id, 200, fields=(("Expires", "60"),)))
        assert answer_of(side).status == 200
        assert side.told() == ["RequestReceived"]
        side.check_forgotten()

    def test_22_1_it_may_ask_first_who_that_is(self) -> None:
        side = Side()
        side.take(phone_request("REGISTER", uri="sip:plant.example.com"))
        side.do(side.agent.challenge_request(side.event(RequestReceived).id, challenges("r", "n")))
        assert [challenge.algorithm for challenge in answer_of(side).challenges] == ["SHA-256", "MD5"]

    def test_22_1_and_who_calls(self) -> None:
        side = Side()
        call = offered(side)
        side.do(side.agent.challenge(call, challenges("r", "n")))
        assert answer_of(side).status == 401
        assert side.event(Ended) == Ended(call, Cause.CHALLENGED, 401)

        side.take(phone_request("ACK", to_tag=answer_of(side).to.tag, branch="INVITE1"))
        side.take(phone_request("INVITE", number=2, body=phone_invite().body))
        assert side.told() == ["Offered", "Ended", "Offered"]

    def test_an_application_that_says_nothing_keeps_nobody_waiting(self) -> None:
        side = Side()
        side.take(phone_request("MESSAGE"))
        side.wait(32.1)
        assert answer_of(side).status == 500
        with pytest.raises(ProtocolError):
            side.agent.answer(side.event(RequestReceived).id, 200)
        side.check_forgotten()

    def test_only_a_final_answer(self) -> None:
        side = Side()
        side.take(phone_request("MESSAGE"))
        with pytest.raises(ProtocolError):
            side.agent.answer(side.event(RequestReceived).id, 100)


class TestOurs:
    def test_8_1_options(self) -> None:
        side = Side()
        side.do(side.agent.request("o", "OPTIONS", target()))
        request = side.last_request("OPTIONS")
        side.take(reply(request, 100))
        side.take(reply(request, 200))
        event = side.event(RequestAnswered)
        assert event.response is not None
        assert (event.id, event.response.status, event.failure) == ("o", 200, None)
        side.check_forgotten()

    def test_10_2_register_with_a_challenge(self) -> None:
        side = Side()
        registrar = parse_uri("sip:pbx.example.com")
        fields = (("Contact", "<sip:bridge@192.0.2.1>"), ("Expires", "300"))
        wish = target(uri=registrar, login=LOGIN, fields=fields)
        side.do(side.agent.request("r", "REGISTER", wish, sequence=("reg1", 7)))
        side.take(
            reply(side.last_request("REGISTER"), 401, ("WWW-Authenticate", 'Digest realm="r", nonce="n"'))
        )
        again = side.last_request("REGISTER")
        assert (str(again.call_id), again.cseq.number, len(again.authorizations)) == ("reg1", 8, 1)
        side.take(reply(again, 200))
        assert side.event(RequestAnswered).request.cseq.number == 8
        assert side.told() == ["RequestAnswered"]

    def test_17_1_2_2_nobody_answers(self) -> None:
        side = Side()
        side.do(side.agent.request("o", "OPTIONS", target()))
        side.wait(33.0)
        assert side.event(RequestAnswered).failure is Failure.TIMEOUT
        side.check_forgotten()

    def test_8_1_3_1_it_cannot_be_sent(self) -> None:
        side = Side()
        side.do(side.agent.request("o", "OPTIONS", target()))
        name = side.sent[0][1].transaction
        assert isinstance(name, Name)
        side.do(side.agent.transport_failed(name))
        assert side.event(RequestAnswered).failure is Failure.TRANSPORT
        side.check_forgotten()

    @pytest.mark.parametrize("method", ["INVITE", "ACK", "BYE", "CANCEL"])
    def test_what_belongs_to_calls_is_not_sent_without_one(self, method: str) -> None:
        with pytest.raises(ProtocolError):
            Side().agent.request("o", method, target())

    def test_a_name_is_free_again_after_the_answer(self) -> None:
        side = Side()
        side.do(side.agent.request("o", "OPTIONS", target()))
        with pytest.raises(ProtocolError):
            side.agent.request("o", "OPTIONS", target())
        side.take(reply(side.last_request("OPTIONS"), 486))
        side.do(side.agent.request("o", "OPTIONS", target()))
