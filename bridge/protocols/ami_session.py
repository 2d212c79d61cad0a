"""One logged-in AMI connection that proves itself, on top of panoramisk. `ami_link` keeps one up.

    session = await connect(account, clock=clock)      # Retryable, LoginRefused
    rows = await session.action("CoreShowChannels")    # [response, row, row, ..., complete]
    async for message in session.events(): ...         # ends when the connection does; then see session.why

What an action may raise: ProtocolError (it would not arrive as written; not sent), Retryable (not
connected; not sent), Refused (the PBX said Error), Uncertain (sent, and no answer came).

What is panoramisk's and what had to be replaced is in docs/decisions/0003-panoramisk-wrapped.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bridge.errors import DeliveryError, Permanent, ProtocolError, Retryable, Uncertain
from bridge.model import Clock
from bridge.protocols.ami import Headers, Message
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_wire import OneConnection, PendingAction, Wire, fail

MAX_BACKLOG: Final = 200_000
"""Messages waiting for the reader. More means that it has stopped: the connection is given up, visibly, and
the snapshot after reconnecting tells what was missed, instead of the process dying of memory."""
FAIR_SHARE: Final = 50
"""Events read in a row before everything else has its turn: about 5 ms."""
LOGOFF_TIMEOUT: Final = 1.0


class LoginRefused(Permanent):
    """The PBX answered the login with an error. The text is the PBX's own."""


class Refused(Permanent):
    """The PBX answered an action with an error. `text` is what it said ("Permission denied")."""

    def __init__(self, action: str, text: str) -> None:
        super().__init__(f"{action} refused by the PBX: {text}")
        self.text = text


async def connect(account: Account, *, clock: Clock, tap: Callable[[bytes], None] | None = None) -> Session:
    """Return a session that is logged in.

    tap: given every byte that the PBX sends, before anything else is done with it; must not block or raise.
    Raises LoginRefused, or Retryable when the PBX cannot be reached, is no AMI or falls silent; ConfigError
    when the secret cannot be read. Nothing stays open then.
    """
    session = Session(account, clock, tap)
    try:
        async with asyncio.timeout(account.connect_timeout):
            await session.log_in()
    except TimeoutError:
        raise Retryable(
            f"{account.address}: {session.stage} took longer than {account.connect_timeout:g} s"
        ) from None
    except ssl.SSLError as error:
        raise Retryable(f"{account.address}: TLS failed: {error}") from error
    except OSError as error:
        raise Retryable(f"{account.address} cannot be reached: {error.strerror or error}") from error
    except (Retryable, Uncertain) as error:
        raise Retryable(f"{account.address}: {session.stage} failed: {error}") from error
    except Refused as error:
        raise LoginRefused(
            f"{account.address} refused the login of {account.username}: {error.text}"
        ) from error
    finally:
        if not session.logged_in:
            session.abandon(f"{session.stage} failed")
    return session


class Session:
    """A connection from its login to its end. It ends once and for all; a new one takes its place.

    `last_heard`: when the PBX last sent anything (UTC). `clock_offset`: PBX clock minus ours, from the last
    Ping, None before. `rejected`: blocks of input that could not be read, `rejection` says why the first.
    """

    def __init__(self, account: Account, clock: Clock, tap: Callable[[bytes], None] | None = None) -> None:
        self.account = account
        self.stage = "connecting"
        self.logged_in = False
        self.why = ""
        """Why it ended; '' while it lives."""
        self.last_heard = clock.now()
        self._heard_at = clock.monotonic()
        self.clock_offset: float | None = None
        self.rejected = 0
        self.rejection = ""
        self._clock = clock
        self._wire = Wire(self, tap)
        self._manager = OneConnection(account, self._wire)
        self._events: deque[tuple[float, Message]] = deque()
        self._wake = asyncio.Event()
        self._outcomes: dict[str, asyncio.Future[Message]] = {}
        self._proving: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        """The AMI version of the banner, such as `11.0.0` (Asterisk 22) or `5.0.4` (16)."""
        return self._wire.parser.version

    @property
    def alive(self) -> bool:
        return self.logged_in and not self.why

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

    async def log_in(self) -> None:
        """Open the connection, wait for the banner (whoever listens there must be an AMI before it learns
        anything), and log in without showing the secret. Called once, by `connect`."""
        secret = self.account.secret.reveal()
        await self._manager.connect()
        self.stage = "the AMI greeting"
        await self._wire.greeted
        self.stage = "the login"
        [challenge] = await self._exchange("Challenge", {"AuthType": "MD5"})
        # MD5 is what AMI offers. It keeps the secret off the wire, no more; TLS does the rest.
        key = hashlib.md5((challenge.get("Challenge") + secret).encode(), usedforsecurity=False).hexdigest()
        login = {"AuthType": "MD5", "Username": self.account.username, "Key": key}
        await self._exchange("Login", {**login, "Events": self.account.events})
        self.logged_in = True
        self._proving = asyncio.create_task(self._prove_itself())

    async def action(
        self, name: str, headers: Headers = (), *, action_id: str = "", timeout: float | None = None
    ) -> list[Message]:
        """Send one action and return its answer: the response, behind it the rows of a list.

        timeout: seconds, None = the account's. Raises as the module says.
        """
        if not self.alive:
            raise Retryable(f"{name} not sent, {self.account.address} is not connected: {self.why}")
        seconds = self.account.action_timeout if timeout is None else timeout
        return await self._exchange(name, headers, action_id, seconds)

    async def originate(self, headers: Headers, *, action_id: str) -> Originated:
        """Queue a call (`Async: true` is added) and return as soon as the PBX has it.

        `Originated.outcome` tells how it went. Raises as `action` does; after Uncertain it may be ringing.
        """
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if action_id in self._outcomes:
            raise ProtocolError(f"Originate: the ActionID {action_id} is in use")
        outcome = self._outcomes[action_id] = asyncio.get_running_loop().create_future()
        try:
            await self.action("Originate", [*pairs, ("Async", "true")], action_id=action_id)
        except BaseException:
            self._forget_outcome(action_id)
            raise
        return Originated(action_id, outcome, self)

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

    async def close(self) -> None:
        """Log off and close. What is not through within a second is cut."""
        if self.alive:
            with suppress(DeliveryError):  # it ends anyhow
                await self.action("Logoff", timeout=LOGOFF_TIMEOUT)
        self.abandon("closed by us")
        await self._wire.gone

    def abandon(self, why: str) -> None:
        """End now: cut the connection, fail what waits for an answer, let the reader drain and stop."""
        if self.why:
            return
        self.why = why
        if self._proving is not None and self._proving is not asyncio.current_task():
            self._proving.cancel()
        self._wire.cut(why)
        for outcome in self._outcomes.values():
            fail(outcome, Uncertain(f"outcome of the call unknown: {why}"))
        self._wake.set()

    # Called by the wire, once for every read, message and end.

    def heard(self) -> None:
        self.last_heard = self._clock.now()
        self._heard_at = self._clock.monotonic()

    def reject(self, error: ProtocolError) -> None:
        self.rejected += 1
        self.rejection = self.rejection or str(error)

    def take(self, message: Message) -> None:
        """Queue one event. Nothing else happens here: an error would cost the rest of the read."""
        name = message.event
        if name == "OriginateResponse":
            outcome = self._outcomes.pop(message.action_id, None)
            if outcome is not None and not outcome.done():
                outcome.set_result(message)
        self._events.append((self._clock.monotonic(), message))
        self._wake.set()
        if name == "Shutdown":
            self.abandon(f"the PBX shuts down ({message.get('Shutdown')}, restart: {message.get('Restart')})")
        elif len(self._events) > MAX_BACKLOG:
            self.abandon(f"more than {MAX_BACKLOG} events wait to be read")

    def _forget_outcome(self, action_id: str) -> None:
        self._outcomes.pop(action_id, None)

    async def _exchange(
        self, name: str, headers: Headers, action_id: str = "", seconds: float | None = None
    ) -> list[Message]:
        pending = PendingAction(name, headers, action_id)
        try:
            answered = self._manager.send_action(pending)
            # Not asyncio.timeout: after a stall of the loop it cancels although the answer is there.
            await asyncio.wait({answered}, timeout=seconds)
            if not answered.done():
                raise Uncertain(f"no answer to {name} from {self.account.address} within {seconds:g} s")
            answer = answered.result()
        finally:
            self._wire.forget(pending)
        messages: list[Message] = answer if isinstance(answer, list) else [answer]
        if messages[0].response == "Error":
            raise Refused(name, messages[0].get("Message", "no reason given"))
        return messages

    async def _prove_itself(self) -> None:
        """Ping for ever; end the session when the PBX stays silent."""
        missed = False
        while True:
            if not missed:
                await self._clock.sleep(self.account.ping_interval)
            sent, sent_at = self._clock.now(), self._clock.monotonic()
            try:
                [pong] = await self.action("Ping", timeout=self.account.ping_timeout)
            except Uncertain:
                # Under a flood the answer stands in line behind the events: those are proof enough, once.
                if missed or self._heard_at <= sent_at:
                    self.abandon(f"no answer to Ping within {self.account.ping_timeout:g} s")
                    return
                missed = True
            except Permanent:
                missed = False  # a refusal is an answer
            else:
                missed = False
                self._compare_clocks(pong, sent)

    def _compare_clocks(self, pong: Message, sent: float) -> None:
        try:
            theirs = float(pong.get("Timestamp"))
        except ValueError:
            return
        self.clock_offset = theirs - (sent + self._clock.now()) / 2


@dataclass(frozen=True)
class Originated:
    """A call that the PBX has accepted to place."""

    action_id: str
    _response: asyncio.Future[Message]
    _session: Session = field(repr=False)

    async def outcome(self, timeout: float) -> Message:
        """Return its OriginateResponse once it was answered.

        Raises Refused when the call failed (the PBX's reason in words), Uncertain when nothing was heard
        within `timeout` seconds or the connection ended.
        """
        try:
            await asyncio.wait({self._response}, timeout=timeout)
        finally:
            self._session._forget_outcome(self.action_id)
        if not self._response.done():
            raise Uncertain(f"no outcome of the originated call within {timeout:g} s")
        response = self._response.result()
        if response.get("Response") != "Success":
            raise Refused("Originate", _reason(response.get("Reason")))
        return response


_REASONS: Final = {
    "0": "no such extension or endpoint, or it refused the call",
    "1": "no answer",
    "3": "no answer",
    "5": "busy",
    "8": "congestion, or not reachable",
}
"""Asterisk's frame types (AST_CONTROL_*) as OriginateResponse has them; a busy phone gives 0 on 16 and 22."""


def _reason(code: str) -> str:
    return _REASONS.get(code, f"reason {code}")
