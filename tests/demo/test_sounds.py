"""Announcements of the demo: spoken where there are tools, else beeps; the bridge finds them either way."""

from __future__ import annotations

import wave
from array import array
from pathlib import Path

import pytest
import yaml

from bridge.cli.demo.site import PASSWORD, VARIABLE, site_of
from bridge.cli.demo.sounds import make_sounds
from bridge.config import Site, load
from bridge.simulator.phones import listen
from bridge.simulator.plant import SECRETS, simulated_systems
from bridge.supervision.clocks import SystemClock

WORDS = ("location-TANKFARM-WEST-POST-01", "number-WEST-01", "video-unconfirmed", "press-1", "taken")


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name, value in {**SECRETS, VARIABLE: PASSWORD}.items():
        monkeypatch.setenv(name, value)
    async with simulated_systems(SystemClock()) as systems:
        data = site_of(systems, tmp_path, sip_port=5060, sounds=tmp_path / "sounds")
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    return load(file)


def samples(file: Path) -> array[int]:
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        return array("h", sound.readframes(sound.getnframes()))


def test_beeps_where_nothing_can_speak(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sounds = make_sounds(site, tmp_path / "sounds")
    assert not sounds.spoken
    for word in WORDS:
        assert listen(samples(tmp_path / "sounds" / "en" / f"{word}.wav")) == sounds.announcement
    assert listen(samples(tmp_path / "sounds" / "en" / "caller" / "ringback.wav")).hertz == 425


@pytest.mark.real("espeak")
def test_words_where_it_can(site: Site, tmp_path: Path) -> None:
    sounds = make_sounds(site, tmp_path / "sounds")
    assert sounds.spoken
    for word in WORDS:
        assert listen(samples(tmp_path / "sounds" / "en" / f"{word}.wav")) == sounds.announcement
