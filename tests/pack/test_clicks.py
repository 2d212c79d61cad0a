"""A click counts against everybody but a dispatcher's 1, whatever a console does. Real Asterisk 22 and 16."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from bridge.protocols.ami import Message
from tests.pack.lab import PackLab
from tests.parts.processes import PartError
from tests.parts.sip import Phone, Phones, Sipp, answers, calls, rings_unanswered
from tests.waiting import PATIENCE

pytestmark = pytest.mark.real("asterisk", "sipp")

TALKS: Final = answers(after=0.1)
PRESSES: Final = answers(after=0.1, presses=[(0.3, "1")])
ANY_TALK_IS_LONG, ANY_TALK_IS_SHORT = "0", "600"
PATIENT: Final = {"SOS_GAP_1": "600", "SOS_HEARTBEAT_STALE": "600", "SOS_SETTLE": ANY_TALK_IS_SHORT}


@pytest.fixture
def lab(lab_both: PackLab) -> Iterator[PackLab]:
    """The bridge is alive, nobody's turn comes by the clock, and no talk of a console is long enough."""
    usual = {name: _global(lab_both, name) for name in PATIENT}
    for name, value in PATIENT.items():
        lab_both.set_global(name, value)
    lab_both.beat()
    yield lab_both
    for name, value in usual.items():
        lab_both.set_global(name, value)


def test_a_long_talk_with_a_click_is_over_when_the_console_puts_down(lab: PackLab, phones: Phones) -> None:
    """The consoles are not rung again for somebody who was talked to."""
    lab.set_global("SOS_SETTLE", ANY_TALK_IS_LONG)
    crew = lab.crew(phones, {"9000": TALKS})
    caller = _call(lab, phones)
    _talk(lab, 1)
    _click(lab)
    _hang_up(lab, "9000")
    caller.finish()
    lab.wait("SOSDone", Has="person", By="anna")
    assert _rung(crew["9000"]) == 1
    assert not lab.reports("SOSTier")
    assert lab.complaints() == []


def test_a_short_talk_with_a_click_leaves_the_caller_to_the_consoles(lab: PackLab, phones: Phones) -> None:
    """And the one who clicked has it, also while a console talks again: no hangup starts a hunt."""
    crew = lab.crew(phones, {"9000": TALKS})
    caller = _call(lab, phones)
    _talk(lab, 1)
    _click(lab)
    _hang_up(lab, "9000")
    _talk(lab, 2)
    assert not caller.received("BYE")
    assert _rung(crew["9000"]) == 2
    _hang_up(lab, "1001")
    lab.wait("SOSDone", Has="person", By="anna")
    lab.wait_no_channels()
    assert not lab.reports("SOSTier")
    assert lab.complaints() == []


def test_what_the_caller_is_told_is_no_talk(lab: PackLab, phones: Phones) -> None:
    """The announcement that a person has it answers the call, however long that lasts."""
    lab.set_global("SOS_SETTLE", ANY_TALK_IS_LONG)
    crew = lab.crew(phones, {"9000": rings_unanswered()})
    caller = _call(lab, phones)
    crew["9000"].wait_received("INVITE")
    _click(lab)
    caller.wait_received("200")
    _until(lambda: _rung(crew["9000"]) == 2, "rung again at the console")
    assert not caller.received("BYE")
    _hang_up(lab, "1001")
    lab.wait("SOSDone", Has="person", By="anna")
    assert not lab.reports("SOSTier")


def test_a_short_talk_without_a_click_has_dispatch_rung_at_once(lab: PackLab, phones: Phones) -> None:
    crew = lab.crew(phones, {"9000": TALKS})
    _call(lab, phones)
    _talk(lab, 1)
    _hang_up(lab, "9000")
    for dispatcher in ("2001", "2002", "2003"):
        lab.wait("SOSTier", Dispatcher=dispatcher, Kind="alarm", Loop="1")
    assert _rung(crew["9000"]) == 1


def test_a_dispatcher_keeps_it_and_is_named_whoever_asks(lab: PackLab, phones: Phones) -> None:
    """To who clicked, at the end of the call, and to a bridge that missed it and has everybody rung."""
    lab.crew(phones, {"9000": TALKS, "2001": PRESSES})
    _call(lab, phones)
    uid = lab.wait("SOSCall", Phone="1001").get("SosUid")
    _talk(lab, 1)
    _ask(lab, "sos-notify")
    ack = lab.wait("SOSAck", SosUid=uid, Dispatcher="2001")
    lab.events.wait(lambda m: m.event == "BridgeEnter" and m.get("BridgeNumChannels") == "3")
    had = {"SosUid": uid, "Has": "dispatcher", "By": "2001", "Dispatcher": "2001", "Leg": ack.get("Uniqueid")}
    told = _click(lab)
    assert {name: told.get(name) for name in had} == had
    _hang_up(lab, "1001")
    lab.wait("SOSDone", **had)
    for talks_on in ("9000", "2001"):
        _hang_up(lab, talks_on)
    lab.wait_no_channels()
    lab.wait("SOSTold", **had, Delivery=_ask(lab, "sos-recall", ended=uid))
    lab.wait_no_channels()
    assert not lab.reports("SOSTier", Kind="recall")
    assert not lab.reports("SOSUnanswered")
    # Of another call that is not known here, nobody can say that.
    _ask(lab, "sos-recall", ended="1700000000.1")
    lab.wait("SOSTier", Kind="recall", Dispatcher="2003")
    assert lab.complaints() == []


def _global(lab: PackLab, name: str) -> str:
    return lab.as_administrator("Getvar", ("Variable", name)).get("Value")


def _call(lab: PackLab, phones: Phones) -> Sipp:
    return phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")


def _ask(lab: PackLab, context: str, **values: str) -> str:
    """Ask the PBX for something, as the bridge does. Return the delivery's id: each is done once."""
    delivery = str(uuid.uuid4())
    lab.originate(context, "P-1001", delivery, **values)
    return delivery


def _click(lab: PackLab) -> Message:
    """Have the PBX know that anna has it. Return its answer."""
    return lab.wait("SOSTold", Delivery=_ask(lab, "sos-taken", name="anna"))


def _hang_up(lab: PackLab, endpoint: str) -> None:
    lab.as_administrator("Hangup", ("Channel", f"/^PJSIP/{endpoint}-.*$/"))


def _rung(telephone: Sipp) -> int:
    return len({invite.header("Call-ID") for invite in telephone.received("INVITE")})


def _talk(lab: PackLab, times: int) -> None:
    """Wait until somebody talks to the phone, for the first or a later time."""

    def begins(message: Message) -> bool:
        return message.event == "BridgeEnter" and message.get("Channel").startswith("PJSIP/1001-")

    _until(lambda: len(lab.events.all(begins)) >= times, f"in talk {times}")


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise PartError(f"not {what} within {PATIENCE:g} s")
        time.sleep(0.02)
