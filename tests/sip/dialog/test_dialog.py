"""Dialogs: RFC 3261 section 12."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.protocols.sip.dialog.dialog import Dialog, OutOfOrderError, id_in_request, id_in_response
from bridge.protocols.sip.message import MalformedError, respond
from bridge.protocols.sip.uri import parse_uri
from tests.sip.dialog.exchange import (
    BRIDGE,
    PHONE,
    SDP,
    SDP_FIELD,
    answer,
    client_dialog,
    our_invite,
    phone_invite,
    phone_request,
    server_dialog,
)

ROUTES = (("Record-Route", "<sip:p1;lr>, <sip:p2;lr>"), ("Record-Route", "<sip:p3;lr>"))


class TestServer:
    def test_12_1_1_what_it_is_made_of(self) -> None:
        dialog = server_dialog(*ROUTES)

        assert dialog.id == ("c1", "bridge", "phone")
        assert dialog.target == PHONE.uri
        assert [str(route.uri) for route in dialog.routes] == ["sip:p1;lr", "sip:p2;lr", "sip:p3;lr"]
        assert (dialog.local_number, dialog.remote_number) == (None, 1)
        assert dialog.confirmed

    def test_12_1_1_a_provisional_response_makes_an_early_one(self) -> None:
        invite = phone_invite()
        early = Dialog.of_server(invite, respond(invite, 180, to_tag="bridge"), BRIDGE)
        assert not early.confirmed

    def test_rfc_2543_without_contact_the_from_is_the_target(self) -> None:
        invite = phone_request("INVITE", body=SDP)
        dialog = Dialog.of_server(invite, respond(invite, 200, to_tag="bridge"), BRIDGE)
        assert str(dialog.target) == "sip:9103@plant.example.com"

    def test_12_2_1_1_our_first_request_in_it(self) -> None:
        dialog, bye = server_dialog(*ROUTES).request("BYE", ("Reason", "SIP;cause=200"))

        assert str(bye.uri) == "sip:9103@192.0.2.3:5062"
        assert list(bye.headers) == [
            ("Route", "<sip:p1;lr>"),
            ("Route", "<sip:p2;lr>"),
            ("Route", "<sip:p3;lr>"),
            ("Max-Forwards", "70"),
            ("From", "<sip:9110@plant.example.com>;tag=bridge"),
            ("To", '"Post 03" <sip:9103@plant.example.com>;tag=phone'),
            ("Call-ID", "c1"),
            ("CSeq", "1 BYE"),
            ("Reason", "SIP;cause=200"),
        ]
        assert dialog.local_number == 1


class TestClient:
    def test_12_1_2_what_it_is_made_of(self) -> None:
        dialog = client_dialog(*ROUTES)

        assert dialog.id == ("d1", "bridge", "t1")
        assert dialog.target == PHONE.uri
        assert [str(route.uri) for route in dialog.routes] == ["sip:p3;lr", "sip:p2;lr", "sip:p1;lr"]
        assert (dialog.local_number, dialog.remote_number) == (1, None)

    def test_rfc_2543_without_contact_the_request_uri_is_the_target(self) -> None:
        invite = our_invite()
        assert Dialog.of_client(invite, answer(invite, 200), BRIDGE).target == invite.uri

    def test_12_2_1_1_numbers_go_up_by_one(self) -> None:
        dialog, info = client_dialog().request("INFO")
        dialog, bye = dialog.request("BYE")
        assert (info.cseq.number, bye.cseq.number) == (2, 3)

    def test_13_2_2_4_the_ack_has_the_number_of_its_invite(self) -> None:
        ack = client_dialog(*ROUTES).ack(1, SDP_FIELD, body=SDP)

        assert (str(ack.cseq), ack.body) == ("1 ACK", SDP)
        assert len(ack.routes) == 3
        assert "Contact" not in ack.headers

    def test_13_2_2_4_an_early_one_takes_its_routes_from_the_2xx(self) -> None:
        invite = our_invite()
        early = Dialog.of_client(invite, answer(invite, 180, *ROUTES, ("Contact", "<sip:early@h>")), BRIDGE)
        confirmed = early.now_confirmed(answer(invite, 200, ROUTES[1], ("Contact", PHONE)))

        assert [str(route.uri) for route in confirmed.routes] == ["sip:p3;lr"]
        assert (confirmed.target, confirmed.confirmed) == (PHONE.uri, True)


class TestRoutes:
    def test_12_2_1_1_without_routes(self) -> None:
        dialog = server_dialog()
        assert dialog.next_hop == PHONE.uri
        assert dialog.request("BYE")[1].routes == ()

    def test_12_2_1_1_a_loose_router(self) -> None:
        dialog = server_dialog(("Record-Route", "<sip:p1;lr>"))
        bye = dialog.request("BYE")[1]

        assert str(dialog.next_hop) == "sip:p1;lr"
        assert (bye.uri, [str(route) for route in bye.routes]) == (PHONE.uri, ["<sip:p1;lr>"])

    def test_12_2_1_1_a_strict_router(self) -> None:
        bye = server_dialog(("Record-Route", "<sip:p1?x=1>, <sip:p2>")).request("BYE")[1]

        assert str(bye.uri) == "sip:p1"
        assert [str(route) for route in bye.routes] == ["<sip:p2>", f"<{PHONE.uri}>"]


class TestOrder:
    @pytest.mark.parametrize("number", [1, 2, 2**31 - 1])
    def test_12_2_2_the_same_or_a_higher_number(self, number: int) -> None:
        dialog = server_dialog().took(phone_request("INFO", number=number, to_tag="bridge"))
        assert dialog.remote_number == number

    def test_12_2_2_an_older_request_is_out_of_order(self) -> None:
        dialog = server_dialog().took(phone_request("INFO", number=5, to_tag="bridge"))
        with pytest.raises(OutOfOrderError):
            dialog.took(phone_request("BYE", number=4, to_tag="bridge"))

    def test_12_2_2_the_first_request_may_have_any_number(self) -> None:
        assert client_dialog().took(phone_request("BYE", number=9)).remote_number == 9

    @pytest.mark.parametrize("method", ["ACK", "CANCEL"])
    def test_12_2_2_ack_and_cancel_have_that_of_their_invite(self, method: str) -> None:
        dialog = server_dialog().took(phone_request("INFO", number=5, to_tag="bridge"))
        assert dialog.took(phone_request(method, number=1, to_tag="bridge")) == dialog


class TestTarget:
    @pytest.mark.parametrize(("method", "moves"), [("INVITE", True), ("UPDATE", True), ("INFO", False)])
    def test_12_2_2_a_request_may_move_it(self, method: str, moves: bool) -> None:
        request = phone_request(method, ("Contact", "<sip:9103@192.0.2.33>"), number=2, to_tag="bridge")
        moved = server_dialog(*ROUTES).refreshed(request)

        assert str(moved.target) == ("sip:9103@192.0.2.33" if moves else str(PHONE.uri))
        assert moved.routes == server_dialog(*ROUTES).routes

    def test_12_2_1_2_a_2xx_may_move_it(self) -> None:
        dialog, invite = client_dialog().request("INVITE", SDP_FIELD, body=SDP)
        moved = dialog.refreshed(answer(invite, 200, ("Contact", "<sip:9201@192.0.2.44>")))
        assert str(moved.target) == "sip:9201@192.0.2.44"

    def test_a_contact_that_cannot_be_read(self) -> None:
        with pytest.raises(MalformedError):
            server_dialog().refreshed(phone_request("UPDATE", ("Contact", "<>"), number=2))


def test_section_12_how_a_message_finds_its_dialog() -> None:
    assert id_in_request(phone_request("BYE", to_tag="bridge")) == server_dialog().id
    assert id_in_response(answer(client_dialog().request("INFO")[1], 200)) == client_dialog().id


def test_in_a_refresh_contact_is_sent() -> None:
    dialog = client_dialog()
    assert [("Contact" in dialog.request(method)[1].headers) for method in ("INVITE", "UPDATE", "INFO")] == [
        True,
        True,
        False,
    ]
    assert replace(dialog, contact=PHONE).request("UPDATE")[1].contact is not None
    assert str(parse_uri("sip:9103@192.0.2.3:5062")) in str(replace(dialog, contact=PHONE).contact)
