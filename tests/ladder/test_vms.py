"""No picture: VMSs that are killed, hang, refuse or lie. Who is called then, and what is said in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from bridge.simulator.vms.faults import Fault, Rule
from tests.app.scene import Story, settled, steps, texts
from tests.app.story import OPERATOR, acknowledge
from tests.ladder.scene import ANSWERS, HAND, Ladder
from tests.ladder.site import DESK, FIRST, PLACE, dealt
from tests.ladder.verdict import rung, unexpected

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at both VMSs before the call, how to end it, what the story and dispatch say of it."""

    begin: Callable[[Ladder], object]
    end: Callable[[Ladder], object]
    told: str
    spoken: str = "video-unconfirmed"
    crew: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)


def _order(zoneminder: Fault, wall: Fault) -> Callable[[Ladder], object]:
    def order(ladder: Ladder) -> None:
        ladder.plant.do(ladder.plant.zoneminder.faults.order, Rule(fault=zoneminder))
        ladder.plant.do(ladder.plant.wall.faults.order, Rule(fault=wall, status=403))

    return order


def _clear(ladder: Ladder) -> None:
    for server in (ladder.plant.zoneminder, ladder.plant.wall):
        ladder.plant.do(server.faults.clear)


KILLED = Trouble(Ladder.kill_vmss, Ladder.revive_vmss, "connection refused")
HUNG = Trouble(_order(Fault.SILENT, Fault.SILENT), _clear, "no complete answer", crew={DESK: ANSWERS})
LYING = Trouble(_order(Fault.LIE, Fault.LIE), _clear, "was promised, but the state is 0 (idle)")
REFUSING = Trouble(
    _order(Fault.SILENT, Fault.STATUS), _clear, "HTTP 403", spoken="video-none", times={"picture": 30.0}
)
"""As long as a picture may come, only a screen that nothing can be put on says that there is none."""


@pytest.mark.parametrize(
    ("setting", "trouble"),
    dealt({"killed": KILLED, "hung": HUNG, "lying": LYING, "refusing": REFUSING}),
    indirect=["setting"],
)
def test_without_a_picture_dispatch_is_told_in_words(
    ladder: Ladder, trouble: Trouble, record_property: Callable[[str, object], None]
) -> None:
    """1 picks the ringing call up; where the console talks to the phone already, it joins that talk."""
    dispatcher = ladder.crew(trouble.crew)
    ladder.site["times"] |= trouble.times
    ladder.write_site()
    ladder.start()
    trouble.begin(ladder)
    caller = ladder.press()
    ladder.accept(dispatcher)
    words = ladder.heard(HAND)
    assert words[words.index(f"location-{PLACE}") :][:4] == [
        f"location-{PLACE}",
        "number-EAST-03",
        trouble.spoken,
        "press-1",
    ]
    story = ladder.incident()
    assert trouble.told in "".join(texts(story))
    assert "verified" not in {state for _, _, state in steps(story, "start_recording", "show")}
    record_property("seconds_to_dispatch", story["dispatch_at"] - story["opened_at"])

    dispatcher.press("1")
    story = ladder.until_incident(lambda it: it["acknowledged_by"] == HAND, "acknowledged")
    assert story["opened_at"] < story["dispatch_at"] < story["acknowledged_at"]
    assert story["dispatch_at"] - story["opened_at"] < 20
    people = 3 if trouble.crew else 2
    ladder.lab.events.wait(lambda m: m.event == "BridgeEnter" and m.get("BridgeNumChannels") == str(people))
    trouble.end(ladder)
    ladder.finish(caller)
    assert unexpected(ladder) == []
    assert _notified(ladder.incident()) == 1


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_vmss_that_are_killed_during_the_call_call_nobody(ladder: Ladder) -> None:
    """The picture was confirmed: that a VMS dies afterwards is told, and is no business of dispatch."""
    ladder.crew({DESK: ANSWERS})
    ladder.start()
    caller = ladder.press()
    ladder.until_incident(lambda it: it["connected_at"] and settled(it), "seen, recorded and answered")
    ladder.kill_vmss()
    ladder.until_console_has_it()
    ladder.until(lambda: "picture" not in _timers(ladder), "past the time for a picture")
    acknowledge(ladder)
    ladder.until_incident(lambda it: "connection refused" in "".join(texts(it)), "told that a VMS is down")
    ladder.hang_up(caller)
    ladder.until_incident(lambda it: it["state"] == "closed", "closed")
    ladder.revive_vmss()
    story = ladder.close()
    assert story["acknowledged_by"] == OPERATOR
    assert story["dispatch_at"] is None
    assert _notified(story) == 0
    assert sum(rung(telephone) for telephone in ladder.people.values()) == 1
    assert unexpected(ladder) == []


def _timers(ladder: Ladder) -> set[str]:
    return {timer.name for timer in ladder.store.timers()}


def _notified(story: Story) -> int:
    """How often dispatch was to be rung. (That somebody has it is told to the PBX, and rings nobody.)"""
    return sum(
        each["operation"] == "notify" and each["step"] == "no_picture/1" for each in story["deliveries"]
    )
