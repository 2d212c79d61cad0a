"""What the exchange wants done, in this order. The shell does it, and answers with `inputs`.

After `Cancel`, `HangUp` and `Reject` the leg's id means nothing any more to the exchange: an answer that
crossed a `Cancel` comes back as `Answered` of an unknown leg and is hung up.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from bridge.b2bua.inputs import TimerId
from bridge.calls.facts import Fact

# --- legs -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Call every contact of `endpoint`; `Refused(480)` where there is none. Never follow a redirection.

    number: to be asked for behind a gateway or trunk, else ''. caller, name: to be shown. auto_answer: ask
    the device to answer by itself (Call-Info and Alert-Info). on_behalf_of: leg of the caller, whose
    Max-Forwards is to be passed on; '' where the exchange itself calls.
    """

    leg: str
    endpoint: str
    number: str = ""
    caller: str = ""
    name: str = ""
    auto_answer: bool = False
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """Say 180 to a caller."""

    leg: str


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """Say 183 with a session description to a caller: it hears us, and is not answered."""

    leg: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a caller. `Answered` once that stands, `Ended` where it comes to nothing."""

    leg: str


@dataclass(frozen=True, slots=True)
class Reject:
    leg: str
    status: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """End our call, which is not answered. Once it is answered all the same: hang up."""

    leg: str
    why: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a leg, whatever became of it. `why`: for the Reason header and the log."""

    leg: str
    why: str


# --- media ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Join:
    """Let two legs hear each other: answered ones, or such as `Answer` was asked for."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Part:
    """Undo `Join`: both legs stay."""

    leg: str


@dataclass(frozen=True, slots=True)
class Word:
    """One recorded prompt, and what is said instead where it is missing; what is missing too is left out."""

    name: str
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Play:
    """Say words one after the other, instead of what was said before; `PromptEnded` when all are said.

    number: of this Play, growing in each leg.
    """

    leg: str
    number: int
    words: tuple[Word, ...]
    language: str
    loop: bool = False


@dataclass(frozen=True, slots=True)
class StopPlaying:
    leg: str


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record what the leg says and hears. `file`: a name without a folder, safe as it is."""

    leg: str
    file: str


@dataclass(frozen=True, slots=True)
class StopRecording:
    leg: str


# --- timers, facts, receipts ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Answer with `Due(timer)` after so many seconds. It replaces one of that name."""

    timer: TimerId
    after: float


@dataclass(frozen=True, slots=True)
class ClearTimer:
    timer: TimerId


@dataclass(frozen=True, slots=True)
class Tell:
    """Something happened to a channel: for `bridge.calls.CallTracker`."""

    fact: Fact


class Outcome(enum.StrEnum):
    RINGS = "rings"
    """Dispatch is rung, or will be as soon as its phones are free."""
    TOLD = "told"
    """The exchange knows that somebody has it."""
    KNOWN = "known"
    """Nothing had to be done: it was done before, or somebody has the SOS."""
    IMPOSSIBLE = "impossible"
    """It cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a command."""

    delivery: str
    outcome: Outcome
    text: str


Effect: TypeAlias = (
    Dial
    | Ring
    | EarlyMedia
    | Answer
    | Reject
    | Cancel
    | HangUp
    | Join
    | Part
    | Play
    | StopPlaying
    | StartRecording
    | StopRecording
    | SetTimer
    | ClearTimer
    | Tell
    | Report
)
