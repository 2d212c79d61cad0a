"""What the bridge says in the demo: spoken where espeak-ng and sox are there, else beeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.config import Site
from bridge.errors import SosBridgeError
from bridge.pack.prompts import build, wanted
from bridge.pack.site import announced
from bridge.simulator.phones import Heard, Kind
from bridge.simulator.phones.tones import write_melody

_BEEP: Final = 660
"""Hertz of what stands for words; nobody in the demo says anything else so high."""
_BEEPS: Final = [(_BEEP, 0.4), (0, 0.1), (_BEEP, 0.4), (0, 0.1)]
RINGBACK: Final = 425
"""Hertz (ITU-T E.180)."""
_RINGING: Final = [(RINGBACK, 1.0), (0, 1.0)]
"""With a shorter pause than telephone exchanges have."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """spoken: whether there are words. announcement: what it sounds like to who answers."""

    spoken: bool
    announcement: Heard


def make_sounds(site: Site, folder: Path) -> Sounds:
    """Make every announcement of the site in `folder`. Takes a second where they are spoken."""
    facts = announced(site)
    try:
        build(facts, folder)
    except SosBridgeError:  # no espeak-ng, no sox, no voice of that language: it must work all the same
        for prompt in wanted(facts):
            file = folder / f"{prompt.name}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_melody(file, _BEEPS if prompt.text else _RINGING)
        return Sounds(spoken=False, announcement=Heard(Kind.TONE, _BEEP))
    write_melody(folder / facts.language / "caller" / "ringback.wav", _RINGING)
    return Sounds(spoken=True, announcement=Heard(Kind.SPEECH))
