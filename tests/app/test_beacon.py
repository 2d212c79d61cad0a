"""The beacon at the place, from the press to the all-clear, whatever its module and the VMSs do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bridge.simulator.modbus_module import Access, FakeModule, Fault
from tests.app.plant import Call
from tests.app.scene import Scene, Story, settled, steps, texts
from tests.app.story import OPERATOR, acknowledge, finish

PLACE = "TANKFARM-EAST-POST-03"
LAMP = (1, 16)
LIT, DARK = Access(5, 16, (True,)), Access(5, 16, (False,))


@dataclass(frozen=True)
class Place:
    """The scene, with a module whose coil 16 lights the lamp at post 3."""

    scene: Scene
    module: FakeModule

    @property
    def lit(self) -> bool:
        return LAMP in self.module.lit

    def until_lit(self, *, lit: bool, timeout: float = 15.0) -> None:
        self.scene.until(lambda: self.lit is lit, "lit" if lit else "dark", timeout)


@pytest.fixture
def place(scene: Scene) -> Iterator[Place]:
    """A bridge that is not started yet, and a module that fails the test if any other output was written."""
    module = FakeModule()
    scene.plant.wait(module.start())
    outputs = {"east-beacon": {"coil": 16}}
    io = {"name": "io-east", "type": "modbus", "host": "127.0.0.1", "port": module.port, "outputs": outputs}
    scene.site["vms"].append(io)
    scene.site["locations"][PLACE]["beacons"] = ["east-beacon"]
    scene.site["response"]["sos"].insert(0, {"do": "beacon_on", "with": "io-east"})
    scene.write_site()
    yield Place(scene, module)
    scene.plant.wait(module.stop())
    assert set(module.writes) <= {LIT, DARK}


def press(place: Place) -> Call:
    if place.scene.bridge is None:
        place.scene.start()
    call = Call(place.scene.plant)
    call.press()
    return call


def beacon(story: Story) -> list[tuple[str, str, str]]:
    return steps(story, "beacon_on", "beacon_off")


def test_lit_by_an_sos_and_dark_when_it_is_cleared(place: Place) -> None:
    place.scene.site["times"]["post_roll_emergency"] = 600
    place.scene.write_site()
    call = press(place)
    place.until_lit(lit=True)
    call.answer()
    place.scene.until_incident(lambda found: found["connected_at"] and settled(found), "connected")
    acknowledge(place.scene)
    place.scene.until_incident(lambda found: found["acknowledged_at"], "acknowledged")
    assert place.lit
    call.hang_up()
    place.until_lit(lit=False)
    story = place.scene.until_incident(
        lambda found: found["state"] == "clearing" and settled(found), "the lamp is dark in the post-roll"
    )
    assert beacon(story) == [
        ("beacon_on", "east-beacon", "verified"),
        ("beacon_off", "east-beacon", "verified"),
    ]
    assert story["acknowledged_by"] == OPERATOR
    assert place.module.writes == [LIT, DARK]


def test_a_routine_call_lights_nothing(place: Place) -> None:
    place.scene.start()
    call = Call(place.scene.plant, dialled="20")
    call.press()
    place.scene.until_incident(settled, "opened and settled")
    call.hang_up()
    place.scene.until_incident(lambda found: found["state"] == "closed" and settled(found), "closed", 20)
    assert place.module.writes == []


def recorded(found: Story) -> int:
    return sum("start recording" in text and ": verified" in text for text in texts(found))


def test_lit_while_every_vms_is_down(place: Place) -> None:
    place.scene.start()
    place.scene.plant.wait(place.scene.plant.plant.systems.switch_off())
    call = press(place)
    place.until_lit(lit=True)
    place.scene.plant.wait(place.scene.plant.plant.systems.switch_on())
    # Without a recording its bookmark would be tried for minutes.
    place.scene.until_incident(lambda found: recorded(found) == 2, "recorded")
    finish(place.scene, call)
    assert not place.lit
    assert place.module.writes == [LIT, DARK]


def test_a_module_that_was_down_lights_when_it_is_back(place: Place) -> None:
    place.scene.plant.wait(place.module.stop())
    call = press(place)
    place.scene.until_incident(lambda found: "no connection" in "".join(texts(found)), "told that it is down")
    place.scene.plant.wait(place.module.start())
    place.until_lit(lit=True)
    finish(place.scene, call)
    assert not place.lit


def test_a_module_that_reboots_is_lit_again(place: Place) -> None:
    call = press(place)
    place.until_lit(lit=True)
    place.scene.until_incident(lambda found: ("beacon_on", "east-beacon", "verified") in beacon(found), "on")
    place.scene.plant.wait(place.module.reboot())
    place.until_lit(lit=True)
    story = finish(place.scene, call)
    assert "beacon_on/io-east/east-beacon was found off: switched on again" in texts(story)
    assert not place.lit
    assert place.module.writes == [LIT, LIT, DARK]


def test_a_lying_module_is_never_verified(place: Place) -> None:
    place.module.fault = Fault.LIE
    press(place)
    place.scene.until_incident(lambda found: "still off" in "".join(texts(found)), "found out")
    story = place.scene.until_incident(beacon, "told")
    assert "verified" not in {state for _, _, state in beacon(story)}


def test_a_bridge_that_died_while_the_lamp_was_on_still_darkens_it(place: Place) -> None:
    call = press(place)
    place.until_lit(lit=True)
    place.scene.kill()
    place.scene.start()
    finish(place.scene, call)
    assert not place.lit
