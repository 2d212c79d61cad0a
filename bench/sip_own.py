"""Our own user agent as a process of its own: it answers every call at once, and does nothing else.

    python -m bench.sip_own PORT          # prints `ready` and runs until it is ended

Agent and endpoint as `app` joins them, without media, store and incidents: what the protocol alone costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
from functools import partial
from typing import Final

from bridge.protocols.sip.agent import Agent
from bridge.protocols.sip.agent.effects import CancelTimer, Effect, Send, SetTimer, TimerId
from bridge.protocols.sip.agent.events import Offered
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.sdp import Local
from bridge.protocols.sip.transaction.layer import Name
from bridge.protocols.sip_endpoint import Endpoint, EndpointSettings, Timers

LOOPBACK: Final = "127.0.0.1"
COLLECTOR: Final = (20_000, 20, 50)
"""As `app` sets it: every call leaves values behind for half a minute, which the collector would walk
through over and over."""
MEDIA: Final = Local(LOOPBACK, 40_000, "1")


class SystemClock:
    """`model.Clock`."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Answerer:
    """One user agent server."""

    def __init__(self, port: int) -> None:
        self._agent = Agent(os.urandom)
        self._timers: Timers[TimerId, str] = Timers(lambda timer, _: self._run(self._agent.timer(timer)))
        settings = EndpointSettings.model_validate(
            {"listen": [{"address": LOOPBACK, "port": port}], "allowed": [f"{LOOPBACK}/32"]}
        )
        self.endpoint = Endpoint(settings, received=self._received, clock=SystemClock())

    def _received(self, message: Request | Response, flow: Flow) -> None:
        self._run(self._agent.receive(message, flow))

    def _failed(self, transaction: Name, _: str) -> None:
        self._run(self._agent.transport_failed(transaction))

    def _run(self, effects: list[Effect]) -> None:
        for effect in effects:
            # Not `match`, which takes four times as long.
            if isinstance(effect, Send):
                name = effect.transaction
                failed = None if name is None else partial(self._failed, name)
                self.endpoint.send(effect.message, effect.flow, failed=failed)
            elif isinstance(effect, SetTimer):
                self._timers.set(effect.timer, "", effect.after)
            elif isinstance(effect, CancelTimer):
                self._timers.stop(effect.timer, "")
            elif isinstance(effect, Offered):
                self._run(self._agent.accept(effect.call, MEDIA))


async def _serve(port: int) -> None:
    answerer = Answerer(port)
    await answerer.endpoint.start()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1])))
