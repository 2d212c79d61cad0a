"""What pieces of sound are taken for."""

from __future__ import annotations

import math
import random
import subprocess
import wave
from array import array
from pathlib import Path

import pytest

from bridge.protocols.media.g711 import Law, decode, encode
from bridge.simulator.phones import Heard, Kind, listen, write_tone
from bridge.simulator.phones.ear import goertzel, left_track
from bridge.simulator.phones.tones import write_melody

RATE = 8000


def sine(hertz: float, seconds: float = 0.5, level: int = 8000) -> array[int]:
    return array(
        "h", (round(level * math.sin(math.tau * hertz * n / RATE)) for n in range(int(seconds * RATE)))
    )


def by_telephone(samples: array[int], law: Law) -> array[int]:
    return array("h", decode(law, encode(law, samples.tobytes())))


def noise(seconds: float = 0.5) -> array[int]:
    source = random.Random(7)
    return array("h", (source.randint(-9000, 9000) for _ in range(int(seconds * RATE))))


def samples_of(file: Path) -> array[int]:
    with wave.open(str(file)) as sound:
        return array("h", sound.readframes(sound.getnframes()))


@pytest.mark.parametrize("law", list(Law))
@pytest.mark.parametrize("hertz", [110, 425, 440, 1000, 1004, 2100, 3100])
def test_a_tone_is_named(hertz: int, law: Law) -> None:
    heard = listen(by_telephone(sine(hertz), law))
    assert heard.kind is Kind.TONE
    assert abs(heard.hertz - hertz) <= 3


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (array("h"), Kind.SILENCE),
        (array("h", bytes(8000)), Kind.SILENCE),
        (sine(440, level=200), Kind.SILENCE),
        (by_telephone(array("h", bytes(8000)), Law.PCMA), Kind.SILENCE),
        (array("h", bytes(8000)) + sine(440, 0.02), Kind.SILENCE),
        (noise(), Kind.NOISE),
        (sine(440) + array("h", bytes(8000)), Kind.TONE),
        (sine(440, 0.5) + sine(880, 0.5), Kind.SPEECH),
    ],
    ids=["nothing", "zeros", "faint", "zeros in A-law", "a click", "noise", "a beep", "two tones"],
)
def test_what_else_there_is(samples: array[int], kind: Kind) -> None:
    if kind is Kind.SPEECH:  # a melody is no tone; whether it is speech or noise is a matter of taste
        assert listen(samples).kind in (Kind.SPEECH, Kind.NOISE)
    else:
        assert listen(samples).kind is kind


@pytest.mark.real("espeak")
@pytest.mark.parametrize("language", ["en", "de"])
def test_speech_is_speech(language: str, tmp_path: Path) -> None:
    """All of an announcement, and each second of it that is not a pause."""
    spoken, made = tmp_path / "spoken.wav", tmp_path / "made.wav"
    text = "Emergency call. East tank farm, post three. Video not confirmed. To take the call, press one."
    subprocess.run(["espeak-ng", "-v", language, "-s", "145", "-w", spoken, text], check=True)
    subprocess.run(["sox", spoken, "-r", "8000", "-c", "1", "-b", "16", made], check=True)
    samples = samples_of(made)
    assert listen(samples).kind is Kind.SPEECH
    seconds = [listen(samples[start : start + RATE]).kind for start in range(0, len(samples) - RATE, RATE)]
    assert set(seconds) <= {Kind.SPEECH, Kind.SILENCE}
    assert seconds.count(Kind.SPEECH) >= 0.8 * len(seconds)


def test_goertzel_tells_frequencies_apart() -> None:
    tone = sine(440)
    assert goertzel(tone, 440) > 0.99
    assert goertzel(tone, 480) < 0.01
    assert goertzel(array("h", bytes(800)), 440) == 0.0


def test_files_of_tones(tmp_path: Path) -> None:
    file = write_tone(tmp_path / "tone.wav", 440)
    samples = samples_of(file)
    assert len(samples) == RATE
    assert listen(samples + samples) == Heard(Kind.TONE, 440)  # looped, without a click
    melody = samples_of(write_melody(tmp_path / "melody.wav", [(440, 0.5), (0, 0.25), (880, 0.25)]))
    assert [listen(melody[start : start + 2000]).hertz for start in (0, 2000, 4000, 6000)] == [
        440,
        440,
        0,
        880,
    ]


def test_the_left_track() -> None:
    assert left_track(array("h", [1, 2, 3, 4]).tobytes() + b"\x05\x00\x06") == array("h", [1, 3])


def test_words_for_people() -> None:
    assert [str(Heard(Kind.TONE, 440)), str(Heard(Kind.SPEECH))] == ["a tone of 440 Hz", "speech"]
