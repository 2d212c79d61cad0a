"""A plant without a PBX for the tests: the running trigger, its site, prompts as tones, and what it told.

async with House(accounts=("help-1", "desk-1", "disp-1")) as house:
    phone = await house.phone("help-1")              # a baresip, registered
    ...
    await house.told(Kind.CALL_DIALING)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from bridge.b2bua import Group, Person, Site
from bridge.model import Event, Kind, Phone
from bridge.protocols.media.builtin import BuiltinMedia
from bridge.response import Plan, Times
from bridge.triggers.sip import Config, Trigger
from tests.parts.ports import free_block, give_back
from tests.parts.sip import Baresip
from tests.parts.sound import write_tone

T = TypeVar("T")

RTP_PORTS: Final = 60
ENDPOINTS: Final = ("help-1", "help-2", "disp-1", "disp-2", "desk-1")
PASSWORD: Final = "correct-horse"
VARIABLE: Final = "SOSBRIDGE_TEST_SIP"

TONES: Final[Mapping[str, tuple[int, float]]] = {
    "en/caller/ringback": (425, 0.5),
    "en/caller/waiting": (700, 0.5),
    "en/person-has-it": (800, 0.4),
    "en/taken": (900, 0.4),
    "en/over": (950, 0.4),
    "en/redialled": (980, 0.4),
    "en/no-answer": (990, 0.4),
    "en/never": (995, 0.4),
    "en/location-EAST-01": (1100, 0.5),
    "en/location-unknown": (1150, 0.5),
    "en/number-P-01": (1200, 0.3),
    "en/press-1": (1300, 0.4),
    "en/video-unconfirmed": (1350, 0.3),
}
"""Prompt -> its tone and length: what is heard says which prompt it was."""

FAST: Final[dict[str, Any]] = {
    "ring": 3.0,
    "pause": 0.5,
    "key_wait": 2.0,
    "callback_ring": 3.0,
    "hunt": 20.0,
    "options_every": 1.0,
    "shortest_registration": 1,
}


class RealClock:
    """`model.Clock` by the system's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


PHONES: Final = (
    Phone(id="P-01", endpoint="help-1", extension="4101", location="EAST-01", callback="ring"),
    Phone(id="P-02", endpoint="help-2", extension="4102", location="EAST-01", callback="never"),
)


def site_of(
    *, tiers: tuple[tuple[str, ...], ...] = (("disp-1", "disp-2"),), consoles: tuple[str, ...] = ()
) -> Site:
    people = tuple(tuple(Person(endpoint=endpoint) for endpoint in tier) for tier in tiers)
    return Site(
        alarm_extensions=("9110",),
        groups=(Group(name="shift", tiers=people),),
        phones=PHONES,
        consoles=consoles,
    )


PLAN: Final = Plan(
    site="Test",
    phones=PHONES,
    alarm_extensions=("9110",),
    times=Times(escalate_1=0.2, escalate_2=5.0, redial_wait=0.5, console_settle=1.0),
)


class House:
    """The trigger, running. `events`: all that it told."""

    def __init__(
        self,
        folder: Path,
        *,
        site: Site | None = None,
        accounts: Mapping[str, Any] | None = None,
        listen: tuple[tuple[str, str], ...] = (("UDP", "127.0.0.1"), ("TCP", "127.0.0.1")),
        silence: float = 5.0,
        **settings: Any,
    ) -> None:
        self.events: list[Event] = []
        self.folder = folder
        self.site = site or site_of()
        self.plan = PLAN
        self._rtp = free_block(RTP_PORTS)
        make_sounds(folder / "sounds")
        self.settings: dict[str, Any] = {
            "listen": [{"transport": kind, "address": host, "port": 0} for kind, host in listen],
            "allowed": ["127.0.0.0/8", "::1/128"],
            "realm": "127.0.0.1",
            "algorithms": ["MD5"],  # baresip 1.0 gives up when it is offered SHA-256 as well
            "accounts": accounts or {name: {"secret": {"env": VARIABLE}} for name in ENDPOINTS},
            "media": {
                "type": "builtin",
                "first_port": self._rtp,
                "last_port": self._rtp + RTP_PORTS - 1,
                "orphan_after": 0.4,
                "silence_after": silence,
            },
            **FAST,
            **settings,
        }
        self.trigger = self.make_trigger()
        self._phones: list[Baresip] = []
        self._running: asyncio.Task[None] | None = None

    def make_trigger(self) -> Trigger:
        return Trigger(
            "own",
            Config.model_validate(self.settings),
            clock=RealClock(),
            plan=lambda: self.plan,
            site=lambda: self.site,
            state_dir=self.folder,
        )

    async def __aenter__(self) -> House:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(asyncio.to_thread(phone.close) for phone in self._phones))
        await self.stop()
        give_back(self._rtp, RTP_PORTS)

    async def start(self) -> None:
        self._running = asyncio.create_task(self.trigger.run(self.accept))
        async with asyncio.timeout(10):
            while not self.trigger.status.up:
                if self._running.done():
                    self._running.result()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._running is not None:
            voice = self.voice
            self._running.cancel()
            await asyncio.wait({self._running})
            self._running = None
            if voice:  # it goes on for as long as RTP flows
                await until(lambda: not Path(f"/proc/{voice}").exists())

    async def accept(self, event: Event) -> None:
        self.events.append(event)

    @property
    def voice(self) -> int:
        """The process id of the media, 0 where there is none."""
        service = self.trigger._service
        return (service._media.pid or 0) if service and isinstance(service._media, BuiltinMedia) else 0

    def reload(self, **changes: Any) -> None:
        """Put another site in use, as a reload of the configuration does."""
        self.site = site_of(**changes)

    def port(self, transport: str = "UDP", host: str = "127.0.0.1") -> int:
        return next(
            bound[1] for kind, bound in self.trigger.listening if kind == transport and bound[0] == host
        )

    async def phone(self, user: str, **options: Any) -> Baresip:
        """Return a baresip, registered here."""
        phone = await asyncio.to_thread(lambda: Baresip(user, self.port(), password=PASSWORD, **options))
        self._phones.append(phone)
        return phone

    def of(self, kind: Kind, **wanted: str) -> list[Event]:
        """Return the events of a kind, with these fields or attributes."""
        return [
            event
            for event in self.events
            if event.kind is kind
            and all(
                (
                    getattr(event, name)
                    if name in ("endpoint", "dialled", "caller")
                    else event.attributes.get(name)
                )
                == value
                for name, value in wanted.items()
            )
        ]

    async def told(self, kind: Kind, *, count: int = 1, seconds: float = 20.0, **wanted: str) -> Event:
        """Wait for the `count`-th event of a kind."""
        await until(lambda: len(self.of(kind, **wanted)) >= count, seconds, self.story)
        return self.of(kind, **wanted)[count - 1]

    def story(self) -> str:
        return "\n".join(
            f"{event.kind} {event.endpoint} {event.dialled} {dict(event.attributes)}" for event in self.events
        )


async def until(true: Callable[[], bool], seconds: float = 20.0, story: Callable[[], str] = str) -> None:
    """Wait until something is so. Fails, with the story, if it is not after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it did not happen within {seconds:g} s; what did:\n{story()}") from None


async def seen(phone: Baresip, kind: str, *, count: int = 1, seconds: float = 20.0) -> dict[str, Any]:
    """Wait for an event of a phone, without holding up the loop."""
    return await asyncio.to_thread(lambda: phone.wait_event(kind, seconds, count=count))


def make_sounds(folder: Path) -> None:
    for name, (hertz, seconds) in TONES.items():
        file = folder / f"{name}.wav"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_tone(file, hertz, seconds)
