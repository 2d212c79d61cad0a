"""Many SOS at once on a real Asterisk: a dispatcher's telephone rings for one at a time, and none is lost."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.protocols.ami import Message
from tests.pack.conftest import StartLab
from tests.pack.lab import FACTS, TIMES, TONES, PackLab, people, phone
from tests.parts.availability import need
from tests.parts.baresip import Baresip
from tests.parts.processes import PartError
from tests.parts.sip import Phone, Phones, Sipp, answers, calls, rings_unanswered
from tests.parts.sound import seconds_of_sound, strength

pytestmark = pytest.mark.real("asterisk", "sipp")

PLENTY = 120.0
"""Seconds that twenty SOS may take on a busy machine."""
MANY = 20
CREW = ("2001", "2002", "2003")
TWENTY = replace(
    FACTS,
    groups=(replace(FACTS.groups[0], tiers=(people(*CREW),)),),
    phones=tuple(
        replace(phone(f"46{n}"), endpoint="gateway", shared=True, announce=False) for n in range(1, MANY + 1)
    ),
    consoles=(),
    times=replace(TIMES, key_wait=0.1),
)
"""Twenty phones behind a gateway, three dispatchers, nobody at a console."""


# --- two ------------------------------------------------------------------------------------------------


def test_two_sos_compete_for_one_dispatcher(lab_both: PackLab, phones: Phones) -> None:
    lab = lab_both
    crew = lab.crew(phones, {"2001": answers(after=0.1, presses=[(0.1, "1")])})
    callers = [
        phones.call(calls(Phone(number), hangs_up_after=0.8), lab.pbx.sip_port, "9110")
        for number in ("1001", "1002")
    ]
    for caller in callers:
        caller.finish()
    for number in ("1001", "1002"):
        lab.wait("SOSDone", Phone=number, Has="dispatcher", By="2001")
    lab.wait_no_channels()
    # A key in the first word takes what that call is about, as the display says it; then the other is rung.
    shown = {invite.header("From").split('"')[1] for invite in crew["2001"].received("INVITE")}
    assert shown == {"SOS PLACE-A", "SOS PLACE-B"}
    acknowledged = _acknowledged(lab, "2001")
    assert sorted(acknowledged) == ["1001", "1002"]
    assert _in_order(acknowledged, _pressed(crew["2001"]))
    _each_rang_for_one_at_a_time(lab)
    assert lab.complaints() == []


@pytest.mark.real("baresip")
def test_who_picks_up_hears_first_that_one_more_waits_and_each_in_turn(
    lab_both: PackLab, phones: Phones
) -> None:
    lab = lab_both
    places = {"1001": TONES["location-PLACE-A"], "1002": TONES["location-PLACE-B"]}
    for name in ("9000", "2002", "2003"):
        phones.answer(rings_unanswered(), lab.port(name))
    with lab.listening("2001") as ear:
        phones.call(calls(Phone("1009")), lab.pbx.sip_port, "9110")
        ear.wait_event("CALL_ESTABLISHED", 20)
        _presses_until_acknowledged(ear, lab)
        closed = len(ear.events("CALL_CLOSED"))
        for number in places:
            phones.call(calls(Phone(number)), lab.pbx.sip_port, "9110")
        _wait_in_line(lab, "2001", 2)
        _hang_up(lab, "1009")
        ear.wait_event("CALL_CLOSED", 60, count=closed + 3)
        spoken = [report.get("Phone") for report in lab.reports("SOSLegAnswered")]
        first, second, *_ = [number for number in spoken if number in places]
        assert first != second
        heard = _first_with(ear, places[first])
        # Once, not `repeats` times: the other waits.
        assert 0.1 < _seconds_of(heard, places[first]) < 0.5
        assert 0.1 < _seconds_of(heard, TONES["more-1"]) < 0.5
        assert _seconds_of(heard, places[second]) < 0.1
        assert _first_with(ear, places[second]) != heard


def test_a_notification_waits_for_a_dispatcher_who_talks_and_rings_the_others(
    lab_both: PackLab, phones: Phones
) -> None:
    lab = lab_both
    lab.crew(phones, {"2001": answers(after=0.1, presses=[(0.2, "1")])})
    phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    lab.wait("SOSAck", Dispatcher="2001", Phone="1001")
    delivery = str(uuid.uuid4())
    lab.originate("sos-notify", "P-1003", delivery, incident=str(uuid.uuid4()))
    lab.wait("SOSTier", Kind="notify", Dispatcher="2002", Loop="1")
    _wait_in_line(lab, "2001", 1)
    assert not lab.reports("SOSTier", Kind="notify", Dispatcher="2001"), "it does not ring yet"
    _hang_up(lab, "1001")
    lab.wait("SOSAck", Dispatcher="2001", Phone="1003", Delivery=delivery)
    lab.wait_no_channels()
    _each_rang_for_one_at_a_time(lab)


# --- four, and twenty -----------------------------------------------------------------------------------


@pytest.fixture(params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def lab_of_twenty(request: pytest.FixtureRequest, phones: Phones) -> Iterator[PackLab]:
    need("asterisk" if request.param == "22" else "asterisk-16")
    with PackLab(request.param, facts=TWENTY) as lab:
        yield lab
        phones.close()


def test_nobody_has_a_second_turn_before_all_in_line_had_one(start_lab: StartLab, phones: Phones) -> None:
    lab = start_lab(facts=TWENTY)
    only_the_first = answers(presses=[(0.1, "1")], in_calls="^1$")
    for name, scenario in zip(CREW, (only_the_first, rings_unanswered(), rings_unanswered()), strict=True):
        phones.answer(scenario, lab.port(name))
    phones.call(calls(Phone("1001")), lab.pbx.sip_port, "9110")
    lab.wait("SOSAck", Dispatcher="2001", Phone="1001")
    phones.call(_of_many_phones(), lab.pbx.sip_port, "9110", calls_wanted=4)
    _wait_in_line(lab, "2001", 4)
    _hang_up(lab, "1001")
    for report in lab.reports("SOSCall"):
        lab.wait("SOSTier", Dispatcher="2001", SosUid=report.get("SosUid"))
    turns = [report.get("Loop") for report in lab.reports("SOSTier", Dispatcher="2001")]
    assert turns[:5] == ["1"] * 5, lab.story()


def test_of_twenty_sos_each_is_spoken_and_each_1_takes_the_one_just_spoken(
    lab_of_twenty: PackLab, phones: Phones
) -> None:
    """Each dispatcher presses 1 in most calls, and only listens in the others."""
    lab = lab_of_twenty
    presses = answers(presses=[(0.1, "1")], in_calls="[^147]$")
    crew = {name: phones.answer(presses, lab.port(name)) for name in CREW}
    callers = phones.call(_of_many_phones(), lab.pbx.sip_port, "9110", calls_wanted=MANY, rate=MANY)
    callers.finish(PLENTY)
    lab.wait_no_channels()

    numbers = {report.get("SosUid"): report.get("Number") for report in lab.reports("SOSCall")}
    assert sorted(numbers.values(), key=int) == [f"46{n}" for n in range(1, MANY + 1)]
    assert {report.get("SosUid") for report in lab.reports("SOSLegAnswered")} == set(numbers), "unheard"
    assert sorted(report.get("SosUid") for report in lab.reports("SOSAck")) == sorted(numbers)
    assert {report.get("SosUid") for report in lab.reports("SOSDone", Has="dispatcher")} == set(numbers)
    for name, sipp in crew.items():
        # Some presses come too late: another dispatcher was spoken to at the same time, and was first.
        assert _in_order([numbers[uid] for uid in _acknowledged(lab, name, "SosUid")], _pressed(sipp))
    _each_rang_for_one_at_a_time(lab)
    assert lab.complaints() == []


# --- what is done and seen ------------------------------------------------------------------------------


def _of_many_phones() -> str:
    """A call from each phone of `TWENTY` in turn, which its person ends soon after it is answered."""
    asserted = "Max-Forwards: 70\nP-Asserted-Identity: <sip:46[call_number]@127.0.0.1>"
    return calls(Phone("gateway"), hangs_up_after=0.1).replace("Max-Forwards: 70", asserted, 1)


def _presses_until_acknowledged(ear: Baresip, lab: PackLab) -> None:
    """Press 1 again and again: a key before the first word is nobody's. Raises PartError."""
    deadline = time.monotonic() + 20
    while not lab.reports("SOSAck"):
        if time.monotonic() > deadline:
            raise PartError(f"not acknowledged\n{lab.story()}")
        ear.press("1")
        time.sleep(0.2)


def _acknowledged(lab: PackLab, dispatcher: str, field: str = "Phone") -> list[str]:
    """Return whose SOS a dispatcher acknowledged; each must be what was spoken to them last."""
    spoken, acknowledged = "", []
    of = {"SOSLegAnswered", "SOSAck"}
    for report in lab.events.all(lambda m: m.get("UserEvent") in of and m.get("Dispatcher") == dispatcher):
        if report.get("UserEvent") == "SOSLegAnswered":
            spoken = report.get("SosUid")
        else:
            assert report.get("SosUid") == spoken, lab.story()
            acknowledged.append(report.get(field))
    return acknowledged


def _pressed(dispatcher: Sipp) -> list[str]:
    """Return the numbers shown in the calls in which a key was pressed, in that order."""
    shown = {
        invite.header("Call-ID"): invite.header("From").partition("sip:")[2].partition("@")[0]
        for invite in dispatcher.received("INVITE")
    }
    pressed = dict.fromkeys(
        info.header("Call-ID") for info in dispatcher.sent("INFO")
    )  # it may be sent again
    return [shown[call] for call in pressed]


def _in_order(some: Sequence[str], among: Sequence[str]) -> bool:
    """Whether all of these come among those, in the same order."""
    left = iter(among)
    return all(each in left for each in some)


def _each_rang_for_one_at_a_time(lab: PackLab) -> None:
    """By Asterisk's own channels; and each that a dispatcher was rung for was reported when it rang."""
    for name in CREW:
        story = [message.event for message in lab.events.all(_of_calls_at(name))]
        in_turn = ["Newchannel", "Hangup"] * len(story)
        assert story == in_turn[: len(story)], f"two calls at once at {name}"
        assert len(lab.reports("SOSTier", Dispatcher=name)) == story.count("Newchannel")


def _of_calls_at(endpoint: str) -> Callable[[Message], bool]:
    """Fits when a call at this endpoint begins or ends."""

    def fits(message: Message) -> bool:
        told = message.event in ("Newchannel", "Hangup")
        return told and message.get("Channel").startswith(f"PJSIP/{endpoint}-")

    return fits


def _first_with(ear: Baresip, hertz: int) -> Path:
    """Return the first recording that holds this tone. (Calls that begin in the same second share one.)"""
    files = sorted(ear.folder.glob("dump-*-dec.wav"), key=lambda file: file.stat().st_mtime)
    return next(file for file in files if _seconds_of(file, hertz) > 0.1)


def _seconds_of(file: Path, hertz: int) -> float:
    """Return for how long a recording holds this tone."""
    return strength(file, hertz) * seconds_of_sound(file)


def _wait_in_line(lab: PackLab, dispatcher: str, count: int) -> None:
    """Wait until so many SOS stand in line for a dispatcher. Raises PartError."""
    deadline = time.monotonic() + 20
    while (waiting := _in_line(lab, dispatcher)) != count:
        if time.monotonic() > deadline:
            raise PartError(f"{waiting} in line for {dispatcher}, not {count}\n{lab.story()}")
        time.sleep(0.05)


def _in_line(lab: PackLab, dispatcher: str) -> int:
    rows = [line.split() for line in lab.pbx.cli("group show channels").splitlines()]
    groups = [row[1] for row in rows if len(row) == 3 and row[2] == f"{dispatcher}*desk"]
    return sum(group not in ("taken", "idle") for group in groups)


def _hang_up(lab: PackLab, number: str) -> None:
    """End a phone's call."""
    [channel] = [row[0] for row in lab.pbx.channels() if row[0].startswith(f"PJSIP/{number}-")]
    lab.as_administrator("Hangup", ("Channel", channel))
