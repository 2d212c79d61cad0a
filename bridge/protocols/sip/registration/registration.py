"""One extension at one registrar, or at the next when that fails: events in, effects out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.headers.contact import AllContacts, Contact
from bridge.protocols.sip.message import MalformedError, Request, Response
from bridge.protocols.sip.message.status import reason_of
from bridge.protocols.sip.registration.effects import (
    Due,
    Effect,
    Lost,
    Register,
    Registered,
    Stopped,
    StopWaiting,
    Wait,
)
from bridge.protocols.sip.registration.settings import Account, Server, Times
from bridge.protocols.sip.uri_equality import same_uri

_REFUSALS: Final = (401, 403, 404, 405, 407, 410, 416, 604)
"""Said of us, not of the server's state: the same question will get the same answer."""
_LONGEST_LIFE: Final = 86_400
"""Seconds that a 423 can make us ask for."""


@dataclass(slots=True)
class _Leg:
    """What is between us and one server. number: of the last REGISTER (10.2: the same Call-ID, one more)."""

    server: Server
    call_id: str
    expires: int
    number: int = 0
    asked: Register | None = None
    retry_after: float = 0.0
    refused: bool = False


class Registration:
    """Every call returns what is to be done, in its order. Called from one thread.

    servers: the first is the one we want. call_ids: one for each, unguessable. chance: gives numbers from 0
    to below 1, `random.random` outside of tests: those who lost the same PBX must not come back all at once.
    """

    def __init__(
        self,
        account: Account,
        servers: Sequence[Server],
        *,
        call_ids: Sequence[str],
        chance: Callable[[], float],
        times: Times | None = None,
    ) -> None:
        if not servers or len({server.name for server in servers}) < len(servers):
            raise ValueError("a registration needs servers with different names")
        self._account: Final = account
        self._times: Final = times or Times()
        self._chance: Final = chance
        self._legs: Final = [
            _Leg(server, call_id, account.expires) for server, call_id in zip(servers, call_ids, strict=True)
        ]
        self._current: _Leg | None = None
        """Where we are registered, as far as we know."""
        self._tried: list[_Leg] = []
        """Those that failed in this round."""
        self._rounds = 0
        self._told: Server | None = None
        self._told_lost = False
        self._stopping = False

    @property
    def server(self) -> Server | None:
        """Where we are registered, None if nowhere."""
        return self._current.server if self._current else None

    def start(self) -> list[Effect]:
        """Register."""
        return [self._ask(self._legs[0])]

    def stop(self) -> list[Effect]:
        """Unregister; `Stopped` comes when that is done or has failed."""
        self._stopping = True
        effects: list[Effect] = [StopWaiting(due) for due in Due]
        for leg in self._legs:
            leg.asked = None
        if self._current is None:
            return [*effects, Stopped()]
        return [*effects, self._ask(self._current, expires=0)]

    def fired(self, due: Due) -> list[Effect]:
        """Say that a timer has run out."""
        if self._stopping:
            return []
        match due:
            case Due.REFRESH if self._current is not None:
                self._tried = []
                return [self._ask(self._current)]
            case Due.RETRY:
                self._tried = []
                return [self._ask(self._legs[0])]
            case Due.HOME if self._current not in (None, self._legs[0]):
                return [self._ask(self._legs[0])]
        return []

    def answered(self, asked: Register, request: Request, response: Response) -> list[Effect]:
        """Take the final response. request: as it was last sent, with the number that it had."""
        leg = self._leg_of(asked)
        if leg is None:
            return []
        leg.number = max(leg.number, request.cseq.number)
        if self._stopping or asked.expires == 0:
            return self._left()
        if response.status == 423 and self._asks_for_more(leg, response):
            return [self._ask(leg)]
        if response.successful:
            life = min(_granted(request, response, asked.expires), asked.expires)
            if life > 0:
                return self._registered(leg, life)
            return self._failed(leg, "it did not keep our contact")
        leg.retry_after = _retry_after(response)
        leg.refused = response.status in _REFUSALS
        return self._failed(leg, f"{response.status} {response.reason or reason_of(response.status)}")

    def failed(self, asked: Register, reason: str) -> list[Effect]:
        """Say that a REGISTER did not leave, or that nobody answered."""
        leg = self._leg_of(asked)
        if leg is None:
            return []
        leg.number += 1  # it may have arrived
        if self._stopping or asked.expires == 0:
            return self._left()
        return self._failed(leg, reason)

    # --- within -----------------------------------------------------------------------------------------

    def _left(self) -> list[Effect]:
        """We have unregistered, or tried to: for good, or at a server that we came home from."""
        return [Stopped()] if self._stopping else []

    def _ask(self, leg: _Leg, *, expires: int | None = None) -> Register:
        leg.number += 1
        leg.retry_after, leg.refused = 0.0, False
        wanted = leg.expires if expires is None else expires
        leg.asked = Register(leg.server, self._account, (leg.call_id, leg.number), wanted)
        return leg.asked

    def _leg_of(self, asked: Register) -> _Leg | None:
        """Return the leg that waits for the outcome of `asked`, None if nobody does any more."""
        leg = next((leg for leg in self._legs if leg.asked is asked), None)
        if leg is not None:
            leg.asked = None
        return leg

    def _asks_for_more(self, leg: _Leg, response: Response) -> bool:
        """Take over what a 423 wants (10.2.8), if it is more than we asked for, and no nonsense."""
        try:
            least = response.min_expires
        except MalformedError:
            return False
        if least is None or not leg.expires < least.seconds <= _LONGEST_LIFE:
            return False
        leg.expires = least.seconds
        return True

    def _registered(self, leg: _Leg, life: int) -> list[Effect]:
        before, self._current = self._current, leg
        self._tried, self._rounds = [], 0
        at_home = leg is self._legs[0]
        effects: list[Effect] = [
            Wait(Due.REFRESH, life * (0.8 + 0.1 * self._chance())),
            StopWaiting(Due.RETRY),
            StopWaiting(Due.HOME) if at_home else Wait(Due.HOME, self._times.home),
        ]
        if self._told != leg.server:
            self._told, self._told_lost = leg.server, False
            effects.append(Registered(leg.server))
        if before is not None and before is not leg and at_home:
            # The one that we come back from; one that failed would only keep us waiting.
            effects.append(self._ask(before, expires=0))
        return effects

    def _failed(self, leg: _Leg, reason: str) -> list[Effect]:
        if self._current not in (None, leg) and leg is self._legs[0]:
            return [Wait(Due.HOME, max(self._times.home, leg.retry_after))]
        if leg is self._current:
            self._current = None
        self._tried.append(leg)
        following = next((other for other in self._legs if other not in self._tried), None)
        if following is not None:
            return [StopWaiting(Due.REFRESH), self._ask(following)]
        return self._lose(reason)

    def _lose(self, reason: str) -> list[Effect]:
        """Nobody has us. `reason` is that of the last server."""
        effects: list[Effect] = [StopWaiting(Due.REFRESH), StopWaiting(Due.HOME)]
        effects.append(Wait(Due.RETRY, self._delay()))
        self._rounds += 1
        if not self._told_lost:
            self._told, self._told_lost = None, True
            tried = ", ".join(leg.server.name for leg in self._tried)
            effects.append(Lost(f"{tried}: {reason}"))
        return effects

    def _delay(self) -> float:
        """Return how long to wait for the next round: more each time, and never the same for all of us."""
        longest = min(self._times.longest, self._times.first * 2.0 ** min(self._rounds, 30))
        delay = longest * (0.5 + 0.5 * self._chance())
        if all(leg.refused for leg in self._tried):
            delay = max(delay, self._times.refused)
        # The first that would have us again decides.
        asked_for = min(leg.retry_after for leg in self._tried)
        return max(delay, min(asked_for, self._times.longest_retry_after))


def _granted(request: Request, response: Response, asked: int) -> int:
    """Return for how many seconds a 2xx keeps our contact (10.2.4)."""
    try:
        ours, theirs = request.contact, response.contacts
        usual = response.expires.seconds if response.expires else asked
    except ProtocolError:
        return asked
    if isinstance(theirs, AllContacts) or ours is None:
        return usual
    same = [contact for contact in theirs if same_uri(contact.uri, ours.uri)]
    return _life(same or list(theirs), usual)


def _life(contacts: Sequence[Contact], usual: int) -> int:
    """A registrar that rewrites contacts (NAT) lists ours as another; a lone one is ours all the same."""
    lives = [usual if contact.expires is None else contact.expires for contact in contacts]
    return min(lives, default=0)


def _retry_after(response: Response) -> float:
    try:
        return float(response.retry_after.seconds) if response.retry_after else 0.0
    except MalformedError:
        return 0.0
