"""A site whose PBX gives ARI and nothing else: watched, rung, proven alive, checked. Real Asterisk 22 and 16.

The scene is the ladder's (tests/ladder/scene.py), without the one AMI account that it has beside ARI. What
the tests look at themselves they ask as the PBX's administrator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.config import load
from bridge.pack.render import render_texts
from bridge.pack.site import facts_of
from bridge.simulator.plant import SECRETS
from tests.ladder import site as sites
from tests.ladder.conftest import bridge_starts, ladder, ladder_labs, no_incidents, start_ladder
from tests.ladder.scene import HAND, Ladder
from tests.ladder.site import PHONE, Setting
from tests.ladder.verdict import rung

__all__ = ["bridge_starts", "ladder", "ladder_labs", "no_incidents", "start_ladder"]  # fixtures

pytestmark = pytest.mark.real("asterisk", "sipp", "baresip")


@pytest.fixture(scope="module", autouse=True)
def no_ami() -> Iterator[None]:
    """The ladder's site without its AMI account."""
    whole = sites.settings

    def settings(*where: Any) -> Mapping[str, Any]:
        sections = whole(*where)
        del sections["dispatch"]["heartbeat"], sections["dispatch"]["port"]
        return sections

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sites, "settings", settings)
        yield


def load_pack(ladder: Ladder) -> None:
    """Give the PBX exactly this site's pack."""
    for name, text in render_texts(facts_of(load(ladder.site_file, secrets=False))).items():
        ladder.lab.pbx.write(f"sosbridge/{name}", text)
    ladder.lab.pbx.cli("dialplan reload")


def check(ladder: Ladder) -> str:
    """What `sosbridge asterisk check` prints."""
    command = ["asterisk", "check", "--config", str(ladder.site_file)]
    return CliRunner(env=SECRETS).invoke(main, command).output


@pytest.fixture(params=["22", "16"], ids=["asterisk-22", "asterisk-16"])
def setting(request: pytest.FixtureRequest) -> Setting:
    return Setting(request.param, "ari")


def test_an_sos_without_a_picture_is_told_to_dispatch_and_acknowledged(ladder: Ladder) -> None:
    dispatcher = ladder.crew({})
    ladder.start()
    ladder.kill_vmss()
    caller = ladder.press()
    assert ladder.lab.wait("SOSCall", Phone=PHONE).get("Heartbeat") == "fresh"
    ladder.accept(dispatcher)
    assert "video-unconfirmed" in ladder.heard(HAND)
    dispatcher.press("1")
    story = ladder.until_incident(lambda it: it["acknowledged_by"] == HAND, "acknowledged")
    assert {call["source"] for call in story["calls"]} <= {"asterisk/pbx1"}
    told = [each["state"] for each in story["deliveries"] if each["driver"] == "dispatch"]
    assert told[0] == "verified"
    ladder.lab.events.wait(lambda m: m.event == "BridgeEnter" and m.get("BridgeNumChannels") == "2")
    ladder.hang_up(caller)
    ladder.until_incident(lambda it: it["state"] == "closed", "closed")
    assert rung(dispatcher) == 1
    assert not (ladder.lab.pbx.etc / "sosbridge" / "manager.conf").exists()


def test_beats_stop_with_the_bridge_and_their_age_is_the_pbxs_own(ladder: Ladder) -> None:
    ladder.start()
    first = int(ladder.pbx_global("SOS_BEAT_AT"))
    ladder.until(lambda: int(ladder.pbx_global("SOS_BEAT_AT")) > first, "beating on")
    assert int(ladder.pbx_global("SOS_BEAT_AT")) <= int(ladder.pbx_global("EPOCH"))
    ladder.kill()
    ladder.until(lambda: not ladder.lab.pbx.channels(), "silent")
    long_ago = int(ladder.pbx_global("EPOCH")) - 100
    ladder.lab.set_global("SOS_BEAT_AT", str(long_ago))
    told = check(ladder)
    assert re.search(r"warning  heartbeat  stale: 1\d\d s old by the PBX's clock", told), told
    assert "ok       dispatch/heartbeat  sos-calls may prove the bridge alive" in told
    assert int(ladder.pbx_global("SOS_BEAT_AT")) == long_ago, "a check is no beat"


def test_the_check_tells_what_ari_can(ladder: Ladder) -> None:
    ladder.crew({})
    load_pack(ladder)
    ladder.start()
    told = check(ladder)
    for line in (
        "ok       pack  this site's pack is loaded",
        "ok       modules  every module",
        "ok       heartbeat  fresh",
        "warning  phone/EAST-03  rtp_timeout is 0",
        "warning  phone/EAST-03  qualify_frequency is 0",
        "ok       console/desk-1  its phone is there",
        "error    console/desk-2  the PBX has no PJSIP endpoint desk-2",
        "warning  dialplan  ARI does not show it",
        "ok       dispatch/ari  sos-calls may start calls",
    ):
        assert line in told, told


def test_another_pack_than_the_sites_is_a_fault_until_it_is_loaded(ladder: Ladder) -> None:
    ladder.site["pbx"][0]["resync_interval"] = 0.3
    ladder.write_site()
    load_pack(ladder)
    ladder.start()

    def drifted() -> bool:
        return "pack_drift" in {fault.what for fault in ladder.store.faults()}

    ladder.lab.set_global("SOS_PACK_HASH", "another")
    ladder.until(drifted, "seen")
    assert "error    pack  another one is loaded" in check(ladder)
    load_pack(ladder)
    ladder.until(lambda: not drifted(), "mended")
