"""All transactions of an endpoint: RFC 3261 sections 8.2.2.2, 9.2, 17.1.3, 17.2.3."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.layer import Name, Side, TransactionLayer
from bridge.protocols.sip.transaction.machine import Deliver, Ended, Failed, Failure, Send, SetTimer
from bridge.protocols.sip.transaction.requests import ack_of_failure, cancel_of
from bridge.protocols.sip.transaction.timers import Timer, Times
from tests.sip.transaction.messages import BYE, INVITE, ack, request, response


def received(layer: TransactionLayer, message: Request | Response) -> tuple[Name, tuple[object, ...]]:
    name, effects = layer.receive(message, reliable=False)
    assert name is not None
    return name, effects


@pytest.fixture
def layer() -> TransactionLayer:
    return TransactionLayer()


class TestServer:
    def test_a_request_makes_one_transaction(self, layer: TransactionLayer) -> None:
        name, effects = received(layer, INVITE)

        assert effects[0] == Deliver(INVITE)
        assert received(layer, INVITE) == (name, ())
        assert layer.request_of(name) == INVITE
        assert len(layer) == 1

    def test_its_answer_goes_the_same_way(self, layer: TransactionLayer) -> None:
        name, _ = received(layer, BYE)

        assert layer.respond(name, response(200, BYE))[1][0] == Send(response(200, BYE))
        assert received(layer, BYE) == (name, (Send(response(200, BYE)),))

    def test_it_is_forgotten_at_its_end(self, layer: TransactionLayer) -> None:
        name, _ = received(layer, BYE)
        layer.respond(name, response(200, BYE))

        assert layer.fire(name, Timer.J) == (name, (Ended(),))
        assert len(layer) == 0
        assert layer.fire(name, Timer.J) == (name, ())
        assert layer.respond(name, response(200, BYE)) == (name, ())
        assert received(layer, BYE)[1] == (Deliver(BYE),)

    def test_17_2_3_the_ack_of_a_failure_belongs_to_its_invite(self, layer: TransactionLayer) -> None:
        name, _ = received(layer, INVITE)
        layer.respond(name, response(486))

        found, effects = received(layer, ack_of_failure(INVITE, response(486)))
        assert found == name
        assert SetTimer(Timer.I, 5.0) in effects

    def test_13_3_1_4_the_ack_of_a_2xx_goes_to_the_dialog(self, layer: TransactionLayer) -> None:
        name, _ = received(layer, INVITE)
        layer.respond(name, response(200))
        other = ack(branch="z9hG4bK-of-its-own")

        assert layer.receive(other, reliable=False) == (None, (Deliver(other),))

    def test_an_ack_of_a_2xx_with_the_branch_of_the_invite_too(self, layer: TransactionLayer) -> None:
        name, _ = received(layer, INVITE)
        layer.respond(name, response(200))

        assert received(layer, ack()) == (name, (Deliver(ack()),))

    def test_17_2_3_another_sent_by_is_another_transaction(self, layer: TransactionLayer) -> None:
        stranger = replace(
            BYE,
            headers=BYE.headers.setting("Via", "SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bK2").setting(
                "From", "<sip:x@y>;tag=other"
            ),
        )
        assert received(layer, BYE)[0] != received(layer, stranger)[0]


class TestCancel:
    def test_9_2_it_is_a_transaction_of_its_own_that_finds_the_invite(self, layer: TransactionLayer) -> None:
        invite, _ = received(layer, INVITE)
        cancel, effects = received(layer, cancel_of(INVITE))

        assert cancel != invite
        assert effects == (Deliver(cancel_of(INVITE)),)
        assert layer.invite_of(cancel_of(INVITE)) == invite

    def test_9_2_there_is_no_such_invite(self, layer: TransactionLayer) -> None:
        assert layer.invite_of(cancel_of(INVITE)) is None

    def test_9_1_what_is_in_it(self) -> None:
        invite = request("INVITE", ("Route", "<sip:p;lr>"), ("Via", "SIP/2.0/UDP behind"), ("Require", "x"))
        assert list(cancel_of(invite).headers) == [
            ("Via", "SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK1"),
            ("Route", "<sip:p;lr>"),
            ("Max-Forwards", "70"),
            ("From", '"Post 03" <sip:9103@plant.example.com>;tag=f1'),
            ("To", "<sip:9110@plant.example.com>"),
            ("Call-ID", "c1"),
            ("CSeq", "1 CANCEL"),
        ]


class TestLoops:
    def test_8_2_2_2_the_same_request_by_another_path(self, layer: TransactionLayer) -> None:
        received(layer, INVITE)
        name, effects = layer.receive(request(branch="z9hG4bK-other"), reliable=False)

        [send] = effects
        assert name is None
        assert isinstance(send, Send)
        assert isinstance(send.message, Response)
        assert send.message.status == 482
        assert send.message.to.tag
        assert len(layer) == 1

    def test_after_the_first_has_ended_it_is_a_new_request(self, layer: TransactionLayer) -> None:
        name, _ = received(layer, INVITE)
        layer.fail(name)
        assert received(layer, request(branch="z9hG4bK-other"))[1][0] == Deliver(
            request(branch="z9hG4bK-other")
        )

    def test_requests_within_a_dialog_and_of_old_clients_are_no_loops(self, layer: TransactionLayer) -> None:
        for name, value in (("To", "<sip:a@b>;tag=1"), ("From", "<sip:a@b>")):
            for branch in ("z9hG4bK-a", "z9hG4bK-b"):
                message = request(branch=branch + name)
                received(layer, replace(message, headers=message.headers.setting(name, value)))
        assert len(layer) == 4


class TestOldClients:
    """RFC 2543: no branch, or one that means nothing."""

    @pytest.mark.parametrize("via", ["SIP/2.0/UDP 192.0.2.3", "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK"])
    def test_17_2_3_matched_by_everything_else(self, layer: TransactionLayer, via: str) -> None:
        old = replace(INVITE, headers=INVITE.headers.setting("Via", via))
        name, _ = received(layer, old)

        assert received(layer, old) == (name, ())
        layer.respond(name, response(486, old))
        assert received(layer, ack_of_failure(old, response(486, old)))[0] == name

        another = replace(old, headers=old.headers.setting("Call-ID", "c2"))
        assert received(layer, another)[0] != name


class TestClient:
    def test_17_1_3_a_response_finds_its_request(self, layer: TransactionLayer) -> None:
        name, effects = layer.send(BYE, reliable=False)

        assert effects[0] == Send(BYE)
        assert received(layer, response(200, BYE))[0] == name
        assert layer.fire(Name(Side.CLIENT, name.key if name else ()), Timer.K)[1] == (Ended(),)
        assert len(layer) == 0

    def test_17_1_3_the_response_to_a_cancel_is_not_that_to_its_invite(self, layer: TransactionLayer) -> None:
        invite, _ = layer.send(INVITE, reliable=False)
        cancel, _ = layer.send(cancel_of(INVITE), reliable=False)

        assert received(layer, response(200, cancel_of(INVITE)))[0] == cancel
        assert received(layer, response(487))[0] == invite

    @pytest.mark.parametrize("via", ["SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bK9", "SIP/2.0/UDP 192.0.2.3"])
    def test_18_1_2_a_response_to_nothing_is_dropped(self, layer: TransactionLayer, via: str) -> None:
        layer.send(BYE, reliable=False)
        stray = response(200, BYE)
        stray = replace(stray, headers=stray.headers.setting("Via", via))
        assert layer.receive(stray, reliable=False) == (None, ())

    @pytest.mark.parametrize("second", ["SIP/2.0/UDP 255.255.255.255", "nonsense"])
    def test_8_1_3_3_a_response_with_a_second_via_is_dropped(
        self, layer: TransactionLayer, second: str
    ) -> None:
        layer.send(BYE, reliable=False)
        answer = response(200, BYE)
        for broken in (
            answer.headers.adding(("Via", second)),
            answer.headers.setting("Via", f"{answer.headers.first('Via')}, {second}"),
        ):
            assert layer.receive(replace(answer, headers=broken), reliable=False) == (None, ())

    def test_the_transport_fails(self, layer: TransactionLayer) -> None:
        name, _ = layer.send(BYE, reliable=True)
        assert name is not None
        assert layer.fail(name)[1] == (Failed(Failure.TRANSPORT), Ended())
        assert layer.request_of(name) is None

    @pytest.mark.parametrize("again", [BYE, ack()])
    def test_what_makes_no_transaction(self, layer: TransactionLayer, again: Request) -> None:
        layer.send(BYE, reliable=False)
        with pytest.raises(ProtocolError, match="no transaction"):
            layer.send(again, reliable=False)

    def test_times_can_be_shortened(self) -> None:
        layer = TransactionLayer(Times(t1=0.01))
        assert layer.send(BYE, reliable=False)[1][1:] == (SetTimer(Timer.F, 0.64), SetTimer(Timer.E, 0.01))


class TestAbandoned:
    def test_a_client_transaction_is_forgotten_at_once(self, layer: TransactionLayer) -> None:
        name, _ = layer.send(INVITE, reliable=False)
        assert name is not None
        assert layer.abandon(name) == (name, (Ended(),))
        assert len(layer) == 0
        assert layer.abandon(name) == (name, ())

    def test_a_server_transaction_too_and_its_request_is_new_when_it_comes_again(
        self, layer: TransactionLayer
    ) -> None:
        name, _ = received(layer, INVITE)
        assert layer.abandon(name) == (name, (Ended(),))
        assert layer.abandon(name) == (name, ())
        assert received(layer, request(branch="z9hG4bKother"))[1][0] == Deliver(
            request(branch="z9hG4bKother")
        )
