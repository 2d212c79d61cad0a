"""The simulated plant of `bridge.simulator.plant`, on a loop and thread of its own, and a phone in it.

The bridge under test is another process; the test itself is plain code that says what happens next.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final, Self, TypeVar

from bridge.simulator.ami_server import AmiServer
from bridge.simulator.plant import Plant, simulated_plant
from bridge.simulator.vms.http import GenericVms
from bridge.simulator.vms.zoneminder import FakeZoneMinder
from bridge.supervision.clocks import SystemClock

T = TypeVar("T")

_numbers: Final = itertools.count(1)


class RunningPlant:
    """The plant while the `with` lasts. Its state may be looked at from the test's thread."""

    plant: Plant

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="plant", daemon=True)
        self._stack = AsyncExitStack()

    def __enter__(self) -> Self:
        self._thread.start()
        self.plant = self.wait(self._stack.enter_async_context(simulated_plant(SystemClock())))
        self.zoneminder.post_event = 0.1  # nobody here wants to watch the frames after an alarm
        return self

    def __exit__(self, *_: object) -> None:
        self.wait(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def pbx(self) -> AmiServer:
        return self.plant.pbx

    @property
    def zoneminder(self) -> FakeZoneMinder:
        return self.plant.zoneminder

    @property
    def wall(self) -> GenericVms:
        return self.plant.wall

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it in the plant's loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def do(self, call: Callable[..., T], *arguments: object, **named: str) -> T:
        """Make this call in the plant's loop."""

        async def make() -> T:
            return call(*arguments, **named)

        return self.wait(make())


class Call:
    """A call that a phone makes, as the channel events of Asterisk 22 tell it (tests/fixtures/ami/22)."""

    def __init__(self, plant: RunningPlant, endpoint: str = "help-east-03", dialled: str = "9110") -> None:
        self.endpoint = endpoint
        self._plant = plant
        self._dialled = dialled
        number = next(_numbers)
        self.uniqueid = f"{int(time.time())}.{number * 10}"
        self._leg = f"{int(time.time())}.{number * 10 + 1}"
        self._phone = f"PJSIP/{endpoint}-{number:08x}"
        self._console = ""

    def press(self) -> None:
        """The phone dials."""
        state = {"ChannelState": "4", "ChannelStateDesc": "Ring"}
        self._emit("Newchannel", self.uniqueid, self._phone, **state)

    def ring(self, console: str = "desk-1") -> None:
        """The dialplan dials the console, and its phone rings."""
        self._console = f"PJSIP/{console}-{int(self._leg.partition('.')[2]):08x}"
        self._emit("Newchannel", self._leg, self._console, ChannelState="0", ChannelStateDesc="Down")
        leg = {"DestUniqueid": self._leg, "DestChannel": self._console, "DestLinkedid": self.uniqueid}
        self._emit("DialBegin", self.uniqueid, self._phone, **leg)
        self._emit("Newstate", self._leg, self._console, ChannelState="5", ChannelStateDesc="Ringing")

    def answer(self, console: str = "desk-1") -> None:
        """Somebody at the console picks up, and the two can talk."""
        self.ring(console)
        for uniqueid, channel in ((self._leg, self._console), (self.uniqueid, self._phone)):
            self._emit("Newstate", uniqueid, channel, ChannelState="6", ChannelStateDesc="Up")
        for uniqueid, channel in ((self.uniqueid, self._phone), (self._leg, self._console)):
            bridge = f"bridge-{self.uniqueid}"
            state = {"ChannelState": "6", "ChannelStateDesc": "Up"}
            self._emit("BridgeEnter", uniqueid, channel, BridgeUniqueid=bridge, **state)

    def hang_up(self) -> None:
        """The phone hangs up; what rang or talked to it ends too."""
        self._emit("HangupRequest", self.uniqueid, self._phone)
        if self._console:
            self._emit("Hangup", self._leg, self._console, Cause="16")
        self._emit("Hangup", self.uniqueid, self._phone, Cause="16")

    def say(self, event: str, **fields: str) -> None:
        """What the dialplan reports by UserEvent: SOSTier, SOSAck."""
        self._emit("UserEvent", self.uniqueid, self._phone, UserEvent=event, SosUid=self.uniqueid, **fields)

    def _emit(self, event: str, uniqueid: str, channel: str, **headers: str) -> None:
        common = {
            "Timestamp": f"{time.time():.6f}",
            "Uniqueid": uniqueid,
            "Linkedid": self.uniqueid,
            "Channel": channel,
            "Exten": self._dialled,
            "CallerIDNum": "<unknown>",
            "CallerIDName": "<unknown>",
        }
        self._plant.do(self._plant.pbx.emit, event, **common, **headers)
