"""A call that comes in: RFC 3261 sections 9.2, 13.3 and 15, RFC 3262, RFC 3311.

What each event does in each state.
"""

from __future__ import annotations

import pytest

from bridge.protocols.sip.dialog.incoming import (
    TRANSITIONS,
    Accept,
    Event,
    Invitation,
    Refuse,
    Ring,
    Signal,
    State,
    event,
    start,
)
from bridge.protocols.sip.dialog.vocabulary import Cause, Effect, Finished, Over, Reply, RequestCame, Wait
from bridge.protocols.sip.message import Request
from tests.sip.dialog.exchange import BRIDGE, SDP, phone_invite, phone_request

CANCEL = phone_request("CANCEL")
BYE = phone_request("BYE", number=2, to_tag="bridge")
PRACK = phone_request("PRACK", ("RAck", "5 1 INVITE"), number=2, to_tag="bridge")
INFO = phone_request("INFO", number=2, to_tag="bridge")
UPDATE = phone_request("UPDATE", number=2, to_tag="bridge")
OFFER = phone_request("UPDATE", number=2, to_tag="bridge", body=SDP)


def invitation(*events: Event, reliable: bool = False) -> Invitation:
    invite = phone_invite(("Require", "100rel")) if reliable else phone_invite()
    made = start(invite, "bridge", BRIDGE, first_number=5)
    for happened in events:
        made, _ = event(happened, made)
    return made


def told(effects: tuple[Effect, ...]) -> list[str]:
    """Effects in short: `INVITE 180`, `start prack`, `bye`."""
    return [short(effect) for effect in effects]


def short(effect: Effect) -> str:
    if isinstance(effect, Reply):
        return f"{effect.request.method} {effect.response.status}"
    if isinstance(effect, Finished):
        return effect.cause.value
    return f"{type(effect).__name__.lower()} {getattr(effect, 'wait', '')}".strip()


STOPPED = ["stop resend provisional", "stop prack"]
R, A, E = State.RINGING, State.ANSWERED, State.ENDED


@pytest.mark.parametrize(
    ("before", "happens", "state", "effects"),
    [
        # 13.3.1.1
        ((), Ring(), R, ["INVITE 180"]),
        ((Ring(),), Ring(183, (), SDP), R, ["INVITE 183"]),
        # 13.3.1.4: the session sends the 2xx
        ((), Accept((), SDP), A, []),
        # 13.3.1.3
        ((), Refuse(486), E, ["INVITE 486"]),
        # 9.2
        ((Ring(),), RequestCame(CANCEL), E, ["CANCEL 200", "INVITE 487", "cancelled"]),
        ((Accept((), SDP),), RequestCame(CANCEL), A, ["CANCEL 200"]),
        ((Refuse(486),), RequestCame(CANCEL), E, ["CANCEL 200"]),
        # 15.1.2
        ((Ring(),), RequestCame(BYE), E, ["BYE 200", "INVITE 487", "bye"]),
        ((Refuse(486),), RequestCame(BYE), E, ["BYE 481"]),
        # 12.2.2
        ((Ring(),), RequestCame(INFO), R, ["INFO 481"]),
        ((Refuse(486),), RequestCame(INFO), E, ["INFO 481"]),
        # RFC 3262: nothing reliable was sent
        ((Ring(),), RequestCame(PRACK), R, ["PRACK 481"]),
        # RFC 3311 section 5.2
        ((Ring(),), RequestCame(UPDATE), R, ["UPDATE 200"]),
        ((Ring(),), RequestCame(OFFER), R, ["UPDATE 500"]),
        ((Refuse(486),), RequestCame(UPDATE), E, ["UPDATE 481"]),
        # What has its final answer gets no other.
        ((Refuse(486),), Accept((), SDP), E, []),
        ((Accept((), SDP),), Refuse(486), A, []),
        ((Accept((), SDP),), Ring(), A, []),
        ((), Over(Wait.GLARE), R, []),
    ],
)
def test_what_happens(before: tuple[Event, ...], happens: Event, state: State, effects: list[str]) -> None:
    after, done = event(happens, invitation(*before))
    assert (after.state, told(done)) == (state, effects)


@pytest.mark.parametrize(
    ("before", "happens", "state", "effects"),
    [
        ((), Ring(), R, ["INVITE 180", "start resend provisional", "start prack"]),
        ((), Ring(100), R, ["INVITE 100"]),
        ((Ring(),), Over(Wait.RESEND_PROVISIONAL), R, ["INVITE 180", "start resend provisional"]),
        ((Ring(),), RequestCame(PRACK), R, [*STOPPED, "PRACK 200"]),
        ((Ring(), RequestCame(PRACK)), Over(Wait.RESEND_PROVISIONAL), R, []),
        ((Ring(),), Ring(183), R, ["INVITE 183"]),
        ((Ring(),), Accept((), SDP), A, STOPPED),
        ((Ring(),), Refuse(486), E, [*STOPPED, "INVITE 486"]),
        ((Ring(),), RequestCame(CANCEL), E, [*STOPPED, "CANCEL 200", "INVITE 487", "cancelled"]),
        ((Ring(),), Over(Wait.PRACK), E, ["stop resend provisional", "INVITE 504", "no prack"]),
    ],
)
def test_rfc_3262_what_happens(
    before: tuple[Event, ...], happens: Event, state: State, effects: list[str]
) -> None:
    after, done = event(happens, invitation(*before, reliable=True))
    assert (after.state, told(done)) == (state, effects)


def test_rfc_3262_section_3_numbers_go_up_by_one() -> None:
    made = invitation(Ring(), RequestCame(PRACK), reliable=True)
    assert made.next_number == 6
    _, effects = event(Ring(183), made)
    assert isinstance(effects[0], Reply)
    assert effects[0].response.rseq is not None
    assert effects[0].response.rseq.number == 6


def test_12_1_1_all_responses_have_one_tag_and_lead_to_us() -> None:
    made = invitation(Accept((), SDP))
    assert made.answer is not None
    assert (made.answer.to.tag, made.answer.contact) == ("bridge", made.answer.contact)
    assert made.dialog(made.answer).id == made.id == ("c1", "bridge", "phone")
    refusal = event(Refuse(486), invitation())[1][0]
    assert isinstance(refusal, Reply)
    assert "Contact" not in refusal.response.headers


def test_every_row_is_reached_by_a_signal_that_exists() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {signal for _, signal in TRANSITIONS} == set(Signal) - {Signal.NONE}


def test_the_request_that_ended_it_is_told() -> None:
    _, effects = event(RequestCame(CANCEL), invitation())
    assert effects[-1] == Finished(Cause.CANCELLED, CANCEL)
    assert isinstance(CANCEL, Request)
