"""The test camera and its pictures."""

from __future__ import annotations

from itertools import pairwise

import pytest
import requests

from tests.parts.jpeg import moving_bar
from tests.parts.mjpeg import MjpegCamera


def test_pictures_are_jpeg_files_that_differ() -> None:
    pictures = [moving_bar(320, 240, position) for position in range(40)]
    assert all(picture.startswith(b"\xff\xd8\xff\xe0") for picture in pictures)
    assert all(picture.endswith(b"\xff\xd9") for picture in pictures)
    assert all(before != after for before, after in pairwise(pictures))
    assert moving_bar(320, 240, 40) == pictures[0]


def test_the_entropy_coded_bytes_hold_no_marker() -> None:
    """T.81 F.1.2.3: a byte FF of the data is followed by a zero byte."""
    for position in range(40):
        picture = moving_bar(320, 240, position)
        scan = picture[picture.index(b"\xff\xda") + 14 : -2]
        assert b"\xff" not in scan.replace(b"\xff\x00", b"")


def test_the_stream_shows_changing_pictures() -> None:
    with (
        MjpegCamera(fps=100) as camera,
        requests.get(camera.url, stream=True, timeout=5) as answer,
    ):
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        received = answer.raw.read(8000)
        parts = received.split(b"--frame\r\n")
        assert parts[1].split(b"\r\n\r\n", 1)[1].strip() == camera.pictures[0]
        assert parts[2].split(b"\r\n\r\n", 1)[1].strip() == camera.pictures[1]


def test_a_dead_camera_breaks_its_streams_and_comes_back_on_its_port() -> None:
    camera = MjpegCamera(fps=100)
    with camera:
        answer = requests.get(camera.url, stream=True, timeout=5)
        camera.stop()
        while answer.raw.read(4096):  # what was on its way; then the end
            pass
        answer.close()
        with pytest.raises(requests.ConnectionError):
            requests.get(camera.url, timeout=5)
        camera.start()
        with requests.get(camera.url, stream=True, timeout=5) as again:
            assert again.raw.read(100)


def test_a_frozen_camera_stays_connected_without_pictures() -> None:
    with MjpegCamera(fps=100) as camera:
        camera.freeze()
        with requests.get(camera.url, stream=True, timeout=0.3) as answer:
            assert answer.status_code == 200
            with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
                next(answer.iter_content(10))
        camera.thaw()
        with requests.get(camera.url, stream=True, timeout=5) as again:
            assert next(again.iter_content(10))


def test_ptz_commands_are_written_down() -> None:
    with MjpegCamera() as camera:
        requests.get(f"{camera.address}/axis-cgi/com/ptz.cgi?gotoserverpresetno=7", timeout=5)
        assert requests.get(f"{camera.address}/other", timeout=5).status_code == 404
        assert camera.commands == ["gotoserverpresetno=7"]
