"""A call that we make: RFC 3261 sections 9.1 and 13.2, RFC 3262. What each event does in each state."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.dialog.outgoing import (
    TRANSITIONS,
    AnswerOffer,
    Call,
    Event,
    HangUp,
    Signal,
    State,
    event,
    start,
)
from bridge.protocols.sip.dialog.vocabulary import (
    Acknowledge,
    Answered,
    Ask,
    Cancel,
    Effect,
    Finished,
    Over,
    Progress,
    Refused,
    RequestFailed,
    ResponseCame,
    Wait,
)
from bridge.protocols.sip.transaction.machine import Failure
from tests.sip.dialog.exchange import BRIDGE, PHONE, SDP, Field, answer, our_invite

INVITE = our_invite()
RELIABLE = (("Require", "100rel"), ("RSeq", "7"))


def came(status: int, *fields: Field, tag: str = "a") -> ResponseCame:
    contact: tuple[Field, ...] = (("Contact", PHONE),) if 100 < status < 300 else ()
    return ResponseCame(INVITE, answer(INVITE, status, *contact, *fields, tag=tag))


def call(*events: Event, body: bytes = SDP) -> Call:
    made, effects = start(INVITE if body else our_invite(body=b""), BRIDGE)
    assert effects == (Ask(made.invite),)
    for happened in events:
        made, _ = event(happened, made)
    return made


def short(effect: Effect) -> str:
    """An effect in a word or two: `BYE a`, `ack a`, `start cancelled`."""
    match effect:
        case Ask(request):
            return f"{request.method} {request.to.tag}"
        case Acknowledge(ack):
            return f"ack {ack.to.tag}"
        case Finished(cause):
            return cause.value
        case Progress() | Answered() | Refused() | Cancel():
            return type(effect).__name__.lower()
    return f"{type(effect).__name__.lower()} {getattr(effect, 'wait', '')}".strip()


LOST = RequestFailed(INVITE, Failure.TIMEOUT)
LATE = "start late answers"
TOO_LATE = ["ack a", "BYE a", "stop cancelled", LATE, "hung up"]
S = State


@pytest.mark.parametrize(
    ("before", "happens", "state", "effects"),
    [
        ((), came(100), S.PROCEEDING, ["progress"]),
        ((), came(180), S.PROCEEDING, ["progress"]),
        ((came(180),), came(183, tag="b"), S.PROCEEDING, ["progress"]),
        # 13.2.2.4
        ((), came(200), S.ANSWERED, ["ack a", LATE, "answered"]),
        ((came(180),), came(200), S.ANSWERED, ["ack a", LATE, "answered"]),
        ((came(200),), came(200), S.ANSWERED, ["ack a"]),
        ((came(200),), came(200, tag="b"), S.ANSWERED, ["ack b", "BYE b"]),
        ((came(200), came(200, tag="b")), came(200, tag="b"), S.ANSWERED, ["ack b"]),
        ((came(200),), Over(Wait.LATE_ANSWERS), S.ENDED, []),
        ((came(200), Over(Wait.LATE_ANSWERS)), came(200), S.ENDED, ["ack a"]),
        # 8.1.3
        ((), came(486), S.ENDED, ["refused"]),
        ((came(180),), came(302), S.ENDED, ["refused"]),
        ((), LOST, S.ENDED, ["refused"]),
        ((came(100),), LOST, S.ENDED, ["refused"]),
        ((came(486),), came(180), S.ENDED, []),
        # 9.1
        ((), HangUp(), S.GIVING_UP, []),
        ((HangUp(),), came(100), S.CANCELLING, ["cancel", "start cancelled"]),
        ((came(180),), HangUp(), S.CANCELLING, ["cancel", "start cancelled"]),
        ((HangUp(),), LOST, S.ENDED, ["stop cancelled", "hung up"]),
        ((HangUp(),), came(486), S.ENDED, ["stop cancelled", "hung up"]),
        ((HangUp(),), came(200), S.ENDED, TOO_LATE),
        ((came(180), HangUp()), came(487), S.ENDED, ["stop cancelled", "hung up"]),
        ((came(180), HangUp()), came(200), S.ENDED, TOO_LATE),
        ((came(180), HangUp()), LOST, S.ENDED, ["stop cancelled", "hung up"]),
        ((came(180), HangUp()), Over(Wait.CANCELLED), S.ENDED, ["abandon", "hung up"]),
        ((came(180), HangUp()), HangUp(), S.CANCELLING, []),
        ((came(180), HangUp(), came(200)), came(200, tag="b"), S.ENDED, ["ack b", "BYE b"]),
        # RFC 3262 section 4
        ((), came(183, *RELIABLE), S.PROCEEDING, ["PRACK a", "progress"]),
        ((came(183, *RELIABLE),), came(183, *RELIABLE), S.PROCEEDING, []),
        ((came(183, *RELIABLE),), came(183, *RELIABLE, tag="b"), S.PROCEEDING, ["PRACK b", "progress"]),
        # What is none of its business.
        ((), Over(Wait.SESSION), S.CALLING, []),
        ((), RequestFailed(our_invite(("X", "1")), Failure.TIMEOUT), S.CALLING, []),
    ],
)
def test_what_happens(before: tuple[Event, ...], happens: Event, state: State, effects: list[str]) -> None:
    after, done = event(happens, call(*before))
    assert (after.state, [short(effect) for effect in done]) == (state, effects)


def test_13_2_1_the_ack_waits_for_our_answer_to_the_offer_in_the_2xx() -> None:
    made = call(body=b"")
    ok = ResponseCame(made.invite, answer(made.invite, 200, ("Contact", PHONE), tag="a", body=SDP))
    made, effects = event(ok, made)
    assert [short(effect) for effect in effects] == [LATE, "answered"]
    assert event(ok, made)[1] == ()

    made, effects = event(AnswerOffer((("Content-Type", "application/sdp"),), SDP), made)
    assert isinstance(effects[0], Acknowledge)
    assert effects[0].ack.body == SDP
    assert event(AnswerOffer((), b"other"), made)[1] == ()
    assert event(ok, made)[1] == effects


def test_what_becomes_of_other_requests_changes_nothing() -> None:
    prack = event(came(183, *RELIABLE), call())[1][0]
    assert isinstance(prack, Ask)
    made = call(came(183, *RELIABLE))
    assert event(ResponseCame(prack.request, answer(prack.request, 481)), made) == (made, ())


def test_12_1_2_a_prack_is_in_the_dialog_and_the_next_request_has_the_next_number() -> None:
    made = call(came(183, *RELIABLE), came(200))
    branch = made.branch("a")
    assert branch is not None
    assert branch.dialog.request("BYE")[1].cseq.number == 3
    assert branch.ack is not None
    assert branch.ack.cseq.number == 1


def test_why_nobody_answered_is_told() -> None:
    assert event(RequestFailed(INVITE, Failure.TRANSPORT), call())[1] == (Refused(None, Failure.TRANSPORT),)


def test_every_row_is_reached_by_a_signal_that_exists() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {signal for _, signal in TRANSITIONS} == set(Signal) - {Signal.NONE}
