"""Session timers: RFC 4028."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.dialog import session_timer
from bridge.protocols.sip.dialog.session_timer import Refresher, SessionTimer
from tests.sip.dialog.exchange import answer, our_invite, phone_invite

US, THEM = Refresher.US, Refresher.THEM


@pytest.mark.parametrize(
    ("fields", "timer"),
    [
        ((), None),
        ((("Supported", "timer"), ("Session-Expires", "1800")), SessionTimer(1800, THEM)),
        ((("Supported", "timer"), ("Session-Expires", "1800;refresher=uac")), SessionTimer(1800, THEM)),
        ((("Supported", "timer"), ("Session-Expires", "1800;refresher=uas")), SessionTimer(1800, US)),
        ((("Session-Expires", "1800"),), SessionTimer(1800, US)),
        ((("k", "timer"), ("x", "90")), SessionTimer(90, THEM)),
        ((("Supported", "timer"), ("Session-Expires", "89")), None),
        ((("Supported", "timer"), ("Session-Expires", "0")), None),
    ],
)
def test_section_9_what_we_accept(fields: tuple[tuple[str, object], ...], timer: SessionTimer | None) -> None:
    assert session_timer.answer(phone_invite(*fields)) == timer


def test_section_9_who_is_to_refresh_must_know_how() -> None:
    assert dict(session_timer.fields_of_answer(SessionTimer(90, THEM)))["Require"] == "timer"
    assert "Require" not in dict(session_timer.fields_of_answer(SessionTimer(90, US)))


@pytest.mark.parametrize(
    ("text", "agreed", "granted"),
    [
        ("1800;refresher=uac", SessionTimer(1800, US), SessionTimer(1800, THEM)),
        ("1800;refresher=uas", SessionTimer(1800, THEM), SessionTimer(1800, US)),
        ("1800", SessionTimer(1800, US), SessionTimer(1800, THEM)),
        ("60", None, None),
    ],
)
def test_section_7_2_what_a_2xx_brings(
    text: str, agreed: SessionTimer | None, granted: SessionTimer | None
) -> None:
    response = answer(our_invite(), 200, ("Session-Expires", text))
    assert (session_timer.agreed(response), session_timer.granted(response)) == (agreed, granted)


def test_section_7_2_a_2xx_without() -> None:
    assert session_timer.agreed(answer(our_invite(), 200)) is None


@pytest.mark.parametrize(
    ("timer", "after"),
    [(SessionTimer(1800, US), 900.0), (SessionTimer(1800, THEM), 1768.0), (SessionTimer(90, THEM), 60.0)],
)
def test_section_10_when_to_refresh_and_when_to_give_up(timer: SessionTimer, after: float) -> None:
    assert timer.after == after


def test_section_7_1_what_we_ask_for() -> None:
    invite = our_invite(*session_timer.fields_of_offer())

    assert invite.session_expires is not None
    assert (invite.session_expires.seconds, "timer" in invite.supported) == (1800, True)
    assert invite.min_se is not None


def test_section_7_3_a_422_says_what_it_demands() -> None:
    assert session_timer.demanded(answer(our_invite(), 422, ("Min-SE", "3600"))) == 3600
    assert session_timer.demanded(answer(our_invite(), 422)) == 0
    assert session_timer.demanded(answer(our_invite(), 422, ("Min-SE", "soon"))) == 0


def test_a_timer_that_cannot_be_read_is_none() -> None:
    """No call is lost for it."""
    broken = ("Session-Expires", "1800;refresher=nobody")
    assert session_timer.answer(phone_invite(broken)) is None
    assert session_timer.agreed(answer(our_invite(), 200, broken)) is None
    assert not session_timer.too_small(phone_invite(broken), 90)


def test_who_says_nonsense_about_itself_knows_no_timers() -> None:
    invite = phone_invite(("Session-Expires", "1800;refresher=uac"), ("Supported", ")"))
    assert session_timer.answer(invite) == SessionTimer(1800, US)
    assert not session_timer.too_small(phone_invite(("Session-Expires", "60"), ("Supported", ")")), 90)
