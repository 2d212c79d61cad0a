"""The fake camera's subscriptions: granted, shortened, expired, full, gone after a reboot."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime

from bridge.model import Clock
from bridge.simulator.vms import onvif_camera_words as words
from bridge.simulator.vms.onvif_camera_plant import EventHabits


class Refusal(Exception):
    """A SOAP fault: code, subcodes (qualified, outer first) and words."""

    def __init__(self, code: str, subcodes: tuple[str, ...], reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.subcodes = subcodes
        self.reason = reason


@dataclass(slots=True)
class _Subscription:
    end: float
    """By the camera's clock."""
    waiting: list[str] = field(default_factory=list)


class PullPoints:
    """All subscriptions of one camera, and its digital inputs."""

    def __init__(self, habits: EventHabits, clock: Clock) -> None:
        self.habits = habits
        self.inputs = dict(habits.inputs)
        self.created = 0
        self.renewed = 0
        self._clock = clock
        self._numbers = itertools.count(1)
        self._known: dict[str, _Subscription] = {}
        self._news = asyncio.Event()

    @property
    def live(self) -> int:
        return len(self._known)

    def set_input(self, token: str, *, active: bool, at: float, times: int = 1) -> None:
        """An input changes; with `times` the message of it is sent more than once, as some cameras do."""
        self.inputs[token] = active
        message = words.input_message(token, active=active, operation="Changed", at=at)
        for subscription in self._known.values():
            subscription.waiting += [message] * times
        self._news.set()

    def reboot(self) -> None:
        """Every subscription is gone; the inputs are as they are."""
        self._known.clear()
        self._news.set()

    def create(self, until: str, now: float) -> tuple[str, float]:
        """Return the new subscription's number and its end."""
        self._drop_expired(now)
        if len(self._known) >= self.habits.at_most:
            raise Refusal("Receiver", ("err:Action", "err:MaxPullPoints"), "too many subscriptions")
        end = self._end(until, now)
        number = str(next(self._numbers))
        self._known[number] = _Subscription(end)
        self.created += 1
        self.synchronize(number, now)
        return number, end

    def synchronize(self, number: str, now: float) -> None:
        self._get(number, now).waiting += [
            words.input_message(token, active=active, operation="Initialized", at=now)
            for token, active in self.inputs.items()
        ]
        self._news.set()

    async def pull(self, number: str, wait: float, most: int, now: float) -> str:
        """Return messages at once if there are any, else after at most `wait` seconds what there is."""
        end = self._clock.monotonic() + wait
        offset = now - self._clock.now()
        while True:
            subscription = self._get(number, self._clock.now() + offset)
            if subscription.waiting or self._clock.monotonic() >= end:
                break
            await self._await_news(end - self._clock.monotonic())
        given, subscription.waiting = subscription.waiting[:most], subscription.waiting[most:]
        return "".join(given)

    def renew(self, number: str, until: str, now: float) -> float:
        subscription = self._get(number, now)
        subscription.end = self._end(until, now)
        self.renewed += 1
        return subscription.end

    def end(self, number: str, now: float) -> None:
        self._get(number, now)
        if self.habits.unsubscribing_ends_all:
            self._known.clear()
        self._known.pop(number, None)

    async def _await_news(self, seconds: float) -> None:
        self._news.clear()
        ends = [asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()

    def _get(self, number: str, now: float) -> _Subscription:
        self._drop_expired(now)
        if number not in self._known:
            raise Refusal("Sender", ("err:InvalidArgVal", "n:UnknownSubscription"), "no such subscription")
        return self._known[number]

    def _drop_expired(self, now: float) -> None:
        self._known = {number: each for number, each in self._known.items() if now < each.end}

    def _end(self, until: str, now: float) -> float:
        duration = re.fullmatch(r"PT(\d+)S", until)
        if not (self.habits.relative if duration else self.habits.absolute):
            raise Refusal("Sender", ("err:InvalidArgVal",), "unacceptable termination time")
        end = now + int(duration[1]) if duration else datetime.fromisoformat(until).timestamp()
        return min(end, now + self.habits.longest)
