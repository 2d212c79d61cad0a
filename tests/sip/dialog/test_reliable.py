"""Reliable provisional responses: RFC 3262."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.protocols.sip.dialog.reliable import expects, made_reliable
from bridge.protocols.sip.headers.cseq import CSeq
from bridge.protocols.sip.headers.rack import RAck
from bridge.protocols.sip.message import MalformedError, respond
from tests.sip.dialog.exchange import answer, our_invite, phone_invite, phone_request

RINGING = respond(phone_invite(), 180, to_tag="bridge")


class TestServer:
    def test_section_3_number_and_require(self) -> None:
        sent = made_reliable(RINGING, 5, 0.5)

        assert sent.response.rseq is not None
        assert sent.response.rseq.number == 5
        assert list(sent.response.require) == ["100rel"]
        assert sent.rack == RAck(5, CSeq(1, "INVITE"))

    def test_section_3_repetitions_double_without_bound(self) -> None:
        sent = made_reliable(RINGING, 5, 0.5)
        intervals = []
        for _ in range(5):
            sent = sent.later()
            intervals.append(sent.interval)
        assert intervals == [1.0, 2.0, 4.0, 8.0, 16.0]

    @pytest.mark.parametrize(
        ("rack", "matches"), [("5 1 INVITE", True), ("6 1 INVITE", False), ("5 2 INVITE", False)]
    )
    def test_section_3_its_prack(self, rack: str, matches: bool) -> None:
        prack = phone_request("PRACK", ("RAck", rack), number=2, to_tag="bridge")
        assert made_reliable(RINGING, 5, 0.5).is_answered_by(prack) is matches

    def test_a_prack_without_rack(self) -> None:
        with pytest.raises(MalformedError):
            made_reliable(RINGING, 5, 0.5).is_answered_by(phone_request("PRACK", number=2, to_tag="bridge"))


class TestClient:
    RELIABLE = (("Require", "100rel"), ("RSeq", "7"))

    def test_section_4_the_first_may_have_any_number(self) -> None:
        assert expects(answer(our_invite(), 183, *self.RELIABLE), None) == RAck(7, CSeq(1, "INVITE"))

    @pytest.mark.parametrize(("last", "expected"), [(6, True), (7, False), (5, False), (8, False)])
    def test_section_4_then_one_after_the_other(self, last: int, expected: bool) -> None:
        assert (expects(answer(our_invite(), 183, *self.RELIABLE), last) is not None) is expected

    def test_what_needs_no_prack(self) -> None:
        assert expects(answer(our_invite(), 180), None) is None
        assert expects(answer(our_invite(), 180, ("RSeq", "7")), None) is None
        assert expects(answer(our_invite(), 180, ("Require", "100rel")), None) is None
        assert expects(replace(answer(our_invite(), 183, *self.RELIABLE), status=100), None) is None
