"""Every announcement of a site as a tone of its own, and what a telephone has heard of them.

Tones are multiples of 100 Hz: over the pieces that `tests.parts.sound` looks at they do not mix. Only what a
test listens for gets a tone of its own; all other prompts share one.
"""

from __future__ import annotations

import array
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bridge.config import load
from bridge.pack.prompts import wanted
from bridge.pack.site import announced
from bridge.simulator.phones.ear import goertzel
from tests.parts.baresip import Baresip
from tests.parts.processes import PartError
from tests.parts.sound import RATE, write_tone

CALLER: Final = 3300
"""What the telephone of the SOS says, in Hz."""
PERSON: Final = 3100
"""What a dispatcher says."""
TONES: Final[Mapping[str, int]] = {
    "caller/waiting": 400,
    "video-unconfirmed": 700,
    "video-none": 900,
    "press-1": 1100,
    "taken": 1300,
    "never": 1500,
    "location-TANKFARM-EAST-POST-03": 1700,
    "location-TANKFARM-WEST-POST-01": 1900,
    "location-TANKFARM-GATE-01": 2100,
    "location-TANKFARM-PUMP-HOUSE": 2300,
    "exercise": 2500,
}
WAITING: Final = 600
"""However many other SOS wait."""
OTHER: Final = 2900
"""Numbers, what is told last, and places that no test is about."""
LENGTH: Final = 0.4
_PIECE: Final = RATE // 50
_LOUD: Final = 500
"""Of 32767: above the noise that A-law makes of silence."""
_PLAIN: Final = 0.5
"""Share of a piece's power that one frequency has where it is the only one, its edges left out."""
CERTAIN: Final = 0.15
"""Seconds of a tone that say that its prompt was heard, and not a scrap of it."""


def make_prompts(site_file: Path, folder: Path) -> None:
    """Write every prompt that the site wants. Those that are there already stay."""
    for prompt in wanted(announced(load(site_file, secrets=False))):
        file = folder / f"{prompt.name}.wav"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_tone(file, _tone_of(prompt.name.partition("/")[2]), LENGTH)


def _tone_of(name: str) -> int:
    return WAITING if name.startswith("more-") else TONES.get(name, OTHER)


def seconds_of(samples: Sequence[int], hertz: int) -> float:
    """Return for how long this tone is in a piece of sound."""
    pieces = (samples[start : start + _PIECE] for start in range(0, len(samples) - _PIECE + 1, _PIECE))
    shares = (goertzel(piece, hertz) for piece in pieces if max(piece) > _LOUD)
    return sum(share for share in shares if share > _PLAIN) * _PIECE / RATE


def prompts_heard(phone: Baresip) -> set[str]:
    """Return what a telephone heard in its latest call: prompts, and voices (`the caller`, `a person`)."""
    samples = heard_so_far(phone)
    tones = {**TONES, "the caller": CALLER, "a person": PERSON}
    return {name for name, hertz in tones.items() if seconds_of(samples, hertz) >= CERTAIN}


def until_hears(phone: Baresip, hertz: int, seconds: float = CERTAIN, timeout: float = 30.0) -> None:
    """Wait until a telephone has heard so much of a tone in its latest call."""
    deadline = time.monotonic() + timeout
    while (heard := seconds_of(heard_so_far(phone), hertz)) < seconds:
        if time.monotonic() > deadline:
            raise PartError(f"{heard:g} s of {hertz} Hz within {timeout:g} s\n{phone.child.log_tail()}")
        time.sleep(0.2)


def until_both_hear(caller: Baresip, person: Baresip, *, more: float = 0.4) -> None:
    """Wait until the telephone of the SOS and a dispatcher have heard so much more of each other."""
    wanted = [(person, CALLER), (caller, PERSON)]
    known = [seconds_of(heard_so_far(phone), hertz) for phone, hertz in wanted]
    for (phone, hertz), before in zip(wanted, known, strict=True):
        until_hears(phone, hertz, before + more)


def heard_so_far(phone: Baresip) -> array.array[int]:
    """Return the sound of a telephone's latest call up to now: 8 kHz, 16 bit. Empty where there is none.

    baresip writes down how long it is at the call's end only: until then nothing else can read the file.
    """
    files = sorted(phone.folder.glob("dump-*-dec.wav"), key=lambda file: file.stat().st_mtime)
    data = files[-1].read_bytes().partition(b"data")[2][4:] if files else b""
    return array.array("h", data[: len(data) // 2 * 2])
