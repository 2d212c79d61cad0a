"""One telephone exchange with its bridge, a caller, a desk that rings, and a dispatcher.

    with Systems(posts) as systems, AsteriskHouse(posts, systems.urls) as house:
        house.press(post)       # -> Press: when the phone's INVITE left, when the dispatcher's phone rang

One SOS at a time: the dispatcher's phone has one line. Both times are of sipp's own logs.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from bench.fallback_site import DUTY, Broken, Post, through_asterisk, through_exchange
from bench.pbx import GATEWAY, IDENTIFY, SOS
from bench.sip_desk import register
from bench.site import DESK
from bench.sosbridge import Sosbridge
from bench.waiting import wait
from bridge.config import load_text
from bridge.pack.render import render_texts
from bridge.pack.site import facts_of
from tests.pack.lab import EXTENSIONS, MODULES
from tests.parts.asterisk import Asterisk, Endpoint
from tests.parts.ports import free_block, free_port, give_back
from tests.parts.processes import PartError
from tests.parts.sip import Phone, SipMessage, Sipp, answers, calls, rings_unanswered
from tests.parts.sound import write_tone

TALKS: Final = 0.2
"""Seconds from the phone's being connected to its hanging up."""
PRESSES: Final = [(pause, "1") for pause in (0.3, 0.3, 0.5, 1.0, 2.0, 4.0)]
"""The dispatcher presses 1 until somebody hangs up: it may come before the announcement begins."""
FREE_WITHIN: Final = 5.0
PATIENCE: Final = 40.0
"""Seconds in which a call must be over."""
BEATS_WITHIN: Final = 30.0
RTP_PORTS: Final = 60
_INCLUDE: Final = '#tryinclude "sosbridge/{}.conf"\n'
_NUMBER: Final = re.compile(r"sip:(\d+)@")
_BEAT: Final = re.compile(r"SOS_BEAT_AT=[1-9]")
_starting: Final = threading.Lock()
"""Houses run in threads, and ports are handed out to one of them at a time."""

# What was asked of dispatch because there was no picture, and when the PBX told of the call.
_TOLD: Final = """\
SELECT event.caller, event.occurred_at, event.received_at, delivery.created_at, delivery.started_at
FROM calls AS call
JOIN events AS event ON event.key = call.key AND event.source = call.source AND event.kind = 'call_dialing'
JOIN deliveries AS delivery ON delivery.incident = call.incident AND delivery.operation = 'notify'
WHERE delivery.step LIKE 'no\\_picture/%' ESCAPE '\\'
"""
# What the exchange reported each call to dispatch for: the end of its key says it.
_RUNG: Final = """\
SELECT event.caller, rung.key
FROM events AS event
JOIN events AS rung ON rung.kind = 'dispatch_started' AND rung.source = event.source
  AND substr(rung.key, 1, length(event.key) + 6) = event.key || '/tier/'
WHERE event.kind = 'call_dialing'
"""
# Each driver's first probe: whether it would work.
_PROBED: Final = "SELECT count(DISTINCT attributes ->> 'subject') FROM events WHERE key LIKE 'probe/%'"
# When each breaker opened and closed.
_DOWN: Final = """\
SELECT subject, opened_at, cleared_at FROM faults WHERE what = 'link' AND subject LIKE 'driver/%'
"""


@dataclass(frozen=True, slots=True)
class Press:
    """One SOS as the telephones saw it (UTC). rang: when the dispatcher's 180 left; None if it never did.

    problem: why the call did not end well.
    """

    post: Post
    invited: float
    rang: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the bridge did about one SOS; UTC, in the order in which they come."""

    occurred_at: float
    received_at: float
    decided_at: float
    started_at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """While a system's breaker was open."""

    opened_at: float
    cleared_at: float | None

    def covers(self, at: float) -> bool:
        return self.opened_at <= at and (self.cleared_at is None or at < self.cleared_at)


class House(ABC):
    """The bridge and the people. What lies between the telephones is said by the two kinds of it."""

    bridge: Sosbridge

    def __init__(self, posts: Sequence[Post], urls: Mapping[Broken, str]) -> None:
        self.posts = posts
        self.urls = urls
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    @abstractmethod
    def sip_port(self) -> int:
        """Where the phones call."""

    @abstractmethod
    def _open(self) -> None:
        """Start everything. Raises PartError."""

    def _people(self, desk: int, duty: int) -> None:
        with _starting:
            self._stack.enter_context(Sipp(rings_unanswered(), local_port=desk, calls_wanted=0))
            takes = answers(presses=PRESSES)
            self._duty = self._stack.enter_context(Sipp(takes, local_port=duty, calls_wanted=0))

    def press(self, post: Post) -> Press:
        """Call for help, wait until the dispatcher has it and both have hung up."""
        with _starting:
            number, port = Phone(post.extension), self.sip_port
            phone = Sipp(calls(number, hangs_up_after=TALKS), remote_port=port, dialled=SOS)
        problem = ""
        with phone:
            try:
                phone.finish(PATIENCE)
            except PartError as error:
                problem = str(error).replace("\n", "; ")
            invites = phone.sent("INVITE")
        if not invites:
            return Press(post, time.time(), None, problem=problem or "sipp sent nothing")
        return Press(post, invites[0].at, self._wait_rung(post), problem)

    def _wait_rung(self, post: Post) -> float | None:
        """Return when the dispatcher's phone rang for it, once that is free again; None if it never did."""
        said: list[SipMessage] = []

        def over() -> bool:
            said[:] = [message for message in self._duty.messages if _number(message) == post.extension]
            return any(message.first_line.startswith("BYE ") for message in said)

        wait(over, FREE_WITHIN, every=0.2)
        return next((message.at for message in said if message.first_line.startswith("SIP/2.0 180")), None)

    # --- what the bridge has stored -----------------------------------------------------------------

    def told(self) -> dict[str, Told]:
        """Return by the phone's number what was asked of dispatch because there was no picture."""
        return {caller: Told(*row) for caller, *row in self.bridge.query(_TOLD) if row[-1] is not None}

    def rung_for(self) -> dict[str, set[str]]:
        """Return by the phone's number for what dispatch was rung: `notify`, or a tier's turn (`alarm`)."""
        found: dict[str, set[str]] = {}
        for caller, key in self.bridge.query(_RUNG):
            found.setdefault(caller, set()).add(key.rpartition("/")[2])
        return found

    def outages(self) -> dict[str, list[Outage]]:
        """Return by the system's name when its breaker was open."""
        found: dict[str, list[Outage]] = {}
        for subject, opened_at, cleared_at in self.bridge.query(_DOWN):
            found.setdefault(subject.removeprefix("driver/"), []).append(Outage(opened_at, cleared_at))
        return found

    def wait_known(self, systems: Iterable[str], timeout: float) -> None:
        """Wait until the bridge knows that these are down, at most `timeout` seconds."""
        wanted = set(systems)
        wait(lambda: wanted <= self.outages().keys(), timeout, every=0.5)

    def wait_probed(self, timeout: float) -> None:
        """Wait until the bridge has probed every video system once, at most `timeout` seconds."""
        wanted = len({post.system for post in self.posts})
        wait(lambda: self.bridge.query(_PROBED)[0][0] >= wanted, timeout, every=0.5)


class AsteriskHouse(House):
    """An Asterisk 22 with the rendered dialplan pack, watched and asked over AMI."""

    @property
    def sip_port(self) -> int:
        return self._pbx.sip_port

    def _open(self) -> None:
        people = (Endpoint(name=name, port=-1, dtmf="auto_info") for name in (DESK, DUTY))
        with _starting:
            self._pbx = Asterisk(
                "22",
                files={"extensions.conf": EXTENSIONS, "musiconhold.conf": _INCLUDE.format("musiconhold")},
                append={"pjsip.conf": IDENTIFY, "manager.conf": _INCLUDE.format("manager")},
                endpoints=[Endpoint(name=GATEWAY), *people],
                modules=MODULES,
            )
        self._stack.callback(self._pbx.close)
        site = through_asterisk(self.posts, self.urls, port=self._pbx.ami_port, sounds=self._pbx.sounds)
        self._install_pack(site)
        self._pbx.start()
        self._people(self._pbx.port_of(DESK), self._pbx.port_of(DUTY))
        with _starting:
            bridge = Sosbridge(lambda: site)
        self.bridge = self._stack.enter_context(bridge)
        self._wait_beat()

    def _install_pack(self, site: Mapping[str, Any]) -> None:
        facts = facts_of(load_text(yaml.safe_dump(dict(site), sort_keys=False)))
        for name, text in render_texts(facts).items():
            self._pbx.write(f"sosbridge/{name}", text)
        write_prompts(self._pbx.sounds)

    def _wait_beat(self) -> None:
        """Until then the dialplan takes the bridge for gone, and rings dispatch by itself."""
        beats: list[object] = []

        def beaten() -> bool:
            beats.extend(_BEAT.findall(self._pbx.cli("dialplan show globals")))
            return bool(beats)

        wait(beaten, BEATS_WITHIN, every=0.2)
        if not beats:
            raise PartError(f"the PBX has heard no beat of the bridge within {BEATS_WITHIN:g} s")


class ExchangeHouse(House):
    """The bridge is the exchange; phones and the dispatcher are beyond its trunk, the desk registers."""

    @property
    def sip_port(self) -> int:
        return self._port

    def _open(self) -> None:
        with _starting:
            self._port, desk, duty, first = free_port(), free_port(), free_port(), free_block(RTP_PORTS)
        self._stack.callback(give_back, first, RTP_PORTS)
        sounds = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-sounds-")))
        write_prompts(sounds)
        rtp = range(first, first + RTP_PORTS)
        site = through_exchange(self.posts, self.urls, port=self._port, duty=duty, rtp=rtp, sounds=sounds)
        with _starting:
            bridge = Sosbridge(lambda: site)
        self.bridge = self._stack.enter_context(bridge)
        with _starting:
            register(desk, self._port)
        self._people(desk, duty)


def write_prompts(folder: Path) -> None:
    """Give the announcement two sounds: without any, the dispatcher would hear the long tones of a fault."""
    for name in ("location-unknown", "press-1"):
        file = folder / "en" / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_tone(file, 800, seconds=0.3)


def _number(message: SipMessage) -> str:
    """Whom the dispatcher's display shows."""
    found = _NUMBER.search(message.header("From"))
    return found[1] if found else ""
