"""One call at a simulated phone: what became of it, what is heard in it, what the person there does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bridge.errors import SosBridgeError
from bridge.model import Clock
from bridge.protocols.sip.agent.events import Ended
from bridge.protocols.sip.dialog.vocabulary import Cause
from bridge.protocols.sip.message import MalformedError, Request
from bridge.protocols.sip.sdp import Stream
from bridge.simulator.phones.ear import Heard, Kind, listen
from bridge.simulator.phones.voice import Voice

_NEAR: Final = 10
"""Hertz that a tone may be off and still be the same."""
_LISTENS: Final = 0.5
"""Seconds of the latest sound that `hears` is about."""
_LOOKS_EVERY: Final = 0.1


class NotConnected(SosBridgeError):
    """The call ended, or nothing happened in time, before what was waited for. The text says which."""


class PhoneCall:
    """Made by `Phone.dial` and `Phone.rung`. Times are UTC, None until it is so.

    peer: the number that was dialled, or the user that calls. exchange: its IP address.
    invite: of a call that came in.
    """

    def __init__(
        self, voice: Voice, user: str, peer: str, exchange: str, invite: Request | None = None
    ) -> None:
        self.user: Final = user
        self.peer: Final = peer
        self.invite: Final = invite
        self.began_at: Final = voice.clock.now()
        self.ringing_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.cause: Cause | None = None
        """Why it ended."""
        self.status = 0
        """The final response that ended it, 0 for none."""
        self.elsewhere = False
        """Whether it was taken back because somebody else answered (RFC 3326: SIP;cause=200)."""
        self.digits = ""
        """Keys that the other side has pressed."""
        self._voice: Final = voice
        self._exchange: Final = exchange
        self._clock: Final[Clock] = voice.clock
        self._changed: Final = asyncio.Event()
        self._leg = ""
        self._stream: Stream | None = None
        self._hang_up: Callable[[], None] = lambda: None
        self._answer: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        way = "from" if self.invite else "to"
        return f"<call of {self.user} {way} {self.peer}: {self.state}>"

    @property
    def state(self) -> str:
        """In one word, for people."""
        for at, word in (
            (self.ended_at, "ended"),
            (self.answered_at, "answered"),
            (self.ringing_at, "ringing"),
        ):
            if at is not None:
                return word
        return "begun"

    # --- what the person at the phone does ------------------------------------------------------------

    def answer(self) -> None:
        """Pick up."""
        self._answer()

    def hang_up(self) -> None:
        """End it in whatever state it is; nothing happens when it has ended."""
        if self.ended_at is None:
            self._hang_up()

    async def press(self, digits: str) -> None:
        """Press keys, told by RFC 4733. Raises NotConnected, MediaRefused for what is no key."""
        self._require_connected()
        await self._voice.press(self._leg, digits)

    def say(self, file: Path, *, loop: bool = False) -> None:
        """Play a WAV file (8 kHz, mono, 16 bit) to the other side. Raises NotConnected."""
        self._require_connected()
        self._voice.say(self._leg, file, loop=loop)

    def be_quiet(self) -> None:
        """Say nothing from now on."""
        self._require_connected()
        self._voice.be_quiet(self._leg)

    @property
    def hears(self) -> Heard:
        """What was heard last, up to a second ago; silence before the first sound. Reads a short file."""
        return listen(self._voice.heard(self._leg, _LISTENS)) if self._leg else Heard(Kind.SILENCE)

    def has_heard(self, seconds: float) -> Heard:
        """Return what the latest seconds sound like as a whole."""
        return listen(self._voice.heard(self._leg, seconds))

    # --- waiting --------------------------------------------------------------------------------------

    async def until_ringing(self, timeout: float = 5.0) -> None:
        """Return when it rings, or was answered at once. Raises NotConnected."""
        await self._until(
            lambda: self.ringing_at is not None or self.answered_at is not None, "did not ring", timeout
        )

    async def until_answered(self, timeout: float = 10.0) -> None:
        """Raises NotConnected."""
        await self._until(lambda: self.answered_at is not None, "was not answered", timeout)

    async def until_ended(self, timeout: float = 10.0) -> None:
        """Raises NotConnected, if it goes on."""
        await self._until(lambda: self.ended_at is not None, "did not end", timeout)

    async def until_pressed(self, digits: str, timeout: float = 5.0) -> None:
        """Return when the other side has pressed these keys. Raises NotConnected."""
        await self._until(lambda: digits in self.digits, f"heard no {digits}", timeout)

    async def until_hears(self, kind: Kind, *, hertz: int = 0, timeout: float = 5.0) -> Heard:
        """Return when this is heard. hertz: of a tone, 0 for any. Raises NotConnected with what is heard."""
        deadline = self._clock.monotonic() + timeout
        while True:
            heard = self.hears
            if heard.kind is kind and (not hertz or abs(heard.hertz - hertz) <= _NEAR):
                return heard
            if self.ended_at is not None or self._clock.monotonic() >= deadline:
                raise NotConnected(f"{self!r} hears {heard}, not {Heard(kind, hertz)}")
            await self._clock.sleep(_LOOKS_EVERY)

    async def _until(self, reached: Callable[[], bool], what: str, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not reached():
                    if self.ended_at is not None:
                        raise NotConnected(f"{self!r} {what}: {self.status or self.cause}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise NotConnected(f"{self!r} {what} within {timeout:g} s") from None

    def _require_connected(self) -> None:
        if self.answered_at is None or self.ended_at is not None:
            raise NotConnected(f"{self!r} is not one to talk in")

    # --- what happens, told by the phone --------------------------------------------------------------

    def begin(self, leg: str, *, answer: Callable[[], None], hang_up: Callable[[], None]) -> None:
        """The phone has made a leg of media for it, and says how to take and to end it."""
        self._leg, self._answer, self._hang_up = leg, answer, hang_up

    def ring(self, stream: Stream | None) -> None:
        """It rings at the other side, which may send something to hear before it answers."""
        self.ringing_at = self.ringing_at or self._clock.now()
        self.connect(stream)
        self._changed.set()

    def take(self, stream: Stream | None) -> None:
        """One side has picked up."""
        self.answered_at = self.answered_at or self._clock.now()
        self.connect(stream)
        self._changed.set()

    def connect(self, stream: Stream | None) -> None:
        """The media are agreed on, or have changed."""
        if stream is not None and stream != self._stream:
            self._stream = stream
            self._voice.connect(self._leg, stream, self._exchange)

    def press_came(self, digit: str) -> None:
        """The other side has pressed a key."""
        self.digits += digit
        self._changed.set()

    def end(self, ended: Ended) -> None:
        """It is over."""
        self.ended_at = self._clock.now()
        self.cause, self.status = ended.cause, ended.status
        self.elsewhere = _was_taken_elsewhere(ended.request)
        self._voice.close(self._leg)
        self._changed.set()


def _was_taken_elsewhere(request: Request | None) -> bool:
    try:
        return request is not None and any(
            reason.protocol == "SIP" and reason.cause == 200 for reason in request.reasons
        )
    except MalformedError:
        return False
