"""An application outside the PBX (ARI's Stasis), `desk`, into which the dialplan of the tests leads calls.

    with left_alone(pbx): ...               # it picks up, and that is all
    with bridged(pbx, "PJSIP/2001"): ...    # it calls 2001, and puts both into a bridge

It is gone when the block ends. Only `transfers.py` calls this.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Event, Thread
from typing import Any, Final

import aiohttp

from tests.parts.asterisk import Asterisk
from tests.parts.processes import PartError

APP: Final = "desk"
PATIENCE: Final = 20.0
AUTHORIZATION: Final = f"Basic {b64encode(b'lab:lab-secret').decode()}"

Say = Callable[..., Awaitable[None]]
"""A POST or DELETE below `/ari`: method, path, parameters."""
React = Callable[[Say, dict[str, Any]], Awaitable[None]]


def left_alone(pbx: Asterisk) -> AbstractContextManager[None]:
    """Pick up each call, and do nothing with it."""

    async def react(say: Say, event: dict[str, Any]) -> None:
        if event["type"] == "StasisStart":
            await say("POST", f"channels/{event['channel']['id']}/answer")

    return _desk(pbx, react)


def bridged(pbx: Asterisk, device: str) -> AbstractContextManager[None]:
    """Call `device` for the call that comes in, and let both talk; hang up on it when the caller has gone."""
    callers: list[str] = []
    called: list[str] = []

    async def react(say: Say, event: dict[str, Any]) -> None:
        channel = event["channel"]["id"] if "channel" in event else ""
        if event["type"] == "StasisStart" and not event["args"]:
            callers.append(channel)
            await say("POST", "channels", endpoint=device, app=APP, appArgs="called")
        elif event["type"] == "StasisStart":
            called.append(channel)
            await say("POST", f"channels/{callers[0]}/answer")
            await say("POST", "bridges", type="mixing", bridgeId=APP)
            await say("POST", f"bridges/{APP}/addChannel", channel=f"{callers[0]},{channel}")
        elif event["type"] == "StasisEnd" and channel in callers:
            await say("DELETE", f"bridges/{APP}")
            await say("DELETE", f"channels/{called[0]}")

    return _desk(pbx, react)


@contextmanager
def _desk(pbx: Asterisk, react: React) -> Iterator[None]:
    """Be the application, in a thread of its own, until the block ends."""
    loop = asyncio.new_event_loop()
    begun = Event()
    task = loop.create_task(_serve(pbx, react, begun))
    task.add_done_callback(lambda _: begun.set())
    thread = Thread(target=_run, args=(loop, task), name="desk")
    thread.start()
    try:
        if not begun.wait(PATIENCE):
            raise PartError("the desk did not connect to ARI")
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()
        if not task.cancelled() and (error := task.exception()):
            raise error


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError, Exception):  # kept in the task
        loop.run_until_complete(task)


async def _serve(pbx: Asterisk, react: React, begun: Event) -> None:
    base = f"http://127.0.0.1:{pbx.http_port}/ari/"
    async with aiohttp.ClientSession(base, headers={"Authorization": AUTHORIZATION}) as http:

        async def say(method: str, path: str, **parameters: str) -> None:
            async with http.request(method, path, params=parameters) as answer:
                answer.raise_for_status()

        async with http.ws_connect("events", params={"app": APP}) as events:
            begun.set()
            async for event in events:
                await react(say, event.json())
