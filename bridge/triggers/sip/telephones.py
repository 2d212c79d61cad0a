"""Telephones that register here: where they are, and whether they are still there.

The sans-IO registrar and its supervision decide; this answers, asks by OPTIONS, and tells as facts who came
and went. Owned by one run of the trigger.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import structlog

from bridge.calls import facts
from bridge.errors import ProtocolError
from bridge.model import Clock
from bridge.protocols.sip.agent import Target
from bridge.protocols.sip.agent.events import RequestReceived
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.registrar import (
    Account,
    Authenticator,
    Binding,
    Change,
    Changed,
    Noticed,
    Refusal,
    Registrar,
    RegistrarSettings,
    Supervision,
    Times,
)
from bridge.protocols.sip.uri import SipUri
from bridge.protocols.sip.uri_equality import same_uri
from bridge.triggers.sip.line import Line
from bridge.triggers.sip.settings import Config

LOOK_EVERY: Final = 0.5
"""Seconds between looks for whom to ask, and whose time is up."""
ANSWER_WITHIN: Final = 4.0
"""Seconds in which a telephone must answer OPTIONS."""

_log = structlog.get_logger(__name__)

Tell = Callable[[facts.Fact], None]


class Telephones:
    """tell: takes the facts. changed: called when what a restart must know is another."""

    def __init__(
        self, config: Config, line: Line, *, clock: Clock, tell: Tell, changed: Callable[[], None]
    ) -> None:
        self._config = config
        self._line = line
        self._clock = clock
        self._tell = tell
        self._changed = changed
        self._authenticator = Authenticator(
            config.realm,
            [
                Account(phone=endpoint, username=endpoint, password=own.secret, contacts=own.contacts)
                for endpoint, own in config.accounts.items()
            ],
            randomness=os.urandom,
            algorithms=config.digest_algorithms,
            without_qop=config.without_qop,
        )
        self._registrar = Registrar(
            self._authenticator,
            RegistrarSettings(
                shortest=config.shortest_registration,
                longest=config.longest_registration,
                usual=min(max(300, config.shortest_registration), config.longest_registration),
            ),
        )
        self._supervision = Supervision(
            Times(
                interval=config.options_every,
                doubtful=min(5.0, config.options_every),
                misses=config.options_misses,
            )
        )
        self._asking: set[asyncio.Task[None]] = set()

    # --- who is there -------------------------------------------------------------------------------

    @property
    def registered(self) -> int:
        """How many telephones are registered."""
        return sum(bool(self.contacts(endpoint)) for endpoint in self._config.accounts)

    def contacts(self, endpoint: str) -> tuple[Binding, ...]:
        """Return where an endpoint is, the preferred and latest first."""
        return self._registrar.contacts(endpoint, self._clock.now())

    def at(self, request: Request, flow: Flow) -> str:
        """Return the endpoint whose registered contact a request comes from, '' if it is none's.

        That is the very address and port that it registered from; or its host, if the request has its Contact
        as well, for a telephone may send from another port than it registered from.
        """
        claimed = request.from_.uri
        endpoint = claimed.username if isinstance(claimed, SipUri) else ""
        for binding in self.contacts(endpoint):
            if binding.flow.remote[0] == flow.remote[0] and (
                binding.flow.remote == flow.remote or _has_contact(request, binding)
            ):
                return endpoint
        # A gateway writes the number of the telephone behind it.
        return next((known for known in self._config.accounts if self._is_at(known, flow)), "")

    def is_known(self, flow: Flow) -> bool:
        """Whether a telephone is registered from there."""
        return any(self._is_at(known, flow) for known in self._config.accounts)

    def _is_at(self, endpoint: str, flow: Flow) -> bool:
        return any(binding.flow.remote == flow.remote for binding in self.contacts(endpoint))

    def judge(self, request: Request) -> Account | Refusal:
        """Return who signed a request, or what to answer. Raises ConfigError if a secret cannot be read."""
        return self._authenticator.judge(request, self._clock.now())

    # --- registering --------------------------------------------------------------------------------

    def take(self, event: RequestReceived) -> None:
        """Answer a REGISTER."""
        answer = self._registrar.answer(event.request, event.flow, self._clock.now())
        self._line.try_to(lambda: self._line.agent.answer(event.id, answer.status, fields=answer.fields))
        if answer.unusable:
            _log.error("no telephone can register", why=answer.unusable)
        if answer.refusal is not None:
            self.refused(answer.refusal, event.flow, "REGISTER")
        self._note(answer.changed)

    def refused(self, refusal: Refusal, flow: Flow, what: str) -> None:
        """Tell of somebody who was not believed; one who was only asked who it is was not refused."""
        if refusal.reason:
            self._tell(
                facts.Refused(
                    at=self._clock.now(),
                    account=refusal.phone or refusal.username,
                    what=f"{what}: {refusal.reason}",
                    remote=flow.remote[0],
                )
            )

    def trusted(self, account: Account) -> None:
        """Tell that somebody proved who it is."""
        self._tell(facts.Trusted(at=self._clock.now(), account=account.phone))

    def _note(self, changes: Iterable[Changed]) -> None:
        now = self._clock.now()
        for change in changes:
            endpoint = change.binding.phone
            match change.change:
                case Change.REGISTERED | Change.REFRESHED:
                    self._tell(facts.Trusted(at=now, account=endpoint))
                    self._supervision.follow(endpoint, self._clock.monotonic())
                    self._noticed(self._supervision.answered(endpoint, self._clock.monotonic()))
                    self._reachable(endpoint, reachable=True)
                case Change.EXPIRED | Change.UNREGISTERED if not self.contacts(endpoint):
                    self._supervision.forget(endpoint)
                    self._reachable(endpoint, reachable=False)
            self._changed()

    def _reachable(self, endpoint: str, *, reachable: bool) -> None:
        self._tell(facts.Reachability(at=self._clock.now(), endpoint=endpoint, reachable=reachable))

    # --- supervision --------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Ask for ever who is still there."""
        try:
            while True:
                self._note(self._registrar.expire(self._clock.now()))
                for endpoint in self._supervision.due(self._clock.monotonic()):
                    task = asyncio.get_running_loop().create_task(self._ask(endpoint))
                    self._asking.add(task)
                    task.add_done_callback(self._asking.discard)
                await self._clock.sleep(LOOK_EVERY)
        finally:
            for task in self._asking:
                task.cancel()

    async def _ask(self, endpoint: str) -> None:
        answers = [await self._answers(binding) for binding in self.contacts(endpoint)]
        now = self._clock.monotonic()
        # One of its devices is enough to reach somebody.
        noticed = self._supervision.answered if any(answers) else self._supervision.unanswered
        self._noticed(noticed(endpoint, now))

    async def _answers(self, binding: Binding) -> bool:
        ours = Address(SipUri(self._config.realm, "sos"))
        target = Target(uri=binding.contact, flow=binding.flow, from_=ours)
        with contextlib.suppress(TimeoutError, ProtocolError):
            async with asyncio.timeout(min(ANSWER_WITHIN, self._config.options_every)):
                return (await self._line.ask("OPTIONS", target)).response is not None
        return False

    def _noticed(self, noticed: Noticed | None) -> None:
        if noticed is not None:
            self._reachable(noticed.phone, reachable=noticed.online)

    # --- over a restart -----------------------------------------------------------------------------

    def snapshot(self) -> Mapping[str, Any]:
        return self._registrar.snapshot()

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Know again who was registered. Raises ProtocolError on what is no snapshot."""
        self._registrar.restore(kept)
        for endpoint in self._config.accounts:
            if self.contacts(endpoint):
                self._supervision.follow(endpoint, self._clock.monotonic())


def _has_contact(request: Request, binding: Binding) -> bool:
    try:
        contact = request.contact
    except ProtocolError:
        return False
    return contact is not None and same_uri(contact.uri, binding.contact)
