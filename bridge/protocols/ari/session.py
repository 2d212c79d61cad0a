"""One WebSocket of ARI events that proves itself, on top of aiohttp. `protocols.link` keeps one up.

    session = await connect(settings, app="sosbridge-pbx1", clock=clock)     # Retryable, LoginRefused
    async for message in session.events(): ...        # ends when the connection does; then see session.why

`subscribeAll` makes Asterisk tell of every channel, bridge, endpoint and device, whoever controls it; an
application that is only subscribed never holds a call. A socket that is open proves nothing: a ping is sent
every few seconds, and silence after it ends the session.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Final

import aiohttp

from bridge.errors import Permanent, ProtocolError, Retryable
from bridge.model import Clock
from bridge.protocols.ari.events import MAX_EVENT, Message, parse
from bridge.protocols.ari.rest import ROOT
from bridge.protocols.ari.settings import AriSettings

MAX_BACKLOG: Final = 200_000
"""Messages waiting for the reader. More means that it has stopped: the connection is given up, visibly, and
the snapshot after reconnecting tells what was missed, instead of the process dying of memory."""
FAIR_SHARE: Final = 50
"""Events read in a row before everything else has its turn."""
CLOSE_WITHIN: Final = 1.0
ABANDONED_WITHIN: Final = 0.1
"""Seconds for a goodbye; the second to somebody who is probably gone."""
_REFUSALS: Final = {
    401: "the user or the password is wrong",
    403: "the user may not read events",
    404: "there is no ARI: is ari.conf enabled, and base_url right?",
}
NAMES: Final = 4
"""Names that the connections of one link take in turn. Few, because 16 keeps each until it restarts."""
_turns: Final[dict[str, int]] = {}
_ENDED: Final = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)


class LoginRefused(Permanent):
    """The PBX answered the handshake with a status that means no."""


async def connect(settings: AriSettings, *, app: str, clock: Clock) -> Session:
    """Return a session that is subscribed to everything. app: begins the application's name (`Session.app`).

    Raises LoginRefused, or Retryable when the PBX cannot be reached, is no ARI or falls silent; ConfigError
    when the secret or the CA file cannot be read. Nothing stays open then.
    """
    http = _client(settings)
    where = settings.address
    app = _name_of_next(app)
    try:
        async with asyncio.timeout(settings.timeouts.total):
            socket = await _handshake(http, settings, app)
    except aiohttp.WSServerHandshakeError as error:
        await http.close()
        raise _refusal(where, error.status) from None
    except TimeoutError:
        await http.close()
        raise Retryable(f"{where}: no WebSocket within {settings.timeouts.total:g} s") from None
    except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
        await http.close()
        raise Retryable(f"{where} cannot be reached: {error}") from error
    except BaseException:
        await http.close()
        raise
    return Session(settings, clock, http, socket, app)


def _name_of_next(app: str) -> str:
    """Return a name that the connection before it did not have.

    Asterisk forgets an application some time after its WebSocket has closed. One that has taken the same name
    meanwhile is forgotten with it: it stays open, answers every ping, and tells nothing (measured on 16.28
    and 22.10, once in 20 to 200 times).
    """
    turn = _turns[app] = (_turns.get(app, -1) + 1) % NAMES
    return f"{app}-{turn}"


def _client(settings: AriSettings) -> aiohttp.ClientSession:
    """A client of one connection: no proxy of the environment, no cookie, no redirect."""
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    connector = aiohttp.TCPConnector(
        ssl=settings.tls.context() if settings.encrypted else True, limit=1, force_close=True
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        trace_configs=[tracing],
    )


async def _refuse_redirect(
    _client: aiohttp.ClientSession,
    _context: SimpleNamespace,
    seen: aiohttp.TraceRequestRedirectParams,
) -> None:
    """Stop at a redirect: following it would show the password to another server."""
    raise Permanent(f"{seen.url.host} redirects: put the final address into base_url")


async def _handshake(
    http: aiohttp.ClientSession, settings: AriSettings, app: str
) -> aiohttp.ClientWebSocketResponse:
    return await http.ws_connect(
        f"{settings.base_url}{ROOT}/events",
        params={"app": app, "subscribeAll": "true"},
        headers={"Authorization": settings.authorization()},
        max_msg_size=MAX_EVENT,
        autoping=False,  # else a pong would not be seen
        autoclose=False,
        timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN),
    )


def _refusal(where: str, status: int) -> LoginRefused | Retryable:
    if status in _REFUSALS:
        return LoginRefused(f"{where} refused the WebSocket: {_REFUSALS[status]} (HTTP {status})")
    return Retryable(f"{where} did not open the WebSocket: HTTP {status}")


class Session:
    """A connection from its handshake to its end. It ends once and for all; a new one takes its place.

    `last_heard`: when the PBX last sent anything (UTC). `rejected`: messages that could not be read,
    `rejection` says why the first.
    """

    def __init__(
        self,
        settings: AriSettings,
        clock: Clock,
        http: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        app: str,
    ) -> None:
        self.app = app
        """Its application's name at the PBX."""
        self.why = ""
        """Why it ended; '' while it lives."""
        self.last_heard = clock.now()
        self.rejected = 0
        self.rejection = ""
        self._settings = settings
        self._clock = clock
        self._http = http
        self._socket = socket
        self._events: deque[tuple[float, Message]] = deque()
        self._wake = asyncio.Event()
        self._heard = asyncio.Event()
        """Set by whatever comes; cleared with each ping."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._prove_itself())]

    def waiting(self) -> Sequence[Message]:
        """Return the events that are received and not read yet, oldest first."""
        return [message for _, message in self._events]

    @property
    def backlog(self) -> int:
        """Messages received and not read yet."""
        return len(self._events)

    @property
    def lag(self) -> float:
        """How long the oldest unread message has waited, in seconds."""
        return self._clock.monotonic() - self._events[0][0] if self._events else 0.0

    async def events(self) -> AsyncIterator[Message]:
        """Yield every event in order; for one reader. Ends when the connection has ended and all is read."""
        read = 0
        while True:
            while self._events:
                yield self._events.popleft()[1]
                read += 1
                if read % FAIR_SHARE == 0:  # a burst must not keep pings, timers and commits waiting
                    await asyncio.sleep(0)
            if self.why:
                return
            self._wake.clear()
            await self._wake.wait()

    def abandon(self, why: str) -> None:
        """End now: stop reading, let the reader of events drain and stop. `close` frees the rest."""
        if self.why:
            return
        self.why = why
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._wake.set()

    async def close(self) -> None:
        """Say goodbye, so that the PBX forgets the application, and close."""
        patience = ABANDONED_WITHIN if self.why else CLOSE_WITHIN
        self.abandon("closed by us")
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):  # cut
            async with asyncio.timeout(patience):
                await self._socket.close()
        await self._http.close()

    async def _listen(self) -> None:
        while not self.why:
            try:
                frame = await self._socket.receive()
                if frame.type is aiohttp.WSMsgType.PING:
                    await self._socket.pong(frame.data)
            except (aiohttp.ClientError, OSError) as error:
                self.abandon(f"the WebSocket broke: {error}")
                return
            if frame.type in _ENDED:
                self.abandon("the PBX closed the connection")
            elif frame.type is aiohttp.WSMsgType.ERROR:
                self.abandon(f"the WebSocket broke: {frame.data}")
            else:
                self._hear(frame)

    def _hear(self, frame: aiohttp.WSMessage) -> None:
        self.last_heard = self._clock.now()
        self._heard.set()
        if frame.type is aiohttp.WSMsgType.BINARY:
            self._reject("a binary message: ARI has none")
        if frame.type is not aiohttp.WSMsgType.TEXT:
            return
        try:
            self._take(parse(frame.data))
        except ProtocolError as error:
            self._reject(str(error))

    def _take(self, message: Message) -> None:
        self._events.append((self._clock.monotonic(), message))
        self._wake.set()
        if message.type == "ApplicationReplaced":
            app = message.text("application")
            self.abandon(f"another connection took the application {app}: give each bridge its own `app`")
        elif len(self._events) > MAX_BACKLOG:
            self.abandon(f"more than {MAX_BACKLOG} events wait to be read")

    def _reject(self, why: str) -> None:
        self.rejected += 1
        self.rejection = self.rejection or why

    async def _prove_itself(self) -> None:
        """Ping for ever; end the session when the PBX stays silent. Events are proof as good as a pong."""
        seconds = self._settings.ping_timeout
        while True:
            await self._clock.sleep(self._settings.ping_interval)
            self._heard.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._socket.ping()
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.abandon(f"no ping could be sent: {error or type(error).__name__}")
                return
            answered = asyncio.ensure_future(self._heard.wait())
            # Not asyncio.timeout: after a stall of the loop it cancels although the answer is there.
            try:
                await asyncio.wait({answered}, timeout=seconds)
                if not answered.done():
                    self.abandon(f"no answer to a ping within {seconds:g} s")
                    return
            finally:
                answered.cancel()
