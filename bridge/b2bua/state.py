"""What the exchange remembers: legs, alarms, turns, desks, routine calls and timers. Data, and no rules.

Everything refers to everything else by id, so that it stands as plain values (`snapshot`). Each lookup is one
dictionary access: hundreds of alarms at once cost each no more than one alone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from bridge.b2bua.effects import ClearTimer, Effect, SetTimer, Tell
from bridge.b2bua.inputs import TimerId
from bridge.b2bua.settings import Settings
from bridge.b2bua.site import Site
from bridge.calls.facts import Fact

REMEMBERED: Final = 1000
"""Deliveries that are known again, and phones of which it is known who had their last SOS."""


class Role(enum.StrEnum):
    """What a leg is for, and so what `Leg.of` names: an alarm, a turn or a routine call."""

    PHONE = "phone"
    CALLBACK = "callback"
    """The phone, called by the exchange."""
    PERSON = "person"
    """A dispatcher or a console."""
    CALLER = "caller"
    CALLEE = "callee"


@dataclass(slots=True)
class Leg:
    id: str
    uniqueid: str
    linkedid: str
    channel: str
    endpoint: str
    role: Role
    of: str
    incoming: bool
    phone: str = ""
    """The phone's id, where its device is one."""
    caller: str = ""
    exten: str = ""
    arrived: bool = False
    """Our call got a provisional response."""
    early: bool = False
    answering: bool = False
    """We answered its call; that it heard so is not certain yet."""
    up: bool = False
    bridge: str = ""
    peer: str = ""
    """The leg it is joined with."""
    plays: bool = False
    """Something is being said to it."""
    prompts: int = 0
    recording: bool = False
    heard: str = ""
    """`yes`, `no` once it was told that nothing came, '' while nobody said anything."""
    silent: bool = False
    told_silent: bool = False

    @property
    def accepted(self) -> bool:
        """Whether it is answered, as far as we are concerned."""
        return self.up or self.answering


class Has(enum.StrEnum):
    """Who has an SOS."""

    NOBODY = ""
    CONSOLE = "console"
    DISPATCHER = "dispatcher"
    PERSON = "person"
    """By a click: no telephone yet."""


class Stage(enum.StrEnum):
    """Of an alarm. What leads from one to the next: `alarms.STAGES`."""

    CALLING = "calling"
    """The phone's call lives, and no person is on it."""
    TALKING = "talking"
    REDIAL = "redial"
    """The phone hung up too early: it may be dialling again."""
    HUNTING = "hunting"
    CALLING_BACK = "calling_back"
    ASKED = "asked"
    """The bridge asked for it; the phone has no call here."""
    OVER = "over"


BY_PHONE: Final = (Stage.CALLING, Stage.TALKING)
"""The phone is in a call."""


@dataclass(slots=True)
class Alarm:
    """One SOS: from the phone's call, or the bridge's command, until nobody need be rung any more."""

    id: str
    uid: str
    """Uniqueid of the phone's call, which may come again; the incident's id where it has none here."""
    phone: str
    endpoint: str
    number: str
    location: str
    stage: Stage
    token: str
    """What an acknowledgement counts for: `uid`, or the command's mark."""
    incident: str = ""
    call: str = ""
    """The phone's leg."""
    person: str = ""
    """The turn of who talks with the phone, or waits for it."""
    has: Has = Has.NOBODY
    by: str = ""
    clicked: str = ""
    """Mark of the press that was clicked at last."""
    connected_at: float = 0.0
    consoles: tuple[str, ...] = ()
    next_tier: int = 1
    picture: str = ""
    missed: str = ""
    """The time on the clock of an SOS that is over: this alarm only tells of it."""
    turns: dict[str, None] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    """Endpoint -> the turn that rings it: nobody's phone rings twice at once for the same SOS."""
    rung: dict[str, None] = field(default_factory=dict)
    """Deliveries for which somebody was dialled."""


class For(enum.StrEnum):
    """Why somebody is rung."""

    CONSOLE = "console"
    ALARM = "alarm"
    HUNT = "hunt"
    RECALL = "recall"
    NOTIFY = "notify"
    """Once, as the bridge asked; the others loop."""


class TurnStage(enum.StrEnum):
    """What leads from one to the next: `ringing.TURNS`."""

    WAITING = "waiting"
    QUEUED = "queued"
    DIALLED = "dialled"
    RINGING = "ringing"
    SPEAKING = "speaking"
    LISTENING = "listening"
    """The announcement is said: press 1."""
    TELLING = "telling"
    """It is over for them; they hear why."""
    TALKING = "talking"
    """Theirs is the SOS: with the phone, or waiting for it."""


@dataclass(slots=True)
class Turn:
    """Ringing one person for one alarm; several, one after the other, where tiers go in sequence."""

    id: str
    alarm: str
    why: For
    people: tuple[str, ...]
    stage: TurnStage = TurnStage.WAITING
    tier: int = 0
    index: int = 0
    loop: int = 0
    leg: str = ""
    said: int = 0
    delivery: str = ""
    exercise: bool = False
    more: bool = False
    """Somebody has the alarm, and one more person is wanted."""

    @property
    def endpoint(self) -> str:
        return self.people[self.index]

    @property
    def is_last(self) -> bool:
        """Of its sequence."""
        return self.index == len(self.people) - 1

    @property
    def listens(self) -> bool:
        return self.stage in (TurnStage.SPEAKING, TurnStage.LISTENING)


@dataclass(slots=True)
class Desk:
    """A dispatcher's telephone: it rings for one SOS at a time, the others stand in line."""

    turn: str = ""
    queue: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Routine:
    """A phone's call to another phone or a console."""

    id: str
    caller: str
    callee: str
    ringing: bool = False


@dataclass(slots=True)
class Claim:
    """Who had an SOS, and which: outlives the alarm, so that a late command rings nobody for it."""

    token: str
    has: Has
    by: str


@dataclass(eq=False)
class State:
    """`run` begins every id that the exchange gives: another one after each start, without a snapshot."""

    site: Site
    settings: Settings
    run: str
    now: float = 0.0
    given: int = 0
    """Ids given so far."""
    legs: dict[str, Leg] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    routines: dict[str, Routine] = field(default_factory=dict)
    alarms_of: dict[str, dict[str, None]] = field(default_factory=dict)
    """Phone -> its alarms that are not over, the latest last."""
    legs_of: dict[str, dict[str, None]] = field(default_factory=dict)
    """Phone -> its legs."""
    timers: dict[TimerId, float] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    """Phone -> who had its last SOS."""
    deliveries: dict[str, None] = field(default_factory=dict)
    """Commands that were done, the latest last."""
    effects: list[Effect] = field(default_factory=list)

    def do(self, effect: Effect) -> None:
        self.effects.append(effect)

    def tell(self, fact: Fact) -> None:
        self.effects.append(Tell(fact))

    def name(self) -> str:
        """Return an id that was never given."""
        self.given += 1
        return f"{self.run}-{self.given:x}"

    def set_timer(self, what: str, of: str, after: float) -> None:
        timer = TimerId(what, of)
        self.timers[timer] = self.now + after
        self.do(SetTimer(timer, after))

    def clear_timer(self, what: str, of: str) -> None:
        timer = TimerId(what, of)
        if self.timers.pop(timer, None) is not None:
            self.do(ClearTimer(timer))

    def latest(self, phone: str) -> Alarm | None:
        """Return the phone's alarm that is not over; of several, the latest."""
        alarms = self.alarms_of.get(phone)
        return self.alarms[next(reversed(alarms))] if alarms else None

    def remember(self, alarm: Alarm) -> None:
        """Keep who has it."""
        self.claim(alarm.phone, Claim(alarm.token, alarm.has, alarm.by))

    def claim(self, phone: str, claim: Claim) -> None:
        self.claims.pop(phone, None)
        self.claims[phone] = claim
        if len(self.claims) > REMEMBERED:
            del self.claims[next(iter(self.claims))]

    def is_repeated(self, delivery: str) -> bool:
        """Whether the command was done before; from now on it was."""
        if delivery in self.deliveries:
            return True
        self.deliveries[delivery] = None
        if len(self.deliveries) > REMEMBERED:
            del self.deliveries[next(iter(self.deliveries))]
        return False


def indexed(index: dict[str, dict[str, None]], key: str, member: str) -> None:
    index.setdefault(key, {})[member] = None


def unindexed(index: dict[str, dict[str, None]], key: str, member: str) -> None:
    members = index.get(key, {})
    members.pop(member, None)
    if not members:
        index.pop(key, None)
