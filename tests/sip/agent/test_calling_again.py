"""Calls that we make, and must say more than an INVITE for: RFC 3261 section 22, RFC 3262, RFC 4028."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.agent import Settings
from bridge.protocols.sip.agent.events import Ended
from bridge.protocols.sip.dialog.vocabulary import Cause
from tests.sip.agent.side import (
    LOGIN,
    Side,
    answer_body,
    called,
    ok,
    reply,
)

RELIABLE = (("Require", "100rel"), ("RSeq", "7"))


def challenge(nonce: str = "n1", *, stale: bool = False, algorithm: str = "MD5") -> str:
    line = f'Digest realm="r", nonce="{nonce}", qop="auth", algorithm={algorithm}'
    return f"{line}, stale=true" if stale else line


class TestReliable:
    """RFC 3262"""

    def test_section_4_a_reliable_response_gets_its_prack_once(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 183, *RELIABLE, body=answer_body(invite.body)))
        side.take(reply(invite, 183, *RELIABLE, body=answer_body(invite.body)))
        assert str(side.last_request("PRACK").rack) == "7 1 INVITE"
        assert side.messages() == ["INVITE", "PRACK"]
        assert side.told() == ["Ringing"]

    def test_section_4_what_becomes_of_the_prack_does_not_end_the_call(self) -> None:
        side = Side()
        invite = called(side)
        side.take(reply(invite, 183, *RELIABLE))
        prack = side.last_request("PRACK")
        side.take(ok(invite))
        side.take(reply(prack, 481))
        assert side.agent.calls == ["c"]
        assert side.last_request("ACK").cseq.number == 1


class TestDigest:
    """RFC 3261 section 22, RFC 8760"""

    @pytest.mark.parametrize(
        ("status", "asks", "answers"),
        [
            (401, "WWW-Authenticate", "Authorization"),
            (407, "Proxy-Authenticate", "Proxy-Authorization"),
        ],
    )
    def test_22_2_a_challenge_is_answered(self, status: int, asks: str, answers: str) -> None:
        side = Side()
        first = called(side, login=LOGIN)
        side.take(reply(first, status, (asks, challenge())))
        again = side.last_request("INVITE")

        assert (again.cseq.number, again.call_id, again.from_) == (2, first.call_id, first.from_)
        assert answers in again.headers
        assert again.via.branch != first.via.branch
        side.take(ok(again))
        assert side.last_request("ACK").headers.first(answers) == again.headers.first(answers)
        assert side.told() == ["Answered"]

    def test_rfc_7616_the_nonce_count_grows_within_the_call(self) -> None:
        side = Side()
        side.take(reply(called(side, login=LOGIN), 401, ("WWW-Authenticate", challenge())))
        side.take(ok(side.last_request("INVITE")))
        side.do(side.agent.send_digit("c", "1"))
        side.do(side.agent.hang_up("c"))
        counts = [
            side.last_request(method).authorizations[0].nonce_count for method in ("INVITE", "INFO", "BYE")
        ]
        assert counts == [1, 2, 3]

    def test_22_2_a_second_challenge_is_the_end(self) -> None:
        side = Side()
        side.take(reply(called(side, login=LOGIN), 401, ("WWW-Authenticate", challenge())))
        side.take(reply(side.last_request("INVITE"), 401, ("WWW-Authenticate", challenge("n2"))))
        ended = side.event(Ended)
        assert (ended.cause, ended.status) == (Cause.REFUSED, 401)
        assert side.messages() == ["INVITE", "ACK", "INVITE", "ACK"]

    def test_rfc_7616_a_stale_nonce_is_worth_another_try(self) -> None:
        side = Side()
        side.take(reply(called(side, login=LOGIN), 401, ("WWW-Authenticate", challenge())))
        side.take(reply(side.last_request("INVITE"), 401, ("WWW-Authenticate", challenge("n2", stale=True))))
        assert side.last_request("INVITE").authorizations[0].nonce == "n2"
        assert side.last_request("INVITE").cseq.number == 3

    def test_but_not_for_ever(self) -> None:
        side = Side()
        called(side, login=LOGIN)
        for number in range(10):
            line = challenge(f"n{number}", stale=number > 0)
            side.take(reply(side.last_request("INVITE"), 401, ("WWW-Authenticate", line)))
        assert len(side.times_of("INVITE")) == 4
        assert side.event(Ended).status == 401

    def test_22_3_a_proxy_and_a_server(self) -> None:
        side = Side()
        side.take(reply(called(side, login=LOGIN), 407, ("Proxy-Authenticate", challenge())))
        side.take(reply(side.last_request("INVITE"), 401, ("WWW-Authenticate", challenge("s"))))
        last = side.last_request("INVITE")
        assert [len(last.authorizations), len(last.proxy_authorizations)] == [1, 1]

    @pytest.mark.parametrize(
        ("line", "login"),
        [(challenge(), None), (challenge(algorithm="FOO"), LOGIN), ("Digest", LOGIN), ("Basic x=y", LOGIN)],
    )
    def test_22_2_what_we_cannot_answer(self, line: str, login: object) -> None:
        side = Side()
        side.take(reply(called(side, login=login), 401, ("WWW-Authenticate", line)))
        assert side.event(Ended).status == 401

    def test_9_1_who_gives_up_answers_no_challenge(self) -> None:
        side = Side()
        invite = called(side, login=LOGIN)
        side.do(side.agent.hang_up("c"))
        side.take(reply(invite, 401, ("WWW-Authenticate", challenge())))
        assert side.event(Ended) == Ended("c", Cause.HUNG_UP)
        assert side.messages() == ["INVITE", "ACK"]


class TestSessionTimer:
    """RFC 4028"""

    def test_section_7_3_a_longer_interval_is_granted(self) -> None:
        side = Side()
        side.take(reply(called(side), 422, ("Min-SE", "3600")))
        again = side.last_request("INVITE")
        assert again.session_expires is not None
        assert again.min_se is not None
        assert (again.cseq.number, again.session_expires.seconds, again.min_se.seconds) == (2, 3600, 3600)

    def test_section_7_3_a_422_that_asks_for_less_is_a_refusal(self) -> None:
        side = Side()
        side.take(reply(called(side), 422, ("Min-SE", "60")))
        assert side.event(Ended).status == 422

    def test_none_where_none_is_wanted(self) -> None:
        side = Side(Settings(session_interval=0))
        invite = called(side)
        assert "Session-Expires" not in invite.headers


def test_a_late_response_to_a_forgotten_call_is_dropped() -> None:
    side = Side()
    invite = called(side)
    side.take(reply(invite, 486))
    side.wait(100.0)
    side.messages()
    side.take(ok(invite))
    assert side.messages() == []


def test_no_provisional_response_ends_a_call_that_was_refused() -> None:
    side = Side()
    invite = called(side)
    side.take(reply(invite, 486))
    side.take(reply(invite, 180))
    assert side.told() == ["Ended"]
