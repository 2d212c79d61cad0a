"""The link to the PBX goes and comes: `/readyz` says so, and the gap is kept."""

from __future__ import annotations

from tests.app.plant import Call
from tests.app.scene import Scene, settled


def test_a_lost_pbx_is_not_ready_and_says_why(scene: Scene) -> None:
    scene.start()
    port = scene.plant.pbx.port
    scene.plant.wait(scene.plant.pbx.stop())
    scene.until(lambda: not scene.ready(), "not ready")
    scene.until(lambda: f"127.0.0.1:{port} cannot be reached" in scene.readyz(), "clear about the reason")
    headline, reason, *_ = scene.readyz().splitlines()
    assert headline == "503 not ready"
    assert reason.startswith("PBX link pbx1 down since ")
    assert scene.metric('sosbridge_link_up{kind="pbx",link="pbx1"}') == 0

    call = Call(scene.plant)
    call.press()  # nobody hears it
    scene.plant.wait(scene.plant.pbx.start())
    scene.until(scene.ready, "ready again")
    story = scene.until_incident(settled, "found after the gap")
    assert story["recovered"]
    blind = [each for each in scene.store.blind_intervals(0) if each.subject == "ami/pbx1"]
    assert len(blind) == 1
    assert blind[0].cleared_at is not None
    scene.until(lambda: scene.metric("sosbridge_blind_intervals_total") == 1, "counted")


def test_an_open_gap_is_told_while_it_lasts(scene: Scene) -> None:
    scene.start()
    scene.plant.wait(scene.plant.pbx.stop())
    scene.until(lambda: "blind intervals open" in scene.readyz(), "told")
    assert scene.metric("sosbridge_blind_intervals_open") == 1
    assert scene.get("/livez").status_code == 200
