"""A simulated telephone: one account at an exchange, dialling, ringing and answering as its person would."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, Self

from bridge.errors import ProtocolError, SosBridgeError
from bridge.protocols.media.facade import Local as Ports
from bridge.protocols.sip.agent import Login, Settings, Target
from bridge.protocols.sip.agent.events import (
    Accepted,
    Answered,
    Confirmed,
    Digit,
    Ended,
    Event,
    Offered,
    Renegotiated,
    RequestAnswered,
    Ringing,
)
from bridge.protocols.sip.dialog.vocabulary import Cause, Fields
from bridge.protocols.sip.flow import Flow, HostPort
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.sdp import Local
from bridge.protocols.sip.uri import SipUri, escape_user
from bridge.protocols.sip_endpoint import Hop
from bridge.simulator.phones.call import PhoneCall
from bridge.simulator.phones.line import Line
from bridge.simulator.phones.voice import Voice

_LIFE: Final = 120
"""Seconds that a registration is asked for; it is renewed at half of that."""
_ANSWER_WITHIN: Final = 5.0
_LEAVE_WITHIN: Final = 0.5
"""Seconds that hanging up the phone for good waits for the exchange."""
_RINGING: Final = 180
_BUSY: Final = 486
_ANSWER_AFTER: Final = re.compile(r";[ \t]*answer-after[ \t]*=[ \t]*([0-9]{1,3})(?![0-9])", re.I)
_ALERTS: Final = ("auto-answer", "autoanswer", "auto answer", "ring-answer", "intercom")


class NotRegistered(SosBridgeError):
    """The exchange did not take the registration. The text says why."""


class Phone:
    """user, password: the account. name: how it shows itself.

    exchange: IP address and port of its registrar, which it also dials through.
    answers_after: seconds of ringing after which the person picks up; None: nobody does.
    auto_answers: whether it obeys an exchange that wants it to answer by itself (Call-Info answer-after,
    Alert-Info), as a help point does when it is called back.
    says: a WAV file that it plays, over and over, in each call; None: it is silent.
    busy: refuse whoever calls with 486.
    All of the latter may be set at any time. Use as an async context manager: at its end it unregisters.
    """

    def __init__(
        self,
        user: str,
        voice: Voice,
        *,
        exchange: HostPort,
        password: str = "",
        name: str = "",
        transport: str = "UDP",
        answers_after: float | None = None,
        auto_answers: bool = True,
        says: Path | None = None,
        busy: bool = False,
    ) -> None:
        self.user: Final = user
        self.answers_after = answers_after
        self.auto_answers = auto_answers
        self.says = says
        self.busy = busy
        self.calls: Final[list[PhoneCall]] = []
        """Every call that it had, in their order."""
        self._voice: Final = voice
        self._exchange: Final = exchange
        self._hop: Final = Hop(*exchange, transport)
        self._login: Final = Login(user, password) if password else None
        self._ours: Final = Address(SipUri(exchange[0], escape_user(user)), name)
        self._settings: Final = Settings(user=escape_user(user), name="simulated telephone")
        self._line: Final = Line(voice.clock, self._take, settings=self._settings, transport=transport)
        self._numbers: Final = itertools.count(1)
        self._living: Final[dict[str, PhoneCall]] = {}
        self._rung: Final[asyncio.Queue[PhoneCall]] = asyncio.Queue()
        self._asked: Final[dict[str, asyncio.Future[RequestAnswered]]] = {}
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._registered_as = ("", 0)
        """Call-ID and number of the last REGISTER."""
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._line.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in list(self._living.values()):
            call.hang_up()
        if self._renewing is not None:
            with contextlib.suppress(NotRegistered):
                await self.unregister(within=_LEAVE_WITHIN)
        await self.unplug()

    async def unplug(self) -> None:
        """Be gone at once, without a word to the exchange or to whom it talks with."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._renewing = None
        await self._line.close()

    @property
    def address(self) -> HostPort:
        """Where it is reached by who does not ask a registrar, such as over a trunk."""
        return self._line.address

    # --- registering ----------------------------------------------------------------------------------

    async def register(self) -> None:
        """Tell the exchange where this phone is, and keep it told. Raises NotRegistered."""
        await self._register(_LIFE, _ANSWER_WITHIN)
        if self._renewing is None:
            self._renewing = self._start(self._renew())

    async def unregister(self, *, within: float = _ANSWER_WITHIN) -> None:
        """Take it back. Raises NotRegistered if the exchange does not say yes in time."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None
        await self._register(0, within)

    async def _renew(self) -> None:
        while True:
            await self._voice.clock.sleep(_LIFE / 2)
            with contextlib.suppress(NotRegistered):  # the next one may succeed
                await self._register(_LIFE, _ANSWER_WITHIN)

    async def _register(self, seconds: int, within: float) -> None:
        flow = await self._line.open(self._hop)
        fields: Fields = (("Contact", self._settings.contact(flow)), ("Expires", DeltaSeconds(seconds)))
        target = self._target(SipUri(self._exchange[0], port=self._exchange[1]), flow, self._ours, fields)
        call_id, number = self._registered_as
        sequence = (call_id or f"{self.user}-{id(self)}", number + 1)
        id_ = f"register-{next(self._numbers)}"
        answered = self._asked[id_] = asyncio.get_running_loop().create_future()
        self._line.run(self._line.agent.request(id_, "REGISTER", target, sequence=sequence))
        try:
            async with asyncio.timeout(within):
                result = await answered
        except TimeoutError:
            raise NotRegistered(f"{self.user}: {self._hop} did not answer within {within:g} s") from None
        finally:
            del self._asked[id_]
        self._registered_as = (str(result.request.call_id), result.request.cseq.number)
        if result.response is None or not result.response.successful:
            why = result.failure if result.response is None else result.response.status
            raise NotRegistered(f"{self.user}: {self._hop} said {why}")

    # --- calling and being called ---------------------------------------------------------------------

    async def dial(self, number: str, *, fields: Fields = ()) -> PhoneCall:
        """Call a number at the exchange; the call that is returned tells what becomes of it.

        fields: more header fields of the INVITE. Raises NotSentError where the exchange cannot be reached,
        ProtocolError for what cannot be written.
        """
        flow = await self._line.open(self._hop)
        call = PhoneCall(self._voice, self.user, number, self._exchange[0])
        ports = await self._equip(call, id_ := f"call-{next(self._numbers)}")
        uri = SipUri(self._exchange[0], escape_user(number), self._exchange[1])
        target = self._target(uri, flow, Address(uri), fields)
        try:
            self._line.run(self._line.agent.invite(id_, target, _local(ports)))
        except ProtocolError:
            self._end(Ended(id_, Cause.REJECTED))
            raise
        return call

    async def rung(self, timeout: float = 10.0) -> PhoneCall:
        """Return the next call that comes in, as soon as it rings. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._rung.get()

    def _target(self, uri: SipUri, flow: Flow, to: Address, fields: Fields) -> Target:
        return Target(uri=uri, flow=flow, from_=self._ours, to=to, login=self._login, fields=fields)

    async def _equip(self, call: PhoneCall, id_: str) -> Ports:
        """Give a call its leg of media."""
        leg, ports = await self._voice.open(self.user, call.press_came)
        self._living[id_] = call
        self.calls.append(call)
        agent = self._line.agent
        call.begin(
            leg,
            answer=lambda: self._line.run(agent.accept(id_, _local(ports))),
            hang_up=lambda: self._line.run(agent.hang_up(id_)),
        )
        return ports

    async def _ring(self, offered: Offered) -> None:
        caller = offered.request.from_.uri.username
        call = PhoneCall(self._voice, self.user, caller, self._exchange[0], offered.request)
        await self._equip(call, offered.call)
        if offered.call not in self._line.agent.calls:
            self._end(Ended(offered.call, Cause.CANCELLED))  # given up while the media were made
            return
        self._line.run(self._line.agent.ring(offered.call, _RINGING))
        call.ring(None)
        self._rung.put_nowait(call)
        patience = self._patience(offered.request)
        if patience is not None:
            await self._voice.clock.sleep(patience)
            if call.ended_at is None and call.answered_at is None:
                call.answer()

    def _patience(self, invite: Request) -> float | None:
        wanted = answer_after(invite) if self.auto_answers else None
        return self.answers_after if wanted is None else wanted

    # --- what happens ---------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        match event:
            case Offered():
                self._be_called(event)
            case RequestAnswered() if event.id in self._asked:
                asked = self._asked[event.id]
                if not asked.done():
                    asked.set_result(event)
            case Ended():
                self._end(event)
            case Ringing(call=id_) if event.response.status > 100 and id_ in self._living:
                self._living[id_].ring(event.stream)
            case Answered(call=id_) | Accepted(call=id_) if id_ in self._living:
                self._living[id_].take(event.stream)
                self._speak(self._living[id_])
            case Confirmed(call=id_) | Renegotiated(call=id_) if id_ in self._living:
                self._living[id_].connect(event.stream)
            case Digit(call=id_) if id_ in self._living:
                self._living[id_].press_came(event.digit)

    def _be_called(self, offered: Offered) -> None:
        if self.busy:
            self._line.run(self._line.agent.reject(offered.call, _BUSY))
        else:
            self._start(self._ring(offered))

    def _speak(self, call: PhoneCall) -> None:
        if self.says is not None:
            call.say(self.says, loop=True)

    def _end(self, ended: Ended) -> None:
        call = self._living.pop(ended.call, None)
        if call is not None:
            call.end(ended)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def answer_after(invite: Request) -> float | None:
    """Return the seconds after which the caller wants the phone to answer by itself, None if it does not say.

    The ways that exchanges have: `Call-Info: <...>;answer-after=0`, `Alert-Info: <...>;info=alert-autoanswer`
    and the like. Nonsense is no wish.
    """
    for info in invite.headers.all("Call-Info"):
        if match := _ANSWER_AFTER.search(info):
            return float(match[1])
    alerts = " ".join(invite.headers.all("Alert-Info")).lower()
    return 0.0 if any(word in alerts for word in _ALERTS) else None


def _local(ports: Ports) -> Local:
    return Local(ports.address, ports.rtp_port, str(ports.rtp_port))
