"""Milestone's Events and State WebSocket: whether cameras record and give pictures, as it happens.

Called by the milestone driver. One task keeps the connection, resumes the session after a break of less than
30 s, and asks for the whole state after a longer one. Source: "Events and State WebSocket API" at
doc.developer.milestonesys.com/mipvmsapi/api/events-ws/v1/ and the sample EventsAndStateWebSocketApiPython.
2023 R3 and later. Not seen on a real system.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import aiohttp

from bridge.errors import ProtocolError
from bridge.model import Clock
from bridge.protocols.milestone_socket import FeedSocket, connected, explained

PATH: Final = "/api/ws/events/v1/"
"""Without its version the upgrade is answered with 404."""
RECORDING: Final = {
    "4577f552-765a-438c-bc7d-e5ff1f754bc3": True,
    "79a94f89-92de-4fca-8a43-5561d407423d": False,
}
"""Event type -> whether the camera records from now on."""
COMMUNICATION: Final = {
    "dd3e6464-7dc0-405a-a92f-6150587563e8": True,
    "0ee90664-2924-42a0-a816-4129d0ecabdc": False,
    "a334af1c-4b4b-4957-9e5f-ab8ca07feab6": False,
}
"""Event type -> whether the VMS has contact with the camera (started; stopped, error)."""

HEARTBEAT: Final = 10.0
"""Seconds of silence after which a ping is sent; as long again without a word ends the connection."""
ANSWER_WITHIN: Final = 30.0
STATE_WITHIN: Final = 180.0
"""Seconds for the answer to a command; the whole state of a big site takes a minute or two."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0
REFUSED_PAUSE: Final = 60.0
"""Seconds until a gateway is asked again that has refused a fresh token: nothing changes there by itself."""
REFUSALS: Final = frozenset({401, 403})


class TokenSource:
    """Where the feed gets its token, and says that one was refused."""

    def __init__(self, fetch: Callable[[], Awaitable[str]], drop: Callable[[str], None]) -> None:
        self.fetch = fetch
        self.drop = drop


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What was known of one camera at some moment; None: nothing."""

    records: bool | None = None
    reachable: bool | None = None
    record_began: float | None = None
    """UTC epoch seconds (our clock) when its beginning was heard; None if it recorded before we listened."""


class CameraFeed:
    """Keeps the connection from `start` to `close`.

    base_url: of the gateway (`https://host`). tls: whom to believe; None for a server without TLS.
    cameras: ids whose events are subscribed to, and no others: the state of thousands takes minutes.
    """

    def __init__(
        self,
        base_url: str,
        *,
        tokens: TokenSource,
        tls: ssl.SSLContext | None,
        cameras: frozenset[str],
        clock: Clock,
    ) -> None:
        self._url = "ws" + base_url.removeprefix("http") + PATH
        self._tokens = tokens
        self._tls = tls
        self._cameras = sorted(cameras)
        self._clock = clock
        self._facts: dict[str, CameraFacts] = {}
        self._live = False
        self._changed = asyncio.Event()
        self._session = ""
        self._last_event = ""
        self._commands = 0
        self._refused = 0
        """Handshakes in a row that were refused."""
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.trouble = ""
        """Why there is no connection, or why the last one ended."""

    @property
    def live(self) -> bool:
        """Whether the connection stands and the state is known."""
        return self._live

    def start(self) -> None:
        """Connect in the background, if that has not begun yet, and was not ended for good.

        Without cameras there is nothing to hear.
        """
        if self._task is None and self._cameras and not self._closed:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End the connection for good."""
        self._closed = True
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def about(self, camera: str) -> CameraFacts:
        """What is known of this camera now; nothing while the connection is down."""
        return self._facts.get(camera.lower(), CameraFacts()) if self._live else CameraFacts()

    async def recording_began(self, camera: str, since: float, within: float) -> bool:
        """Whether its recording began after `since` (UTC epoch seconds); waits up to `within` seconds."""
        end = self._clock.monotonic() + within
        while True:
            facts = self.about(camera)
            if facts.records and facts.record_began is not None and facts.record_began >= since:
                return True
            left = end - self._clock.monotonic()
            if left <= 0 or not self._live:
                return False
            self._changed.clear()
            await self._wait_for_change(left)

    async def _wait_for_change(self, seconds: float) -> None:
        ends = [
            asyncio.ensure_future(self._changed.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    # --- the connection -----------------------------------------------------------------------------

    async def _run(self) -> None:
        """Connect again and again, whatever ends a connection."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._connection() as socket:
                    await self._open_session(socket)
                    self._set_live(True)
                    pause, self.trouble = FIRST_PAUSE, ""
                    await self._listen(socket)
            except Exception as error:
                self.trouble = explained(error)
            finally:
                self._set_live(False)
            await self._clock.sleep(REFUSED_PAUSE if self._refused > 1 else pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[FeedSocket]:
        """Connect with a token."""
        token = await self._tokens.fetch()
        try:
            async with connected(self._url, token, self._tls) as socket:
                self._refused = 0
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            self._note_refusal(error.status, token)
            raise

    def _note_refusal(self, status: int, token: str) -> None:
        """Drop a token that may have ended meanwhile. A fresh one is refused for another reason: keep it."""
        self._refused = self._refused + 1 if status in REFUSALS else 0
        if status == 401 and self._refused == 1:
            self._tokens.drop(token)

    async def _open_session(self, socket: FeedSocket) -> None:
        """Resume the last session (answer 200), or begin one (201) and ask for the whole state."""
        resume = self._session if self._last_event else ""
        answer = await self._command(
            socket, "startSession", sessionId=resume, eventId=self._last_event if resume else ""
        )
        self._session = _text(answer, "sessionId")
        if answer["status"] == 200:
            return
        self._last_event = ""
        self._facts.clear()
        await self._command(socket, "addSubscription", filters=[self._filter()])
        state = await self._command(socket, "getState", within=STATE_WITHIN)
        self._apply(state.get("states"), heard_live=False)

    def _filter(self) -> dict[str, Any]:
        return {
            "modifier": "include",
            "resourceTypes": ["cameras"],
            "sourceIds": self._cameras,
            "eventTypes": [*RECORDING, *COMMUNICATION],
        }

    async def _command(
        self,
        socket: FeedSocket,
        command: str,
        *,
        within: float = ANSWER_WITHIN,
        **fields: Any,
    ) -> dict[str, Any]:
        """Send a command and return its answer; events that arrive meanwhile are applied."""
        self._commands += 1
        number = self._commands
        async with asyncio.timeout(within):
            await socket.send({"command": command, "commandId": number, **fields})
            while True:
                message = await socket.message()
                if message.get("commandId") == number:
                    break
                self._apply(message.get("events", []), heard_live=True)
        status = message.get("status")
        if not isinstance(status, int) or not 200 <= status < 300:
            raise ProtocolError(f"the gateway refuses {command}: status {status}")
        return message

    async def _listen(self, socket: FeedSocket) -> None:
        while True:
            self._apply((await socket.message(HEARTBEAT)).get("events", []), heard_live=True)

    # --- the facts ----------------------------------------------------------------------------------

    def _apply(self, events: Any, *, heard_live: bool) -> None:
        if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
            raise ProtocolError("the gateway sends no list of events")
        for event in events:
            self._note(event, heard_live=heard_live)
            if heard_live:
                self._last_event = _text(event, "id") or self._last_event
        if events:
            self._changed.set()

    def _note(self, event: Mapping[str, Any], *, heard_live: bool) -> None:
        kind, _, camera = _text(event, "source").lower().partition("/")
        if kind != "cameras":
            return
        facts = self._facts.get(camera, CameraFacts())
        type_id = _text(event, "type").lower()
        if type_id in RECORDING:
            began = self._clock.now() if RECORDING[type_id] and heard_live else None
            facts = replace(facts, records=RECORDING[type_id], record_began=began)
        elif type_id in COMMUNICATION:
            facts = replace(facts, reachable=COMMUNICATION[type_id])
        self._facts[camera] = facts

    def _set_live(self, live: bool) -> None:
        self._live = live
        self._changed.set()


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
