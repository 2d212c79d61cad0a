"""The test ZoneMinder itself: what the product's driver will meet, seen by independent requests."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from tests.parts.trees import ZONEMINDER
from tests.parts.zoneminder import FIXED_CAMERA, PTZ_CAMERA, ZoneMinder


def wait_for(ready: Callable[[], bool], timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not ready():
        assert time.monotonic() < deadline, f"not so after {timeout:g} s"
        time.sleep(0.1)


def test_two_cameras_give_pictures(zoneminder: ZoneMinder) -> None:
    listed = {row["Monitor"]["Name"]: row["Monitor"] for row in zoneminder.api("monitors.json")["monitors"]}
    assert {name: listed[name]["Id"] for name in zoneminder.monitors} == zoneminder.monitors
    assert {monitor["Function"] for monitor in listed.values()} == {"Nodect"}
    assert float(zoneminder.status(FIXED_CAMERA)["CaptureFPS"]) > 0


def test_a_forced_alarm_makes_an_event_until_it_is_ended(zoneminder: ZoneMinder) -> None:
    before = len(zoneminder.events(FIXED_CAMERA))
    assert "Alarmed event id" in zoneminder.alarm(FIXED_CAMERA, "on")
    event = zoneminder.events(FIXED_CAMERA)[before]
    assert (event["Cause"], event["EndDateTime"]) == ("Forced Web", None)
    assert zoneminder.alarm(FIXED_CAMERA, "status") == "2"

    zoneminder.alarm(FIXED_CAMERA, "off")

    wait_for(lambda: zoneminder.alarm(FIXED_CAMERA, "status") == "0")
    wait_for(lambda: zoneminder.events(FIXED_CAMERA)[before]["EndDateTime"] is not None)


def test_a_preset_reaches_the_camera(zoneminder: ZoneMinder) -> None:
    camera = zoneminder.cameras[PTZ_CAMERA]
    camera.commands.clear()
    command = {"view": "request", "request": "control", "id": "1", "control": "presetGoto7"}
    command["token"] = zoneminder.token()
    answer = requests.get(f"{zoneminder.url}/index.php", params=command, timeout=20)
    assert answer.json()["result"] == "Ok"
    wait_for(lambda: camera.commands == ["gotoserverpresetno=7"])


def test_a_restarted_capture_loses_the_alarm(zoneminder: ZoneMinder) -> None:
    zoneminder.alarm(PTZ_CAMERA, "on")
    zoneminder.restart_capture(PTZ_CAMERA)
    zoneminder.wait_recording_ready(PTZ_CAMERA)
    assert zoneminder.alarm(PTZ_CAMERA, "status") == "0"


def test_a_dead_camera_is_seen_and_comes_back(zoneminder: ZoneMinder) -> None:
    camera = zoneminder.cameras[PTZ_CAMERA]
    camera.stop()
    try:
        wait_for(lambda: zoneminder.status(PTZ_CAMERA)["Status"] != "Connected")
    finally:
        camera.start()
    zoneminder.wait_recording_ready(PTZ_CAMERA)


def test_the_web_server_can_be_away(zoneminder: ZoneMinder) -> None:
    zoneminder.stop_web()
    try:
        with pytest.raises(requests.ConnectionError):
            zoneminder.status(PTZ_CAMERA)
    finally:
        zoneminder.start_web()
    assert zoneminder.api("host/daemonCheck.json") == {"result": 1}


def test_the_tree_is_not_written_to(zoneminder: ZoneMinder) -> None:
    written = ("etc/zm", "etc/apache2", "var/log", "var/lib/mysql", "run", "tmp", "dev", "mnt")
    newest = max((ZONEMINDER.path / folder).stat().st_mtime for folder in written)
    assert newest < zoneminder.folder.stat().st_mtime
