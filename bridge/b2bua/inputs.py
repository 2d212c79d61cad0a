"""What comes into the exchange. All text of a caller is untrusted: it is shown, never dialled.

A leg is one call between the exchange and one device; its id is the user agent's call id for a call that
comes in (`Offered`), and ours (`effects.Dial`) for one that goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

# --- legs: what the user agent tells ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Somebody calls.

    key: Call-ID and From tag. endpoint: the account it proved to be, or the AOR of the registered contact it
    calls from; '' for anybody else. caller, name: as it says itself. dialled: user part of the Request-URI,
    or the whole of a `urn:`.
    """

    leg: str
    key: tuple[str, str]
    endpoint: str
    dialled: str
    caller: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Provisional:
    """Our call got an answer to show that it arrived. `ringing`: 180, or 183 with early media."""

    leg: str
    ringing: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """Our call was answered; or the caller acknowledged our own answer, which stands from now on."""

    leg: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Our call came to nothing: a final response (302 as any other), or 480 where nobody is registered."""

    leg: str
    status: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The other side hung up or cancelled; or, with `hung_up` False, it is lost: it does not answer any more,
    or our answer to its call came to nothing.
    """

    leg: str
    hung_up: bool = True


# --- media --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Digit:
    leg: str
    digit: str


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """What `effects.Play` of that number asked for was said to its end, or could not be played."""

    leg: str
    number: int


@dataclass(frozen=True, slots=True)
class Silent:
    """No sound comes from the leg. `never`: none ever came."""

    leg: str
    seconds: float
    never: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound comes: the first of all, or again."""

    leg: str


# --- timers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimerId:
    what: str
    of: str


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that `effects.SetTimer` asked for. One that was cleared meanwhile means nothing."""

    timer: TimerId


# --- the bridge's commands ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a NOTIFY delivery asks for.

    delivery: its id; each is done once. mark: what an acknowledgement counts for where the phone has no call
    here (this press; the delivery itself for a second alert). phone: id, `unknown/...` for one of no
    configuration, of which `endpoint` and `number` are then all that is known.
    """

    delivery: str
    incident: str
    mark: str
    phone: str
    endpoint: str = ""
    number: str = ""
    exercise: bool = False
    picture: str = ""
    """`unconfirmed`, `none`, or '' where nothing need be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify(Command):
    """Ring one tier of a group once, and say where and what. Never dials a phone that has a call."""

    group: str
    tier: int = 1
    more: bool = False
    """Somebody has it, and one more person is wanted."""
    done: tuple[str, ...] = ()
    """Names of those who have acknowledged already: endpoints among them are not rung."""
    alert: bool = False
    """It rings although somebody has it: that is unresolved for too long."""
    missed: str = ""
    """The time on the clock (`21:08`) of an SOS that is over: it is told, and connects nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall(Command):
    """Ring all tiers in a loop; who presses 1 is connected with the phone, which is called back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Command):
    """Somebody has it by a click: dispatch is rung no more, the consoles go on.

    call: key of the phone's newest call then, '' where none is known. An SOS that it makes later is another.
    """

    by: str
    call: str = ""
    more: bool = False
    """Whoever is rung because one more is wanted is rung on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(Taken):
    """The incident is over altogether: the same is done, and who listens hears so."""


Input: TypeAlias = (
    Offered
    | Provisional
    | Answered
    | Refused
    | Ended
    | Digit
    | PromptEnded
    | Silent
    | Heard
    | Due
    | Notify
    | Recall
    | Taken
)
