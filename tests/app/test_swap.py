"""`sosbridge incidents swap`: two SOS want one PTZ, and a person decides."""

from __future__ import annotations

from bridge.cli.options import FAILED, REFUSED
from tests.app.plant import Call
from tests.app.scene import Scene, settled

PTZ = "TANKFARM-EAST-PTZ-01"


def two_that_want_it(scene: Scene) -> tuple[str, str]:
    """Press SOS at posts one and two; return their incidents' short ids."""
    scene.start()
    for endpoint, count in (("help-east-01", 1), ("help-east-02", 2)):
        Call(scene.plant, endpoint).press()
        scene.until(lambda count=count: len(scene.incidents()) == count, "opened")  # type: ignore[misc]  # a lambda's default
        scene.until(lambda: all(map(settled, scene.incidents())), "settled")
    ids = {story["phone"]: story["id"][:8] for story in scene.incidents()}
    return ids["EAST-01"], ids["EAST-02"]


def test_the_second_gets_it_when_a_person_says_so(scene: Scene) -> None:
    _, second = two_that_want_it(scene)
    assert scene.plant.wall.state.presets["cam-11"] == "5"
    done = scene.sosbridge("incidents", "swap", second, PTZ, "--by", "A. Weber")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == f"{second} has {PTZ}"
    assert "A. Weber" in done.stdout
    scene.until(lambda: scene.plant.wall.state.presets["cam-11"] == "6", "turned to post two")


def test_what_cannot_be_swapped_is_said(scene: Scene) -> None:
    first, second = two_that_want_it(scene)
    useless = scene.sosbridge("incidents", "swap", first, "TANKFARM-JETTY-PTZ-01", "--by", "A. Weber")
    assert useless.exit_code == FAILED
    assert "is not swapped: this incident has no use for it" in useless.stdout
    assert useless.stderr == f"{first} has not got TANKFARM-JETTY-PTZ-01\n"
    unknown = scene.sosbridge("incidents", "swap", second, "EAST-PTZ-01", "--by", "A. Weber")
    assert unknown.exit_code == REFUSED
    assert f"unknown camera `EAST-PTZ-01`, did you mean `{PTZ}`?" in unknown.stderr
    nobody = scene.sosbridge("incidents", "swap", second, PTZ, "--by", "")
    assert nobody.exit_code == REFUSED
    assert "say who you are: --by NAME" in nobody.stderr
    assert scene.plant.wall.state.presets["cam-11"] == "5"
