"""Acknowledged from anywhere: the first has it and is named, all are written down, the others are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pytest

from bridge.simulator.vms.nx import FakeDevice, FakeNx, FakeUser, recording_rule
from bridge.supervision.clocks import SystemClock
from tests.app.scene import Story, settled, texts
from tests.app.story import OPERATOR, acknowledge
from tests.ladder.scene import ANSWERS, HAND, Ladder
from tests.ladder.site import DESK, FIRST, LAST, PHONE, PHONE_ID, RING
from tests.ladder.verdict import rung, unexpected
from tests.parts.baresip import Baresip

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")

CAMERA: Final = "c0ffee00-0000-4000-8000-000000000001"
DATA: Final = 6
"""Column of `core show channels concise`: what the application was given."""
GUARD: Final = "guard-7"
"""An operator of the third VMS."""
GUARD_ID: Final = "0be7a7e0-0000-4000-8000-000000000002"


@pytest.fixture
def nx(ladder: Ladder) -> Iterator[FakeNx]:
    """A third VMS, at which operators can acknowledge."""
    made = FakeNx(
        SystemClock(),
        devices=[FakeDevice(CAMERA, "TANKFARM-EAST-PTZ-01", {})],
        users={
            "sosbridge": FakeUser("nx-secret", "ab1de000-0000-4000-8000-000000000001"),
            GUARD: FakeUser("other", GUARD_ID),
        },
    )
    made.state.rules = [recording_rule(CAMERA, "PTZ-01")]
    ladder.plant.wait(made.start())
    secret = ladder.folder / "nx"
    secret.touch(mode=0o600)
    secret.write_text("nx-secret")
    vms = {"name": "nx", "type": "nx", "base_url": made.url, "user": "sosbridge"}
    ladder.site["vms"].append(vms | {"password": {"file": str(secret)}})
    ladder.site["cameras"]["TANKFARM-EAST-PTZ-01"]["nx"] = CAMERA
    ladder.site["response"]["sos"].append({"do": "event_start", "with": "nx"})
    ladder.write_site()
    yield made
    ladder.kill()  # before what it talks to
    ladder.plant.wait(made.stop())


def acknowledgements(story: Story) -> list[str]:
    return [text for text in texts(story) if "acknowledged by" in text]


def listening(ladder: Ladder) -> Baresip:
    """Press, and have the dispatcher hear that 1 is to be pressed."""
    dispatcher = ladder.crew({})
    ladder.without_cameras()
    ladder.start()
    ladder.press()
    ladder.accept(dispatcher)
    ladder.until_incident(settled, "settled")
    return dispatcher


def finish(ladder: Ladder) -> None:
    """End whatever goes on. A click alone ends no ringing at the console: the caller hears of it, and then
    the console is rung anew."""
    times = 2 if "/person/" in ladder.pbx_global(f"SOS_TAKEN_{PHONE_ID}") else 1
    ladder.until(lambda: rung(ladder.people[DESK]) == times, "rung at the console")
    done = ladder.sosbridge("incidents", "resolve", ladder.incident()["id"], "--by", OPERATOR)
    assert done.exit_code == 0, done.output
    ladder.lab.pbx.hang_up_all()
    ladder.close()
    assert unexpected(ladder, desk=times) == []


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_a_key_a_command_and_a_vms_at_once(ladder: Ladder, nx: FakeNx) -> None:
    dispatcher = listening(ladder)
    acts: list[Callable[[], object]] = [
        lambda: dispatcher.press("1"),
        lambda: acknowledge(ladder),
        lambda: ladder.plant.do(nx.acknowledge, CAMERA, user=GUARD_ID),
    ]
    together = threading.Barrier(len(acts))

    def act(number: int) -> None:
        together.wait()
        acts[number]()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The PBX itself decides whether the 1 came before what the others told it.
    ladder.until(lambda: ladder.lab.reports("SOSAck") or ladder.lab.reports("SOSTaken"), "decided by the PBX")
    names = {OPERATOR, GUARD, *(HAND for _ in ladder.lab.reports("SOSAck"))}
    story = ladder.until_incident(lambda it: len(acknowledgements(it)) == len(names), "all written down")
    first, *others = acknowledgements(story)
    winner = story["acknowledged_by"]
    assert first.startswith(f"acknowledged by {winner} (")
    assert all(text.startswith("also acknowledged by ") for text in others)
    assert all(text.endswith(f"; {winner} was first") for text in others)
    assert {text.partition("acknowledged by ")[2].partition(" (")[0] for text in (first, *others)} == names
    if winner == HAND:
        for other in ("lead-1", "lead-3"):
            ladder.follows(other).wait_received("CANCEL")
    ladder.until_incident(settled, "told")
    supervisor = ladder.plant.wall.state.popups["shift-office", story["id"]]
    assert f"acknowledged by {winner}" in str(supervisor["title"])
    finish(ladder)


@pytest.mark.parametrize("setting", LAST, ids=str, indirect=True)
def test_who_presses_1_after_a_click_is_told_that_it_is_taken(ladder: Ladder) -> None:
    dispatcher = listening(ladder)
    acknowledge(ladder)
    ladder.lab.wait("SOSTold", Phone=PHONE)
    dispatcher.press("1")
    taken = ladder.lab.wait("SOSTaken", Dispatcher=HAND)
    assert (taken.get("Has"), taken.get("By")) == ("person", OPERATOR.replace(" ", "_"))
    dispatcher.wait_event("CALL_CLOSED", timeout=20)
    assert ladder.heard(HAND)[-1] == "taken"
    assert not ladder.lab.reports("SOSAck")
    story = ladder.until_incident(settled, "settled")
    assert acknowledgements(story) == [f"acknowledged by {OPERATOR} (command line)"]
    assert ladder.pbx_global(f"SOS_TAKEN_{PHONE_ID}").endswith(f"/person/{taken.get('By')}")
    finish(ladder)


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_who_answers_after_a_click_hears_that_somebody_has_it(ladder: Ladder) -> None:
    """A telephone that rings already goes on for at most `ring`: docs/drivers/dispatch.md."""
    dispatcher = ladder.crew({})
    ladder.without_cameras()
    ladder.start()
    ladder.press()
    dispatcher.wait_event("CALL_INCOMING", timeout=20)
    ladder.follows("lead-1").wait_received("INVITE")
    acknowledge(ladder)
    ladder.lab.wait("SOSTold", Phone=PHONE)
    dispatcher.accept()
    taken = ladder.lab.wait("SOSTaken", Dispatcher=HAND)
    assert (taken.get("Has"), taken.get("Why")) == ("person", "taken")
    dispatcher.wait_event("CALL_CLOSED", timeout=20)
    assert ladder.heard(HAND) == ["taken"]
    # What the PBX has to do for a click ends with the console being rung anew.
    ladder.until(lambda: rung(ladder.people[DESK]) == 2, "rung at the console")
    [dialled] = [row[DATA] for row in ladder.lab.pbx.channels() if row[DATA].startswith("PJSIP/lead-1,")]
    assert float(dialled.split(",")[1]) == RING
    assert not ladder.follows("lead-1").received("CANCEL")
    finish(ladder)


@pytest.mark.parametrize("setting", FIRST, ids=str, indirect=True)
def test_a_click_beside_a_short_talk_counts_at_the_pbx(ladder: Ladder) -> None:
    """A talk of less than `console_settle` does not count. The click of a named person does."""
    ladder.crew({DESK: ANSWERS})
    ladder.start()
    ladder.lab.set_global("SOS_SETTLE", "60")
    try:
        caller = ladder.press()
        ladder.until_incident(lambda it: it["connected_at"], "connected")
        acknowledge(ladder)
        ladder.lab.wait("SOSTold", Phone=PHONE)
        ladder.hang_up(caller)
        hunted = partial(ladder.lab.reports, "SOSTier", Kind="hunt")
        ladder.until(lambda: hunted() or ladder.lab.reports("SOSDone"), "over, or hunted for")
        assert hunted() == []
    finally:
        ladder.lab.set_global("SOS_SETTLE", "1")
    ladder.close()
    assert unexpected(ladder) == []
