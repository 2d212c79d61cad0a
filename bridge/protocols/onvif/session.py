"""One camera's link: its clock, the kind of authentication it wants, a question and its answer.

Called by `camera` and `pull_point`. A digest holds the time, so the camera's clock is asked first, without
authentication. WS-Security is tried first; a camera that answers with an HTTP Digest challenge gets that from
then on. A refusal is tried once more, with the clock asked again (it may have lost it in a power cut) or with
the new challenge; then it is final, because cameras lock accounts that guess.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from bridge.errors import ConfigError, DeliveryError, Permanent, ProtocolError, Retryable
from bridge.model import Clock
from bridge.protocols.http import Effect, HttpAnswer, HttpLink
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.http_settings import HttpSettings
from bridge.protocols.onvif.addresses import Address
from bridge.protocols.onvif.device import GET_TIME, read_time_of
from bridge.protocols.onvif.http_digest import HttpDigest
from bridge.protocols.onvif.security import username_token
from bridge.protocols.onvif.soap import Fault, Message, name_of, read_envelope, write_envelope
from bridge.protocols.secret import Secret

ANSWERS: Final = frozenset({200, 202, 400, 401, 403, 500})
"""Statuses whose body is looked into: the fault tells the truth."""

T = TypeVar("T")


class CameraRefused(Permanent):
    """The camera answered with a fault that means no."""

    def __init__(self, message: str, fault: Fault | None) -> None:
        super().__init__(message)
        self.fault = fault


class NotAuthorized(CameraRefused):
    """The camera does not believe user or password, or the user may not do this."""


class CameraBusy(Retryable):
    """The camera answered with a fault of its own, which may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is sent, maybe twice. header: SOAP header blocks besides the security's."""

    address: Address
    message: Message
    limits: Limits
    effect: Effect = Effect.NONE
    header: str = ""
    within: float | None = None


Content = Element | Fault | ProtocolError
"""What an answer's body holds: what was asked for, a refusal, or why it is neither."""


class Session:
    """name: begins every error text. device: path of the device service."""

    def __init__(
        self, name: str, settings: HttpSettings, *, device: str, user: str, password: Secret, clock: Clock
    ) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self.link = HttpLink(settings, name=name, clock=clock)
        self.device = Address(device)
        self.clock_offset: float | None = None
        """Seconds that the camera's clock is ahead of ours; None until it was asked, or if it is silent."""
        self._user = user
        self._password = password
        self._clock = clock
        self._asked_time = False
        self._digest = HttpDigest(user)
        self._by_http = False
        """Whether the camera wants HTTP Digest instead of WS-Security."""

    @property
    def authentication(self) -> str:
        """The kind in use, for a person."""
        return "HTTP Digest" if self._by_http else "WS-Security"

    def camera_time(self) -> float:
        """Now by the camera's clock, UTC epoch seconds."""
        return self._clock.now() + (self.clock_offset or 0.0)

    async def ask(
        self,
        address: Address,
        message: Message,
        read: Callable[[Element], T],
        limits: Limits = NO_LIMITS,
        *,
        effect: Effect = Effect.NONE,
        header: str = "",
        within: float | None = None,
    ) -> T:
        """Send `message` and return what `read` makes of its answer.

        header: SOAP header blocks besides the security's. within: seconds, instead of `timeouts.total`.
        Raises what `HttpLink.request` raises, NotAuthorized, CameraRefused for a fault that means no, and
        CameraBusy for one that may pass. Never retries what may have happened.
        """
        password = self._reveal()
        if not self._asked_time:
            await self._ask_time(limits)
        question = _Question(
            address=address, message=message, limits=limits, effect=effect, header=header, within=within
        )
        answer, content = await self._send(question, password)
        if _unauthorized(answer, content):
            await self._learn(answer, limits)
            answer, content = await self._send(question, password)
        return self._read(answer, content, message, read)

    async def fetch(self, address: Address, limits: Limits = NO_LIMITS) -> HttpAnswer:
        """GET something that is no SOAP service: a snapshot. Raises what `HttpLink.request` raises."""
        password = self._reveal()
        expect = frozenset({*range(200, 300), 401})
        answer = await self._get(address, password, limits, expect)
        if answer.status == 401 and self._digest.take(answer.headers.get("www-authenticate", "")):
            answer = await self._get(address, password, limits, expect)
        if answer.status == 401:
            raise NotAuthorized(f"{self.name}: GET {address.path}: refused, HTTP 401", None)
        return answer

    async def close(self) -> None:
        await self.link.close()

    def _reveal(self) -> str:
        try:
            password = self._password.reveal()
        except ConfigError as error:
            raise Permanent(f"{self.name}: no log-in: {error}") from None
        self.link.conceal(password)
        return password

    # --- sending ------------------------------------------------------------------------------------

    async def _send(self, question: _Question, password: str | None) -> tuple[HttpAnswer, Content]:
        """password: None sends without authentication."""
        address, message, header = question.address, question.message, question.header
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{message.soap_action}"'}
        if password is not None and self._by_http:
            headers["Authorization"] = self._digest.answer("POST", address.target, password)
        elif password is not None:
            nonce, created = secrets.token_bytes(16), self.camera_time()
            header += username_token(self._user, password, nonce=nonce, created=created)
        answer = await self.link.request(
            "POST",
            address.path,
            effect=question.effect,
            params=address.query,
            data=write_envelope(message.body, header),
            headers=headers,
            expect=ANSWERS,
            within=question.within,
            deadline=question.limits.deadline,
            urgent=question.limits.urgent,
        )
        try:
            return answer, read_envelope(answer.body)
        except ProtocolError as error:
            return answer, error

    async def _get(
        self, address: Address, password: str, limits: Limits, expect: frozenset[int]
    ) -> HttpAnswer:
        headers = {}
        if self._digest.ready:
            headers["Authorization"] = self._digest.answer("GET", address.target, password)
        return await self.link.request(
            "GET",
            address.path,
            effect=Effect.NONE,
            params=address.query,
            headers=headers,
            expect=expect,
            deadline=limits.deadline,
            urgent=limits.urgent,
        )

    # --- reading ------------------------------------------------------------------------------------

    def _read(
        self,
        answer: HttpAnswer,
        content: Content,
        message: Message,
        read: Callable[[Element], T],
    ) -> T:
        if isinstance(content, Fault) or answer.status not in (200, 202):
            raise self._refusal(answer, content, message)
        if isinstance(content, ProtocolError):
            raise answer.unusable(f"{message.name}: {content}")
        if name_of(content) != f"{message.name}Response":
            raise answer.unusable(
                f"{message.name} is answered with {self.link.excerpt(name_of(content), 60)}"
            )
        try:
            return read(content)
        except ProtocolError as error:
            raise answer.unusable(f"{message.name}: {error}") from error

    def _refusal(self, answer: HttpAnswer, content: Content, message: Message) -> DeliveryError:
        fault = content if isinstance(content, Fault) else None
        said = self.link.excerpt(str(fault)) if fault else self.link.excerpt(answer.body) or "no reason given"
        text = f"{self.name}: {message.name}: refused, HTTP {answer.status}: {said}"
        if _unauthorized(answer, content):
            return NotAuthorized(f"{text} (user {self._user}, {self.authentication})", fault)
        if fault is None and answer.status >= 500:
            return answer.unusable(f"{message.name}: HTTP {answer.status}: {said}")
        if fault is not None and fault.passing:
            return CameraBusy(text)
        return CameraRefused(text, fault)

    # --- clock and authentication -------------------------------------------------------------------

    async def _ask_time(self, limits: Limits) -> None:
        """Learn the camera's clock. One that refuses even this question is taken to have ours."""
        question = _Question(address=self.device, message=GET_TIME, limits=limits)
        answer, content = await self._send(question, None)
        try:
            camera = self._read(answer, content, GET_TIME, read_time_of)
        except CameraRefused:
            camera = None
            self._take_challenge(answer)
        self._asked_time = True
        self.clock_offset = None if camera is None else camera - self._clock.now()

    async def _learn(self, answer: HttpAnswer, limits: Limits) -> None:
        """After a refusal: take the challenge, or else ask for the time again."""
        if not self._take_challenge(answer):
            self._by_http = False
            await self._ask_time(limits)

    def _take_challenge(self, answer: HttpAnswer) -> bool:
        if answer.status != 401 or not self._digest.take(answer.headers.get("www-authenticate", "")):
            return False
        self._by_http = True
        return True


def _unauthorized(answer: HttpAnswer, content: Content) -> bool:
    return answer.status == 401 or (isinstance(content, Fault) and content.unauthorized)
