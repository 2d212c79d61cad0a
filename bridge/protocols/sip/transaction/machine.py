"""The vocabulary of the four transaction machines, and how one step of any of them goes.

A machine is a table: (state, signal) -> next state and actions. A signal without a row changes nothing: a
late timer, a repetition that needs no answer. A change of state that is in no table does not exist.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeAlias, TypeVar

from bridge.protocols.sip.message import Request, Response
from bridge.protocols.sip.transaction.timers import STANDARD, Timer, Times


class State(enum.StrEnum):
    """Of all four machines; each uses some of them."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    """A 2xx was sent or received (RFC 6026)."""
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class ClientTransaction:
    """We sent `request`. `reliable`: over TCP or TLS, where nothing is sent again."""

    request: Request
    state: State
    reliable: bool
    times: Times = STANDARD
    interval: float = 0.0
    """Seconds until the request is sent again."""

    def at(self, state: State) -> ClientTransaction:
        # Written out, as below: `dataclasses.replace` took a tenth of the time of a call.
        return ClientTransaction(self.request, state, self.reliable, self.times, self.interval)


@dataclass(frozen=True, slots=True)
class ServerTransaction:
    """We received `request`."""

    request: Request
    state: State
    reliable: bool
    times: Times = STANDARD
    interval: float = 0.0
    """Seconds until the final response is sent again."""
    response: Response | None = None
    """The last one, for a request that is repeated."""

    def at(self, state: State) -> ServerTransaction:
        return ServerTransaction(self.request, state, self.reliable, self.times, self.interval, self.response)

    def answered(self, response: Response) -> ServerTransaction:
        return ServerTransaction(self.request, self.state, self.reliable, self.times, self.interval, response)


# --- what happens ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Received:
    """A message that belongs to the transaction came in."""

    message: Request | Response


@dataclass(frozen=True, slots=True)
class Respond:
    """The transaction user answers (server transactions only)."""

    response: Response


@dataclass(frozen=True, slots=True)
class Fired:
    timer: Timer


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """What the transaction sent did not leave, or ICMP says that nobody is there."""


Event: TypeAlias = Received | Respond | Fired | TransportFailed


class Signal(enum.StrEnum):
    """What an event is to a machine; a timer that fired is its own signal."""

    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"
    REQUEST = "request"
    """The request that made the transaction, once more."""
    ACK = "ACK"
    TRANSPORT = "transport failed"


def signal_of(event: Event) -> Signal | Timer:
    if isinstance(event, Fired):
        return event.timer
    if isinstance(event, TransportFailed):
        return Signal.TRANSPORT
    message = event.response if isinstance(event, Respond) else event.message
    if isinstance(message, Request):
        return Signal.ACK if message.method == "ACK" else Signal.REQUEST
    if message.provisional:
        return Signal.PROVISIONAL
    return Signal.SUCCESS if message.successful else Signal.FAILURE


# --- what is to be done ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Put the message on the wire, to where the transaction's first message went or came from."""

    message: Request | Response


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give the message to the transaction user."""

    message: Request | Response


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Let `timer` fire after so many seconds, 0 for at once; it replaces one of that name."""

    timer: Timer
    after: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    timer: Timer


class Failure(enum.StrEnum):
    """Why a transaction did not reach what it was there for."""

    TIMEOUT = "timeout"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Failed:
    """Tell the transaction user (sections 8.1.3.1 and 17.2.4)."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Ended:
    """Forget the transaction, and its timers with it."""


Effect: TypeAlias = Send | Deliver | SetTimer | StopTimer | Failed | Ended
Effects: TypeAlias = tuple[Effect, ...]


# --- how a step goes -------------------------------------------------------------------------------------

T = TypeVar("T", ClientTransaction, ServerTransaction)
Action: TypeAlias = Callable[[T, Event], tuple[T, Effects]]
"""Does one thing to a transaction because of an event."""


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    to: State
    actions: tuple[Action[T], ...] = ()


Table: TypeAlias = Mapping[tuple[State, Signal | Timer], Row[T]]


def step(table: Table[T], transaction: T, event: Event) -> tuple[T, Effects]:
    """Return the transaction after `event`, and what is to be done: a row's actions in their order."""
    row = table.get((transaction.state, signal_of(event)))
    if row is None:
        return transaction, ()
    effects: list[Effect] = []
    for action in row.actions:
        transaction, more = action(transaction, event)
        effects += more
    if row.to is State.TERMINATED:
        effects.append(Ended())
    if row.to is not transaction.state:
        transaction = transaction.at(row.to)
    return transaction, tuple(effects)


# --- actions of several machines -------------------------------------------------------------------------


def deliver(transaction: T, event: Event) -> tuple[T, Effects]:
    return transaction, (Deliver(event.message),) if isinstance(event, Received) else ()


def fail_by_timeout(transaction: T, _event: Event) -> tuple[T, Effects]:
    return transaction, (Failed(Failure.TIMEOUT),)


def fail_by_transport(transaction: T, _event: Event) -> tuple[T, Effects]:
    return transaction, (Failed(Failure.TRANSPORT),)


def send_request(transaction: ClientTransaction, _event: Event) -> tuple[ClientTransaction, Effects]:
    return transaction, (Send(transaction.request),)


def send_response(transaction: ServerTransaction, event: Event) -> tuple[ServerTransaction, Effects]:
    """Send what the transaction user answers, and remember it."""
    if not isinstance(event, Respond):
        return transaction, ()
    return transaction.answered(event.response), (Send(event.response),)


def send_again(transaction: ServerTransaction, _event: Event) -> tuple[ServerTransaction, Effects]:
    """Send the last response once more, if there is one."""
    return transaction, () if transaction.response is None else (Send(transaction.response),)


def setting(timer: Timer, after: Callable[[T], float]) -> Action[T]:
    """Return the action that sets `timer`."""
    return lambda transaction, _event: (transaction, (SetTimer(timer, after(transaction)),))


def stopping(*timers: Timer) -> Action[T]:
    """Return the action that stops `timers`."""
    return lambda transaction, _event: (transaction, tuple(map(StopTimer, timers)))


def repeating(timer: Timer, following: Callable[[T], float]) -> Action[T]:
    """Return the action that sets `timer` for the next repetition, after `following` seconds."""

    def repeat(transaction: T, _event: Event) -> tuple[T, Effects]:
        interval = following(transaction)
        return replace(transaction, interval=interval), (SetTimer(timer, interval),)

    return repeat
