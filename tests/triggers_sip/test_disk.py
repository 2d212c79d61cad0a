"""A disk that hangs costs a call its announcement, never its answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bridge.b2bua.effects import Word
from bridge.protocols.media.facade import Layout, Local, Recording, Remote, Statistics
from bridge.triggers.sip import disk as disk_module
from bridge.triggers.sip import studio as studio_module
from bridge.triggers.sip.disk import Disk
from bridge.triggers.sip.studio import Studio


@pytest.fixture
def hung() -> Iterator[threading.Event]:
    """What a call waits for that hangs; the test's end lets it go."""
    free = threading.Event()
    yield free
    free.set()


async def test_what_a_disk_says_is_passed_on() -> None:
    disk = Disk("test")
    assert await disk.run(lambda: 7) == 7
    with pytest.raises(FileNotFoundError):
        await disk.run(Path("/nowhere/at/all").read_text)


async def test_a_disk_that_hangs_is_given_up_and_what_waited_behind_is_never_done(
    hung: threading.Event,
) -> None:
    disk, done = Disk("test"), list[str]()
    with pytest.raises(OSError, match=r"did not answer within 0\.05 s"):
        await disk.run(hung.wait, within=0.05)
    with pytest.raises(OSError, match="did not answer"):
        await disk.run(lambda: done.append("late"), within=0.05)
    hung.set()
    assert await disk.run(lambda: "back", within=5) == "back"
    assert done == []


class Legs:
    """Media that only count what is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def run(self) -> None: ...

    async def ready(self) -> None: ...

    async def open(self, leg: str, *, address: str = "") -> Local:
        self.asked.append(f"open {leg}")
        return Local(address=address, rtp_port=1, rtcp_port=2)

    async def set_remote(self, leg: str, remote: Remote) -> None: ...

    async def play(self, leg: str, files: Sequence[Path], *, loop: bool = False) -> int:
        raise AssertionError(f"{leg}: nothing can be played: {files} {loop}")

    async def stop_playing(self, leg: str) -> None: ...

    async def send_digits(self, leg: str, digits: str) -> None: ...

    async def join(self, one: str, other: str) -> None:
        self.asked.append(f"join {one} {other}")

    async def leave(self, leg: str) -> None: ...

    async def start_recording(self, leg: str, file: Path, layout: Layout = Layout.STEREO) -> None:
        raise AssertionError(f"{leg}: {file} {layout}")

    async def stop_recording(self, leg: str) -> Recording:
        raise AssertionError(leg)

    async def statistics(self, leg: str) -> Statistics:
        raise AssertionError(leg)

    async def close(self, leg: str) -> None: ...


async def test_sounds_on_a_disk_that_hangs_hold_up_no_call(
    hung: threading.Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(*_: object) -> studio_module.Found:
        hung.wait()
        return studio_module.Found()

    monkeypatch.setattr(studio_module, "files_of", hangs)
    monkeypatch.setattr(disk_module.Disk.run, "__kwdefaults__", {"within": 0.05})
    media, faults, over = Legs(), dict[str, str](), list[str]()
    studio = Studio(media, sounds=tmp_path, recordings=tmp_path, judged=faults.__setitem__, looked=_never)
    studio.then(("phone",), lambda: _opened(studio))
    for number in range(3):
        studio.play("phone", number, [Word("waiting")], "en", loop=True, over=lambda: over.append("over"))
    studio.join("phone", "desk")
    async with asyncio.timeout(5):
        await studio.drain()
    assert media.asked == ["open phone", "join phone desk"]
    assert over == ["over"] * 3
    assert faults["announcement"].endswith("the disk did not answer within 0.05 s")


def _never(file: str, there: bool) -> None:
    raise AssertionError(f"{file} was looked for, and {there} was said of a disk that hangs")


async def _opened(studio: Studio) -> None:
    assert await studio.open("phone", "127.0.0.1") is not None
