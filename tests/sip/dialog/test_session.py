"""An established call: RFC 3261 sections 12.2, 14 and 15, RFC 3311, RFC 4028.

What each event does in each state.
"""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocols.sip.dialog.session import TRANSITIONS, event, of_client, of_server, resumed
from bridge.protocols.sip.dialog.session_state import Event, HangUp, Offer, Respond, Session, Signal, State
from bridge.protocols.sip.dialog.vocabulary import (
    Acknowledge,
    Ask,
    Cause,
    Confirmed,
    Effect,
    Finished,
    Over,
    Reply,
    RequestCame,
    RequestFailed,
    ResponseCame,
    Start,
    Wait,
)
from bridge.protocols.sip.message import Request, respond
from bridge.protocols.sip.transaction.machine import Failure
from bridge.protocols.sip.transaction.timers import STANDARD
from tests.sip.dialog.exchange import (
    BRIDGE,
    PHONE,
    SDP,
    SDP_FIELD,
    Field,
    answer,
    client_dialog,
    our_invite,
    phone_invite,
    phone_request,
    server_dialog,
)

OFFER = Offer("INVITE", (SDP_FIELD,), SDP, 0.5)
REFRESH = Offer("UPDATE", (), b"", 0.5)


def of_phone(*fields: Field, acknowledged: bool = True) -> Session:
    """A call that the telephone made."""
    invite = phone_invite()
    ok = respond(invite, 200, ("Contact", BRIDGE), *fields, to_tag="bridge")
    session, _ = of_server(invite, ok, server_dialog(), STANDARD)
    return event(RequestCame(request("ACK", 1)), session)[0] if acknowledged else session


def of_bridge(*fields: Field) -> Session:
    """A call that we made."""
    invite = our_invite()
    return of_client(client_dialog(), answer(invite, 200, ("Contact", PHONE), *fields))[0]


def request(method: str, number: int = 2, *fields: Field, body: bytes = b"") -> Request:
    return phone_request(method, *fields, number=number, to_tag="bridge", body=body)


def came(method: str, number: int = 2, *fields: Field, body: bytes = b"") -> RequestCame:
    return RequestCame(request(method, number, *fields, body=body))


REINVITE = came("INVITE", 2, body=SDP)
UPDATE = came("UPDATE", 2, body=SDP)
BRIEF = ("Supported", "timer"), ("Session-Expires", "30")


def after(session: Session, *events: Event) -> Session:
    for happened in events:
        session, _ = event(happened, session)
    return session


def answered(session: Session, status: int, *fields: Field) -> ResponseCame:
    """The other side's answer to our offer."""
    assert session.request is not None
    return ResponseCame(session.request, answer(session.request, status, *fields))


def short(effect: Effect) -> str:
    match effect:
        case Reply(asked, response):
            return f"{asked.method} {response.status}"
        case Ask(asked):
            return f"ask {asked.method}"
        case Acknowledge():
            return "acknowledge"
        case Finished(cause):
            return cause.value
    return f"{type(effect).__name__.lower()} {getattr(effect, 'wait', '')}".strip()


CLOSED = ["stop resend", "stop ack", "stop glare", "stop session"]
ENDING = [*CLOSED, "ask BYE"]
ACKNOWLEDGED = ["stop resend", "stop ack", "confirmed"]
S = State


@pytest.mark.parametrize(
    ("before", "happens", "state", "effects"),
    [
        # 15.1.2
        ((), came("BYE"), S.ENDED, ["BYE 200", *CLOSED, "bye"]),
        ((REINVITE,), came("BYE", 3), S.ENDED, ["BYE 200", "INVITE 487", "withdrawn", *CLOSED, "bye"]),
        # 15.1.1
        ((), HangUp(), S.ENDED, [*ENDING, "hung up"]),
        ((), HangUp(cause=Cause.NOT_ACCEPTABLE), S.ENDED, [*ENDING, "not acceptable"]),
        # 12.2.2
        ((came("INFO", 5),), came("BYE", 4), S.ACTIVE, ["BYE 500"]),
        ((), came("INFO"), S.ACTIVE, ["requested"]),
        ((), came("PRACK", 2, ("RAck", "1 1 INVITE")), S.ACTIVE, ["PRACK 481"]),
        ((HangUp(),), came("INFO", 9), S.ENDED, ["INFO 481"]),
        ((HangUp(),), came("BYE", 9), S.ENDED, ["BYE 481"]),
        # 14.2
        ((), REINVITE, S.ACTIVE, ["requested"]),
        ((REINVITE,), came("INVITE", 3, body=SDP), S.ACTIVE, ["INVITE 500"]),
        ((OFFER,), REINVITE, S.ACTIVE, ["INVITE 491"]),
        ((REINVITE,), came("CANCEL", 2), S.ACTIVE, ["CANCEL 200", "INVITE 487", "withdrawn"]),
        ((), came("CANCEL", 2), S.ACTIVE, ["CANCEL 481"]),
        # RFC 3311
        ((), UPDATE, S.ACTIVE, ["requested"]),
        ((OFFER,), UPDATE, S.ACTIVE, ["UPDATE 491"]),
        ((), came("UPDATE"), S.ACTIVE, ["UPDATE 200", "stop session"]),
        # RFC 4028
        ((), came("UPDATE", 2, *BRIEF), S.ACTIVE, ["UPDATE 422"]),
        ((), came("INVITE", 2, *BRIEF, body=SDP), S.ACTIVE, ["INVITE 422"]),
        # 14.1
        ((), OFFER, S.ACTIVE, ["ask INVITE"]),
        ((), REFRESH, S.ACTIVE, ["ask UPDATE"]),
        # What is none of its business.
        ((), came("ACK", 1), S.ACTIVE, []),
        ((), Over(Wait.LATE_ANSWERS), S.ACTIVE, []),
        ((), Over(Wait.SESSION), S.ACTIVE, []),
    ],
)
def test_what_happens(before: tuple[Event, ...], happens: Event, state: State, effects: list[str]) -> None:
    session, done = event(happens, after(of_phone(), *before))
    assert (session.state, [short(effect) for effect in done]) == (state, effects)


@pytest.mark.parametrize(
    ("before", "happens", "state", "effects"),
    [
        # 13.3.1.4
        ((), came("ACK", 1), S.ACTIVE, ACKNOWLEDGED),
        ((), came("ACK", 7), S.ACTIVE, []),
        ((), Over(Wait.RESEND), S.ACTIVE, ["INVITE 200", "start resend"]),
        ((), Over(Wait.ACK), S.ENDED, [*ENDING, "no ack"]),
        ((), REINVITE, S.ACTIVE, ["INVITE 500"]),
        # 15: no BYE before the ACK
        ((), HangUp(), S.LEAVING, []),
        ((HangUp(),), came("ACK", 1), S.ENDED, [*ACKNOWLEDGED, *ENDING, "hung up"]),
        ((HangUp(),), Over(Wait.RESEND), S.LEAVING, ["INVITE 200", "start resend"]),
        ((HangUp(),), Over(Wait.ACK), S.ENDED, [*ENDING, "no ack"]),
        ((HangUp(),), came("BYE"), S.ENDED, ["BYE 200", *CLOSED, "bye"]),
        ((HangUp(),), REINVITE, S.LEAVING, ["INVITE 500"]),
        ((HangUp(),), came("UPDATE"), S.LEAVING, ["UPDATE 500"]),
        ((HangUp(),), came("UPDATE", 2, *BRIEF), S.LEAVING, ["UPDATE 500"]),
        ((HangUp(),), came("INFO"), S.LEAVING, ["requested"]),
        ((HangUp(), came("INFO", 5)), came("BYE", 4), S.LEAVING, ["BYE 500"]),
    ],
)
def test_13_3_1_4_before_the_ack(
    before: tuple[Event, ...], happens: Event, state: State, effects: list[str]
) -> None:
    session, done = event(happens, after(of_phone(acknowledged=False), *before))
    assert (session.state, [short(effect) for effect in done]) == (state, effects)


class TestTheirOffer:
    def test_14_2_a_2xx_is_repeated_until_its_ack(self) -> None:
        session = after(of_phone(), REINVITE)
        session, effects = event(Respond(REINVITE.request, 200, (SDP_FIELD,), SDP), session)
        assert [short(effect) for effect in effects] == [
            "INVITE 200",
            "start resend",
            "start ack",
            "stop session",
        ]
        assert not session.may_offer
        session, effects = event(came("ACK", 2), session)
        assert effects[-1] == Confirmed(came("ACK", 2).request)
        assert session.may_offer

    def test_14_2_a_refusal_is_not(self) -> None:
        session, effects = event(Respond(REINVITE.request, 488), after(of_phone(), REINVITE))
        assert [short(effect) for effect in effects] == ["INVITE 488"]
        assert session.may_offer

    def test_9_2_what_was_withdrawn_is_not_answered_again(self) -> None:
        session = after(of_phone(), REINVITE, came("CANCEL", 2))
        assert event(Respond(REINVITE.request, 200, (SDP_FIELD,), SDP), session) == (session, ())


class TestOurOffer:
    @pytest.mark.parametrize(
        ("status", "effects", "state"),
        [
            (200, ["acknowledge", "stop session", "offertaken"], S.ACTIVE),
            (180, [], S.ACTIVE),
            (488, ["offerrefused"], S.ACTIVE),
            (491, ["start glare"], S.ACTIVE),
            (408, [*ENDING, "gone"], S.ENDED),
            (481, [*ENDING, "gone"], S.ENDED),
        ],
    )
    def test_14_1_its_answers(self, status: int, effects: list[str], state: State) -> None:
        offering = after(of_bridge(), OFFER)
        session, done = event(answered(offering, status), offering)
        assert ([short(effect) for effect in done], session.state) == (effects, state)

    def test_12_2_1_2_no_answer_at_all(self) -> None:
        offering = after(of_bridge(), OFFER)
        assert offering.request is not None
        session, effects = event(RequestFailed(offering.request, Failure.TIMEOUT), offering)
        assert (session.state, effects[-1]) == (S.ENDED, Finished(Cause.GONE))

    def test_13_2_2_4_the_2xx_again_is_acknowledged_again(self) -> None:
        offering = after(of_bridge(), OFFER)
        ok = answered(offering, 200)
        assert [short(effect) for effect in event(ok, after(offering, ok))[1]] == ["acknowledge"]

    def test_15_a_2xx_after_our_bye_is_acknowledged(self) -> None:
        offering = after(of_bridge(), OFFER)
        assert [short(e) for e in event(answered(offering, 200), after(offering, HangUp()))[1]] == [
            "acknowledge"
        ]

    @pytest.mark.parametrize(("session", "delay"), [(of_bridge(), 3.05), (of_phone(), 1.0)])
    def test_14_1_after_a_glare_it_is_made_again(self, session: Session, delay: float) -> None:
        offering = after(session, OFFER)
        waiting, effects = event(answered(offering, 491), offering)
        assert effects == (Start(Wait.GLARE, delay),)
        assert not waiting.may_offer
        assert [short(effect) for effect in event(Over(Wait.GLARE), waiting)[1]] == ["ask INVITE"]

    def test_14_1_theirs_goes_first_and_ours_waits_on(self) -> None:
        offering = after(of_phone(), OFFER)
        waiting = after(offering, answered(offering, 491), REINVITE)
        assert [short(effect) for effect in event(Over(Wait.GLARE), waiting)[1]] == ["start glare"]

    def test_14_1_one_at_a_time_and_never_empty(self) -> None:
        with pytest.raises(ProtocolError):
            event(OFFER, after(of_bridge(), OFFER))
        with pytest.raises(ProtocolError):
            event(OFFER, after(of_phone(), REINVITE))
        with pytest.raises(ProtocolError):
            event(Offer("INVITE", (), b"", 0.0), of_bridge())


class TestSessionTimer:
    """RFC 4028"""

    def test_section_10_we_refresh_at_half_the_time_and_again_if_that_fails(self) -> None:
        session = of_bridge(("Session-Expires", "1800;refresher=uac"))
        assert [short(effect) for effect in event(Over(Wait.SESSION), session)[1]] == [
            "start session",
            "refreshdue",
        ]
        assert resumed(session) == (Start(Wait.SESSION, 0.0),)

    def test_section_10_they_do_or_it_ends(self) -> None:
        session = of_bridge(("Session-Expires", "1800;refresher=uas"))
        assert event(Over(Wait.SESSION), session)[1][-1] == Finished(Cause.EXPIRED)
        assert resumed(session) == (Start(Wait.SESSION, 1768.0),)

    def test_without_one_nothing_is_to_be_resumed(self) -> None:
        assert resumed(of_bridge()) == ()

    def test_section_7_3_a_longer_interval_is_granted_within_a_call(self) -> None:
        session = after(of_bridge(("Session-Expires", "90;refresher=uac")), REFRESH)
        session, effects = event(answered(session, 422, ("Min-SE", "600")), session)
        assert isinstance(effects[0], Ask)
        again = effects[0].request
        assert again.session_expires is not None
        assert (again.session_expires.seconds, session.smallest) == (600, 600)
        refused = event(answered(session, 422, ("Min-SE", "600")), session)[1]
        assert [short(effect) for effect in refused] == ["offerrefused"]

    def test_section_7_4_who_refreshes_stays_who_it_is(self) -> None:
        for refresher in ("uac", "uas"):
            session = after(of_bridge(("Session-Expires", f"90;refresher={refresher}")), OFFER)
            assert session.request is not None
            assert session.request.session_expires is not None
            assert session.request.session_expires.refresher == refresher


def test_every_row_is_reached_by_a_signal_that_exists() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {signal for _, signal in TRANSITIONS} == set(Signal) - {Signal.NONE}


def test_15_what_the_end_is_called_and_says_waits_for_the_ack() -> None:
    leaving = after(
        of_phone(acknowledged=False), HangUp((("Reason", "SIP;cause=606"),), Cause.NOT_ACCEPTABLE)
    )
    effects = event(came("ACK", 1), leaving)[1]
    assert effects[-1] == Finished(Cause.NOT_ACCEPTABLE)
    bye = effects[-2]
    assert isinstance(bye, Ask)
    assert bye.request.reasons[0].cause == 606
