"""A 2xx until its ACK comes: RFC 3261 section 13.3.1.4. Times are values."""

from __future__ import annotations

from bridge.protocols.sip.dialog.acceptance import Acceptance, State, event, start
from bridge.protocols.sip.dialog.vocabulary import Confirmed, Over, Reply, RequestCame, Start, Stop, Wait
from bridge.protocols.sip.message import respond
from bridge.protocols.sip.transaction.timers import STANDARD
from tests.sip.dialog.exchange import phone_invite, phone_request

INVITE = phone_invite()
OK = respond(INVITE, 200, to_tag="bridge")
ACK = phone_request("ACK", to_tag="bridge")


def waiting() -> Acceptance:
    return start(INVITE, OK, STANDARD)[0]


def test_start() -> None:
    assert start(INVITE, OK, STANDARD)[1] == (
        Reply(INVITE, OK),
        Start(Wait.RESEND, 0.5),
        Start(Wait.ACK, 32.0),
    )


def test_the_2xx_is_sent_again_at_intervals_that_double_up_to_t2() -> None:
    """Within 5 s without ACK: at 0, 0.5, 1.5 and 3.5 s, four in all."""
    acceptance = waiting()
    at = [0.0, 0.5]
    for _ in range(5):
        acceptance, effects = event(Over(Wait.RESEND), acceptance)
        assert effects[0] == Reply(INVITE, OK)
        assert isinstance(effects[1], Start)
        at.append(at[-1] + effects[1].after)
    assert at == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5]


def test_the_ack_ends_it() -> None:
    acceptance, effects = event(RequestCame(ACK), waiting())

    assert acceptance.state is State.ACKNOWLEDGED
    assert effects == (Stop(Wait.RESEND), Stop(Wait.ACK), Confirmed(ACK))
    assert event(RequestCame(ACK), acceptance) == (acceptance, ())
    assert event(Over(Wait.RESEND), acceptance) == (acceptance, ())


def test_after_64_t1_it_is_given_up() -> None:
    acceptance, effects = event(Over(Wait.ACK), waiting())
    assert (acceptance.state, effects) == (State.GIVEN_UP, (Stop(Wait.RESEND),))


def test_the_ack_of_another_invite_and_other_requests_change_nothing() -> None:
    for request in (phone_request("ACK", number=2, to_tag="bridge"), phone_request("INFO", to_tag="bridge")):
        assert event(RequestCame(request), waiting()) == (waiting(), ())
